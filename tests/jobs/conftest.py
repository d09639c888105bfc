"""A market of its own whose commits are real: what the relay may read depends on them."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gosellr.config import Settings
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.resources import Resources, open_resources


@pytest.fixture
def live_settings(
    request: pytest.FixtureRequest,
    settings: Settings,
    cluster: Cluster,
    fresh_database: Callable[[str], str],
) -> Settings:
    """Settings of an empty market of this test's own."""
    name = fresh_database(request.node.nodeid)
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=name)
    return settings.model_copy(update={"database_url": dsn})


@pytest.fixture
async def live(live_settings: Settings, tmp_path: Path) -> AsyncIterator[Resources]:
    """What a worker process holds, with the machine's clock."""
    async with open_resources(live_settings) as opened:
        yield replace(opened, settings=opened.settings.model_copy(update={"home": tmp_path}))
