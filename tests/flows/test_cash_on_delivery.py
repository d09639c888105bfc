"""Paying at the door: confirmed without money, collected by the seller, who owes what is due."""

from datetime import timedelta
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import DomainError, NotFound
from gosellr.core.transact import transact
from gosellr.flows import documents
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import (
    cash_terms_service,
    door_service,
    sales_documents,
)
from gosellr.services.basket_service import Tender
from gosellr.services.door_service import NoCashAwaited
from gosellr.services.order_steps import TransitionRefused
from gosellr.services.refund_plan import NotPaid
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.viewer import Viewer
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    cancel,
    make_commission,
    make_shop,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
    step,
    stock,
)
from tests.factories.stored_value import (
    by_bank,
    by_card,
    held_for_orders,
    left_on,
    make_card,
    operator,
    pay_again,
)
from tests.factories.terms import make_coupon
from tests.factories.transfers import offline

IN_CASH = (Tender(method="cash_on_delivery"),)


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def shop(market: Resources, connection: Connection) -> Shop:
    """50.00 a piece, 10 % commission and 20 % tax on that, cash up to 400.00."""
    await make_commission(connection)
    return await taking_cash(market, connection)


async def taking_cash(
    market: Resources, connection: Connection, *, limit_minor: int = 40_000
) -> Shop:
    shop = await make_shop(connection)
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        limits_minor={"EUR": limit_minor},
        now=market.clock.now(),
    )
    return shop


async def collect(
    market: Resources,
    order: Order,
    shop: Shop,
    amount_minor: int,
    *,
    viewer: Viewer | None = None,
    currency: str = "EUR",
) -> None:
    await transact(
        market.db,
        door_service.record_cash,
        viewer=viewer or shop.viewer,
        order_id=order.id,
        seller_order_id=part_of(order, shop).id,
        amount_minor=amount_minor,
        currency=currency,
        policy=market.policy,
        now=market.clock.now(),
    )


async def refuse(market: Resources, order: Order, shop: Shop) -> None:
    await transact(
        market.db,
        door_service.refuse,
        viewer=shop.viewer,
        order_id=order.id,
        seller_order_id=part_of(order, shop).id,
        reason="nobody wanted it",
        policy=market.policy,
        now=market.clock.now(),
    )


async def hand_back(market: Resources, order: Order, refund_id: UUID, *, viewer: Viewer) -> None:
    await transact(
        market.db,
        door_service.hand_back,
        viewer=viewer,
        order_id=order.id,
        refund_id=refund_id,
        policy=market.policy,
        now=market.clock.now(),
    )


def paid_how(order: Order) -> list[tuple[str, str, int]]:
    return [(one.method, one.status, one.captured_minor) for one in order.payments]


