"""The pace of a queue: what is expected of it before anybody has waited."""

from dataclasses import dataclass

import pytest

from gosellr.core.pace import Pace


@dataclass
class Watch:
    """A clock that only moves when it is told to."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def pace(watch: Watch) -> Pace:
    return Pace(clock=watch)


def leave(pace: Pace, watch: Watch, *, after: float, number: int = 1) -> None:
    watch.now += after
    pace.depart(number)


def test_nothing_is_expected_of_a_queue_that_never_moved(pace: Pace) -> None:
    pace.begin()
    assert pace.wait_of(1000) == 0


def test_whoever_comes_waits_as_long_as_those_before_them(pace: Pace, watch: Watch) -> None:
    pace.begin()
    leave(pace, watch, after=0.25, number=5)
    assert pace.wait_of(1) == pytest.approx(0.05)
    assert pace.wait_of(8) == pytest.approx(0.4)
    assert pace.wait_of(0) == 0


def test_many_in_one_moment_and_none_after_them_are_an_even_pace(pace: Pace, watch: Watch) -> None:
    pace.begin()
    for _ in range(20):
        leave(pace, watch, after=0.1, number=1)
        for _ in range(9):
            leave(pace, watch, after=0.0)
    assert pace.wait_of(10) == pytest.approx(0.1)


def test_time_without_anybody_is_no_waiting(pace: Pace, watch: Watch) -> None:
    for _ in range(3):
        watch.now += 0.4
        pace.begin()
        leave(pace, watch, after=0.01)
    assert pace.wait_of(1) == pytest.approx(0.01)


def test_an_old_pace_is_forgotten(pace: Pace, watch: Watch) -> None:
    pace.begin()
    leave(pace, watch, after=0.4)
    watch.now += 0.6
    pace.begin()
    assert pace.wait_of(10) == 0


def test_a_new_pace_counts_for_more_than_the_one_before(pace: Pace, watch: Watch) -> None:
    pace.begin()
    for _ in range(10):
        leave(pace, watch, after=0.1)
    for _ in range(200):
        leave(pace, watch, after=0.01)
    # Two seconds of the new one: of the old one a fiftieth is left.
    assert 0.010 < pace.wait_of(1) < 0.012


def test_a_queue_that_stood_still_is_soon_believed_again(pace: Pace, watch: Watch) -> None:
    pace.begin()
    leave(pace, watch, after=30.0, number=6)
    assert pace.wait_of(6) == pytest.approx(0.5)
