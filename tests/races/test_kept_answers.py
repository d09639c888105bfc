"""What one process has changed no other gives out any more: at once where they share a host, and
within a moment where they don't."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.errors import Conflict
from gosellr.core.passwords import PasswordCosts
from gosellr.core.transact import transact
from gosellr.flows import watch
from gosellr.jobs import cards, upkeep
from gosellr.main import build
from gosellr.models.events import FactType, RecordedFact
from gosellr.resources import Resources, open_resources
from gosellr.services import (
    category_service,
    inventory_service,
    product_edit_service,
    product_service,
    review_service,
    seller_service,
)
from gosellr.services.checkout_service import Tender
from gosellr.services.review_service import NewReview
from gosellr.services.seller_service import SellerStep
from gosellr.utils.catalogue import Price
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.accounts import make_seller
from tests.factories.catalogue import MadeProduct, make_product
from tests.factories.sales import NOW, Shop, buy, cancel, make_buyer, make_shop, ship, step

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
    async with open_resources(settings, password_costs=costs, clock=clock) as market:

        @asynccontextmanager
        async def open_nothing() -> AsyncIterator[Resources]:
            yield market

        app = build(settings, open_resources=open_nothing)
        app.state.resources = market
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x.test") as client:
            yield Web(market, client)


@pytest.fixture(scope="module")
def dsn(cluster: Cluster, fresh_database: Callable[[str], str]) -> str:
    return cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("kept answers"))


async def two_offers(connection: Connection) -> tuple[Shop, MadeProduct]:
    """Two sellers with one item."""
    shop = await make_shop(connection, stock=5, low_stock_at=0)
    other = await make_seller(connection, now=NOW, name=f"Rival {uuid4().hex[:8]}")
    rival = await make_product(connection, seller=other, item_id=shop.product.item_id)
    return shop, rival


@pytest.fixture(scope="module")
async def webs(
    dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Web, Web, Web]]:
    """Two processes in one home and one in another."""
    clock = ManualClock(NOW)
    here, there = (tmp_path_factory.mktemp(name) for name in ("here", "there"))
    async with AsyncExitStack() as stack:
        writer, reader, stranger = [
            await stack.enter_async_context(open_web(settings_of(dsn, home), clock))
            for home in (here, here, there)
        ]
        # The reader hears of nothing: what it knows comes from the writer's own word.
        reader.market.kept.vouch(until=inf)
        await stack.enter_async_context(stranger.market.watching())
        yield writer, reader, stranger


@pytest.fixture
async def stage(webs: tuple[Web, Web, Web]) -> Stage:
    writer, reader, stranger = webs
    shop, rival = await transact(writer.market.db, two_offers)
    reader.market.kept.clear()
    clock = writer.market.clock
    assert isinstance(clock, ManualClock)
    return Stage(writer, reader, stranger, clock, shop, rival)


async def edit(stage: Stage, **changes: Any) -> None:
    await stage.does(
        product_edit_service.update_product,
        viewer=stage.shop.viewer,
        product_id=stage.shop.product.id,
        changes=changes,
    )


async def edit_title(stage: Stage) -> None:
    await edit(stage, title="Another title")


async def edit_price(stage: Stage) -> None:
    await edit(stage, variants=({"id": stage.shop.product.variant_id, "prices": PRICES},))


async def count_stock(stage: Stage) -> None:
    await edit(stage, variants=({"id": stage.shop.product.variant_id, "stock": 9},))


async def sell_out(stage: Stage) -> None:
    await stage.does(
        inventory_service.adjust_stock,
        viewer=stage.shop.viewer,
        variant_id=stage.shop.product.variant_id,
        delta=-5,
        reason="broken",
    )


async def archive(stage: Stage) -> None:
    await stage.does(
        product_service.archive_product,
        viewer=stage.shop.viewer,
        product_id=stage.shop.product.id,
    )


async def order(stage: Stage) -> None:
    await buy(stage.writer.market, (stage.shop, 2))


async def suspend(stage: Stage) -> None:
    await stage.does(
        seller_service.move_seller,
        viewer=OPERATOR,
        seller_id=stage.shop.seller.id,
        step=SellerStep.SUSPEND,
        reason="for a test",
    )


async def rename_seller(stage: Stage) -> None:
    await stage.does(
        seller_service.update_seller,
        viewer=stage.shop.viewer,
        seller_id=stage.shop.seller.id,
        changes={"name": "Another name"},
        version=None,
    )


async def rename_category(stage: Stage) -> None:
    await stage.does(
        category_service.update_category,
        category_id=stage.shop.product.category_id,
        changes={"name": f"Another {uuid4().hex[:8]}"},
    )


async def list_more(stage: Stage) -> None:
    await transact(
        stage.writer.market.db,
        make_product,
        seller=stage.shop.seller,
        category_id=stage.shop.product.category_id,
    )


async def assert_told(stage: Stage, change: Callable[[Stage], Awaitable[None]], path: str) -> None:
    """The change is seen here at once, and there in a moment."""
    before = await stage.reader.keep(path)

    async def is_there() -> bool:
        return await stage.stranger.keep(path) == before

    await until(is_there)
    await change(stage)
    after = told(await stage.reader.get(path))
    assert after == await stage.reader.truth(path)
    assert after != before

    async def has_heard() -> bool:
        return told(await stage.stranger.get(path)) == after

    await until(has_heard)


PAGE, RIVAL, LIST, SHELF, TREE, CATEGORIES, CATEGORY = range(7)


def path_of(stage: Stage, which: int) -> str:
    return (
        stage.page,
        stage.rival_page,
        "/products/",
        f"/sellers/{stage.shop.seller.id}/products",
        "/marketplace/categories",
        "/categories?limit=100",
        f"/categories/{stage.shop.product.category_id}",
    )[which]


@pytest.mark.parametrize(
    ("change", "which"),
    [
        (edit_title, PAGE),
        (edit_title, LIST),
        (edit_price, PAGE),
        (edit_price, RIVAL),
        (edit_price, SHELF),
        (count_stock, PAGE),
        (sell_out, PAGE),
        (sell_out, RIVAL),
        (sell_out, SHELF),
        (archive, PAGE),
        (archive, RIVAL),
        (archive, LIST),
        (archive, TREE),
        (order, PAGE),
        (suspend, PAGE),
        (suspend, RIVAL),
        (suspend, SHELF),
        (suspend, CATEGORY),
        (rename_seller, PAGE),
        (rename_category, PAGE),
        (rename_category, SHELF),
        (rename_category, TREE),
        (rename_category, CATEGORIES),
        (rename_category, CATEGORY),
        (list_more, SHELF),
        (list_more, TREE),
    ],
)
async def test_a_change_is_told(
    stage: Stage, change: Callable[[Stage], Awaitable[None]], which: int
) -> None:
    await assert_told(stage, change, path_of(stage, which))


async def test_a_review_is_told(stage: Stage) -> None:
    buyer = await transact(stage.writer.market.db, make_buyer)
    placed = await buy(stage.writer.market, (stage.shop, 1), buyer=buyer)
    await ship(stage.writer.market, placed, stage.shop)
    await step(stage.writer.market, placed, OrderStatus.DELIVERED, viewer=stage.shop.viewer)

    async def review(stage: Stage) -> None:
        await stage.does(
            review_service.post_review,
            viewer=buyer.viewer,
            product_id=stage.shop.product.id,
            review=NewReview(rating=4, title="Good", body="Very bright"),
        )

    shelf = path_of(stage, SHELF)
    before = await stage.reader.keep(shelf), await stage.reader.keep(stage.rival_page)
    await assert_told(stage, review, stage.page)
    for path, was in zip((shelf, stage.rival_page), before, strict=True):
        now = told(await stage.reader.get(path))
        assert now == await stage.reader.truth(path)
        assert now != was


async def test_what_goes_back_on_sale_is_told(stage: Stage) -> None:
    market = stage.writer.market
    placed = await buy(market, (stage.shop, 2))

    async def call_off(stage: Stage) -> None:
        await cancel(market, placed, viewer=OPERATOR)

    await assert_told(stage, call_off, stage.page)
    await buy(market, (stage.shop, 2), tenders=[Tender(method="sandbox", token="tok_declined")])

    async def let_expire(stage: Stage) -> None:
        stage.clock.advance(timedelta(days=1))
        await upkeep.expire_holds(market)

    await assert_told(stage, let_expire, stage.page)


async def test_an_order_keeps_the_lists_until_the_word_for_stock_changes(stage: Stage) -> None:
    shelf = path_of(stage, SHELF)
    listed = await stage.reader.keep(shelf)
    rival = await stage.reader.keep(stage.rival_page)
    await stage.stranger.keep(shelf)
    placed = await buy(stage.writer.market, (stage.shop, 5))
    assert stage.reader.is_kept(shelf)
    fact = RecordedFact(
        sequence=1,
        id=uuid4(),
        type=FactType.ORDER_PLACED,
        aggregate_type="order",
        aggregate_id=placed.id,
        data={"product_ids": [str(stage.shop.product.id)]},
        occurred_at=NOW,
    )
    await cards.refresh_cards_of_order(stage.writer.market, fact)
    now = told(await stage.reader.get(shelf))
    assert now[1]["items"][0]["availability"] == "sold_out"
    assert now != listed
    offers = told(await stage.reader.get(stage.rival_page))[1]["offers"]
    assert offers != rival[1]["offers"]
    assert {offer["in_stock"] for offer in offers} == {True, False}

    async def has_heard() -> bool:
        return told(await stage.stranger.get(shelf)) == now

    await until(has_heard)
    # Told twice, it has nothing to say.
    await stage.reader.keep(shelf)
    await cards.refresh_cards_of_order(stage.writer.market, fact)
    assert stage.reader.is_kept(shelf)


async def test_a_seller_s_new_name_reaches_the_lists_with_their_cards(stage: Stage) -> None:
    shelf = path_of(stage, SHELF)
    await rename_seller(stage)

    async def refresh(stage: Stage) -> None:
        fact = RecordedFact(
            sequence=1,
            id=uuid4(),
            type=FactType.SELLER_UPDATED,
            aggregate_type="seller",
            aggregate_id=stage.shop.seller.id,
            data={"fields": ["name"]},
            occurred_at=NOW,
        )
        await cards.refresh_cards_of_seller(stage.writer.market, fact)

    await assert_told(stage, refresh, shelf)


async def test_what_is_rolled_back_changes_nothing(stage: Stage) -> None:
    await stage.reader.keep(stage.page)

    async def fail(connection: Connection, *, product_id: UUID) -> None:
        await product_edit_service.update_product(
            connection,
            viewer=stage.shop.viewer,
            product_id=product_id,
            changes={"title": "Never"},
            now=NOW,
        )
        raise Conflict

    with pytest.raises(Conflict):
        await transact(stage.writer.market.db, fail, product_id=stage.shop.product.id)
    assert stage.reader.is_kept(stage.page)


async def listen(web: Web) -> list[Any]:
    """The statements that the process runs from now on; each a turn of the loop later."""
    seen: list[Any] = []
    async with web.market.db.connection() as connection:
        connection.add_query_logger(seen.append)
    return seen


async def test_a_hit_asks_the_database_nothing_and_looks_the_same(stage: Stage) -> None:
    # What the driver asks at the first use of a statement isn't counted.
    await stage.reader.truth(stage.page)
    seen = await listen(stage.reader)
    first = await stage.reader.get(stage.page)
    await asyncio.sleep(0)
    assert len(seen) == 1
    second = await stage.reader.get(stage.page)
    known = await stage.reader.get(
        stage.page, **{"If-None-Match": f'"x", W/{first.headers["etag"]}'}
    )
    await asyncio.sleep(0)
    assert len(seen) == 1
    told_to_strangers = await stage.reader.client.get(API + stage.page, headers=TELLING)
    own = {"x-request-id": ""}
    assert {**second.headers, **own} == {**told_to_strangers.headers, **own}
    assert (second.status_code, second.content) == (200, first.content)
    fresh = await stage.reader.client.get(
        API + stage.page, headers={**TELLING, "If-None-Match": first.headers["etag"]}
    )
    assert (known.status_code, fresh.status_code, known.content) == (304, 304, b"")
    assert {**known.headers, **own} == {**fresh.headers, **own}
    assert len({first.headers["x-request-id"], second.headers["x-request-id"]}) == 2


@pytest.mark.parametrize(
    ("name", "value", "status", "statements"),
    [
        ("Authorization", "Bearer nobody", 401, 0),
        ("Authorization", "Basic nobody", 200, 1),
        ("Cookie", "name=value", 200, 1),
        ("X-Cart-Token", "nobody", 200, 1),
        ("X-Order-Token", "nobody", 200, 1),
    ],
)
async def test_whoever_says_who_they_are_is_neither_kept_nor_given_what_is(
    stage: Stage, name: str, value: str, status: int, statements: int
) -> None:
    await stage.reader.get(stage.page, **{name: value})
    assert len(stage.reader.market.kept) == 0
    await stage.reader.keep(stage.page)
    seen = await listen(stage.reader)
    answer = await stage.reader.get(stage.page, **{name: value})
    await asyncio.sleep(0)
    assert (answer.status_code, len(seen)) == (status, statements)


async def test_what_is_refused_isn_t_kept(stage: Stage) -> None:
    draft = await transact(
        stage.writer.market.db, make_product, seller=stage.shop.seller, active=False
    )
    for path, status in (
        (f"/products/{draft.id}", 404),
        ("/products/?colour=red", 422),
        ("/products/?status=all", 401),
        (f"/categories/{uuid4()}", 404),
    ):
        assert (await stage.reader.get(path)).status_code == status
    assert len(stage.reader.market.kept) == 0


async def test_what_was_being_read_while_it_changed_isn_t_given_out(stage: Stage) -> None:
    market = stage.reader.market
    key = (API + stage.page, b"")
    await stage.reader.get(stage.page)
    kept = market.kept.find(key)
    assert kept is not None
    names = (f"product:{stage.shop.product.id}", "catalogue")
    marks = market.kept.begin(names)
    assert marks is not None
    await edit_title(stage)
    market.kept.keep(key, kept, marks=marks)
    assert market.kept.find(key) is None


async def test_a_lost_connection_drops_everything(
    stage: Stage, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_PAUSE_SECONDS", 0.01)
    kept = stage.stranger.market.kept
    await stage.stranger.keep(stage.page)
    era = kept.begin(("catalogue",))
    assert era is not None
    # Only the watch's statement names the snapshot it has seen.
    async with stage.writer.market.db.connection() as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE '%pg_snapshot_xip%'"
            " AND pid <> pg_backend_pid()"
        )

    async def has_begun_anew() -> bool:
        later = kept.begin(("catalogue",))
        return later is not None and later.era > era.era

    await until(has_begun_anew)
    assert not stage.stranger.is_kept(stage.page)


async def test_without_memory_for_it_nothing_is_kept(stage: Stage) -> None:
    settings = stage.reader.market.settings.model_copy(update={"cache_mb": 0})
    async with open_web(settings, stage.clock) as web, web.market.watching():
        await web.get(stage.page)
        assert (len(web.market.kept), web.market.kept.is_wanted) == (0, False)
