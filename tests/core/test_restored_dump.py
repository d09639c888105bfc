"""A dump restored into a younger server: refused, and taken after its counter was raised."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from gosellr.core.embedded_postgres import Cluster
from gosellr.core.postgres_binaries import find_binaries
from gosellr.core.startup_error import StartupError
from gosellr.core.transaction_epoch import raise_epoch
from gosellr.migrations.run import upgrade

AHEAD = 5 << 32
TELL = """
INSERT INTO gosellr.outbox_event (id, type, aggregate_type, aggregate_id, data, occurred_at)
VALUES (gen_random_uuid(), 'order.paid', 'order', gen_random_uuid(), '{}', now())
RETURNING written_by::text::bigint
"""
RELAYED = f"UPDATE gosellr.outbox_cursor SET written_by = '{AHEAD}', written_before = '{AHEAD}'"


@pytest.fixture
def younger() -> Iterator[Cluster]:
    """A server that nothing was ever written on."""
    path = Path(tempfile.mkdtemp(prefix="gosellr-"))
    path.chmod(0o755)
    cluster = Cluster(path, throwaway=True).start()
    yield cluster
    cluster.stop()
    shutil.rmtree(path, ignore_errors=True)


def run(program: str, *arguments: str) -> None:
    subprocess.run([find_binaries().program(program), *arguments], check=True, capture_output=True)


async def test_a_dump_is_taken_once_the_server_s_counter_is_beyond_it(
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    younger: Cluster,
    tmp_path: Path,
) -> None:
    source = cluster.dsn(database=fresh_database("restored"))
    with psycopg.connect(source, autocommit=True) as older:
        older.execute(RELAYED)
    dump = str(tmp_path / "market.dump")
    run("pg_dump", "--format=custom", f"--file={dump}", source)
    run("pg_restore", "--no-owner", "--no-acl", f"--dbname={younger.dsn()}", dump)

    with pytest.raises(StartupError, match="restored from a dump") as refused:
        await upgrade(younger.dsn())
    assert "--epoch=6" in refused.value.remedy
    with pytest.raises(StartupError, match="can't be raised"):
        raise_epoch(younger.home, epoch=6)
    younger.stop()
    raise_epoch(younger.home, epoch=6)
    younger.start()
    assert not await upgrade(younger.dsn())
    with psycopg.connect(younger.dsn(), autocommit=True) as connection:
        [written_by] = connection.execute(TELL).fetchone() or (0,)
    assert written_by > AHEAD
    assert written_by >> 32 == 6
