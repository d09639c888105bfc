"""Web processes of two hosts over one database, and what happens to what they show."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.passwords import PasswordCosts
from gosellr.core.transact import transact
from gosellr.resources import Resources, open_resources
from gosellr.services import (
    product_edit_service,
)
from gosellr.utils.catalogue import Price
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import make_seller
from tests.factories.applications import caller_of
from tests.factories.catalogue import MadeProduct, make_product
from tests.factories.sales import NOW, Shop, make_shop

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
API = "/api/v1"
# Whoever says who he is isn't answered out of the cache.
TELLING = {"X-Cart-Token": "nobody"}
PRICES = (Price(currency="EUR", amount_minor=4321),)


@dataclass(slots=True)
class Web:
    """A web process: what it holds, and a caller of its doors."""

    market: Resources
    client: httpx2.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        """What a stranger is answered."""
        return await self.client.get(API + path, headers=headers)

    async def truth(self, path: str) -> tuple[int, Any]:
        """What the database says."""
        return told(await self.client.get(API + path, headers=TELLING))

    async def keep(self, path: str) -> tuple[int, Any]:
        """Ask until the answer is kept here, whatever it is."""

        async def is_kept() -> bool:
            assert (await self.get(path)).status_code == 200
            return self.is_kept(path)

        await until(is_kept)
        return told(await self.get(path))

    def is_kept(self, path: str) -> bool:
        """Whether the answer is kept here and still good."""
        bare, _, query = path.partition("?")
        return self.market.kept.find((API + bare, query.encode())) is not None


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that comes in a moment; the suite's timeout ends a failure."""
    while not await condition():  # noqa: ASYNC110 - nobody tells us
        await asyncio.sleep(0.01)


def told(answer: httpx2.Response) -> tuple[int, Any]:
    """An answer without what is only ever said once."""
    return answer.status_code, {
        name: value for name, value in answer.json().items() if name != "request_id"
    }


@dataclass(slots=True)
class Stage:
    """Two processes of one host, and one of another, over one database, with two offers."""

    writer: Web
    reader: Web
    stranger: Web
    clock: ManualClock
    shop: Shop
    rival: MadeProduct

    @property
    def page(self) -> str:
        """The page of the product that things happen to."""
        return f"/products/{self.shop.product.id}"

    @property
    def rival_page(self) -> str:
        """The page of another seller's offer of the same item."""
        return f"/products/{self.rival.id}"

    async def does(self, command: Callable[..., Awaitable[Any]], /, **arguments: Any) -> Any:
        """Run a command in the writing process."""
        return await transact(self.writer.market.db, command, **arguments, now=NOW)


def settings_of(dsn: str, home: Path) -> Settings:
    return Settings(
        home=home,
        database_url=dsn,
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )


@asynccontextmanager
async def open_web(settings: Settings, clock: ManualClock) -> AsyncIterator[Web]:
    costs = PasswordCosts(rounds=1, memory_kib=64, lanes=1)
    async with (
        open_resources(settings, password_costs=costs, clock=clock) as market,
        caller_of(market, base_url="http://x.test") as client,
    ):
        yield Web(market, client)


async def two_offers(connection: Connection) -> tuple[Shop, MadeProduct]:
    """Two sellers with one item."""
    shop = await make_shop(connection, stock=5, low_stock_at=0)
    other = await make_seller(connection, now=NOW, name=f"Rival {uuid4().hex[:8]}")
    rival = await make_product(connection, seller=other, item_id=shop.product.item_id)
    return shop, rival


async def edit(stage: Stage, **changes: Any) -> None:
    await stage.does(
        product_edit_service.update_product,
        viewer=stage.shop.viewer,
        product_id=stage.shop.product.id,
        changes=changes,
    )


async def edit_title(stage: Stage) -> None:
    await edit(stage, title="Another title")


async def listen(web: Web) -> list[Any]:
    """The statements that the process runs from now on; each a turn of the loop later."""
    seen: list[Any] = []
    async with web.market.db.connection() as connection:
        connection.add_query_logger(seen.append)
    return seen
