"""A market of its own per test module: real commits, real concurrency."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.passwords import PasswordCosts
from gosellr.main import build
from gosellr.resources import Resources, open_resources


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

    @asynccontextmanager
    async def open_nothing() -> AsyncIterator[Resources]:
        yield live

    app = build(live.settings, open_resources=open_nothing)
    app.state.resources = live
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://market.test") as caller:
        yield caller
