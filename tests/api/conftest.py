"""One market for a whole file of tests; every call is taken back."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from tests.api.matrix.world import World, open_world


@pytest.fixture(scope="module")
async def world(
    worker_connection: Connection,
    cluster: Cluster,
    worker_database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[World]:
    """A market with two of everything, for tests that ask by `world.ask`, which takes back."""
    home: Path = tmp_path_factory.mktemp("market")
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=worker_database)
    async with open_world(worker_connection, home=home, dsn=dsn) as opened:
        yield opened


@pytest.fixture(scope="module")
async def loop() -> asyncio.AbstractEventLoop:
    """The loop that everything asynchronous of the run lives in."""
    return asyncio.get_running_loop()
