"""Imports over a market of their own: crashes in the middle, several at once, and the worker."""

import asyncio
from dataclasses import replace
from uuid import UUID

import httpx2
import pytest

from gosellr.core.transact import ask, transact
from gosellr.flows import imports
from gosellr.flows.imports import BATCH_PRODUCTS
from gosellr.jobs.outbox import REACTIONS
from gosellr.jobs.worker import Worker
from gosellr.resources import Resources
from gosellr.services import import_service
from tests.factories.accounts import TestSeller, bearer, make_seller
from tests.factories.catalogue import make_category
from tests.factories.imports import Headers, counts, hand_in

LINES = "sku,title,price,stock,category\n"
PRODUCTS = 3 * BATCH_PRODUCTS + 7


def _file(*, first: int = 0, products: int = PRODUCTS) -> str:
    return LINES + "".join(
        f"S{number},Lamp {number},{number + 1}.50,{number},Lamps\n"
        for number in range(first, first + products)
    )


async def _seller(live: Resources, name: str) -> tuple[TestSeller, Headers]:
    now = live.clock.now()
    seller = await transact(live.db, make_seller, now=now, name=name)
    return seller, await bearer(live, seller.owner)


async def _number(live: Resources, question: str, *args: object) -> int:
    async with live.db.connection() as connection:
        return int(await connection.fetchval(question, *args))


@pytest.fixture
async def lamps(live: Resources) -> UUID:
    """The category that the files name."""
    return await transact(live.db, make_category, name="Lamps")


async def _handed_in(client: httpx2.AsyncClient, headers: Headers, file: str) -> UUID:
    asked = await hand_in(client, headers, file, kind="gosellr")
    assert asked.status_code == 202, asked.text
    return UUID(asked.json()["id"])


async def test_an_import_goes_on_behind_its_last_batch(
    live: Resources, live_client: httpx2.AsyncClient, lamps: UUID
) -> None:
    _, headers = await _seller(live, "Blue Lamp")
    import_id = await _handed_in(live_client, headers, _file())
    path = f"/api/v1/imports/{import_id}"
    await imports.run_import(live.imports, import_id=import_id, batches_max=2)
    under_way = (await live_client.get(path, headers=headers)).json()
    assert (under_way["status"], under_way["total_rows"]) == ("running", PRODUCTS)
    assert under_way["processed_rows"] == 2 * BATCH_PRODUCTS
    assert counts(under_way) == (2 * BATCH_PRODUCTS, 0, 0, 0)
    await imports.run_import(live.imports, import_id=import_id)
    done = (await live_client.get(path, headers=headers)).json()
    assert (done["status"], done["processed_rows"]) == ("finished", PRODUCTS)
    assert counts(done) == (PRODUCTS, 0, 0, 0)
    assert await _number(live, "SELECT count(*) FROM product") == PRODUCTS
    assert await _number(live, "SELECT count(*) FROM stock_movement") == PRODUCTS - 1
    # Asked again, as a job may be, there is nothing left to do.
    await imports.run_import(live.imports, import_id=import_id)
    told = "SELECT count(*) FROM outbox_event WHERE type = 'import.finished'"
    assert await _number(live, told) == 1


async def test_a_batch_that_fails_in_the_middle_leaves_nothing(
    live: Resources, live_client: httpx2.AsyncClient, lamps: UUID
) -> None:
    """What a killed worker leaves behind: an open transaction, which PostgreSQL takes back."""
    _, headers = await _seller(live, "Blue Lamp")
    import_id = await _handed_in(live_client, headers, _file())

    class Killed(BaseException):
        pass

    class Watch:
        """Stops the flow when it says the time for the third batch."""

        def __init__(self) -> None:
            self.told = 0

        def now(self) -> object:
            self.told += 1
            if self.told > 3:
                raise Killed
            return live.clock.now()

    powers = replace(live.imports, clock=Watch())  # type: ignore[arg-type]
    with pytest.raises(Killed):
        await imports.run_import(powers, import_id=import_id)
    state = await ask(live.db, import_service.find_unfinished, import_id=import_id)
    assert state is not None
    assert state.processed_rows == 2 * BATCH_PRODUCTS
    assert await _number(live, "SELECT count(*) FROM product") == 2 * BATCH_PRODUCTS
    await imports.run_import(live.imports, import_id=import_id)
    assert await _number(live, "SELECT count(*) FROM product") == PRODUCTS


async def test_two_workers_on_one_import_list_everything_once(
    live: Resources, live_client: httpx2.AsyncClient, lamps: UUID
) -> None:
    _, headers = await _seller(live, "Blue Lamp")
    import_id = await _handed_in(live_client, headers, _file())
    await asyncio.gather(*(imports.run_import(live.imports, import_id=import_id) for _ in range(3)))
    done = (await live_client.get(f"/api/v1/imports/{import_id}", headers=headers)).json()
    assert (done["status"], done["processed_rows"]) == ("finished", PRODUCTS)
    assert counts(done) == (PRODUCTS, 0, 0, 0)
    assert await _number(live, "SELECT count(*) FROM product") == PRODUCTS
    told = "SELECT count(*) FROM outbox_event WHERE type = 'import.finished'"
    assert await _number(live, told) == 1


async def test_two_sellers_at_once_and_one_seller_twice(
    live: Resources, live_client: httpx2.AsyncClient, lamps: UUID
) -> None:
    """The same SKUs in two shops are different things; in one shop they are the same."""
    blue, blue_headers = await _seller(live, "Blue Lamp")
    red, red_headers = await _seller(live, "Red Chair")
    ids = [
        await _handed_in(live_client, headers, _file())
        for headers in (blue_headers, red_headers, red_headers)
    ]
    await asyncio.gather(
        *(imports.run_import(live.imports, import_id=import_id) for import_id in ids)
    )
    by_seller = "SELECT count(*) FROM variant WHERE seller_id = $1"
    assert await _number(live, by_seller, blue.id) == PRODUCTS
    assert await _number(live, by_seller, red.id) == PRODUCTS
    found = [
        (await live_client.get(f"/api/v1/imports/{import_id}", headers=headers)).json()
        for import_id, headers in zip(ids, (blue_headers, red_headers, red_headers), strict=True)
    ]
    assert counts(found[0]) == (PRODUCTS, 0, 0, 0)
    assert {run["failed"] for run in found} == {0}
    assert found[1]["created"] + found[2]["created"] == PRODUCTS
    assert found[1]["unchanged"] + found[2]["unchanged"] == PRODUCTS


async def test_the_worker_takes_up_what_was_handed_in(
    live: Resources, live_client: httpx2.AsyncClient, lamps: UUID
) -> None:
    _, headers = await _seller(live, "Blue Lamp")
    import_id = await _handed_in(live_client, headers, _file(products=12))
    stop = asyncio.Event()
    worker = Worker(live, stop=stop, reactions=REACTIONS, schedule=())
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run())
        while True:
            if await ask(live.db, import_service.find_unfinished, import_id=import_id) is None:
                break
            await asyncio.sleep(0.05)
        stop.set()
    done = (await live_client.get(f"/api/v1/imports/{import_id}", headers=headers)).json()
    assert (done["status"], counts(done)) == ("finished", (12, 0, 0, 0))
