"""Bursts are told once, and forgotten soon."""

from datetime import UTC, datetime, timedelta

from gosellr.core.bursts import Bursts

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def three_in_two_seconds(keys_max: int = 10) -> Bursts:
    return Bursts(
        amount=3,
        window=timedelta(seconds=2),
        quiet=timedelta(seconds=10),
        keys_max=keys_max,
    )


def test_a_burst_is_told_when_it_is_one_and_again_after_a_while() -> None:
    bursts = three_in_two_seconds()
    told = [bursts.meet("a", now=after(tenth / 10)) for tenth in range(130)]
    assert [number for number, is_told in enumerate(told) if is_told] == [2, 102]


def test_what_is_slow_is_no_burst() -> None:
    bursts = three_in_two_seconds()
    assert not any(bursts.meet("a", now=after(1.1 * number)) for number in range(20))
    # The window slides: the last three count, wherever they began.
    assert not bursts.meet("b", now=after(0))
    assert not bursts.meet("b", now=after(1.5))
    assert not bursts.meet("b", now=after(2.5))
    assert bursts.meet("b", now=after(3))


def test_keys_are_counted_apart() -> None:
    bursts = three_in_two_seconds()
    assert not any(bursts.meet(key, now=START) for key in "abababcc"[:4])
    assert bursts.meet("a", now=START)
    assert bursts.meet("b", now=START)


def test_only_the_keys_met_last_are_kept() -> None:
    bursts = three_in_two_seconds(keys_max=2)
    for key in ("a", "a", "b", "c"):
        assert not bursts.meet(key, now=START)
    assert len(bursts) == 2
    # The first was forgotten with what it had counted.
    assert not bursts.meet("a", now=START)
    assert len(bursts) == 2
