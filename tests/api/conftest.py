"""One market for a whole file of tests; every call is taken back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gosellr.core.db import Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from tests.api.matrix.world import World, open_world


@pytest.fixture(scope="module")
async def world(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    """A market with two of everything, for tests that ask by `world.ask`, which takes back."""
    home: Path = tmp_path_factory.mktemp("market")
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database(request.node.nodeid))
    one = await Database.connect(dsn, min_size=1, max_size=1)
    try:
        async with one.connection() as connection:
            # A test may think for long on a busy machine.
            await connection.execute("SET idle_in_transaction_session_timeout = 0")
            async with open_world(connection, home=home, dsn=dsn) as opened:
                yield opened
    finally:
        await one.close()


@pytest.fixture(scope="module")
async def loop() -> asyncio.AbstractEventLoop:
    """The loop that everything asynchronous of the run lives in."""
    return asyncio.get_running_loop()
