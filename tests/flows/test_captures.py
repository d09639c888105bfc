"""Money that is set aside with the order, and taken as each seller ships."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import captures, payments
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from gosellr.services.fulfilment_service import StatusRequest
from gosellr.services.payment_captures import (
    AuthorizationExpired,
    CaptureDeclined,
    CapturePending,
)
from gosellr.services.refund_plan import NotPaid
from gosellr.services.shipment_service import ShippedAfterCancel
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.captures import at_gateway, at_shipment, charge_of, standing, two_shops
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    cancel,
    make_buyer,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
    stock,
)
from tests.factories.stored_value import grant_credit

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))


@pytest.fixture
def market(resources: Resources) -> Resources:
    return at_shipment(resources)


@pytest.fixture
async def shops(connection: Connection) -> tuple[Shop, Shop]:
    return await two_shops(connection)


def paid_with(token: str) -> tuple[Tender, ...]:
    return (Tender(method="sandbox", token=token),)


def statuses(order: Order) -> tuple[str, str]:
    return order.status, order.payment_status


async def events(connection: Connection, order: Order, kind: str) -> int:
    count: int = await connection.fetchval(
        "SELECT count(*) FROM order_event WHERE order_id = $1 AND kind = $2", order.id, kind
    )
    return count


async def facts(connection: Connection, kind: str) -> int:
    count: int = await connection.fetchval(
        "SELECT count(*) FROM outbox_event WHERE type = $1", kind
    )
    return count


async def test_each_seller_is_paid_as_it_ships(
    market: Resources, resources: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 1), (two, 1))
    assert statuses(order) == ("processing", "authorized")
    assert [part.status for part in order.parts] == ["processing", "processing"]
    assert (order.paid_at, order.expires_at, order.captured_minor) == (None, None, 0)
    assert (charge_of(order).status, charge_of(order).captures_many) == ("authorized", True)
    assert charge_of(order).authorized_until == order.placed_at + timedelta(days=7)
    assert await standing(market, order) == ("authorized", 0)
    # Nothing is anybody's before it is taken, and the goods are held for as long.
    assert await balances(connection) == {}
    assert await stock(connection, one) == (100, 1)
    with pytest.raises(NotPaid):
        await refund(market, order, one, units=1)

    # A changed setting doesn't change an order that was placed under the other.
    await ship(resources, order, one)
    after = await read(market, order)
    assert statuses(after) == ("partially_shipped", "authorized")
    assert (after.captured_minor, after.paid_at) == (5490, None)
    assert part_of(after, one).captured_at is not None
    assert part_of(after, two).captured_at is None
    assert await standing(market, order) == ("authorized", 5490)
    assert part_of(after, one).net_minor == await pending_of(connection, one)
    assert await seller_owes(connection, two) == {}
    assert await balances(connection) == {
        "gateway_clearing": 5490,
        "seller_pending": -part_of(after, one).net_minor,
        "commission": -part_of(after, one).commission_minor,
        "tax_payable": -part_of(after, one).commission_vat_minor,
    }

    await ship(market, order, two)
    done = await read(market, order)
    assert statuses(done) == ("shipped", "paid")
    assert done.captured_minor == done.total_minor == 5490 + 3490
    assert done.paid_at is not None
    assert await standing(market, order) == ("captured", 8980)
    assert charge_of(done).status == "captured"
    assert await events(connection, order, "captured") == 2
    assert await facts(connection, "order.paid") == 1
    # What was taken for a part goes back like any other sale's money.
    await refund(market, done, two, units=1)
    assert (await at_gateway(market, order)).refunded_minor == 3000
    assert await wrong_with(connection, market) == []


async def pending_of(connection: Connection, shop: Shop) -> int:
    return (await seller_owes(connection, shop)).get("pending", 0)


async def test_what_is_cancelled_before_it_ships_is_never_taken(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 1), (two, 1))
    await ship(market, order, one)
    after = await cancel(market, order, viewer=OPERATOR, shop=two)
    assert statuses(after) == ("shipped", "paid")
    assert (after.captured_minor, after.refunded_minor) == (5490, 0)
    assert after.refunds == ()
    assert (charge_of(after).status, charge_of(after).captured_minor) == ("captured", 5490)
    # The rest was called back at the gateway: the buyer's bank keeps nothing aside.
    assert await standing(market, order) == ("captured", 5490)
    assert await stock(connection, two) == (100, 0)
    with pytest.raises(ShippedAfterCancel):
        await ship(market, order, two)

    whole = await buy(market, (one, 1), (two, 1))
    gone = await cancel(market, whole, viewer=OPERATOR)
    assert statuses(gone) == ("cancelled", "unpaid")
    assert (gone.captured_minor, gone.paid_at, charge_of(gone).status) == (0, None, "voided")
    assert await standing(market, whole) == ("voided", 0)
    assert await stock(connection, one) == (99, 0)
    assert await wrong_with(connection, market) == []


async def test_stored_value_pays_the_first_shares(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    buyer = await make_buyer(connection)
    await grant_credit(market, buyer, 4000)
    tenders = (Tender(method="store_credit", amount_minor=4000), *paid_with("tok_ok"))
    order = await buy(market, (one, 1), (two, 1), buyer=buyer, tenders=tenders)
    assert statuses(order) == ("processing", "authorized")
    assert charge_of(order).amount_minor == 4980
    # All of it comes from the credit, of which a little is left.
    await ship(market, order, two)
    assert await standing(market, order) == ("authorized", 0)
    assert (await balances(connection))["stored_value_held"] == -(4000 - 3490)
    await ship(market, order, one)
    done = await read(market, order)
    assert statuses(done) == ("shipped", "paid")
    assert sorted(payment.captured_minor for payment in done.payments) == [4000, 4980]
    assert {payment.status for payment in done.payments} == {"captured"}
    assert "stored_value_held" not in await balances(connection)

    # What the credit had set aside for a part that nobody ships goes back to it.
    await grant_credit(market, buyer, 6000)
    tenders = (Tender(method="store_credit", amount_minor=6000), *paid_with("tok_ok"))
    other = await buy(market, (one, 1), (two, 1), buyer=buyer, tenders=tenders)
    await ship(market, other, two)
    over = await cancel(market, other, viewer=OPERATOR, shop=one)
    assert statuses(over) == ("shipped", "paid")
    assert await standing(market, other) == ("voided", 0)
    assert (await balances(connection))["store_credit"] == -(6000 - 3490)
    assert await wrong_with(connection, market) == []


async def test_a_gateway_that_takes_once_takes_all_with_the_first_parcel(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 1), (two, 1), tenders=paid_with("tok_captured_once"))
    assert charge_of(order).captures_many is False
    await ship(market, order, one)
    after = await read(market, order)
    assert statuses(after) == ("partially_shipped", "paid")
    assert after.captured_minor == 8980
    assert await pending_of(connection, two) == part_of(after, two).net_minor
    assert await standing(market, order) == ("captured", 8980)
    back = await cancel(market, order, viewer=OPERATOR, shop=two)
    assert (back.refunded_minor, back.payment_status) == (3490, "partially_refunded")

    # Only what is still to be shipped is taken.
    other = await buy(market, (one, 1), (two, 1), tenders=paid_with("tok_captured_once"))
    await cancel(market, other, viewer=OPERATOR, shop=one)
    await ship(market, other, two)
    assert await standing(market, other) == ("captured", 3490)
    assert await wrong_with(connection, market) == []


async def test_a_declined_capture_ships_nothing(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 1), tenders=paid_with("tok_capture_declined"))
    with pytest.raises(CaptureDeclined) as told:
        await ship(market, order, one)
    assert told.value.extras == {"decline_code": "insufficient_funds"}
    with pytest.raises(CaptureDeclined):
        await captures.request_status(
            market.captures,
            viewer=one.viewer,
            order_id=order.id,
            request=StatusRequest(status=OrderStatus.SHIPPED),
        )
    after = await read(market, order)
    assert statuses(after) == ("processing", "authorized")
    assert part_of(after, one).shipments == ()
    assert await stock(connection, one) == (100, 1)
    assert await balances(connection) == {}
    assert await events(connection, order, "capture_failed") == 2
    assert await wrong_with(connection, market) == []


@pytest.mark.parametrize("token", ["tok_capture_timeout_then_ok", "tok_capture_timeout_before"])
async def test_a_silent_gateway_is_asked_by_key_before_anything_leaves(
    market: Resources,
    connection: Connection,
    clock: ManualClock,
    shops: tuple[Shop, Shop],
    token: str,
) -> None:
    one, two = shops
    order = await buy(market, (one, 1), (two, 1), tenders=paid_with(token))
    for _ in range(2):
        with pytest.raises(CapturePending):
            await ship(market, order, one)
    # Nobody changes what is being paid for.
    with pytest.raises(CapturePending):
        await cancel(market, order, viewer=OPERATOR)
    assert await balances(connection) == {}
    assert await wrong_with(connection, market) == []
    clock.advance(timedelta(seconds=30))
    assert await captures.resume_captures(market.captures) == 1
    assert await captures.resume_captures(market.captures) == 0
    assert await standing(market, order) == ("authorized", 5490)
    after = await read(market, order)
    assert (after.captured_minor, statuses(after)) == (5490, ("processing", "authorized"))
    await ship(market, order, one)
    assert await standing(market, order) == ("authorized", 5490)
    # What was taken and isn't shipped can still be called off, and then goes back.
    assert await wrong_with(connection, market) == []


@pytest.mark.case(25)
async def test_case_25_nothing_is_shipped_once_its_money_is_no_longer_set_aside(
    market: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 1), (two, 1))
    await ship(market, order, two)
    clock.advance(timedelta(days=4, hours=23))
    assert await captures.watch_authorizations(market.captures) == 0
    clock.advance(timedelta(hours=2))
    for _ in range(2):
        await captures.watch_authorizations(market.captures)
    # Its seller is warned once, and nobody whose money is there already.
    assert await events(connection, order, "authorization_expiring") == 1
    assert await facts(connection, "order.authorization_expiring") == 1
    assert await stock(connection, one) == (100, 1)

    clock.advance(timedelta(days=2))
    with pytest.raises(AuthorizationExpired):
        await ship(market, order, one)
    assert await stock(connection, one) == (100, 1)
    await captures.watch_authorizations(market.captures)
    after = await read(market, order)
    assert statuses(after) == ("shipped", "paid")
    assert (part_of(after, one).status, part_of(after, one).cancel_reason) == (
        "cancelled",
        "authorization_expired",
    )
    assert await stock(connection, one) == (100, 0)
    assert (after.captured_minor, after.refunded_minor) == (3490, 0)
    assert charge_of(after).status == "captured"
    assert await captures.watch_authorizations(market.captures) == 0
    assert await wrong_with(connection, market) == []


async def test_what_ends_unshipped_is_cancelled_whole(
    market: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 1))
    clock.advance(timedelta(days=7))
    await captures.watch_authorizations(market.captures)
    after = await read(market, order)
    assert statuses(after) == ("cancelled", "unpaid")
    assert charge_of(after).status == "voided"
    assert await standing(market, order) == ("voided", 0)
    assert await stock(connection, one) == (100, 0)
    assert await facts(connection, "order.cancelled") == 1
    assert await wrong_with(connection, market) == []


async def test_a_gateway_that_can_keeps_money_aside_for_longer(
    market: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 1), tenders=paid_with("tok_reauthorizes"))
    clock.advance(timedelta(days=5))
    await captures.watch_authorizations(market.captures)
    assert await events(connection, order, "authorization_expiring") == 0
    assert charge_of(await read(market, order)).authorized_until == clock.now() + timedelta(days=7)
    clock.advance(timedelta(days=4))
    await ship(market, order, one)
    assert statuses(await read(market, order)) == ("shipped", "paid")
    assert await standing(market, order) == ("captured", 5490)
    assert await wrong_with(connection, market) == []


async def test_money_that_its_gateway_lets_go_of_early_ends_the_part(
    market: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 1))
    await market.gateways["sandbox"].void(attempt_id=str(charge_of(order).id))
    with pytest.raises(CaptureDeclined):
        await ship(market, order, one)
    clock.advance(timedelta(seconds=1))
    await captures.watch_authorizations(market.captures)
    assert statuses(await read(market, order)) == ("cancelled", "unpaid")
    assert await stock(connection, one) == (100, 0)
    assert await wrong_with(connection, market) == []


async def test_the_buyer_s_yes_comes_later(
    market: Resources, connection: Connection, clock: ManualClock, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 1), tenders=paid_with("tok_requires_action"))
    assert statuses(order) == ("pending_payment", "pending")
    gateway = market.gateways["sandbox"]
    await gateway.complete_action(attempt_id=str(charge_of(order).id), approve=True)  # type: ignore[attr-defined]
    clock.advance(timedelta(minutes=20))
    await payments.resume_due(
        db=market.db, gateways=market.gateways, clock=market.clock, policy=market.policy
    )
    assert statuses(await read(market, order)) == ("processing", "authorized")
    # The sweeper leaves alone what only waits for its goods.
    clock.advance(timedelta(hours=1))
    due = await payments.resume_due(
        db=market.db, gateways=market.gateways, clock=market.clock, policy=market.policy
    )
    assert due == 0
    assert await wrong_with(connection, market) == []
