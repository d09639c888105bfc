"""Paying with gift cards and store credit: set aside with the order, spent with it, or back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import DomainError, InvalidInput, NotAllowed
from gosellr.core.transact import transact
from gosellr.flows import stored_value
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import stored_value_service, stored_value_tender, value_requests
from gosellr.services.basket_service import Tender
from gosellr.services.ledger_service import InsufficientBalance
from gosellr.services.payment_service import NotPayable, PaymentInProgress
from gosellr.services.stored_value_tender import GiftCardRefused
from tests.factories.accounts import User
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    a_key,
    balances,
    buy,
    cancel,
    make_buyer,
    make_shop,
    read,
    stock,
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
    operator,
    pay_again,
)

PARTS = list[tuple[str, str, int, int]]


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece."""
    return await make_shop(connection)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


def parts_of(order: Order) -> PARTS:
    """Each part: how, what became of it, how much, and what was captured."""
    return [
        (one.method, one.status, one.amount_minor, one.captured_minor) for one in order.payments
    ]


async def refuses(
    resources: Resources, connection: Connection, shop: Shop, *tenders: Tender, **more: object
) -> DomainError:
    """Why these can't pay, and that nothing came of it."""
    before = await balances(connection), await stock(connection, shop)
    with pytest.raises(DomainError) as refusal:
        await buy(resources, (shop, 1), tenders=tenders, **more)  # type: ignore[arg-type]
    assert (await balances(connection), await stock(connection, shop)) == before
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0
    assert await connection.fetchval("SELECT count(*) FROM payment") == 0
    return refusal.value


async def test_a_card_pays_all_of_it_at_once_and_no_gateway_is_asked(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 8000)
    order = await buy(replace(resources, gateways={}), (shop, 1), tenders=(by_card(code.lower()),))
    assert (order.status, order.payment_status, order.captured_minor) == ("paid", "paid", 5000)
    assert parts_of(order) == [("gift_card", "captured", 5000, 5000)]
    assert await left_on(resources, card_id) == 3000
    assert await balances(connection) == {
        "promotion_cost": 8000,
        "gift_card": -3000,
        "seller_pending": -5000,
    }
    assert await wrong_with(connection, resources) == []


async def test_cards_and_credit_pay_what_they_can_and_the_bank_the_rest(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    first, code = await make_card(resources, 1000)
    second, other = await make_card(resources, 700)
    await grant_credit(resources, buyer, 300)
    order = await buy(
        resources,
        (shop, 1),
        buyer=buyer,
        # In whatever order they are named, value pays first.
        tenders=(by_bank(), by_card(code), by_credit(), by_card(other)),
    )
    assert order.status == "paid"
    assert parts_of(order) == [
        ("gift_card", "captured", 1000, 1000),
        ("store_credit", "captured", 300, 300),
        ("gift_card", "captured", 700, 700),
        ("sandbox", "captured", 3000, 3000),
    ]
    assert (await left_on(resources, first), await left_on(resources, second)) == (0, 0)
    assert await credit_of(resources, buyer) == {}
    assert await balances(connection) == {
        "promotion_cost": 2000,
        "gateway_clearing": 3000,
        "seller_pending": -5000,
    }
    assert await wrong_with(connection, resources) == []


async def test_named_amounts_are_what_is_taken(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 4000)
    order = await buy(
        resources,
        (shop, 1),
        tenders=(by_card(code, 1234), by_bank(amount_minor=3766)),
    )
    assert [one.captured_minor for one in order.payments] == [1234, 3766]
    assert await left_on(resources, card_id) == 4000 - 1234


async def test_what_a_card_covers_alone_needs_no_bank(resources: Resources, shop: Shop) -> None:
    _, code = await make_card(resources, 5000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code), by_bank("tok_declined")))
    assert (order.status, len(order.payments)) == ("paid", 1)


