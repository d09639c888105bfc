"""Which web process of a host serves whoever comes."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gosellr.core.crew import FULL, ROOMY, Crew

BUSY = (FULL + ROOMY) / 2
HOLD_A_PLACE = """
import sys
from pathlib import Path
from gosellr.core.crew import Crew
crew = Crew.joined(Path(sys.argv[1]))
crew.tell(0.5)
print(crew.is_next(), flush=True)
sys.stdin.read()
"""


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def crew(clock: Clock) -> list[Crew]:
    memory = bytearray(3 * 16)
    return [Crew(memory, place=place, clock=clock) for place in range(3)]


def next_ones(crew: list[Crew]) -> list[int]:
    return [place for place, each in enumerate(crew) if each.is_next()]


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ((0.0, 0.0, 0.0), [0]),
        ((BUSY, 0.0, 0.0), [0]),
        ((FULL, 0.0, 0.0), [1]),
        ((FULL, FULL, 0.0), [2]),
        ((1.0, 1.0, BUSY), [2]),
        ((1.0, FULL, 1.0), [0, 1, 2]),
    ],
)
def test_the_first_that_has_room_is_next(
    crew: list[Crew], uses: tuple[float, ...], expected: list[int]
) -> None:
    for each, use in zip(crew, uses, strict=True):
        each.tell(use)
    assert next_ones(crew) == expected


def test_nobody_waits_for_one_that_is_silent_or_has_left(crew: list[Crew], clock: Clock) -> None:
    for each in crew:
        each.tell(0.0)
    clock.now += 0.9
    assert not crew[1].is_next()
    crew[1].tell(0.0)
    clock.now += 0.2
    assert crew[1].is_next()
    assert not crew[2].is_next()
    crew[1].leave()
    assert crew[2].is_next()


def test_what_was_told_before_the_machine_started_anew_counts_for_nothing(
    crew: list[Crew], clock: Clock
) -> None:
    crew[0].tell(0.0)
    clock.now = 3.0
    crew[1].tell(0.0)
    assert crew[1].is_next()


@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ((1.0, 0.0, 1.0), [0, 2]),
        ((FULL, ROOMY, ROOMY), []),
        ((BUSY, 0.0, 0.0), []),
        ((1.0, 1.0, 1.0), []),
    ],
)
def test_who_is_full_is_relieved_where_another_has_a_lot_of_room(
    crew: list[Crew], uses: tuple[float, ...], expected: list[int]
) -> None:
    for each, use in zip(crew, uses, strict=True):
        each.tell(use)
    assert [place for place, each in enumerate(crew) if each.is_relieved()] == expected


def test_one_alone_serves_everybody() -> None:
    alone = Crew.alone()
    for use in (0.0, 1.0):
        alone.tell(use)
        assert alone.is_next()
        assert not alone.is_relieved()
    alone.close()


def test_a_place_is_free_when_its_process_has_died(tmp_path: Path) -> None:
    path = tmp_path / "web_processes.bin"
    command = [sys.executable, "-c", HOLD_A_PLACE, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"True\n"
        second = Crew.joined(path)
        second.tell(0.0)
        # The other one has the first place, and told that it has room.
        assert not second.is_next()
        first.kill()
    third = Crew.joined(path)
    third.tell(0.0)
    assert third.is_next()
    assert not second.is_next()
    third.close()
    assert second.is_next()
    second.close()


def test_a_process_that_cannot_join_serves_whoever_it_gets(tmp_path: Path) -> None:
    crew = Crew.joined(tmp_path / "no such folder" / "web_processes.bin")
    crew.tell(1.0)
    assert crew.is_next()
    crew.close()
