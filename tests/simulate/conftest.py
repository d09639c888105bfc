"""A market of its own per scene: real commits, and a clock that stands still."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.passwords import PasswordCosts
from gosellr.core.transact import transact
from gosellr.resources import open_resources
from tests.factories.sales import make_commission, make_shop
from tests.factories.terms import make_tax
from tests.simulate.stage import PRICE, Stage


@pytest.fixture
async def stage(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path: Path,
    clock: ManualClock,
) -> AsyncIterator[Stage]:
    """A market of this test's own, with real commits."""
    database = fresh_database(request.node.nodeid)
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(role=APPLICATION_ROLE, database=database),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )
    costs = PasswordCosts(rounds=1, memory_kib=64, lanes=1)
    async with open_resources(settings, password_costs=costs, clock=clock) as market:
        await transact(market.db, make_tax, rate_bps=1900)
        await transact(market.db, make_commission)
        shop = await transact(market.db, make_shop, price_minor=PRICE, stock=1_000)
        yield Stage(market, clock, shop)
