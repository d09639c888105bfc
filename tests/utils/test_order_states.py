from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.order_states import (
    SELLER_ORDER_STATES,
    LineProgress,
    OrderStatus,
    allowed_transitions,
    check_request,
    check_transition,
    derive_order_status,
    derive_payment_status,
    may_cancel,
    requestable_statuses,
    seller_order_status_after_shipment,
    transition_pairs,
)
from gosellr.utils.states import Actor, PaymentStatus, TransitionNotAllowed

O = OrderStatus  # noqa: E741 - a table of states reads better with one letter.
CHAIN = [status for status in O if status is not O.CANCELLED]
SHIPPED_STATES = {O.PARTIALLY_SHIPPED, O.SHIPPED}


def test_pairs_are_exactly_those_of_the_contract() -> None:
    assert transition_pairs() == (
        ("pending_payment", "paid"),
        ("pending_payment", "processing"),
        ("pending_payment", "cancelled"),
        ("paid", "processing"),
        ("paid", "partially_shipped"),
        ("paid", "shipped"),
        ("paid", "cancelled"),
        ("processing", "partially_shipped"),
        ("processing", "shipped"),
        ("processing", "cancelled"),
        ("partially_shipped", "shipped"),
        ("partially_shipped", "cancelled"),
        ("shipped", "delivered"),
        ("shipped", "cancelled"),
        ("delivered", "completed"),
    )


def test_only_payments_set_paid_and_only_shipments_set_shipped() -> None:
    for (_, target), actors in SELLER_ORDER_STATES.table.items():
        if target is O.PAID:
            assert actors == {Actor.PAYMENT}
        if target in SHIPPED_STATES:
            assert actors == {Actor.SHIPMENT}
    # What has left is called off by nobody but whoever refuses its parcel at the door.
    for source in (O.PARTIALLY_SHIPPED, O.SHIPPED):
        assert SELLER_ORDER_STATES.table[source, O.CANCELLED] == {Actor.SHIPMENT}


@pytest.mark.parametrize(
    ("actor", "requestable"),
    [
        (Actor.SELLER, {O.PROCESSING, O.SHIPPED, O.DELIVERED}),
        (Actor.BUYER, {O.COMPLETED}),
        (Actor.OPERATOR, {O.PROCESSING, O.SHIPPED, O.DELIVERED, O.COMPLETED}),
    ],
)
def test_what_a_person_may_ask_for(actor: Actor, requestable: set[OrderStatus]) -> None:
    assert {to for state in O for to in requestable_statuses(state, actor)} == requestable


def test_asking_for_shipped_is_not_writing_it() -> None:
    check_request(O.PROCESSING, O.SHIPPED, Actor.SELLER)
    with pytest.raises(TransitionNotAllowed):
        check_transition(O.PROCESSING, O.SHIPPED, Actor.SELLER)
    with pytest.raises(TransitionNotAllowed) as raised:
        check_request(O.PAID, O.DELIVERED, Actor.SELLER)
    assert raised.value.allowed == ("processing", "shipped")
    with pytest.raises(TransitionNotAllowed):
        check_request(O.PAID, O.CANCELLED, Actor.SELLER)


def test_transitions_are_named_in_order() -> None:
    assert allowed_transitions(O.PAID, Actor.OPERATOR) == (O.PROCESSING, O.CANCELLED)
    check_transition(O.PENDING_PAYMENT, O.PAID, Actor.PAYMENT)


@pytest.mark.case(57)
@pytest.mark.parametrize("start", [O.PAID, O.PROCESSING])
@pytest.mark.parametrize("shipped", sorted(SHIPPED_STATES))
def test_case_57_of_cancel_and_ship_exactly_one_wins(
    start: OrderStatus, shipped: OrderStatus
) -> None:
    for moves in permutations([(O.CANCELLED, Actor.BUYER), (shipped, Actor.SHIPMENT)]):
        status, wins = start, []
        for target, actor in moves:
            try:
                check_transition(status, target, actor)
            except TransitionNotAllowed:
                continue
            status = target
            wins.append(target)
        assert wins == [moves[0][0]]


@pytest.mark.case(57)
def test_case_57_nothing_shipped_can_be_cancelled_by_anybody() -> None:
    for status in O:
        before_shipping = status in {O.PENDING_PAYMENT, O.PAID, O.PROCESSING}
        assert may_cancel(status, Actor.BUYER) == before_shipping
        assert may_cancel(status, Actor.OPERATOR) == before_shipping
    assert not any(source == "cancelled" for source, _ in transition_pairs())


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([O.CANCELLED, O.CANCELLED], O.CANCELLED),
        ([O.CANCELLED, O.PAID], O.PAID),
        ([O.PAID, O.PROCESSING], O.PAID),
        ([O.PROCESSING, O.SHIPPED], O.PARTIALLY_SHIPPED),
        ([O.COMPLETED, O.PAID], O.PARTIALLY_SHIPPED),
        ([O.PARTIALLY_SHIPPED], O.PARTIALLY_SHIPPED),
        ([O.SHIPPED, O.DELIVERED], O.SHIPPED),
        ([O.SHIPPED, O.CANCELLED], O.SHIPPED),
        ([O.DELIVERED, O.COMPLETED], O.DELIVERED),
        ([O.COMPLETED], O.COMPLETED),
    ],
)
def test_order_status(parts: list[OrderStatus], whole: OrderStatus) -> None:
    assert derive_order_status(parts) is whole


