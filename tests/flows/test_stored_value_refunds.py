"""Money goes back the way it came, the last to pay first: to the bank, then to stored value."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.flows import refunds
from gosellr.queries import ledger
from gosellr.resources import Resources
from gosellr.services.refund_plan import RefundTooLarge
from gosellr.utils.explanations import explain
from tests.factories.accounts import User
from tests.factories.disputes import accept, decide, delivered, open_case, reread
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
)
from tests.factories.stored_value import (
    by_bank,
    by_card,
    by_credit,
    credit_of,
    grant_credit,
    held_for_orders,
    left_on,
    make_card,
)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """10.00 a piece, 10 % commission and its VAT."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=1000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def refunded(resources: Resources, order: Any) -> list[int]:
    return [one.refunded_minor for one in (await read(resources, order)).payments]


async def test_the_bank_gets_its_part_back_before_the_card_does(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 2000)
    order = await buy(resources, (shop, 5), tenders=(by_card(code), by_bank()))
    await ship(resources, order, shop)
    for returned, on_card in (([0, 1000], 0), ([0, 2000], 0), ([0, 3000], 0), ([1000, 3000], 1000)):
        given_back = await refund(resources, order, shop, units=1)
        assert given_back.status == "succeeded"
        assert await refunded(resources, order) == returned
        assert await left_on(resources, card_id) == on_card
    await refund(resources, order, shop, amount_minor=1000)
    assert await refunded(resources, order) == [2000, 3000]
    assert await left_on(resources, card_id) == 2000
    assert await balances(connection) == {"promotion_cost": 2000, "gift_card": -2000}
    after = await read(resources, order)
    assert after.payment_status == "refunded"
    assert await wrong_with(connection, resources) == []


async def test_one_refund_over_both_is_one_refund(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 2000)
    order = await buy(resources, (shop, 4), tenders=(by_card(code), by_bank()))
    given_back = await refund(resources, order, shop, units=3)
    assert (given_back.status, given_back.amount_minor) == ("succeeded", 3000)
    assert await refunded(resources, order) == [1000, 2000]
    assert await left_on(resources, card_id) == 1000
    assert await wrong_with(connection, resources) == []


async def test_value_is_back_at_once_while_the_bank_takes_its_time(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 1000)
    order = await buy(
        resources, (shop, 2), tenders=(by_card(code), by_bank("tok_refund_timeout_then_ok"))
    )
    given_back = await refund(resources, order, shop, units=2)
    assert given_back.status == "unknown"
    assert await left_on(resources, card_id) == 1000
    assert (await balances(connection))["refund_in_transit"] == -1000
    clock.advance(timedelta(minutes=1))
    assert await refunds.resume_refunds(resources.refunds) == 1
    [done] = (await read(resources, order)).refunds
    assert (done.status, done.amount_minor) == ("succeeded", 2000)
    assert await wrong_with(connection, resources) == []


async def test_a_bank_that_refuses_keeps_its_part_and_value_got_its_own(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 1000)
    order = await buy(resources, (shop, 2), tenders=(by_card(code), by_bank("tok_refund_declined")))
    await ship(resources, order, shop)
    given_back = await refund(resources, order, shop, units=2)
    assert (given_back.status, given_back.amount_minor) == ("succeeded", 1000)
    assert given_back.failure_reason == "refund_declined"
    assert await refunded(resources, order) == [1000, 0]
    assert await left_on(resources, card_id) == 1000
    assert (await read(resources, order)).payment_status == "partially_refunded"
    assert await wrong_with(connection, resources) == []


