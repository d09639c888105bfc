"""The market that is loaded for measurements: the same each time, and sound in all its books."""

from collections.abc import AsyncIterator, Callable
from contextlib import nullcontext
from datetime import UTC, datetime

import httpx2
import pytest

from bench.market_data import Catalogue, PastOrders, load_catalogue, load_orders
from gosellr.api.application import create_app
from gosellr.config import Settings
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.jobs.audit import audit_market
from gosellr.queries.product_lists import ProductFilters
from gosellr.resources import Resources, open_resources
from gosellr.services import event_service, order_service, popularity_service, search_service
from gosellr.services.market_size import MarketSize
from gosellr.services.product_rows import words_of
from gosellr.utils.catalogue import option_key
from tests.factories.ledger import until_settled
from tests.factories.orders import order_body, place

CATALOGUE = Catalogue(60, sellers=8, categories=30, seed=3)
PAST = PastOrders(40, seed=5)


@pytest.fixture(scope="module")
async def market(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Resources]:
    """A loaded market, reached as the owner of its tables."""
    settings = Settings(
        home=tmp_path_factory.mktemp("market_data"),
        database_url=cluster.dsn(database=fresh_database("market_data")),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    dsn = settings.database_url
    assert dsn is not None
    loaded = await load_catalogue(dsn, products=60, sellers=8, categories=30, seed=3)
    assert loaded == CATALOGUE
    past = await load_orders(dsn, catalogue=loaded, orders=40, seed=5, home=settings.home)
    assert past == PAST
    async with open_resources(settings) as resources:
        yield resources


@pytest.fixture
async def connection(market: Resources) -> AsyncIterator[Connection]:
    """A look at the loaded market."""
    async with market.db.connection() as borrowed:
        yield borrowed


async def _findings(market: Resources) -> list[object]:
    found = await audit_market(market.db, gateways=market.gateways, now=datetime.now(UTC))
    return [*found]


async def test_every_invariant_holds(market: Resources) -> None:
    assert await _findings(market) == []


async def test_the_catalogue_is_told_without_the_database(connection: Connection) -> None:
    rows = await connection.fetch("SELECT id, slug FROM product ORDER BY created_at")
    assert [row["id"] for row in rows] == list(CATALOGUE.product_ids)
    assert [row["slug"] for row in rows] == [CATALOGUE.product(each).slug for each in range(60)]
    rows = await connection.fetch(
        "SELECT variant.id, variant.product_id, variant.seller_id, price.amount_minor"
        " FROM variant JOIN variant_price AS price ON price.variant_id = variant.id"
        " ORDER BY variant.created_at, variant.position"
    )
    assert [tuple(row) for row in rows] == [
        (each.id, each.product_id, each.seller_id, each.price_minor) for each in CATALOGUE.variants
    ]
    rows = await connection.fetch("SELECT id, path, ancestor_ids FROM category ORDER BY position")
    assert [(row["id"], row["path"], tuple(row["ancestor_ids"])) for row in rows] == [
        (each.id, each.path, each.ancestor_ids) for each in CATALOGUE.category_list
    ]
    assert {each.level for each in CATALOGUE.category_list} == {1, 2, 3}


def test_another_seed_is_another_market() -> None:
    other = Catalogue(60, sellers=8, categories=30, seed=4)
    assert not {*other.product_ids} & {*CATALOGUE.product_ids}
    assert other.searches != CATALOGUE.searches
    assert Catalogue(60, sellers=8, categories=30, seed=3).searches == CATALOGUE.searches


def test_ids_are_time_ordered_and_each_is_one() -> None:
    ids = [*CATALOGUE.product_ids, *(each.id for each in CATALOGUE.variants)]
    assert {each.version for each in ids} == {7}
    assert len({*ids}) == len(ids)
    assert list(CATALOGUE.product_ids) == sorted(CATALOGUE.product_ids)


async def test_listings_are_written_as_sellers_write_them(connection: Connection) -> None:
    products = await connection.fetch(
        "SELECT title, description, description_html, brand FROM product"
    )
    for row in products:
        written = dict(row)
        assert written == words_of(
            title=row["title"], description=row["description"], brand=row["brand"]
        )
        assert len(row["description"].split()) == 60
        assert 3 <= len(row["title"].split()) <= 7
    variants = await connection.fetch("SELECT options, option_key FROM variant")
    assert all(row["option_key"] == option_key(row["options"]) for row in variants)


async def test_people_find_what_they_look_for(connection: Connection) -> None:
    assert len({*CATALOGUE.searches}) == 500
    assert all(1 <= len(words.split()) <= 3 for words in CATALOGUE.searches)
    title = CATALOGUE.product(7).title
    found = await search_service.search(
        connection,
        query=title,
        filters=ProductFilters(),
        limit=5,
        currency="EUR",
        market_size=MarketSize(),
    )
    assert str(CATALOGUE.product_ids[7]).encode() in found.items
    known = await connection.fetchval(
        "SELECT count(*) FROM search_word WHERE word = ANY($1)", title.lower().split()
    )
    assert known == len(title.split())


async def test_a_past_order_reads_as_a_paid_one(connection: Connection) -> None:
    order = await order_service.load_order(connection, order_id=PAST.order_id(11))
    assert (order.status, order.payment_status) == ("paid", "paid")
    assert order.placed_at == PAST.placed_at(11)
    assert order.user_id == PAST.buyer_id(PAST.buyer_of(11))
    assert [len(part.lines) for part in order.parts] == [1, 1]
    assert [event.kind for event in order.events] == [
        "placed", "paid", "status_changed", "status_changed",
    ]  # fmt: skip


async def test_nothing_is_left_for_a_worker(connection: Connection) -> None:
    assert not await event_service.has_news(connection)
    assert await connection.fetchval("SELECT count(*) FROM procrastinate_jobs") == 0
    assert await connection.fetchval("SELECT count(*) FROM outbox_feed") == 80
    change = await popularity_service.find_change(connection, now=datetime.now(UTC))
    assert change is not None
    assert (change.position, change.product_ids) == (80, [])


async def test_the_market_goes_on_selling(market: Resources) -> None:
    app = create_app(settings=market.settings, open_resources=lambda: nullcontext(market))
    app.state.resources = market
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://market.test") as caller:
        body = order_body((CATALOGUE.variants[0].id, 1), (CATALOGUE.variants[50].id, 2))
        body["shipping_address"] = dict(CATALOGUE.address)
        answer = await place(caller, body)
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert order["status"] == "paid"
    assert order["shipping_total"]["amount"] > 0
    async with market.db.connection() as connection:
        last, sequence = await connection.fetchrow(  # type: ignore[misc]
            "SELECT max(number), (SELECT last_value FROM order_number) FROM orders"
        )
    assert last == sequence
    assert await _findings(market) == []
    # Whoever looks for news sees no further than the oldest transaction that still runs.
    await until_settled(market.db)
    with pytest.raises(RuntimeError, match="facts wait"):
        await load_orders(
            market.settings.database_url or "",
            catalogue=CATALOGUE,
            orders=1,
            seed=6,
            home=market.settings.home,
        )


@pytest.mark.parametrize("wrong", [{"products": 0}, {"sellers": 1}, {"categories": 5}])
def test_a_market_has_at_least_something(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Catalogue(**{"products": 60, **wrong})