async def test_the_seller_collects_the_cash_and_owes_the_commission(
    market: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await buy(market, (shop, 2), tenders=IN_CASH)
    assert (order.status, order.payment_status, order.paid_at) == ("processing", "authorized", None)
    assert (order.expires_at, order.captured_minor) == (None, 0)
    assert paid_how(order) == [("cash_on_delivery", "authorized", 0)]
    assert await stock(connection, shop) == (100, 2)
    assert await balances(connection) == {}
    assert await wrong_with(connection, market) == []
    clock.advance(timedelta(days=30))
    await upkeep.expire_holds(market)
    await upkeep.resume_payments(market)

    with pytest.raises(TransitionRefused):
        await collect(market, order, shop, 10_000)
    await ship(market, order, shop)
    with pytest.raises(DomainError, match="10000"):
        await collect(market, order, shop, 9_999)
    with pytest.raises(DomainError, match="10000"):
        await collect(market, order, shop, 10_000, currency="USD")
    other = await make_shop(connection)
    with pytest.raises(NotFound):
        await collect(market, order, shop, 10_000, viewer=other.viewer)
    assert await balances(connection) == {}

    await collect(market, order, shop, 10_000)
    paid = await read(market, order)
    assert (paid.status, paid.payment_status) == ("delivered", "paid")
    assert (paid.paid_at, paid.captured_minor) == (clock.now(), 10_000)
    assert await balances(connection) == {
        "seller_receivable": 1200,
        "commission": -1000,
        "tax_payable": -200,
    }
    assert await seller_owes(connection, shop) == {"receivable": 1200}
    with pytest.raises(NoCashAwaited):
        await collect(market, order, shop, 10_000)
    invoices = await transact(
        market.db, sales_documents.issue_invoices, order_ids=[order.id], now=clock.now()
    )
    assert len(invoices) == 1
    assert await wrong_with(connection, market) == []


async def test_a_delivery_told_in_any_way_is_paid(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=IN_CASH)
    await ship(market, order, shop)
    for _ in range(2):
        await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    assert (await read(market, order)).payment_status == "paid"
    assert await seller_owes(connection, shop) == {"receivable": 600}
    # The next sale by card pays the debt before it is available.
    by_card_paid = await buy(market, (shop, 1))
    await ship(market, by_card_paid, shop)
    await step(market, by_card_paid, OrderStatus.DELIVERED, viewer=shop.viewer)
    await step(market, by_card_paid, OrderStatus.COMPLETED, viewer=await operator(market))
    assert await seller_owes(connection, shop) == {"available": 4400 - 600}
    assert await wrong_with(connection, market) == []


async def test_what_isnt_cash_is_the_sellers_as_in_any_sale(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    await make_coupon(connection, code="TEN", value_bps=1000)
    card_id, code = await make_card(market, 2000)
    order = await buy(market, (shop, 1), tenders=(by_card(code), *IN_CASH), coupons=("TEN",))
    assert paid_how(order) == [
        ("gift_card", "authorized", 0),
        ("cash_on_delivery", "authorized", 0),
    ]
    assert [one.amount_minor for one in order.payments] == [2000, 2500]
    assert await held_for_orders(connection) == 2000
    assert await wrong_with(connection, market) == []
    await ship(market, order, shop)
    await collect(market, order, shop, 2500)
    paid = await read(market, order)
    assert (paid.captured_minor, paid.payment_status) == (4500, "paid")
    assert await held_for_orders(connection) == 0
    assert await left_on(market, card_id) == 0
    assert await seller_owes(connection, shop) == {"receivable": 600, "pending": 2500}
    assert await balances(connection) == {
        "promotion_cost": 2500,
        "seller_pending": -2500,
        "seller_receivable": 600,
        "commission": -500,
        "tax_payable": -100,
    }
    assert await wrong_with(connection, market) == []
    # Released, the promotion pays the debt.
    await step(market, order, OrderStatus.COMPLETED, viewer=await operator(market))
    assert await seller_owes(connection, shop) == {"available": 1900}
    assert await wrong_with(connection, market) == []


async def test_each_seller_collects_for_itself(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    other = await taking_cash(market, connection)
    order = await buy(market, (shop, 1), (other, 2), tenders=IN_CASH)
    assert sorted(one.amount_minor for one in order.payments) == [5000, 10000]
    await ship(market, order, shop)
    await collect(market, order, shop, 5000)
    half = await read(market, order)
    assert (half.paid_at, half.captured_minor, half.payment_status) == (None, 5000, "authorized")
    with pytest.raises(NotPaid):
        await refund(market, order, other, units=1)
    assert await wrong_with(connection, market) == []
    await ship(market, order, other)
    await refuse(market, order, other)
    done = await read(market, order)
    assert {part.seller_id: part.status for part in done.parts} == {
        shop.seller.id: "delivered",
        other.seller.id: "cancelled",
    }
    assert (done.captured_minor, done.payment_status) == (5000, "paid")
    assert done.paid_at is not None
    assert await stock(connection, other) == (100, 0)
    assert await stock(connection, shop) == (99, 0)
    assert await seller_owes(connection, other) == {}
    invoices = await transact(
        market.db,
        sales_documents.issue_invoices,
        order_ids=[order.id],
        now=market.clock.now(),
    )
    assert len(invoices) == 1
    assert await wrong_with(connection, market) == []


@pytest.mark.parametrize("units", [1, 2])
async def test_a_refused_parcel_leaves_nothing_owed(
    market: Resources, connection: Connection, shop: Shop, units: int
) -> None:
    card_id, code = await make_card(market, 2000)
    order = await buy(market, (shop, 2), tenders=(by_card(code), *IN_CASH))
    with pytest.raises(TransitionRefused):
        await refuse(market, order, shop)
    await ship(market, order, shop, units=units)
    await refuse(market, order, shop)
    done = await read(market, order)
    assert (done.status, done.payment_status, done.paid_at) == ("cancelled", "unpaid", None)
    assert paid_how(done) == [("gift_card", "voided", 0), ("cash_on_delivery", "voided", 0)]
    assert done.parts[0].shipments[0].status == "returned"
    assert await stock(connection, shop) == (100, 0)
    assert await left_on(market, card_id) == 2000
    assert await seller_owes(connection, shop) == {}
    with pytest.raises(NoCashAwaited):
        await refuse(market, order, shop)
    assert await wrong_with(connection, market) == []


async def test_before_it_is_sent_it_is_called_off_like_any_order(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 2), tenders=IN_CASH)
    with pytest.raises(NotPaid):
        await refund(market, order, shop, units=1)
    done = await cancel(market, order, viewer=shop.viewer)
    assert (done.status, done.payment_status, done.refunds) == ("cancelled", "unpaid", ())
    assert await stock(connection, shop) == (100, 0)
    assert await balances(connection) == {}
    assert await wrong_with(connection, market) == []


async def test_the_seller_gives_the_cash_back_and_the_commission_comes_back(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 2), tenders=IN_CASH)
    await ship(market, order, shop)
    await collect(market, order, shop, 10_000)
    asked = await refund(market, order, shop, units=1)
    assert asked.status == "pending"
    assert await wrong_with(connection, market) == []
    other = await make_shop(connection)
    with pytest.raises(NotFound):
        await hand_back(market, order, asked.id, viewer=other.viewer)
    for _ in range(2):
        await hand_back(market, order, asked.id, viewer=shop.viewer)
    after = await read(market, order)
    assert (after.refunds[0].status, after.payment_status) == ("succeeded", "partially_refunded")
    assert await seller_owes(connection, shop) == {"receivable": 600}
    assert await balances(connection) == {
        "seller_receivable": 600,
        "commission": -500,
        "tax_payable": -100,
    }
    assert await wrong_with(connection, market) == []


async def test_a_refund_after_the_debt_was_paid_is_available_to_the_seller(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=IN_CASH)
    await ship(market, order, shop)
    await collect(market, order, shop, 5000)
    earned = await buy(market, (shop, 2))
    await ship(market, earned, shop)
    await step(market, earned, OrderStatus.DELIVERED, viewer=shop.viewer)
    await step(market, earned, OrderStatus.COMPLETED, viewer=await operator(market))
    assert await seller_owes(connection, shop) == {"available": 8800 - 600}
    asked = await refund(market, order, shop, units=1)
    assert await seller_owes(connection, shop) == {"available": 8200 - 4400}
    await hand_back(market, order, asked.id, viewer=shop.viewer)
    # The cash went out of its own pocket; what it had paid as commission is its own again.
    assert await seller_owes(connection, shop) == {"available": 8800}
    assert await wrong_with(connection, market) == []


async def test_only_where_the_market_and_each_seller_take_it(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    silent = await make_shop(connection)
    small = await taking_cash(market, connection, limit_minor=4999)
    for items, tenders, code in (
        ([(silent, 1)], IN_CASH, "cash_not_taken"),
        ([(shop, 1), (silent, 1)], IN_CASH, "cash_not_taken"),
        ([(small, 1)], IN_CASH, "cash_not_taken"),
        ([(shop, 9)], IN_CASH, "cash_not_taken"),
        ([(shop, 1)], (Tender(method="cash_on_delivery", amount_minor=1), by_bank()), None),
    ):
        with pytest.raises(DomainError) as refusal:
            await buy(market, *items, tenders=tenders)
        assert code is None or refusal.value.code == code
    # A card that leaves a unit of cash to two sellers leaves one of them nothing to collect.
    _, gift = await make_card(market, 9999)
    before = await balances(connection)
    other = await taking_cash(market, connection)
    with pytest.raises(DomainError) as refusal:
        await buy(market, (shop, 1), (other, 1), tenders=(by_card(gift), *IN_CASH))
    assert await balances(connection) == before
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0
    assert await stock(connection, shop) == (100, 0)


async def test_cash_after_a_declined_card(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=(by_bank("tok_declined"),))
    again = await pay_again(market, order, *IN_CASH)
    assert (again.status, again.expires_at) == ("processing", None)
    await ship(market, again, shop)
    await collect(market, again, shop, 5000)
    assert await wrong_with(connection, market) == []


async def test_the_sellers_month_says_what_the_books_say(
    market: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await buy(market, (shop, 2), tenders=IN_CASH)
    await ship(market, order, shop)
    await collect(market, order, shop, 10_000)
    asked = await refund(market, order, shop, units=1)
    await hand_back(market, order, asked.id, viewer=shop.viewer)
    clock.advance(timedelta(days=40))
    await documents.close_months(market.documents)
    rows = await connection.fetch("SELECT kind, total_minor, content FROM document ORDER BY kind")
    papers = {row["kind"]: row for row in rows}
    assert papers["statement"]["total_minor"] == -600
    assert sum(one["amount_minor"] for one in papers["statement"]["content"]["groups"]) == -600
    assert papers["commission_invoice"]["total_minor"] == 600
    assert await wrong_with(connection, market) == []
