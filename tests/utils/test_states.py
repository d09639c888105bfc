from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.order_states import SELLER_ORDER_STATES
from gosellr.utils.states import (
    PAYMENT_STATES,
    REFUND_STATES,
    SELLER_STATES,
    SHIPMENT_STATES,
    Actor,
    PaymentStatus,
    ProductStatus,
    RefundStatus,
    SellerStatus,
    ShipmentStatus,
    StateMachine,
    TransitionNotAllowed,
    product_states,
)

# Each machine with the states that end it, written out so that a table can't redefine its end.
MACHINES = [
    (SELLER_ORDER_STATES, {"completed", "cancelled"}),
    (product_states(review_mode="off"), {"archived"}),
    (product_states(review_mode="all"), {"archived"}),
    (SELLER_STATES, {"terminated"}),
    (SHIPMENT_STATES, {"returned"}),
    (PAYMENT_STATES, {"captured"}),
    (REFUND_STATES, {"succeeded", "failed"}),
]


@pytest.mark.parametrize(("machine", "ends"), MACHINES)
def test_machine_is_closed_reachable_and_ends(machine: StateMachine, ends: set[str]) -> None:
    states = set(machine.states)
    assert len(machine.states) == len(states)
    assert {state for pair in machine.table for state in pair} <= states
    assert all(source is not target for source, target in machine.table)
    assert all(actors for actors in machine.table.values())

    reached, frontier = set(), {machine.initial}
    while frontier:
        reached |= frontier
        frontier = {target for source, target in machine.table if source in frontier} - reached
    assert reached == states
    assert machine.terminal() == ends


@pytest.mark.parametrize(("machine", "_ends"), MACHINES)
def test_check_agrees_with_allowed_everywhere(machine: StateMachine, _ends: set[str]) -> None:
    for current in machine.states:
        for target in machine.states:
            for actor in Actor:
                expected = actor in machine.table.get((current, target), frozenset())
                assert (target in machine.allowed(current, actor)) == expected
                if expected:
                    machine.check(current, target, actor)
                else:
                    with pytest.raises(TransitionNotAllowed):
                        machine.check(current, target, actor)


def test_error_names_what_is_allowed() -> None:
    with pytest.raises(TransitionNotAllowed) as raised:
        SELLER_STATES.check(SellerStatus.ACTIVE, SellerStatus.APPLIED, Actor.SELLER)
    error = raised.value
    assert error.allowed == ("on_holiday", "terminated")
    assert (error.noun, error.current, error.target) == ("seller", "active", "applied")
    assert str(error) == (
        "seller can't go from active to applied for seller; allowed: on_holiday, terminated"
    )


def test_error_when_nothing_is_allowed() -> None:
    with pytest.raises(TransitionNotAllowed, match="allowed: nothing"):
        REFUND_STATES.check(RefundStatus.SUCCEEDED, RefundStatus.FAILED, Actor.PAYMENT)


def test_review_mode_decides_who_publishes() -> None:
    draft = ProductStatus.DRAFT
    assert ProductStatus.ACTIVE in product_states(review_mode="off").allowed(draft, Actor.SELLER)
    assert product_states(review_mode="all").allowed(draft, Actor.SELLER) == (
        ProductStatus.PENDING_REVIEW,
        ProductStatus.ARCHIVED,
    )
    both = {product_states(review_mode=mode).pairs() for mode in ("off", "all")}
    assert len(both) == 1


@pytest.mark.parametrize("mode", ["off", "all"])
def test_seller_can_not_put_a_rejected_product_on_sale(mode: str) -> None:
    machine = product_states(review_mode=mode)
    reached, frontier = set(), {ProductStatus.REJECTED}
    while frontier:
        reached |= frontier
        frontier = {state for here in frontier for state in machine.allowed(here, Actor.SELLER)}
        frontier -= reached
    assert reached == {
        ProductStatus.REJECTED,
        ProductStatus.PENDING_REVIEW,
        ProductStatus.ARCHIVED,
    }


def test_seller_does_not_approve_or_reinstate_itself() -> None:
    for state in (SellerStatus.APPLIED, SellerStatus.IN_REVIEW, SellerStatus.SUSPENDED):
        assert SellerStatus.ACTIVE not in SELLER_STATES.allowed(state, Actor.SELLER)


def test_only_the_gateway_says_that_money_moved() -> None:
    for (_, target), actors in PAYMENT_STATES.table.items():
        if target in {PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED}:
            assert actors == {Actor.PAYMENT}
    for target in (RefundStatus.SUCCEEDED, RefundStatus.FAILED):
        assert REFUND_STATES.table[RefundStatus.PENDING, target] == {Actor.PAYMENT}


@given(reports=st.lists(st.sampled_from(ShipmentStatus)), order=st.randoms(use_true_random=False))
def test_tracking_ends_in_the_same_place_in_any_order(reports, order) -> None:
    def after(sequence: list[ShipmentStatus]) -> tuple[ShipmentStatus, int]:
        state, deliveries = ShipmentStatus.LABEL_CREATED, 0
        for report in sequence:
            following = SHIPMENT_STATES.settle(state, report)
            deliveries += following is ShipmentStatus.DELIVERED and following is not state
            state = following
        return state, deliveries

    shuffled = reports * 2
    order.shuffle(shuffled)
    state, deliveries = after(shuffled)
    assert state is after(reports)[0]
    assert deliveries <= 1


@pytest.mark.case(29)
def test_case_29_late_reports_touch_only_their_own_attempt_and_never_undo_a_capture() -> None:
    events = [
        ("first", PaymentStatus.CREATED),
        ("first", PaymentStatus.DECLINED),
        ("second", PaymentStatus.AUTHORIZED),
        ("second", PaymentStatus.CAPTURED),
        ("first", PaymentStatus.DECLINED),
        ("second", PaymentStatus.AUTHORIZED),
    ]
    outcomes = set()
    for sequence in permutations(events):
        attempts = dict.fromkeys(("first", "second"), PaymentStatus.CREATED)
        for attempt, report in sequence:
            attempts[attempt] = PAYMENT_STATES.settle(attempts[attempt], report)
        outcomes.add((attempts["first"], attempts["second"]))
    assert outcomes == {(PaymentStatus.DECLINED, PaymentStatus.CAPTURED)}


@pytest.mark.case(29)
@given(
    reports=st.lists(st.sampled_from(PaymentStatus), max_size=8),
    order=st.randoms(use_true_random=False),
)
def test_case_29_an_attempt_is_confluent_over_all_reports(reports, order) -> None:
    shuffled = reports * 2
    order.shuffle(shuffled)
    ends = set()
    for sequence in (reports, shuffled):
        state = PaymentStatus.CREATED
        for report in sequence:
            state = PAYMENT_STATES.settle(state, report)
        ends.add(state)
    assert len(ends) == 1
    if PaymentStatus.CAPTURED in reports:
        assert ends == {PaymentStatus.CAPTURED}
