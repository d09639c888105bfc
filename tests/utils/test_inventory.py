from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.inventory import (
    Allocation,
    HoldSettings,
    InsufficientStock,
    Reservation,
    ReservationUse,
    StockLevel,
    StockWord,
    allocate,
    demand_by_variant,
    hold_until,
    shortages,
    split_shipment,
    stock_word,
)

A, B, C = UUID(int=1), UUID(int=2), UUID(int=3)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def levels(*available: int) -> list[StockLevel]:
    return [StockLevel(UUID(int=index), units) for index, units in enumerate(available, start=1)]


def quantities(allocations: tuple[Allocation, ...]) -> dict[int, int]:
    return {one.location_id.int: one.quantity for one in allocations}


@pytest.mark.parametrize(
    ("quantity", "available", "expected"),
    [
        (3, (2, 3, 9), {2: 3}),
        (3, (3, 3, 3), {1: 3}),
        (10, (2, 8, 9), {1: 1, 3: 9}),
        (10, (9, 1, 9), {1: 9, 2: 1}),
        (12, (4, 4, 4), {1: 4, 2: 4, 3: 4}),
        (5, (-3, 0, 5), {3: 5}),
    ],
)
def test_allocation(quantity: int, available: tuple[int, ...], expected: dict[int, int]) -> None:
    assert quantities(allocate(quantity, levels(*available))) == expected


@given(
    available=st.lists(st.integers(-2, 12), max_size=6),
    quantity=st.integers(1, 40),
)
def test_allocation_is_whole_within_stock_and_in_fewest_parts(available, quantity) -> None:
    stocked = levels(*available)
    total = sum(max(0, units) for units in available)
    if total < quantity:
        with pytest.raises(InsufficientStock) as raised:
            allocate(quantity, stocked)
        assert (raised.value.wanted, raised.value.available) == (quantity, total)
        return
    chosen = quantities(allocate(quantity, stocked))
    assert sum(chosen.values()) == quantity
    assert all(0 < units <= available[place - 1] for place, units in chosen.items())
    assert list(chosen) == sorted(chosen)
    fewest = next(
        size
        for size in range(1, len(available) + 1)
        if any(sum(group) >= quantity for group in combinations(available, size))
    )
    assert len(chosen) == fewest


@pytest.mark.case(65)
@pytest.mark.parametrize("quantity", [0, -5])
def test_case_65_a_quantity_is_at_least_one(quantity: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        allocate(quantity, levels(5))
    with pytest.raises(ValueError, match="at least 1"):
        demand_by_variant([(A, quantity)])
    with pytest.raises(ValueError, match="at least 1"):
        split_shipment(quantity, [Reservation(A, A, 5)])


@pytest.mark.case(3)
def test_case_03_lines_that_share_a_variant_are_judged_as_a_sum() -> None:
    bundle_of_two, single = (A, 2), (A, 1)
    demand = demand_by_variant([bundle_of_two, single])
    assert demand == {A: 3}
    assert shortages(demand, {A: 2}) == {A: 2}
    assert shortages(demand, {A: 3}) == {}


def test_demand_is_in_id_order_whatever_the_order_of_the_lines() -> None:
    assert list(demand_by_variant([(C, 1), (A, 1), (B, 1), (A, 1)])) == [A, B, C]


def test_shortages_name_what_is_left_and_never_less_than_nothing() -> None:
    assert shortages({A: 2, B: 1, C: 1}, {A: 1, B: -4}) == {A: 1, B: 0, C: 0}


def test_a_partial_shipment_leaves_the_rest_held() -> None:
    held = [Reservation(A, A, 2), Reservation(B, B, 3)]
    assert split_shipment(3, held) == (
        ReservationUse(A, A, taken=2, remaining=0),
        ReservationUse(B, B, taken=1, remaining=2),
    )
    assert split_shipment(1, held, location_id=B) == (ReservationUse(B, B, 1, 2),)
    with pytest.raises(InsufficientStock):
        split_shipment(6, held)


@given(held=st.lists(st.integers(0, 9), min_size=1, max_size=6), data=st.data())
def test_shipping_in_parts_ships_the_whole(held: list[int], data) -> None:
    remaining = {UUID(int=index): units for index, units in enumerate(held)}
    shipped = 0
    while left := sum(remaining.values()):
        quantity = data.draw(st.integers(1, left))
        reservations = [Reservation(key, key, units) for key, units in remaining.items()]
        for use in split_shipment(quantity, reservations):
            assert use.taken > 0
            assert use.taken + use.remaining == remaining[use.reservation_id]
            remaining[use.reservation_id] = use.remaining
        shipped += quantity
        assert shipped + sum(remaining.values()) == sum(held)


@pytest.mark.parametrize(
    ("available", "word"),
    [
        (-1, StockWord.SOLD_OUT),
        (0, StockWord.SOLD_OUT),
        (1, StockWord.LOW_STOCK),
        (5, StockWord.LOW_STOCK),
        (6, StockWord.IN_STOCK),
    ],
)
def test_stock_word(available: int, word: StockWord) -> None:
    assert stock_word(available) is word


def test_stock_word_without_a_threshold() -> None:
    assert stock_word(1, low_stock_threshold=0) is StockWord.IN_STOCK


@pytest.mark.parametrize(
    ("methods", "until"),
    [
        (["sandbox"], NOON + timedelta(minutes=15)),
        (["gift_card", "stripe"], NOON + timedelta(minutes=15)),
        (["bank_transfer"], NOON + timedelta(days=5)),
        (["gift_card", "bank_transfer"], NOON + timedelta(days=5)),
        (["cash_on_delivery"], None),
        (["bank_transfer", "cash_on_delivery"], None),
    ],
)
def test_hold_until(methods: list[str], until: datetime | None) -> None:
    found = hold_until(payment_methods=methods, placed_at=NOON, settings=HoldSettings())
    assert found == until


def test_hold_follows_the_settings_and_needs_its_facts() -> None:
    settings = HoldSettings(online=timedelta(hours=1))
    found = hold_until(payment_methods={"paypal"}, placed_at=NOON, settings=settings)
    assert found == NOON + timedelta(hours=1)
    with pytest.raises(ValueError, match="at least one method"):
        hold_until(payment_methods=[], placed_at=NOON, settings=settings)
    with pytest.raises(ValueError, match="time zone"):
        hold_until(
            payment_methods=["paypal"], placed_at=NOON.replace(tzinfo=None), settings=settings
        )
