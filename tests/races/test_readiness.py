"""Ready means that what happens is also worked off."""

import asyncio

import httpx2

from gosellr.core.transact import transact
from gosellr.resources import Resources
from tests.factories.catalogue import make_product, make_shelf_seller


async def test_not_ready_when_facts_wait_and_no_worker_lives(
    live_client: httpx2.AsyncClient, live: Resources
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    await transact(live.db, make_product, seller=seller_id)
    looks = 0
    # Until the transactions that run elsewhere in the cluster let the relay see.
    while (answer := await live_client.get("/readyz")).status_code == 200 and looks < 10_000:
        looks += 1
        await asyncio.sleep(0.01)
    assert answer.status_code == 503
    assert "queue" in answer.json()["detail"]
    async with live.db.connection() as connection:
        await connection.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES ($1)", live.clock.now()
        )
    assert (await live_client.get("/readyz")).status_code == 200
