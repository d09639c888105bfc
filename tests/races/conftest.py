"""A market of its own per test module: real commits, real concurrency."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from math import inf
from pathlib import Path

import httpx2
import pytest

from gosellr.api import load_shedding
from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.passwords import PasswordCosts
from gosellr.core.transact import transact
from gosellr.resources import Resources, open_resources
from tests.factories.applications import caller_of
from tests.factories.sales import NOW
from tests.races.webs import Stage, Web, open_web, settings_of, two_offers


@pytest.fixture(autouse=True)
def open_door(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everybody is let in, however slow the machine: who is sent away has tests of its own."""
    monkeypatch.setattr(load_shedding, "LOOKERS", (inf, 10_000))
    monkeypatch.setattr(load_shedding, "BUYERS", (inf, 10_000))


@pytest.fixture
async def live(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path: Path,
    clock: ManualClock,
) -> AsyncIterator[Resources]:
    """Resources over a database that nobody else uses."""
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(
            role=APPLICATION_ROLE, database=fresh_database(request.node.nodeid)
        ),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    costs = PasswordCosts(rounds=1, memory_kib=64, lanes=1)
    async with open_resources(settings, password_costs=costs, clock=clock) as resources:
        yield resources


@pytest.fixture
async def live_client(live: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    """The whole application over `live`."""
    async with caller_of(live) as caller:
        yield caller


@pytest.fixture(scope="module")
def market_dsn(
    request: pytest.FixtureRequest, cluster: Cluster, fresh_database: Callable[[str], str]
) -> str:
    """A database for the tests of one file."""
    return cluster.dsn(role=APPLICATION_ROLE, database=fresh_database(request.node.nodeid))


@pytest.fixture(scope="module")
async def webs(
    market_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Web, Web, Web]]:
    """Two processes in one home and one in another."""
    clock = ManualClock(NOW)
    here, there = (tmp_path_factory.mktemp(name) for name in ("here", "there"))
    async with AsyncExitStack() as stack:
        writer, reader, stranger = [
            await stack.enter_async_context(open_web(settings_of(market_dsn, home), clock))
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