async def test_what_the_bank_refused_of_an_award_is_for_the_next_decision(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    _, code = await make_card(resources, 1500)
    tenders = (by_card(code), by_bank("tok_refund_declined"))
    order = await delivered(resources, (shop, 2), buyer=buyer, tenders=tenders)
    case = await open_case(resources, order, shop, viewer=buyer.viewer, units=1)
    stuck = await accept(resources, case, viewer=shop.viewer)
    assert (stuck.dispute.status, stuck.dispute.frozen_minor) == ("under_review", 440)
    # A refund beside it that fails freezes nothing of the other unit.
    assert (await refund(resources, order, shop, amount_minor=100)).status == "failed"
    assert (await reread(resources, case)).dispute.frozen_minor == 440
    again = await decide(resources, case, share_bps=10_000)
    assert (again.dispute.status, again.dispute.frozen_minor) == ("under_review", 440)
    given = [(one.status, one.amount_minor) for one in again.refunds]
    assert given == [("succeeded", 500), ("failed", 500)]
    assert await seller_owes(connection, shop) == {"pending": 880, "reserve": 440}
    # What went back stays back, and counts towards whatever is decided.
    over = await decide(resources, case, share_bps=0)
    assert (over.dispute.status, over.dispute.outcome) == ("closed", "split")
    assert (over.dispute.award_minor, len(over.refunds)) == (500, 2)
    assert await seller_owes(connection, shop) == {"pending": 1320}
    assert await wrong_with(connection, resources) == []


async def test_a_refund_beside_a_case_that_fails_in_part_is_frozen_in_part(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    _, code = await make_card(resources, 1000)
    tenders = (by_card(code), by_bank("tok_refund_declined"))
    order = await delivered(resources, (shop, 2), buyer=buyer, tenders=tenders)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    assert case.dispute.frozen_minor == 1760
    given = await refund(resources, order, shop, units=2)
    assert (given.status, given.amount_minor) == ("succeeded", 1000)
    assert (await reread(resources, case)).dispute.frozen_minor == 880
    assert await seller_owes(connection, shop) == {"reserve": 880}
    assert await wrong_with(connection, resources) == []


async def test_a_case_or_a_refund_of_units_is_about_what_the_bank_refused_of_them(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    _, code = await make_card(resources, 500)
    tenders = (by_card(code), by_bank("tok_refund_declined"))
    order = await delivered(resources, (shop, 2), buyer=buyer, tenders=tenders)
    assert (await refund(resources, order, shop, units=2)).amount_minor == 500
    with pytest.raises(RefundTooLarge):
        await open_case(resources, order, shop, viewer=buyer.viewer, units=3)
    case = (await open_case(resources, order, shop, viewer=buyer.viewer, units=1)).dispute
    assert (case.quantity, case.amount_minor, case.frozen_minor) == (1, 1000, 880)
    given = await refund(resources, order, shop, units=2, to_store_credit=True)
    assert (given.status, given.amount_minor) == ("succeeded", 1500)
    assert await credit_of(resources, buyer) == {"EUR": 1500}
    assert await seller_owes(connection, shop) == {}
    with pytest.raises(RefundTooLarge):
        await refund(resources, order, shop, units=1)
    assert await wrong_with(connection, resources) == []


async def test_a_cancellation_that_came_back_in_part_is_no_broken_book(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    _, code = await make_card(resources, 1000)
    tenders = (by_card(code), by_bank("tok_refund_declined"))
    order = await buy(resources, (shop, 2), buyer=buyer, tenders=tenders)
    after = await cancel(resources, order, viewer=buyer.viewer)
    given = [(one.status, one.amount_minor) for one in after.refunds]
    assert (after.status, given) == ("cancelled", [("succeeded", 1000)])
    assert await seller_owes(connection, shop) == {"pending": 880}
    assert await wrong_with(connection, resources) == []


async def test_what_the_bank_took_may_come_as_credit(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    card_id, code = await make_card(resources, 500)
    order = await buy(
        resources,
        (shop, 3),
        buyer=buyer,
        tenders=(by_card(code), by_bank("tok_refund_declined")),
    )
    await ship(resources, order, shop)
    failed = await refund(resources, order, shop, units=1)
    assert failed.status == "failed"
    given_back = await refund(resources, order, shop, units=1, to_store_credit=True)
    assert (given_back.status, given_back.amount_minor) == ("succeeded", 1000)
    assert await credit_of(resources, buyer) == {"EUR": 1000}
    assert await refunded(resources, order) == [0, 1000]
    given_back = await refund(resources, order, shop, units=2, to_store_credit=True)
    assert given_back.status == "succeeded"
    assert await credit_of(resources, buyer) == {"EUR": 2500}
    # The gift card has its own back, and no credit instead of it.
    assert await left_on(resources, card_id) == 500
    assert await refunded(resources, order) == [500, 2500]
    assert await balances(connection) == {
        "promotion_cost": 500,
        "gift_card": -500,
        "store_credit": -2500,
        "gateway_clearing": 2500,
    }
    assert await wrong_with(connection, resources) == []
    second = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_credit(),))
    assert second.status == "paid"
    assert await credit_of(resources, buyer) == {"EUR": 1500}


async def test_a_guest_has_nothing_that_could_hold_credit(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    before = await balances(connection)
    with pytest.raises(InvalidInput) as refusal:
        await refund(resources, order, shop, units=1, to_store_credit=True)
    assert [one.code for one in refusal.value.errors] == ["no_account"]
    assert await balances(connection) == before
    assert await connection.fetchval("SELECT count(*) FROM refund") == 0


async def test_a_cancellation_gives_everything_back_the_way_it_came(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    card_id, code = await make_card(resources, 700)
    await grant_credit(resources, buyer, 300)
    order = await buy(
        resources, (shop, 2), buyer=buyer, tenders=(by_card(code), by_credit(), by_bank())
    )
    after = await cancel(resources, order, viewer=buyer.viewer)
    assert (after.status, after.payment_status) == ("cancelled", "refunded")
    assert await left_on(resources, card_id) == 700
    assert await credit_of(resources, buyer) == {"EUR": 300}
    assert await balances(connection) == {
        "promotion_cost": 1000,
        "gift_card": -700,
        "store_credit": -300,
    }
    assert await wrong_with(connection, resources) == []


async def test_a_refund_to_a_card_that_ran_out_can_still_be_spent(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    over = clock.now() + timedelta(days=1)
    card_id, code = await make_card(resources, 1000, expires_at=over)
    order = await buy(resources, (shop, 1), tenders=(by_card(code),))
    await ship(resources, order, shop)
    clock.advance(timedelta(days=20))
    await refund(resources, order, shop, units=1)
    assert await left_on(resources, card_id) == 1000
    again = await buy(resources, (shop, 1), tenders=(by_card(code),))
    assert again.status == "paid"


async def test_the_books_say_it_in_words(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    _, code = await make_card(resources, 400)
    order = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_card(code), by_bank()))
    await refund(resources, order, shop, units=1, to_store_credit=True)
    booked = await ledger.find_of_order(connection, order_id=order.id, limit=100)
    said = [explain(one.kind, one.entries) for one in booked]
    assert said[0] == "4.00 EUR of a gift card or store credit is set aside for the order."
    assert "the buyer paid 6.00 EUR, 4.00 EUR came from gift cards or store credit" in said[1]
    assert sorted(said[3:]) == [
        "The refund of 4.00 EUR reached the buyer on the gift card.",
        "The refund of 6.00 EUR reached the buyer as store credit.",
    ]


@settings(
    max_examples=20,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(currency=st.sampled_from(["JPY", "USD", "KWD"]), data=st.data())
async def test_any_tender_and_any_partition_of_refunds_end_at_zero(
    resources: Resources, connection: Connection, currency: str, data: st.DataObject
) -> None:
    """However a total is divided over what pays it, it goes back to the last of it."""
    attempt = connection.transaction()
    await attempt.start()
    try:
        await make_commission(
            connection,
            rate_bps=data.draw(st.integers(0, 3000)),
            vat_bps=data.draw(st.integers(0, 2700)),
        )
        await _buy_and_give_back(resources, connection, currency=currency, data=data)
    finally:
        await attempt.rollback()


async def _buy_and_give_back(
    resources: Resources, connection: Connection, *, currency: str, data: st.DataObject
) -> None:
    buyer = await make_buyer(connection)
    shop = await make_shop(
        connection, price_minor=data.draw(st.integers(1, 3000)), currency=currency
    )
    values = data.draw(st.lists(st.integers(1, 5000), max_size=3))
    cards = [await make_card(resources, value, currency=currency) for value in values]
    credit_minor = data.draw(st.integers(0, 2000))
    if credit_minor:
        await grant_credit(resources, buyer, credit_minor, currency=currency)
    before = await balances(connection)
    order = await buy(
        resources,
        (shop, data.draw(st.integers(1, 4))),
        buyer=buyer,
        currency=currency,
        tenders=(
            *(by_card(code) for _, code in cards),
            *([by_credit()] if credit_minor else []),
            by_bank(),
        ),
    )
    paid = _in_turn(order.total_minor, [*values, credit_minor, order.total_minor])
    assert order.status == "paid"
    assert [one.captured_minor for one in order.payments] == [one for one in paid if one]
    assert await held_for_orders(connection) == 0
    await ship(resources, order, shop)
    left_minor = order.total_minor
    while left_minor:
        amount_minor = data.draw(st.integers((left_minor + 3) // 4, left_minor))
        await refund(resources, order, shop, amount_minor=amount_minor)
        left_minor -= amount_minor
        # The last to pay is the first to get its money back.
        back = _in_turn(order.total_minor - left_minor, [one for one in paid[::-1] if one])
        assert await refunded(resources, order) == back[::-1]
    assert await balances(connection) == before
    for (card_id, _), value in zip(cards, values, strict=True):
        assert await left_on(resources, card_id) == value
    assert await credit_of(resources, buyer) == ({currency: credit_minor} if credit_minor else {})
    after = await read(resources, order)
    assert part_of(after, shop).pending_minor == 0
    assert after.payment_status == "refunded"


def _in_turn(amount_minor: int, pots: list[int]) -> list[int]:
    """What each pot gives when each in its turn gives all it can."""
    given_minor = []
    for pot in pots:
        given_minor.append(min(pot, amount_minor))
        amount_minor -= given_minor[-1]
    return given_minor
