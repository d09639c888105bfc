"""New identifiers ascend, whatever the clock does."""

from itertools import pairwise

from gosellr.core.identity import _Sequence, new_id
from gosellr.utils.ids import uuid7_unix_ms


def test_ids_of_one_process_ascend_within_a_millisecond() -> None:
    ids = [new_id() for _ in range(20_000)]
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_a_clock_that_falls_back_does_not_turn_the_order() -> None:
    sequence = _Sequence()
    ids = [sequence.next(unix_ms=moment) for moment in (1_000, 1_000, 400, 999, 1_001)]
    assert all(earlier < later for earlier, later in pairwise(ids))
    assert [uuid7_unix_ms(identifier) for identifier in ids] == [1_000] * 4 + [1_001]
