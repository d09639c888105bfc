"""A gift card and store credit beside cash, over several sellers: each part stands by itself."""

from datetime import timedelta

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import cash_terms_service, door_service
from gosellr.services.basket_service import Tender
from gosellr.services.cash_terms_service import CashNotTaken
from gosellr.services.ledger_service import InsufficientBalance
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.viewer import Viewer
from tests.factories.payouts import wrong_with
from tests.factories.reductions import call_off
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
    step,
    stock,
)
from tests.factories.stored_value import (
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
from tests.factories.transfers import BY_TRANSFER, arrive, offline, transfer_of

CASH = Tender(method="cash_on_delivery")
DAY = timedelta(days=1)


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def shops(market: Resources, connection: Connection) -> tuple[Shop, Shop]:
    """50.00 and 30.00 a piece, 10 % commission and its VAT of 20 %, cash up to 60.00."""
    await make_commission(connection)
    made = [await make_shop(connection, price_minor=price) for price in (5000, 3000)]
    for shop in made:
        await transact(
            market.db,
            cash_terms_service.change_terms,
            viewer=shop.viewer,
            seller_id=shop.seller.id,
            limits_minor={"EUR": 6000},
            now=market.clock.now(),
        )
    return made[0], made[1]


async def refuse(market: Resources, order_id: object, part_id: object, viewer: Viewer) -> None:
    await transact(
        market.db,
        door_service.refuse,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=part_id,
        reason="not wanted",
        policy=market.policy,
        now=market.clock.now(),
    )


async def test_one_part_is_paid_and_the_other_refused_at_the_door(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    card_id, code = await make_card(market, 2000)
    order = await buy(market, (one, 1), (two, 1), tenders=(by_card(code), CASH))
    first, second = part_of(order, one), part_of(order, two)
    assert [
        (pay.method, pay.status, pay.amount_minor, pay.seller_order_id) for pay in order.payments
    ] == [
        ("gift_card", "authorized", 1250, first.id),
        ("gift_card", "authorized", 750, second.id),
        ("cash_on_delivery", "authorized", 3750, first.id),
        ("cash_on_delivery", "authorized", 2250, second.id),
    ]
    assert (await left_on(market, card_id), await held_for_orders(connection)) == (0, 2000)
    assert await wrong_with(connection, market) == []
    await ship(market, order, one)
    await step(market, order, OrderStatus.DELIVERED, viewer=one.viewer, shop=one)
    half = await read(market, order)
    assert (half.captured_minor, half.paid_at, half.payment_status) == (5000, None, "authorized")
    # It has 37.50 in cash and is credited the card's 12.50; it owes commission and VAT.
    assert await seller_owes(connection, one) == {"pending": 1250, "receivable": 600}
    assert await held_for_orders(connection) == 750
    assert await wrong_with(connection, market) == []

    await ship(market, order, two)
    await refuse(market, order.id, second.id, two.viewer)
    done = await read(market, order)
    assert (done.captured_minor, done.payment_status) == (5000, "paid")
    assert done.paid_at is not None
    assert (await left_on(market, card_id), await held_for_orders(connection)) == (750, 0)
    assert await seller_owes(connection, two) == {}
    assert await stock(connection, two) == (100, 0)
    assert await wrong_with(connection, market) == []

    # What comes back of the first part is its own cash first, then its own share of the card.
    made = await refund(market, done, one, units=1)
    assert made.amount_minor == 5000
    assert await left_on(market, card_id) == 750 + 1250
    assert await wrong_with(connection, market) == []


async def test_a_card_and_credit_pay_before_the_cash(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    buyer = await make_buyer(connection)
    await grant_credit(market, buyer, 500)
    card_id, code = await make_card(market, 1500)
    order = await buy(
        market, (one, 1), (two, 1), buyer=buyer, tenders=(by_card(code), by_credit(), CASH)
    )
    assert [(pay.method, pay.amount_minor) for pay in order.payments] == [
        ("gift_card", 1250), ("gift_card", 250), ("store_credit", 500),
        ("cash_on_delivery", 3750), ("cash_on_delivery", 2250),
    ]  # fmt: skip
    for shop in shops:
        await ship(market, order, shop)
        await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)
    done = await read(market, order)
    assert (done.captured_minor, done.payment_status) == (8000, "paid")
    assert (await left_on(market, card_id), await credit_of(market, buyer)) == (0, {})
    # Commission and VAT of both, 9.60, are owed; 20.00 are theirs beside the cash.
    assert (await balances(connection))["commission"] == -800
    assert (await seller_owes(connection, two)) == {"pending": 750, "receivable": 360}
    assert await wrong_with(connection, market) == []


async def test_a_part_called_off_before_it_ships_gives_its_share_back(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    card_id, code = await make_card(market, 2000)
    order = await buy(market, (one, 1), (two, 1), tenders=(by_card(code), CASH))
    await cancel(market, order, viewer=await operator(market), shop=one)
    assert (await left_on(market, card_id), await held_for_orders(connection)) == (1250, 750)
    assert await wrong_with(connection, market) == []
    await cancel(market, order, viewer=await operator(market))
    done = await read(market, order)
    assert (done.status, await left_on(market, card_id)) == ("cancelled", 2000)
    assert await wrong_with(connection, market) == []


async def test_units_called_off_lower_the_cash_of_their_part(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    _, code = await make_card(market, 2600)
    order = await buy(market, (one, 1), (two, 2), tenders=(by_card(code), CASH))
    await call_off(market, order, two)
    amounts = [one.amount_minor for one in (await read(market, order)).payments]
    # Of 50.00 and 60.00 the card paid 11.82 and 14.18.
    assert amounts == [1182, 1418, 3818, 4582 - 3000]
    assert await wrong_with(connection, market) == []


async def test_who_can_t_pay_like_that(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    card_id, code = await make_card(market, 7999)
    # A minor unit of cash can't be collected by two.
    with pytest.raises(InvalidInput):
        await buy(market, (one, 1), (two, 1), tenders=(by_card(code), CASH))
    with pytest.raises(InsufficientBalance):
        await buy(market, (one, 2), (two, 1), tenders=(by_card(code, 8500), CASH))
    # 130.00 less the card's 20.00: of the first 84.62 would be cash, and it takes 60.00.
    with pytest.raises(CashNotTaken):
        await buy(market, (one, 2), (two, 1), tenders=(by_card(code, 2000), CASH))
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0
    assert await left_on(market, card_id) == 7999
    # The card makes it small enough for both.
    await buy(market, (one, 2), (two, 1), tenders=(by_card(code, 5500), CASH))
    assert await wrong_with(connection, market) == []


async def test_credit_beside_a_transfer(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    buyer = await make_buyer(connection)
    await grant_credit(market, buyer, 2000)
    order = await buy(market, (one, 1), (two, 1), buyer=buyer, tenders=(by_credit(), *BY_TRANSFER))
    assert transfer_of(order).amount_minor == 6000
    await arrive(market, 6000, text=transfer_of(order).gateway_reference or "")
    done = await read(market, order)
    assert (done.payment_status, done.captured_minor) == ("paid", 8000)
    assert await credit_of(market, buyer) == {}
    assert await wrong_with(connection, market) == []


async def test_cash_after_a_card_was_declined_goes_beside_a_gift_card_named_with_it(
    market: Resources, connection: Connection, shops: tuple[Shop, Shop]
) -> None:
    one, two = shops
    _, code = await make_card(market, 2000)
    declined = (Tender(method="sandbox", token="tok_declined"),)
    order = await buy(market, (one, 1), (two, 1), tenders=declined)
    paid = await pay_again(market, order, by_card(code), CASH)
    assert paid.status == "processing"
    assert await held_for_orders(connection) == 2000
    assert await wrong_with(connection, market) == []
