"""The demo market: made by the services themselves, the same for the same seed, and once only."""

import json
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.errors import DomainError
from gosellr.core.passwords import PasswordCosts
from gosellr.core.transact import ask
from gosellr.jobs import demo, letters
from gosellr.jobs.audit import audit_market
from gosellr.jobs.demo import tiles
from gosellr.jobs.demo.goods import SCARCE_MAX
from gosellr.jobs.demo.history import History
from gosellr.jobs.demo.letterheads import LETTERHEADS
from gosellr.jobs.demo.plan import Act, draw_plan
from gosellr.jobs.demo.state import recall_market, recall_progress
from gosellr.jobs.demo.teller import Teller, with_history
from gosellr.jobs.schedule import SCHEDULE
from gosellr.resources import Resources, open_resources
from gosellr.services import account_service, gift_sale_service
from tests.factories.letters import TELL

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SEED = 11
ORDERS = 40
# Before the history, a story follows every cent of three: see test_demo_story.
STORY_ORDERS = 3
CHEAP = PasswordCosts(rounds=1, memory_kib=64, lanes=1)


def silent(done: int, total: int, note: str) -> None:
    """Somebody who isn't interested in progress."""


@pytest.fixture
async def market(
    request: pytest.FixtureRequest,
    settings: Settings,
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Resources]:
    """An empty market of the test's own, with real commits and a clock that stands still.

    Its pictures are drawn small, which changes nothing but how long it takes.
    """
    monkeypatch.setattr(tiles, "_SIDE", 64)
    name = fresh_database(request.node.nodeid)
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=name)
    own = settings.model_copy(update={"database_url": dsn, "demo": True})
    async with open_resources(own, password_costs=CHEAP, clock=ManualClock(NOW)) as opened:
        yield opened


async def load(market: Resources) -> None:
    """The catalogue with a history of a few orders to come."""
    await demo.load(market, report=silent, seed=SEED, orders=ORDERS)


async def tell_all(market: Resources) -> None:
    """The whole history, in as many turns as it takes."""
    teller = Teller()
    while not await teller.is_over(market):
        await teller.go_on(market)


async def counts(market: Resources, statement: str) -> Counter[str]:
    """The two columns of a statement, as name and number."""
    async with market.db.connection() as connection:
        return Counter({row[0]: int(row[1]) for row in await connection.fetch(statement)})


async def totals(market: Resources) -> dict[str, Counter[str]]:
    """What must come out the same for the same seed."""
    return {
        "orders": await counts(
            market,
            "SELECT status || ' ' || payment_status, sum(total_minor) FROM orders GROUP BY 1",
        ),
        "ledger": await counts(
            market,
            "SELECT split_part(account, ':', 1) || ' ' || direction, sum(amount_minor)"
            " FROM ledger_entry GROUP BY 1",
        ),
        "stock": await counts(
            market,
            "SELECT sku, sum(on_hand - reserved) FROM stock_level"
            " JOIN variant ON variant.id = variant_id GROUP BY 1",
        ),
        "stars": await counts(market, "SELECT rating::text, count(*) FROM review GROUP BY 1"),
        "released": await counts(
            market, "SELECT 'at ' || released_at::text, count(*) FROM seller_order GROUP BY 1"
        ),
    }


