"""What a buyer paid in all: banks that take money back, and value that is spent beside cash."""

import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.queries.histories import EVERYTHING
from gosellr.resources import Resources
from gosellr.services import (
    cash_terms_service,
    door_service,
    explanation_service,
    history_service,
    statement_service,
)
from gosellr.services.basket_service import Tender
from gosellr.utils.explanations import explain
from gosellr.utils.order_states import OrderStatus
from tests.factories.accounts import User
from tests.factories.disputes import OPERATOR, bank_decides, take_back
from tests.factories.sales import (
    Shop,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
    ship,
    step,
)
from tests.factories.stored_value import by_credit, grant_credit
from tests.factories.transfers import offline


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, 10 % commission and its VAT of 20 %."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def history(market: Resources, buyer: User) -> list[tuple[str, int, int]]:
    """Kind, change and balance, the oldest first."""
    page = await ask(
        market.db,
        history_service.buyer_movements,
        viewer=buyer.viewer,
        currency="EUR",
        wanted=EVERYTHING,
        cursor=None,
        limit=100,
    )
    return [(one.kind, one.change_minor, one.balance_minor) for one in reversed(page.items)]


@pytest.mark.parametrize(
    ("won", "ends"), [(False, []), (True, [("chargeback_won", 5000, 5000)])], ids=["lost", "won"]
)
async def test_what_a_bank_took_back_isn_t_paid_any_more(
    resources: Resources, shop: Shop, buyer: User, won: bool, ends: list[tuple[str, int, int]]
) -> None:
    order = await buy(resources, (shop, 1), buyer=buyer)
    taken = await take_back(resources, order, fee_minor=1500)
    begins = [("sale", 5000, 5000), ("chargeback_opened", -5000, 0)]
    assert await history(resources, buyer) == begins
    await bank_decides(resources, order, taken, won=won)
    assert await history(resources, buyer) == begins + ends


async def test_credit_beside_cash_was_paid_and_comes_back(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    market = offline(resources)
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        limits_minor={"EUR": 6000},
        now=market.clock.now(),
    )
    await grant_credit(market, buyer, 1000)
    tenders = (by_credit(), Tender(method="cash_on_delivery"))
    order = await buy(market, (shop, 1), buyer=buyer, tenders=tenders)
    await ship(market, order, shop)
    await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer, shop=shop)
    assert await history(market, buyer) == [("sale_on_delivery", 1000, 1000)]
    told = await ask(market.db, explanation_service.explain, subject=str(order.id), limit=50)
    [sale] = [one for one in told.transactions if one.kind == "sale_on_delivery"]
    # What came from somewhere is what is somebody's: 6.00 and 10.00 are 10.00, 5.00 and 1.00.
    assert explain(sale.kind, sale.entries) == (
        "Cash on delivery: the seller holds the cash and owes 6.00 EUR of it, 10.00 EUR came from"
        " gift cards or store credit. Of it 10.00 EUR is the sellers', held until release, 5.00 EUR"
        " is commission, 1.00 EUR is tax that the marketplace passes on."
    )
    await refund(market, order, shop, units=1)
    [given] = (await read(market, order)).refunds
    await transact(
        market.db,
        door_service.hand_back,
        viewer=OPERATOR,
        order_id=order.id,
        refund_id=given.id,
        policy=market.policy,
        now=market.clock.now(),
    )
    assert await history(market, buyer) == [
        ("sale_on_delivery", 1000, 1000), ("refund_confirmed", -1000, 0),
    ]  # fmt: skip


async def test_half_of_an_order_s_books_never_passes_for_all(
    resources: Resources, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await buy(resources, (shop, 1))
    await refund(resources, order, shop, amount_minor=100)
    booked = await ask(resources.db, statement_service.order_ledger, order_id=order.id)
    assert [one.kind for one in booked] == ["sale", "refund_intent", "refund_confirmed"]
    monkeypatch.setattr(statement_service, "ORDER_TRANSACTIONS_MAX", 2)
    with pytest.raises(RuntimeError, match="more transactions than can be told"):
        await ask(resources.db, statement_service.order_ledger, order_id=order.id)