def test_order_without_parts_has_no_status() -> None:
    with pytest.raises(ValueError, match="at least one"):
        derive_order_status([])


@given(parts=st.lists(st.sampled_from(CHAIN), min_size=1), cancelled=st.integers(0, 3))
def test_order_status_is_between_its_parts_and_blind_to_cancelled_ones(parts, cancelled) -> None:
    whole = derive_order_status(parts + [O.CANCELLED] * cancelled)
    assert whole is derive_order_status(parts[::-1])
    assert min(map(CHAIN.index, parts)) <= CHAIN.index(whole) <= max(map(CHAIN.index, parts))


A = PaymentStatus


@pytest.mark.parametrize(
    ("captured", "refunded", "attempts", "expected"),
    [
        (0, 0, [], "unpaid"),
        (0, 0, [A.CREATED], "pending"),
        (0, 0, [A.UNKNOWN], "pending"),
        (0, 0, [A.DECLINED, A.ACTION_REQUIRED], "pending"),
        (0, 0, [A.AUTHORIZED], "authorized"),
        (0, 0, [A.DECLINED], "failed"),
        (0, 0, [A.VOIDED], "unpaid"),
        (0, 0, [A.EXPIRED], "unpaid"),
        (400, 0, [A.AUTHORIZED], "authorized"),
        (400, 0, [A.CAPTURED, A.DECLINED], "failed"),
        (1000, 0, [A.CAPTURED], "paid"),
        (1000, 0, [A.DECLINED, A.CAPTURED], "paid"),
        (1000, 1, [A.CAPTURED], "partially_refunded"),
        (1000, 1000, [A.CAPTURED], "refunded"),
        (400, 400, [A.AUTHORIZED], "partially_refunded"),
    ],
)
def test_payment_status(captured, refunded, attempts, expected) -> None:
    for order in (attempts, attempts[::-1]):
        status = derive_payment_status(
            total_minor=1000, captured_minor=captured, refunded_minor=refunded, attempts=order
        )
        assert status == expected


def test_payment_status_of_free_cancelled_and_disputed_orders() -> None:
    def status(**totals: int) -> str:
        known = {"total_minor": 0, "captured_minor": 0, "refunded_minor": 0, "attempts": []}
        return derive_payment_status(**{**known, **totals})

    assert status() == "paid"
    assert status(total_minor=1000, cancelled_minor=1000) == "unpaid"
    voided = [A.VOIDED]
    assert status(total_minor=1000, cancelled_minor=400, captured_minor=600) == "paid"
    assert status(total_minor=1000, cancelled_minor=1000, attempts=voided) == "unpaid"
    assert status(total_minor=1000, captured_minor=1000, disputed=True) == "disputed"


@pytest.mark.parametrize(
    "totals",
    [
        {"total_minor": -1, "captured_minor": 0, "refunded_minor": 0},
        {"total_minor": 10, "captured_minor": 5, "refunded_minor": 6},
        {"total_minor": 10, "captured_minor": 5, "refunded_minor": -1},
        {"total_minor": 10, "captured_minor": 0, "refunded_minor": 0, "cancelled_minor": 11},
    ],
)
def test_impossible_totals_are_refused(totals: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="needs 0"):
        derive_payment_status(**totals, attempts=[])


@pytest.mark.parametrize(
    ("current", "lines", "expected"),
    [
        (O.PAID, [(2, 0, 0), (1, 0, 0)], O.PAID),
        (O.PAID, [(2, 2, 0), (1, 0, 0)], O.PARTIALLY_SHIPPED),
        (O.PROCESSING, [(2, 1, 1)], O.PARTIALLY_SHIPPED),
        (O.PARTIALLY_SHIPPED, [(2, 2, 1)], O.SHIPPED),
        (O.SHIPPED, [(2, 2, 2), (1, 1, 1)], O.DELIVERED),
        (O.DELIVERED, [(2, 2, 1)], O.DELIVERED),
        (O.COMPLETED, [(2, 2, 2)], O.COMPLETED),
        (O.CANCELLED, [(2, 2, 2)], O.CANCELLED),
    ],
)
def test_status_after_shipment(current, lines, expected) -> None:
    progress = [LineProgress(*line) for line in lines]
    assert seller_order_status_after_shipment(current=current, lines=progress) is expected


@pytest.mark.parametrize("line", [(1, 2, 0), (2, 1, 2), (1, -1, -1)])
def test_a_line_never_ships_more_than_ordered(line: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="0 ≤ delivered"):
        LineProgress(*line)