async def test_everything_is_there_and_the_books_are_right(market: Resources) -> None:
    await load(market)
    await letters.write_letters(market)
    await tell_all(market)
    assert await audit_market(market.db, gateways=market.gateways, now=NOW) == []
    shops = await counts(market, "SELECT status, count(*) FROM seller GROUP BY 1")
    assert shops == {"active": 11, "applied": 1, "suspended": 1}
    orders = await counts(market, "SELECT status, count(*) FROM orders GROUP BY 1")
    assert orders.total() == ORDERS + STORY_ORDERS
    assert set(orders) == {
        "pending_payment", "paid", "processing", "partially_shipped", "shipped", "delivered",
        "completed", "cancelled",
    }  # fmt: skip
    money = await counts(market, "SELECT payment_status, count(*) FROM orders GROUP BY 1")
    assert set(money) >= {"pending", "failed", "paid", "partially_refunded", "refunded"}
    assert await counts(market, "SELECT 'x', max(n) FROM (SELECT count(*) AS n FROM seller_order"
                                " GROUP BY order_id) AS parts") >= Counter({"x": 2})  # fmt: skip
    released = "SELECT 'x', count(*) FROM seller_order WHERE released_at <= $$2026-03-02 09:00Z$$"
    assert (await counts(market, released))["x"] > 10
    # Some of it was kept back by a rule, and given back when its time was over.
    reserves = await counts(market, "SELECT CASE WHEN released_minor = 0 THEN 'held'"
                                    " ELSE 'released' END, count(*) FROM reserve_hold"
                                    " GROUP BY 1")  # fmt: skip
    assert min(reserves["held"], reserves["released"]) > 0
    assert [one.currency for one in await ask(market.db, gift_sale_service.offers)] == ["EUR"]
    cases = await counts(market, "SELECT status, count(*) FROM dispute GROUP BY 1")
    paid = await counts(market, "SELECT status, count(*) FROM payout GROUP BY 1")
    told = await counts(market, "SELECT status, count(*) FROM provider_movement GROUP BY 1")
    cards = await counts(market, "SELECT 'x', count(*) FROM gift_card")
    # Two cases and four payouts are the story's.
    assert cases == {"awaiting_seller": 2, "awaiting_buyer": 1, "under_review": 1, "closed": 2}
    assert (told["unmatched"], cards["x"]) == (2, 2 + 1)
    assert paid == {"failed": 1, "sent": 1, "paid": 4}
    proposed = await counts(market, "SELECT kind, count(*) FROM proposal WHERE status = 'prepared'"
                                    " GROUP BY 1")  # fmt: skip
    assert proposed == {"commission_rule_change": 1, "shop_owner": 1}
    # Nobody waits for the papers of months that are over already.
    papers = await counts(market, "SELECT kind, count(*) FROM document WHERE period IS NOT NULL"
                                  " GROUP BY 1")  # fmt: skip
    # The story closed the first month, for its three; the others have theirs since.
    assert papers == {"statement": 22, "commission_invoice": 18}
    # They bear where each shop is, and its numbers.
    bare = await counts(market, "SELECT 'x', count(*) FROM document WHERE period IS NOT NULL"
                                " AND (content->'recipient'->'address_lines' = '[]'"
                                " OR content->'recipient'->>'tax_id' = '')")  # fmt: skip
    assert bare["x"] == 0
    said = await counts(market, "SELECT coalesce(letterhead.line1, 'none'), 1 FROM seller"
                                " LEFT JOIN seller_letterhead AS letterhead"
                                " ON seller_id = seller.id")  # fmt: skip
    assert said == {one.line1: 1 for one in LETTERHEADS.values()} | {"none": 1}
    # Nobody is written to about the months that were told, but about what is to be seen today.
    async with market.db.connection() as connection:
        await connection.execute(TELL)
    await letters.write_letters(market)
    assert await counts(market, "SELECT kind, count(*) FROM letter GROUP BY 1") == {
        "payout_account_changed": 4, "payout_failed": 1, "case_opened": 3, "case_to_answer": 4,
        "case_answered": 2, "chargeback_opened": 2, "welcome": 1,
    }  # fmt: skip


async def test_the_catalogue_is_as_varied_as_a_market(market: Resources) -> None:
    await load(market)
    tree = "SELECT CASE WHEN parent_id IS NULL THEN 'top' ELSE 'below' END, count(*) FROM category"
    assert await counts(market, f"{tree} GROUP BY 1") == {"top": 8, "below": 24}
    cards = await counts(market, "SELECT 'on sale', count(*) FROM product_card WHERE visible")
    assert cards["on sale"] == 146
    variants = "SELECT product_id::text, count(*) FROM variant GROUP BY 1"
    assert max((await counts(market, variants)).values()) == 12
    shared = "SELECT item_id::text, count(*) FROM product GROUP BY 1 HAVING count(*) > 1"
    assert sorted((await counts(market, shared)).values()) == [2, 2, 2, 2, 2, 2, 2, 3]
    lengths = await counts(market, "SELECT title, length(title) FROM product")
    assert max(lengths.values()) == 140
    pictured = await counts(
        market, "SELECT product_id::text, count(*) FROM product_media GROUP BY 1"
    )
    # One thing has no picture, the suspended shop's two have one each.
    assert len(pictured) == cards["on sale"] + 2 - 1


async def test_the_same_seed_tells_the_same(
    market: Resources, settings: Settings, cluster: Cluster, fresh_database: Callable[[str], str]
) -> None:
    await load(market)
    await tell_all(market)
    told = await totals(market)
    name = fresh_database("the same seed again")
    other = settings.model_copy(
        update={
            "database_url": cluster.dsn(role=APPLICATION_ROLE, database=name),
            "home": settings.home / "other",
        }
    )
    other.home.mkdir()
    async with open_resources(other, password_costs=CHEAP, clock=ManualClock(NOW)) as again:
        await load(again)
        await tell_all(again)
        assert await totals(again) == told


async def test_a_second_load_changes_nothing(market: Resources) -> None:
    await load(market)
    card = market.settings.home / demo.CARD
    before = card.read_text(), await ask(market.db, recall_market)
    await load(market)
    card.unlink()
    await load(market)  # The database knows, even where the folder was lost.
    assert await ask(market.db, recall_market) == before[1]
    assert json.loads(card.read_text()) == json.loads(before[0]) | {"password": None}


async def test_a_load_cut_off_before_its_last_line_keeps_the_password(market: Resources) -> None:
    await load(market)
    card = market.settings.home / demo.CARD
    before = card.read_text()
    card.rename(card.with_suffix(".draft"))
    await load(market)
    assert card.read_text() == before


