"""The platform's report of a year (DAC7): what counts as consideration, to the cent by quarter."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import documents
from gosellr.resources import Resources
from gosellr.services import cash_terms_service, door_service
from gosellr.services.basket_service import Tender
from gosellr.utils.order_states import OrderStatus
from tests.factories.accounts import User
from tests.factories.balances import approve, make_rule, prepare, write_off
from tests.factories.disputes import bank_decides, take_back
from tests.factories.payouts import earn, pay, set_account, wrong_with
from tests.factories.sales import (
    Shop,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    refund,
    seller_owes,
    ship,
    step,
)
from tests.factories.transfers import offline

# 100.00 a piece, 10 % commission and its VAT of 20 %: 12.00 are kept.
NET, KEPT = 8_800, 1_200
QUARTER = timedelta(days=92)


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def shop(market: Resources, connection: Connection) -> Shop:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=10_000)
    await set_account(market, shop)
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        limits_minor={"EUR": 50_000},
        now=market.clock.now(),
    )
    return shop


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def year(market: Resources) -> list[tuple[int, int, int]]:
    """Consideration, sales and fees of the only seller, quarter by quarter."""
    content: dict[str, Any] = await documents.tax_report(market.documents, year=2026)
    [seller] = content["sellers"]
    return [
        (one["consideration_minor"], one["activity_count"], one["fees_minor"])
        for one in seller["quarters"]
    ]


async def test_a_debt_that_is_written_off_is_no_consideration(
    market: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await earn(market, shop, 2)
    await pay(market, shop)
    await refund(market, order, shop, units=2)
    assert await year(market) == [(0, 1, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
    clock.advance(QUARTER)
    assert (await seller_owes(connection, shop))["receivable"] == 2 * NET
    await approve(market, (await write_off(market, shop, 5000)).id)
    assert await year(market) == [(0, 1, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0)]
    assert await wrong_with(connection, market) == []


async def test_by_hand_only_a_fee_counts(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    await earn(market, shop)
    available = f"seller_available:{shop.seller.id}"
    sold = (NET, 1, KEPT)
    for entries, figures in (
        # A gift of the marketplace is no compensation for a sale.
        ((("goodwill_cost", "debit", 700), (available, "credit", 700)), sold),
        # A fee that is charged by hand lowers it, and stands among the fees.
        (((available, "debit", 300), ("fee_income", "credit", 300)), (NET - 300, 1, KEPT + 300)),
        # Given back again.
        ((("fee_income", "debit", 100), (available, "credit", 100)), (NET - 200, 1, KEPT + 200)),
    ):
        await approve(market, (await prepare(market, *entries)).id)
        assert (await year(market))[0] == figures
    assert await wrong_with(connection, market) == []


async def test_refunds_of_another_quarter_lower_that_one(
    market: Resources, clock: ManualClock, shop: Shop
) -> None:
    order = await earn(market, shop, 3)
    clock.advance(QUARTER)
    await refund(market, order, shop, units=1)
    assert await year(market) == [
        (3 * NET, 1, 3 * KEPT), (-NET, 0, -KEPT), (0, 0, 0), (0, 0, 0),
    ]  # fmt: skip


async def test_a_refused_refund_changes_nothing(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await earn(
        market, shop, tenders=(Tender(method="sandbox", token="tok_refund_declined"),)
    )
    await refund(market, order, shop, units=1)
    assert (await year(market))[0] == (NET, 1, KEPT)
    assert await wrong_with(connection, market) == []


async def test_what_is_kept_back_or_frozen_was_earned_all_the_same(
    market: Resources, shop: Shop, buyer: User
) -> None:
    await make_rule(market, rate_bps=5000)
    order = await earn(market, shop, buyer=buyer)
    await pay(market, shop)
    assert (await year(market))[0] == (NET, 1, KEPT)
    reference = await take_back(market, order)
    assert (await year(market))[0] == (NET, 1, KEPT)
    await bank_decides(market, order, reference, won=False)
    # Lost, it is a refund; the debt that it leaves is nobody's income.
    assert (await year(market))[0] == (0, 1, 0)


async def test_a_chargeback_s_fee_is_charged_where_its_seller_bears_it(
    market: Resources, shop: Shop, buyer: User
) -> None:
    bearing = replace(
        market,
        settings=market.settings.model_copy(update={"chargeback_fee_borne_by": "seller"}),
    )
    order = await earn(bearing, shop, buyer=buyer)
    await take_back(bearing, order, fee_minor=1500)
    assert (await year(market))[0] == (NET - 1500, 1, KEPT + 1500)


async def test_cash_is_known_to_the_platform_and_counts(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 2), tenders=(Tender(method="cash_on_delivery"),))
    content: dict[str, Any] = await documents.tax_report(market.documents, year=2026)
    assert content["sellers"] == []
    await ship(market, order, shop)
    await step(market, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    assert (await year(market))[0] == (2 * NET, 1, 2 * KEPT)
    made = await refund(market, order, shop, units=1)
    assert (await year(market))[0] == (NET, 1, KEPT)
    await transact(
        market.db,
        door_service.hand_back,
        viewer=shop.viewer,
        order_id=order.id,
        refund_id=made.id,
        policy=market.policy,
        now=market.clock.now(),
    )
    assert (await year(market))[0] == (NET, 1, KEPT)
    assert await wrong_with(connection, market) == []
