"""Which balances a chargeback holds while it waits for another one: none out of order."""

import asyncio

import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import ledger_service
from gosellr.utils.ledger import seller_available
from tests.factories.disputes import OPERATOR, delivered, told_as
from tests.factories.sales import Shop, make_buyer, make_shop, refund

WAITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
HELD = """
SELECT balance_minor FROM ledger_balance WHERE account = $1 AND currency = 'EUR' FOR UPDATE NOWAIT
"""


async def hold(connection: Connection, shop: Shop) -> None:
    await ledger_service.locked_balances(
        connection, accounts=[seller_available(shop.seller.id)], currency="EUR"
    )


@pytest.mark.parametrize("is_back", [True, False])
async def test_what_is_told_of_one_waits_without_holding_later_balances(
    live: Resources, is_back: bool
) -> None:
    buyer = await transact(live.db, make_buyer)
    shops = [await transact(live.db, make_shop, price_minor=1_000) for _ in range(2)]
    early, late = sorted(shops, key=lambda shop: str(shop.seller.id))
    order = await delivered(live, (early, 1), (late, 1), buyer=buyer)
    # What is lost, or frozen, is of one seller alone.
    await refund(live, order, early, units=1, viewer=OPERATOR)
    if is_back:
        assert await told_as(live, order, "sdp_one", "lost", amount_minor=1_000)
    else:
        assert await told_as(live, order, "sdp_one", "open", amount_minor=1_000)
    assert await told_as(live, order, "sdp_two", "open", amount_minor=1_000)
    await transact(live.db, hold, late)
    async with live.db.connection() as rival:
        async with rival.transaction():
            await hold(rival, early)
            telling = asyncio.create_task(
                told_as(live, order, "sdp_one", "won", amount_minor=1_000)
            )
            async with live.db.connection() as looking:
                while not await looking.fetchval(WAITERS):  # noqa: ASYNC110 - nobody tells us
                    await asyncio.sleep(0.01)
                async with looking.transaction():
                    # Whoever holds the earlier one may go on to the later one.
                    await looking.fetchval(HELD, seller_available(late.seller.id))
        assert await telling
