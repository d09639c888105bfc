"""Units called off before their money is taken: the sale becomes smaller, and nothing goes back."""

from uuid import UUID

import pytest

from gosellr.api.schemas.reductions import reduction_document
from gosellr.core.db import Connection
from gosellr.core.errors import DomainError, NotAllowed, NotFound
from gosellr.core.transact import ask, transact
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import reduction_service, sales_documents
from gosellr.services.order_steps import TransitionRefused
from gosellr.services.payment_captures import CaptureDeclined
from gosellr.services.reduction_plan import (
    LeavesNothing,
    MoneyTaken,
    MoreThanOrdered,
    PaymentUnderWay,
    ReductionRequest,
)
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import GUEST, Viewer
from tests.factories.captures import at_gateway, at_shipment, charge_of, standing, two_shops
from tests.factories.payouts import wrong_with
from tests.factories.reductions import call_off, wanted
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
from tests.factories.stored_value import (
    by_bank,
    by_card,
    held_for_orders,
    left_on,
    make_card,
)
from tests.factories.terms import make_coupon

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))


@pytest.fixture
def market(resources: Resources) -> Resources:
    return at_shipment(resources)


@pytest.fixture
async def shops(connection: Connection) -> tuple[Shop, Shop]:
    return await two_shops(connection)


async def refused(
    market: Resources, order: Order, shop: Shop, units: int = 1, viewer: Viewer | None = None
) -> type[DomainError]:
    """Why; after a look that nothing has changed by it."""
    before = await read(market, order)
    with pytest.raises(DomainError) as error:
        await call_off(market, order, shop, units, viewer=viewer)
    assert await read(market, order) == before
    return type(error.value)


async def test_less_is_taken_for_what_is_left(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 3), (two, 1))
    assert order.total_minor == 15490 + 3490
    looked_at = await ask(
        market.db,
        reduction_service.preview,
        viewer=one.viewer,
        order_id=order.id,
        request=wanted(order, one, 1),
    )
    said = reduction_document(looked_at)
    assert (said["amount"].amount, said["total"].amount) == (5000, 10490)
    assert said["order_total"].amount == 13980
    assert [(item["quantity"], item["quantity_left"]) for item in said["items"]] == [(1, 2)]
    assert "id" not in said
    assert await read(market, order) == order

    after = await call_off(market, order, one)
    part, line = part_of(after, one), part_of(after, one).lines[0]
    assert (after.total_minor, after.tax_minor, part.total_minor) == (13980, 2232, 10490)
    assert (line.quantity, line.called_off_quantity, line.withdrawn_quantity) == (2, 1, 0)
    assert (line.total_minor, line.tax_minor) == (10000, 1597)
    # 10 % of 84.03, as frozen, and 20 % on it.
    assert (line.commission_minor, line.commission_vat_minor) == (840, 168)
    assert line.commission is not None
    assert (line.commission["base_minor"], line.commission["commission_minor"]) == (8403, 840)
    assert part.net_minor == 10490 - 840 - 168
    assert (after.status, after.payment_status) == ("processing", "authorized")
    assert after.events[-1].kind == "called_off"
    assert after.events[-1].data["amount"] == {"amount": 5000, "currency": "EUR"}
    assert await stock(connection, one) == (100, 2)
    # What the bank keeps aside stays: the rest of it is never taken.
    assert charge_of(after).amount_minor == 18980
    assert await standing(market, order) == ("authorized", 0)
    assert await balances(connection) == {}

    await ship(market, order, one)
    await ship(market, order, two)
    done = await read(market, order)
    assert (done.status, done.payment_status) == ("shipped", "paid")
    assert done.captured_minor == done.total_minor == 13980
    assert done.refunded_minor == 0
    assert done.refunds == ()
    assert await standing(market, order) == ("captured", 13980)
    assert (await seller_owes(connection, one))["pending"] == part.net_minor
    assert await wrong_with(connection, market) == []


async def test_what_is_left_is_refunded_and_invoiced_like_any_sale(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 3))
    await call_off(market, order, one, 2)
    await ship(market, order, one)
    [paper] = await transact(
        market.db,
        sales_documents.issue_invoices,
        order_ids=[order.id],
        now=market.clock.now(),
    )
    assert isinstance(paper, UUID)
    await refund(market, order, one, units=1)
    assert (await at_gateway(market, order)).refunded_minor == 5000
    assert await refused(market, order, one) is MoneyTaken
    assert await wrong_with(connection, market) == []


