"""Cancelling: stock goes back once, money goes back whole, and never after shipping."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.flows import payments, refunds
from gosellr.resources import Resources
from gosellr.services.cancel_service import NotPaidYet
from gosellr.services.checkout_service import Tender
from gosellr.services.order_steps import TransitionRefused
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import GUEST, Viewer
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
    ship,
    step,
    stock,
)
from tests.factories.terms import make_coupon, make_delivery, make_tax

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_tax(connection, rate_bps=1900)
    await make_commission(connection)
    return await make_shop(connection, price_minor=1999, stock=100)


async def test_a_paid_order_is_undone_whole(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    coupon = await make_coupon(connection)
    order = await buy(resources, (shop, 3), buyer=buyer, coupons=(coupon,))
    assert await stock(connection, shop) == (100, 3)
    after = await cancel(resources, order, viewer=buyer.viewer)
    assert (after.status, after.payment_status) == ("cancelled", "refunded")
    part = part_of(after, shop)
    assert (part.status, part.cancel_reason) == ("cancelled", "changed my mind")
    assert (after.refunded_minor, part.pending_minor) == (after.total_minor, 0)
    assert await balances(connection) == {}
    assert await stock(connection, shop) == (100, 0)
    with pytest.raises(TransitionRefused):
        await cancel(resources, order, viewer=buyer.viewer)
    assert await stock(connection, shop) == (100, 0)


@pytest.mark.case(11)
async def test_case_11_refund_with_restock_and_cancel_give_back_once(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await make_delivery(connection, price_minor=490)
    order = await buy(resources, (shop, 1))
    await refund(resources, order, shop, units=1, restock=True)
    assert await stock(connection, shop) == (100, 0)
    after = await cancel(resources, order, viewer=OPERATOR)
    assert await stock(connection, shop) == (100, 0)
    assert (after.status, after.refunded_minor) == ("cancelled", 1999 + 490)
    assert (
        await connection.fetchval(
            "SELECT sum(released_quantity) FROM stock_reservation WHERE order_id = $1", order.id
        )
        == 1
    )


async def test_units_that_are_not_restocked_are_written_off(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 3))
    await refund(resources, order, shop, units=1, restock=False)
    assert await stock(connection, shop) == (99, 2)
    journal = await connection.fetch(
        "SELECT kind, delta FROM stock_movement WHERE kind <> 'received' ORDER BY id"
    )
    assert [(row["kind"], row["delta"]) for row in journal] == [("written_off", -1)]
    await ship(resources, order, shop)
    assert await stock(connection, shop) == (97, 0)
    assert (await read(resources, order)).status == "shipped"


async def test_one_part_is_cancelled_and_its_sibling_untouched(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection, price_minor=500)
    order = await buy(resources, (shop, 1), (other, 2))
    with pytest.raises(NotFound):
        await cancel(resources, order, viewer=other.viewer, shop=shop)
    after = await cancel(resources, order, viewer=other.viewer, shop=other)
    assert [part.status for part in after.parts] == ["cancelled"]
    whole = await read(resources, order)
    assert (whole.status, whole.payment_status) == ("paid", "partially_refunded")
    assert part_of(whole, shop).pending_minor == part_of(order, shop).pending_minor
    assert whole.refunded_minor == 1000
    assert await stock(connection, other) == (100, 0)
    assert await stock(connection, shop) == (100, 1)


async def test_nothing_shipped_is_cancelled(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 2))
    await ship(resources, order, shop, units=1)
    before = await balances(connection), await stock(connection, shop)
    with pytest.raises(TransitionRefused) as refusal:
        await cancel(resources, order, viewer=shop.viewer)
    assert refusal.value.extras["current"] == "partially_shipped"
    assert (await balances(connection), await stock(connection, shop)) == before


async def test_an_unpaid_order_gives_back_stock_and_coupon_and_calls_its_payment_back(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    coupon = await make_coupon(connection, limit_total=1)
    waiting = [Tender(method="sandbox", token="tok_requires_action")]
    order = await buy(resources, (shop, 2), buyer=buyer, tenders=waiting, coupons=(coupon,))
    assert (order.status, await stock(connection, shop)) == ("pending_payment", (100, 2))
    after = await cancel(resources, order, viewer=buyer.viewer)
    assert (after.status, after.payments[0].status) == ("cancelled", "voided")
    assert await stock(connection, shop) == (100, 0)
    assert await balances(connection) == {}
    again = await buy(resources, (shop, 1), buyer=buyer, coupons=(coupon,))
    assert again.status == "paid"


async def test_one_seller_cannot_end_an_unpaid_order_of_two(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection)
    waiting = [Tender(method="sandbox", token="tok_requires_action")]
    order = await buy(resources, (shop, 1), (other, 1), tenders=waiting)
    with pytest.raises(NotPaidYet):
        await cancel(resources, order, viewer=shop.viewer)
    assert (await read(resources, order)).status == "pending_payment"


async def test_a_stranger_finds_no_order(resources: Resources, shop: Shop) -> None:
    order = await buy(resources, (shop, 1))
    for stranger in (GUEST, Viewer(roles=frozenset({Role.BUYER}))):
        with pytest.raises(NotFound):
            await cancel(resources, order, viewer=stranger)


@pytest.mark.parametrize("token", ["tok_timeout_then_ok", "tok_ok"])
async def test_money_that_arrives_after_cancelling_is_sent_back(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop, token: str
) -> None:
    """Captured for an order that no longer wants it: suspense, and from there to the buyer."""
    short = [Tender(method="sandbox", token="tok_captures_half" if token == "tok_ok" else token)]
    order = await buy(resources, (shop, 2), tenders=short)
    if token != "tok_ok":
        assert order.payment_status == "pending"
        await cancel(resources, order, viewer=OPERATOR)
        clock.advance(timedelta(minutes=5))
        await payments.resume_due(
            db=resources.db,
            gateways=resources.gateways,
            clock=clock,
            policy=resources.policy,
        )
    owed = await balances(connection)
    assert set(owed) == {"gateway_clearing", "suspense"}
    assert await refunds.resume_returns(resources.refunds) == 1
    assert await balances(connection) == {}
    assert await refunds.resume_returns(resources.refunds) == 0
    status = await connection.fetchval("SELECT status FROM payment_return")
    assert status == "succeeded"
    kinds = await connection.fetch("SELECT kind FROM ledger_transaction ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["stray_capture", "stray_return"]


async def test_a_step_after_cancelling_is_refused(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    await cancel(resources, order, viewer=OPERATOR)
    with pytest.raises(TransitionRefused):
        await ship(resources, order, shop)
    for status in (OrderStatus.SHIPPED, OrderStatus.PROCESSING, OrderStatus.DELIVERED):
        with pytest.raises(TransitionRefused):
            await step(resources, order, status, viewer=shop.viewer, shop=shop)