async def test_the_doors_open_with_the_password_made_here(market: Resources) -> None:
    await load(market)
    path = market.settings.home / demo.CARD
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    card = json.loads(path.read_text())
    assert [door["email"] for door in card["doors"]] == [
        "ada@demo.gosellr.test",
        "ingrid@demo.gosellr.test",
        "tomas@demo.gosellr.test",
        "olu@demo.gosellr.test",
    ]
    for door in card["doors"]:
        found = await ask(market.db, account_service.find_credentials, email=door["email"])
        assert found is not None
        verdict = await market.passwords.verify(card["password"], found.password_hash)
        assert verdict.is_right
    others = "SELECT 'x', count(*) FROM user_account WHERE password_hash <> ''"
    assert (await counts(market, others))["x"] == 4


async def test_a_history_told_in_pieces_and_twice_over_is_the_same(market: Resources) -> None:
    """Each piece is told by somebody new, who repeats the last steps of the one before."""
    await load(market)
    made = await ask(market.db, recall_market)
    assert made is not None
    plan = draw_plan(seed=made.seed, began_at=made.began_at, orders=made.orders)
    for place in range(0, len(plan.steps), 20):
        teller = History(market, market=made, plan=plan)
        for step in plan.steps[max(0, place - 15) : place + 20]:
            await teller._take(step)
    assert await audit_market(market.db, gateways=market.gateways, now=NOW) == []
    pieces = await totals(market)
    await History(market, market=made, plan=plan).tell(until=lambda: False)
    assert await totals(market) == pieces
    orders = await counts(market, "SELECT 'x', count(*) FROM orders")
    assert orders["x"] == ORDERS


async def test_no_step_is_refused(market: Resources) -> None:
    await load(market)
    made = await ask(market.db, recall_market)
    assert made is not None
    plan = draw_plan(seed=made.seed, began_at=made.began_at, orders=made.orders)
    history = History(market, market=made, plan=plan)
    refused = []
    for step in plan.steps:
        history._clock.set(step.at)
        try:
            await history._acts[step.act](step)
        except DomainError as refusal:
            refused.append((step.act, plan.purchases[step.number].story, repr(refusal)))
    assert refused == []


async def test_holds_and_releases_wait_for_the_history(market: Resources) -> None:
    ran: list[str] = []

    async def note(_: Resources) -> None:
        ran.append("ran")

    await load(market)
    waiting = {
        entry.name: entry
        for entry in with_history(
            [type(SCHEDULE[0])(entry.name, entry.every, note) for entry in SCHEDULE]
        )
    }
    for name in ("expire_holds", "release_sales", "seal_ledger"):
        await waiting[name].run(market)
    assert len(ran) == 1
    while not (progress := await ask(market.db, recall_progress)) or not progress.is_complete:
        await waiting["tell_demo_history"].run(market)
    await waiting["expire_holds"].run(market)
    assert len(ran) == 2


async def test_an_empty_market_has_nothing_to_tell(market: Resources) -> None:
    await Teller().go_on(market)
    assert await ask(market.db, recall_progress) is None
    assert (await counts(market, "SELECT 'x', count(*) FROM seller"))["x"] == 0


def test_a_plan_leaves_on_the_shelves_what_the_lists_say() -> None:
    plan = draw_plan(seed=SEED, began_at=NOW, orders=400)
    sold = Counter[str]()
    for purchase in plan.purchases:
        sold.update(dict(purchase.items))
    deliveries = plan.deliveries()
    scarce = [
        choice
        for listing in plan.listings
        for choice in listing.choices
        if choice.left <= SCARCE_MAX
    ]
    assert len(scarce) > 30
    assert all(deliveries[choice.sku] - sold[choice.sku] == choice.left for choice in scarce)


def test_a_plan_grows_and_is_busier_at_weekends() -> None:
    plan = draw_plan(seed=SEED, began_at=NOW, orders=1_300)
    days = Counter(purchase.at.date() for purchase in plan.purchases)
    weekend = sum(count for day, count in days.items() if day.weekday() >= 5)
    first = sum(count for day, count in days.items() if (NOW.date() - day).days > 45)
    assert weekend * 5 > (1_300 - weekend) * 2 * 12 // 10
    assert first < 1_300 - first
    shops = Counter(len(purchase.shops) for purchase in plan.purchases)
    assert 0.25 < (shops[2] + shops[3]) / 1_300 < 0.36
    assert sum(purchase.account == 0 for purchase in plan.purchases) == 10
    assert {step.act for step in plan.steps} == set(Act)
    assert all(step.at <= NOW for step in plan.steps)
    assert list(plan.steps) == sorted(plan.steps, key=lambda step: (step.at, step.number))


def test_the_same_tile_is_drawn_the_same() -> None:
    tile = tiles.Tile(sculpture="teapot", is_detail=True)
    assert tiles.draw(tile) == tiles.draw(tile)
    assert tiles.draw(tile) != tiles.draw(tiles.Tile(sculpture="teapot"))