async def test_the_same_request_again_changes_nothing(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 3))
    first = await call_off(market, order, one, key="again")
    assert await call_off(market, order, one, key="again") == first
    rows = await connection.fetch("SELECT quantity, amount_minor FROM order_reduction")
    assert [tuple(row) for row in rows] == [(1, 5000)]


async def test_stored_value_pays_first_and_gets_back_what_nothing_is_left_for(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    card_id, code = await make_card(market, 12000)
    order = await buy(market, (one, 2), (two, 1), tenders=(by_card(code), by_bank()))
    assert [payment.amount_minor for payment in order.payments] == [12000, 1980]
    await call_off(market, order, one)
    await ship(market, order, one)
    assert await held_for_orders(connection) == 12000 - 5490
    await ship(market, order, two)
    done = await read(market, order)
    assert (done.captured_minor, done.payment_status) == (8980, "paid")
    assert [payment.captured_minor for payment in done.payments] == [8980, 0]
    assert await left_on(market, card_id) == 12000 - 8980
    assert await standing(market, order) == ("voided", 0)
    assert await wrong_with(connection, market) == []


async def test_discounts_shrink_with_what_they_were_given_on(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    await make_coupon(connection, code="TENTH")
    order = await buy(market, (one, 3), coupons=("TENTH",))
    discount_minor = order.discount_minor
    after = await call_off(market, order, one)
    assert (discount_minor, after.discount_minor) == (1500, 1000)
    await ship(market, order, one)
    assert (await read(market, order)).captured_minor == 10490 - 1000
    assert await wrong_with(connection, market) == []


async def test_a_part_may_still_be_cancelled_or_lapse(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    order = await buy(market, (one, 2), (two, 2))
    await call_off(market, order, one)
    await call_off(market, order, two)
    await cancel(market, order, viewer=OPERATOR, shop=one)
    await ship(market, order, two)
    done = await read(market, order)
    assert (done.status, done.captured_minor) == ("shipped", 3490)
    assert await standing(market, order) == ("captured", 3490)
    assert await stock(connection, one) == (100, 0)
    assert await wrong_with(connection, market) == []


async def test_less_may_be_taken_after_all_of_it_was_declined(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 2), tenders=(by_bank("tok_capture_declined"),))
    with pytest.raises(CaptureDeclined):
        await ship(market, order, one)
    await call_off(market, order, one)
    assert await wrong_with(connection, market) == []
    with pytest.raises(CaptureDeclined):
        await ship(market, order, one)
    tried = "SELECT amount_minor FROM payment_capture WHERE order_id = $1 ORDER BY created_at, id"
    assert [row[0] for row in await connection.fetch(tried, order.id)] == [10_490, 5490]
    assert await wrong_with(connection, market) == []


async def test_what_can_t_be_called_off(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    buyer = await make_buyer(connection)
    order = await buy(market, (one, 2), (two, 2), buyer=buyer)
    assert await refused(market, order, one, 3) is MoreThanOrdered
    assert await refused(market, order, one, 2) is LeavesNothing
    assert await refused(market, order, one, viewer=two.viewer) in {NotFound, NotAllowed}
    assert await refused(market, order, one, viewer=GUEST) is NotFound
    strange = ReductionRequest(
        seller_order_id=part_of(order, one).id,
        reason="x",
        items=((part_of(order, two).lines[0].id, 1),),
    )
    with pytest.raises(NotFound):
        await ask(
            market.db,
            reduction_service.preview,
            viewer=OPERATOR,
            order_id=order.id,
            request=strange,
        )
    after = await call_off(market, order, two, viewer=buyer.viewer)
    assert after.total_minor == order.total_minor - 3000
    await cancel(market, order, viewer=OPERATOR, shop=two)
    assert await refused(market, order, two) is TransitionRefused
    await ship(market, order, one, units=1)
    assert await refused(market, order, one) is MoneyTaken


async def test_an_order_that_was_paid_at_once_is_refunded_instead(
    resources: Resources, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(resources, (one, 2))
    assert await refused(resources, order, one) is MoneyTaken


async def test_a_card_that_was_asked_for_all_of_it_isn_t_asked_for_less(
    market: Resources, shops: tuple[Shop, Shop]
) -> None:
    one, _ = shops
    order = await buy(market, (one, 2), tenders=(by_bank("tok_requires_action"),))
    assert order.status == "pending_payment"
    assert await refused(market, order, one, viewer=OPERATOR) is PaymentUnderWay
    # Its seller has no say in it before it is paid.
    assert await refused(market, order, one) is PaymentUnderWay
