"""A database that refuses is one sentence and a remedy, not a traceback."""

import pytest

from gosellr.core.embedded_postgres import Cluster
from gosellr.core.startup_error import StartupError
from gosellr.migrations.run import upgrade


async def test_an_unknown_database_is_told_in_one_sentence(cluster: Cluster) -> None:
    with pytest.raises(StartupError, match="doesn't let the migrations in") as refused:
        await upgrade(cluster.dsn(database="nowhere"))
    assert "GOSELLR_MIGRATION_DATABASE_URL" in refused.value.remedy
