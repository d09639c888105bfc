"""What the search makes of what was typed, and of many prices."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.queries.search_facets import PRICE_STEPS
from gosellr.services.search_service import price_ranges


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], []),
        ([(0, 3)], [(0, 99, 3)]),
        ([(1, 1), (3, 2)], [(100, 199, 1), (500, 999, 2)]),
        # Seven steps: the two neighbours with the fewest hits become one range.
        (
            [(1, 9), (2, 9), (3, 1), (4, 2), (5, 9), (6, 9), (7, 9)],
            [
                (100, 199, 9),
                (200, 499, 9),
                (500, 1999, 3),
                (2000, 4999, 9),
                (5000, 9999, 9),
                (10_000, 19_999, 9),
            ],
        ),
    ],
)
def test_price_ranges(counts: list[tuple[int, int]], expected: list[tuple[int, int, int]]) -> None:
    assert [
        (each.minimum_minor, each.maximum_minor, each.count) for each in price_ranges(counts)
    ] == expected


@given(st.dictionaries(st.integers(0, len(PRICE_STEPS)), st.integers(1, 1000)))
def test_price_ranges_are_few_in_order_and_lose_nothing(counts: dict[int, int]) -> None:
    ranges = price_ranges(list(counts.items()))
    assert len(ranges) == min(6, len(counts))
    assert sum(each.count for each in ranges) == sum(counts.values())
    bounds = [bound for each in ranges for bound in (each.minimum_minor, each.maximum_minor)]
    assert bounds == sorted(bounds)
