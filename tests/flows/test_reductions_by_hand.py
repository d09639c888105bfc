"""Units called off before a transfer has come, or cash is collected: less is asked for."""

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import DomainError
from gosellr.core.transact import transact
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import cash_terms_service
from gosellr.services.basket_service import Tender
from gosellr.services.reduction_plan import LeavesNothing, MoneyTaken, PaymentUnderWay
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.payto import read_payto
from gosellr.utils.receipts import ReceiptOutcome
from tests.factories.payouts import wrong_with
from tests.factories.reductions import call_off
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    read,
    seller_owes,
    ship,
    step,
    stock,
)
from tests.factories.stored_value import by_card, left_on, make_card, operator
from tests.factories.transfers import BY_TRANSFER, arrive, offline, transfer_of

CASH = Tender(method="cash_on_delivery")


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def shop(market: Resources, connection: Connection) -> Shop:
    """50.00 a piece, 10 % commission and 20 % tax on that, cash up to 400.00."""
    await make_commission(connection)
    shop = await make_shop(connection)
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        limits_minor={"EUR": 40_000},
        now=market.clock.now(),
    )
    return shop


async def why(market: Resources, order: Order, shop: Shop, units: int = 1) -> type[DomainError]:
    before = await read(market, order)
    with pytest.raises(DomainError) as error:
        await call_off(market, order, shop, units, viewer=await operator(market))
    assert await read(market, order) == before
    return type(error.value)


async def test_a_transfer_is_asked_for_less(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    order = await buy(market, (shop, 3), buyer=buyer, tenders=BY_TRANSFER)
    after = await call_off(market, order, shop, viewer=buyer.viewer)
    transfer = transfer_of(after)
    assert (after.total_minor, after.status, transfer.amount_minor) == (
        10000,
        "pending_payment",
        10000,
    )
    asked = read_payto(transfer.action_url)
    assert asked is not None
    assert asked.amount.amount == 10000
    # Under the reference that the buyer was told, to the account that it was told.
    assert asked.reference == transfer.gateway_reference
    assert asked.reference == transfer_of(order).gateway_reference
    taken = await arrive(market, 10000, text=asked.reference)
    assert taken.outcome is ReceiptOutcome.PAID
    done = await read(market, order)
    assert (done.payment_status, done.captured_minor) == ("paid", 10000)
    assert await stock(connection, shop) == (100, 2)
    assert await seller_owes(connection, shop) == {"pending": 10000 - 1200}
    assert await why(market, order, shop) is MoneyTaken
    assert await wrong_with(connection, market) == []


async def test_whoever_transfers_what_it_was_before_gets_the_rest_back(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 3), tenders=BY_TRANSFER)
    await call_off(market, order, shop, viewer=await operator(market))
    reference = transfer_of(order).gateway_reference or ""
    taken = await arrive(market, 15000, text=reference)
    assert (taken.outcome, taken.suspended_minor) == (ReceiptOutcome.SURPLUS, 5000)
    assert (await read(market, order)).captured_minor == 10000
    assert await wrong_with(connection, market) == []


async def test_a_transfer_of_which_a_part_is_here_stays_as_it_is(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 3), tenders=BY_TRANSFER)
    await arrive(market, 100, text=transfer_of(order).gateway_reference or "")
    assert await why(market, order, shop) is PaymentUnderWay
    assert await wrong_with(connection, market) == []


async def test_a_gift_card_pays_first_of_a_transfer(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    _, code = await make_card(market, 9000)
    order = await buy(market, (shop, 3), tenders=(by_card(code), *BY_TRANSFER))
    # 90.00 are the card's: with a piece, 10.00 are left to be transferred, with two nothing.
    assert await why(market, order, shop, 2) is LeavesNothing
    after = await call_off(market, order, shop, viewer=await operator(market))
    assert transfer_of(after).amount_minor == 1000
    await arrive(market, 1000, text=transfer_of(after).gateway_reference or "")
    assert (await read(market, order)).captured_minor == 10000
    assert await wrong_with(connection, market) == []


async def test_less_cash_is_collected(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    card_id, code = await make_card(market, 3000)
    order = await buy(market, (shop, 3), tenders=(by_card(code), CASH))
    after = await call_off(market, order, shop)
    assert [(one.method, one.amount_minor) for one in after.payments] == [
        ("gift_card", 3000),
        ("cash_on_delivery", 7000),
    ]
    await ship(market, order, shop)
    assert await why(market, order, shop) is not None
    await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    done = await read(market, order)
    assert (done.payment_status, done.captured_minor) == ("paid", 10000)
    part = part_of(done, shop)
    assert (part.commission_minor, part.commission_vat_minor) == (1000, 200)
    # The seller has 70.00 in cash, is owed 30.00 of the card, and owes 12.00.
    assert await seller_owes(connection, shop) == {"pending": 3000, "receivable": 1200}
    assert await left_on(market, card_id) == 0
    assert (await balances(connection))["commission"] == -1000
    assert await wrong_with(connection, market) == []