async def test_a_declined_bank_keeps_the_value_for_the_next(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 2000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code), by_bank("tok_declined")))
    assert (order.status, order.payment_status) == ("pending_payment", "failed")
    assert parts_of(order) == [
        ("gift_card", "authorized", 2000, 0),
        ("sandbox", "declined", 3000, 0),
    ]
    assert (await left_on(resources, card_id), await held_for_orders(connection)) == (0, 2000)
    assert await wrong_with(connection, resources) == []
    with pytest.raises(GiftCardRefused):
        await pay_again(resources, order, by_card("0000-0000-0000-0000"))
    paid = await pay_again(resources, order, by_bank())
    assert paid.status == "paid"
    assert parts_of(paid)[::2] == [
        ("gift_card", "captured", 2000, 2000),
        ("sandbox", "captured", 3000, 3000),
    ]
    assert await held_for_orders(connection) == 0
    assert await wrong_with(connection, resources) == []
    with pytest.raises(NotPayable):
        await pay_again(resources, order, by_bank())


async def test_a_second_card_can_pay_what_the_bank_refused(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    _, code = await make_card(resources, 2000)
    second, other = await make_card(resources, 9000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code), by_bank("tok_declined")))
    paid = await pay_again(resources, order, by_card(other))
    assert (paid.status, paid.captured_minor) == ("paid", 5000)
    assert await left_on(resources, second) == 6000
    assert await wrong_with(connection, resources) == []


async def test_while_the_bank_may_still_pay_nothing_else_is_tried(
    resources: Resources, shop: Shop
) -> None:
    _, code = await make_card(resources, 2000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code), by_bank("tok_requires_action")))
    assert (order.status, order.payment_status) == ("pending_payment", "pending")
    with pytest.raises(PaymentInProgress):
        await pay_again(resources, order, by_bank())


async def test_a_lost_answer_is_asked_after_and_the_value_spent(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    _, code = await make_card(resources, 2000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code), by_bank("tok_timeout_then_ok")))
    assert order.payment_status == "pending"
    clock.advance(timedelta(seconds=30))
    await upkeep.resume_payments(resources)
    after = await read(resources, order)
    assert (after.status, after.captured_minor) == ("paid", 5000)
    assert await wrong_with(connection, resources) == []


@pytest.mark.case(27)
async def test_case_27_a_short_capture_goes_back_and_the_value_waits(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 2000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code), by_bank("tok_captures_half")))
    await upkeep.resume_returns(resources)
    waiting = await read(resources, order)
    assert waiting.status == "pending_payment"
    assert parts_of(waiting) == [
        ("gift_card", "authorized", 2000, 0),
        ("sandbox", "captured", 3000, 1500),
    ]
    assert await held_for_orders(connection) == 2000
    paid = await pay_again(resources, order, by_bank())
    assert (paid.status, paid.captured_minor) == ("paid", 5000)
    assert await balances(connection) == {
        "promotion_cost": 2000,
        "gateway_clearing": 3000,
        "seller_pending": -5000,
    }
    assert await left_on(resources, card_id) == 0
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("end", ["expires", "cancelled"])
@pytest.mark.parametrize("token", ["tok_declined", "tok_requires_action"])
async def test_an_unpaid_order_gives_its_value_back_once(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    buyer: User,
    end: str,
    token: str,
) -> None:
    card_id, code = await make_card(resources, 2000)
    await grant_credit(resources, buyer, 500)
    order = await buy(
        resources, (shop, 1), buyer=buyer, tenders=(by_card(code), by_credit(), by_bank(token))
    )
    assert await held_for_orders(connection) == 2500
    clock.advance(timedelta(minutes=16))
    if end == "cancelled":
        await cancel(resources, order, viewer=buyer.viewer)
    for _ in range(2):
        await upkeep.expire_holds(resources)
        await upkeep.resume_payments(resources)
    after = await read(resources, order)
    assert after.status == "cancelled"
    assert [one.status for one in after.payments][:2] == ["voided", "voided"]
    assert await left_on(resources, card_id) == 2000
    assert await credit_of(resources, buyer) == {"EUR": 500}
    assert await held_for_orders(connection) == 0
    kinds = await connection.fetch(
        "SELECT kind, count(*) FROM ledger_transaction WHERE order_id = $1 GROUP BY 1", order.id
    )
    assert dict(kinds) == {"stored_value_held": 2, "stored_value_returned": 2}
    assert await wrong_with(connection, resources) == []


