"""Payouts that wait until a seller says who it is, withheld and let go at once."""

import asyncio
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import tax_request_service
from tests.factories.payouts import an_operator
from tests.factories.sales import make_shop
from tests.races.test_payout_races import waits_or_ends


@pytest.mark.parametrize("withheld_first", [True, False])
async def test_whoever_is_let_go_while_payouts_are_withheld_is_let_go(
    live: Resources, clock: ManualClock, *, withheld_first: bool
) -> None:
    # Whose payouts nobody ever decided about: there is no row of settings to lock.
    seller_id = (await transact(live.db, make_shop)).seller.id
    async with live.db.connection() as connection:
        await connection.execute(
            "INSERT INTO tax_identity_request (seller_id, asked_at, reminded_at, reminded_again_at)"
            " VALUES ($1, $2, $2, $2)",
            seller_id,
            clock.now() - timedelta(days=60),
        )
    withhold, lift = tax_request_service.withhold, tax_request_service.lift
    said = {"viewer": an_operator(), "seller_id": seller_id, "reason": "The papers are there"}
    async with live.db.connection() as connection, connection.transaction():
        if withheld_first:
            assert await withhold(connection, seller_id=seller_id, now=clock.now())
            rival = asyncio.create_task(transact(live.db, lift, **said, now=clock.now()))
        else:
            await lift(connection, **said, now=clock.now())
            rival = asyncio.create_task(
                transact(live.db, withhold, seller_id=seller_id, now=clock.now())
            )
        await waits_or_ends(live, rival)
        assert not rival.done()
    seen = await rival
    assert withheld_first or seen is False
    async with live.db.connection() as connection:
        request = await connection.fetchrow(
            "SELECT lifted_at, withheld_at FROM tax_identity_request WHERE seller_id = $1",
            seller_id,
        )
        held_at = await connection.fetchval(
            "SELECT held_at FROM payout_settings WHERE seller_id = $1", seller_id
        )
    assert tuple(request) == (clock.now(), None)
    assert held_at is None
