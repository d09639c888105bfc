"""Commands that come at the same time: run together, told apart, and none of them held up."""

import asyncio
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field

import asyncpg
import pytest

from gosellr.core import gathering as module
from gosellr.core.gathering import Gathering, NotTogether
from gosellr.core.pace import Pace

LATE_SECONDS = module._LATE_SECONDS


@pytest.fixture(autouse=True)
def nobody_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long this machine stands still, nothing is under way for so long that others begin
    beside it: that has a test of its own."""
    monkeypatch.setattr(module, "_LATE_SECONDS", 3600.0)


@dataclass(frozen=True)
class Named:
    """A command that says what is its own."""

    name: str
    own: str | None = None

    @property
    def shares_with_none(self) -> Collection[Hashable]:
        return () if self.own is None else (self.own,)


@dataclass
class Statement:
    """Answers every name in capitals, once `gate` is open; refuses what it is told to."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    refused: dict[str, Exception] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    async def __call__(self, several: Sequence[Named]) -> list[str]:
        names = [one.name for one in several]
        self.ran.append("".join(names))
        await self.gate.wait()
        for name in names:
            if name in self.refused:
                raise self.refused[name]
        return [name.upper() for name in names]


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def joined(gathering: Gathering[Named, str], *commands: Named) -> "list[asyncio.Task[str]]":
    return [asyncio.create_task(gathering.join(one)) for one in commands]


def named(letters: str) -> list[Named]:
    return [Named(letter) for letter in letters]


async def test_who_comes_alone_is_run_at_once_and_alone() -> None:
    statement = Statement()
    statement.gate.set()
    gathering = Gathering(statement, together_max=4)
    assert [await gathering.join(one) for one in named("abc")] == ["A", "B", "C"]
    assert statement.ran == ["a", "b", "c"]


async def test_who_comes_while_one_is_under_way_is_run_by_the_next() -> None:
    statement = Statement()
    gathering = Gathering(statement, together_max=4)
    tasks = joined(gathering, Named("a"))
    await turns()
    tasks += joined(gathering, *named("bcdefg"))
    await turns()
    assert statement.ran == ["a"]
    statement.gate.set()
    assert await asyncio.gather(*tasks) == list("ABCDEFG")
    assert statement.ran == ["a", "bcde", "fg"]


async def test_what_must_not_be_in_one_statement_is_not() -> None:
    statement = Statement()
    statement.gate.set()
    gathering = Gathering(statement, together_max=9)
    commands = [
        Named(name, own)
        for name, own in (("a", "x"), ("b", "x"), ("c", "y"), ("d", "x"), ("e", None))
    ]
    assert await asyncio.gather(*joined(gathering, *commands)) == list("ABCDE")
    assert statement.ran == ["ace", "b", "d"]


@pytest.mark.parametrize("error", [NotTogether(), asyncpg.DeadlockDetectedError("met")])
async def test_one_that_is_refused_fails_nobody_else(error: Exception) -> None:
    statement = Statement(refused={"b": error})
    statement.gate.set()
    gathering = Gathering(statement, together_max=9)
    first, second, third = joined(gathering, *named("abc"))
    assert (await first, await third) == ("A", "C")
    with pytest.raises(type(error)):
        await second
    assert statement.ran == ["abc", "a", "b", "c"]


async def test_what_may_have_been_written_is_not_run_again() -> None:
    statement = Statement(refused={"b": asyncpg.ConnectionDoesNotExistError("gone")})
    statement.gate.set()
    gathering = Gathering(statement, together_max=9)
    answers = await asyncio.gather(*joined(gathering, *named("ab")), return_exceptions=True)
    assert [type(answer) for answer in answers] == [asyncpg.ConnectionDoesNotExistError] * 2
    assert statement.ran == ["ab"]
    assert await gathering.join(Named("c")) == "C"


async def test_answers_of_another_number_leave_nobody_waiting() -> None:
    async def short(commands: Sequence[Named]) -> list[str]:
        return [one.name for one in commands][1:]

    gathering = Gathering(short, together_max=9)
    answers = await asyncio.gather(*joined(gathering, *named("abc")), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError] * 3


async def test_who_leaves_is_not_run_and_holds_nobody_up() -> None:
    statement = Statement()
    gathering = Gathering(statement, together_max=9)
    [under_way] = joined(gathering, Named("a"))
    await turns()
    leaves, stays = joined(gathering, *named("bc"))
    await turns()
    under_way.cancel()
    leaves.cancel()
    await turns()
    statement.gate.set()
    assert await stays == "C"
    assert statement.ran == ["a", "c"]


async def test_beside_one_that_is_held_up_others_begin_up_to_three(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_LATE_SECONDS", LATE_SECONDS)
    statement = Statement()
    gathering = Gathering(statement, together_max=9)
    tasks = []
    for letter in "abc":
        tasks += joined(gathering, Named(letter))
        while letter not in statement.ran:  # noqa: ASYNC110  (a timer tells nobody)
            await asyncio.sleep(0.005)
    tasks += joined(gathering, Named("d"))
    while gathering.waited < 0.1:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    assert statement.ran == ["a", "b", "c"]
    statement.gate.set()
    assert await asyncio.gather(*tasks) == list("ABCD")
    assert (gathering.length, gathering.waited) == (0, 0)


async def test_who_waits_is_counted_and_who_is_written_is_not() -> None:
    statement = Statement()
    gathering = Gathering(statement, together_max=9)
    tasks = joined(gathering, Named("a"))
    await turns()
    tasks += joined(gathering, *named("bc"))
    await turns()
    assert gathering.length == 2
    statement.gate.set()
    await asyncio.gather(*tasks)


async def test_what_is_expected_of_it_counts_those_under_way() -> None:
    moment = 0.0
    statement = Statement()
    gathering = Gathering(statement, together_max=4)
    gathering._pace = Pace(clock=lambda: moment)
    first = joined(gathering, *named("ab"))
    await turns()
    assert (gathering.length, gathering.expected) == (0, 0)
    others = joined(gathering, *named("c"))
    await turns()
    moment += 0.25
    statement.gate.set()
    await asyncio.gather(*first, *others)
    # Two were answered after a quarter of a second, the third in the same moment.
    assert gathering.expected == 0
    statement.gate.clear()
    following = joined(gathering, *named("defghi"))
    await turns()
    assert gathering.length == 2
    assert gathering.expected == 6 * 0.25 / 3
    statement.gate.set()
    await asyncio.gather(*following)