async def test_who_doesnt_know_a_code_learns_nothing(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    _, old = await make_card(resources, 9000, expires_at=clock.now() + timedelta(days=1))
    _, foreign = await make_card(resources, 9000, currency="USD")
    clock.advance(timedelta(days=2))
    said = {
        (error.code, error.detail)
        for code in ("ABCD-EFGH-JKMN-PQRS", old, foreign)
        for error in [await refuses(resources, connection, shop, by_card(code))]
    }
    assert len(said) == 1
    assert said.pop()[0] == "gift_card_refused"


async def test_what_a_card_doesnt_hold_it_cant_pay(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    _, code = await make_card(resources, 4999)
    short = await refuses(resources, connection, shop, by_card(code))
    assert isinstance(short, InsufficientBalance)
    assert short.extras == {
        "method": "gift_card",
        "balance": {"amount": 4999, "currency": "EUR"},
    }
    await refuses(resources, connection, shop, by_card(code, 5000))
    nothing = await refuses(resources, connection, shop, by_credit(), by_bank(), buyer=buyer)
    assert nothing.extras["balance"] == {"amount": 0, "currency": "EUR"}


async def test_tenders_that_make_no_sense_change_nothing(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    _, code = await make_card(resources, 9000)
    for tenders, problem in (
        ((by_card(code, 1000), by_card(code, 4000)), "named_twice"),
        ((by_card(code, 1000), by_bank(amount_minor=3999)), "amounts_dont_sum"),
        ((by_card(code, 1000), by_bank(amount_minor=4001)), "amounts_dont_sum"),
        ((by_card(code, 1000), by_bank(amount_minor=2000), by_bank()), "one_gateway_part"),
        ((by_credit(), by_bank()), "sign_in_needed"),
    ):
        error = await refuses(resources, connection, shop, *tenders)
        assert isinstance(error, InvalidInput)
        assert [one.code for one in error.errors] == [problem]


async def test_a_deactivated_card_pays_nothing_and_keeps_what_it_holds(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 9000)
    viewer = await operator(resources)
    for _ in range(2):
        card = await transact(
            resources.db,
            stored_value_service.deactivate,
            viewer=viewer,
            card_id=card_id,
            now=resources.clock.now(),
        )
    assert card.status_at(resources.clock.now()) == "deactivated"
    assert isinstance(await refuses(resources, connection, shop, by_card(code)), GiftCardRefused)
    assert await left_on(resources, card_id) == 9000


async def test_what_has_paid_an_order_is_never_given_back_without_a_refund(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(resources, 8000)
    order = await buy(resources, (shop, 1), tenders=(by_card(code),))
    await transact(
        resources.db, stored_value_tender.give_back, order=order, now=resources.clock.now()
    )
    assert await left_on(resources, card_id) == 3000
    assert parts_of(await read(resources, order)) == [("gift_card", "captured", 5000, 5000)]


async def test_only_the_market_gives_value_away(
    resources: Resources, connection: Connection, buyer: User
) -> None:
    card_id, _ = await make_card(resources, 100)
    before = await balances(connection)
    terms = {"amount_minor": 1, "currency": "EUR", "key": a_key()}
    now, policy = resources.clock.now(), resources.policy
    with pytest.raises(NotAllowed):
        await stored_value.issue_gift_card(
            resources.stored_value, viewer=buyer.viewer, expires_at=None, note=None, **terms
        )
    for command, said in (
        (value_requests.grant, {"user_id": buyer.id, "reason": "me", "policy": policy}),
        (stored_value_service.deactivate, {"card_id": card_id}),
    ):
        given = terms if "user_id" in said else {}
        with pytest.raises(NotAllowed):
            await transact(resources.db, command, viewer=buyer.viewer, now=now, **said, **given)
    assert await balances(connection) == before
    assert await credit_of(resources, buyer) == {}
