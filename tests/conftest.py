"""One PostgreSQL for the whole run, one database per worker cloned from a migrated template."""

import asyncio
import gc
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx2
import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.passwords import PasswordCosts
from gosellr.flows.key_ring import KeyRing
from gosellr.integrations.payments.sandbox import FILE_NAME, SandboxGateway
from gosellr.migrations import run as migrations
from gosellr.resources import Resources, open_resources, open_vault
from tests.factories.applications import caller_of
from tests.factories.statements import heard

TEMPLATE = "template_market"
CHEAP = PasswordCosts(rounds=1, memory_kib=64, lanes=1)
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


# A deadline would be a timed assertion; a busy machine is no defect. The examples are the same in
# each run, so that none of them fails by chance: `--hypothesis-profile=search` looks for others.
hypothesis_settings.register_profile("market", deadline=None, derandomize=True)
hypothesis_settings.register_profile("search", deadline=None, max_examples=1_000)
hypothesis_settings.load_profile("market")

_CLUSTER = pytest.StashKey[Cluster]()


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts the cluster; workers find it by the environment."""
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    home = Path(tempfile.mkdtemp(prefix="gosellr-test-"))
    home.chmod(0o755)  # As root, PostgreSQL runs under another account and passes through.
    cluster = Cluster(home, throwaway=True).start()
    asyncio.run(_make_template(cluster))
    config.stash[_CLUSTER] = cluster
    os.environ["GOSELLR_TEST_HOME"] = str(home)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the cluster with the run that started it."""
    cluster = config.stash.get(_CLUSTER, None)
    if cluster is not None:
        cluster.stop()
        shutil.rmtree(cluster.home, ignore_errors=True)


def pytest_collection_finish() -> None:
    """What was loaded stays: the collector of cycles needs to look for what tests leave only."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _make_template(cluster: Cluster) -> None:
    admin = await asyncpg.connect(cluster.dsn(database="postgres"))
    try:
        await admin.execute(f"CREATE DATABASE {TEMPLATE}")
        await migrations.upgrade(cluster.dsn(database=TEMPLATE), application_role=APPLICATION_ROLE)
    finally:
        await admin.close()


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The running PostgreSQL of this test run."""
    return Cluster(Path(os.environ["GOSELLR_TEST_HOME"]), throwaway=True)


def _clone(cluster: Cluster, name: str) -> None:
    with psycopg.connect(cluster.dsn(database="postgres"), autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")


@pytest.fixture(scope="session")
def fresh_database(cluster: Cluster) -> Callable[[str], str]:
    """Make an empty, migrated database of one's own; gives its name."""

    def make(label: str) -> str:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
        digest = hashlib.sha256(f"{worker}:{label}".encode()).hexdigest()[:12]
        name = f"t_{worker}_{digest}"
        _clone(cluster, name)
        return name

    return make


@pytest.fixture(scope="session")
def worker_database(fresh_database: Callable[[str], str]) -> str:
    """The database that the quick tests of one worker share, each inside a rolled-back
    transaction."""
    return fresh_database("shared")


@pytest.fixture(scope="session")
async def owner_connection(cluster: Cluster, worker_database: str) -> AsyncIterator[Connection]:
    """A connection of the schema's owner, for looking behind the application's back."""
    connection = await asyncpg.connect(
        cluster.dsn(database=worker_database), server_settings={"search_path": "gosellr, public"}
    )
    yield connection
    await connection.close()


class SavepointDatabase(Database):
    """A database whose every borrowed connection is the same one, inside one transaction that
    is rolled back after the test: commits become savepoints."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()
        self.gatherings = {}

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """The one connection, one borrower at a time."""
        async with self._lock:
            yield self._connection

    def is_crowded(self, *, seconds: float, places: int) -> bool:  # noqa: ARG002
        """Nobody else is here."""
        return False

    async def close(self) -> None:
        """Nothing to close: the fixture does."""


class _FailingAlone:
    """The connection of a test, on which what is fetched outside of any transaction of the
    application's own fails by itself, as it would without the test's."""

    def __init__(self, inner: Connection) -> None:
        self._inner = inner
        self._depth = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    @asynccontextmanager
    async def transaction(self, **options: Any) -> AsyncIterator[None]:
        """A savepoint, as everywhere here."""
        self._depth += 1
        try:
            async with self._inner.transaction(**options):
                yield
        finally:
            self._depth -= 1

    async def fetchrow(self, statement: str, *values: Any) -> Any:
        """A row; within a savepoint of its own where it stands alone."""
        async with self._alone():
            return await self._inner.fetchrow(statement, *values)

    async def fetch(self, statement: str, *values: Any) -> Any:
        """Rows; within a savepoint of their own where they stand alone."""
        async with self._alone():
            return await self._inner.fetch(statement, *values)

    def _alone(self) -> AbstractAsyncContextManager[Any]:
        return nullcontext() if self._depth else self._inner.transaction()


class StatementwiseDatabase(SavepointDatabase):
    """For tests in which a statement that stands alone is to fail: what was before it stays."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """The one connection, one borrower at a time."""
        async with super().connection() as connection:
            yield cast("Connection", _FailingAlone(connection))


@pytest.fixture(scope="session")
async def worker_connection(cluster: Cluster, worker_database: str) -> AsyncIterator[Connection]:
    """The application's connection that the quick tests of one worker share."""
    pool_holder = await Database.connect(
        cluster.dsn(role=APPLICATION_ROLE, database=worker_database), min_size=1, max_size=1
    )
    async with pool_holder.connection() as connection:
        # A test may think for long on a busy machine.
        await connection.execute("SET idle_in_transaction_session_timeout = 0")
        yield connection
    await pool_holder.close()


@pytest.fixture
async def connection(worker_connection: Connection) -> AsyncIterator[Connection]:
    """The application's connection, inside a transaction that leaves nothing behind."""
    transaction = worker_connection.transaction()
    await transaction.start()
    try:
        yield worker_connection
    finally:
        await transaction.rollback()


@pytest.fixture
def db(connection: Connection) -> Database:
    """A database for `transact`, whose commits are savepoints."""
    return SavepointDatabase(connection)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until told otherwise."""
    return ManualClock(START)


@pytest.fixture(scope="session")
def worker_settings(cluster: Cluster, worker_database: str) -> Settings:
    """Development settings, checked once; nobody's home."""
    return Settings(
        home=Path("/nonexistent"),
        database_url=cluster.dsn(role=APPLICATION_ROLE, database=worker_database),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        sandbox_repeats=0,
        demo=False,
    )


@pytest.fixture
def settings(tmp_path: Path, worker_settings: Settings) -> Settings:
    """Development settings with a home of the test's own."""
    return worker_settings.model_copy(update={"home": tmp_path}, deep=True)


@pytest.fixture(scope="session")
async def worker_pool(worker_settings: Settings) -> AsyncIterator[Database]:
    """Connections beside the tests' transactions: the keys that sign are read by them, and stay."""
    assert worker_settings.database_url is not None
    pool = await Database.connect(worker_settings.database_url)
    # By the first test that signs in, it would be made at that test's time: another's new key would
    # be older, and so not the one that signs.
    await KeyRing(pool, open_vault(worker_settings)).signing_key(
        None, now=START - timedelta(days=1)
    )
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
def born_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sandbox gateway's journal as it is made: to make it takes longer than many a test."""
    home = tmp_path_factory.mktemp("born")
    SandboxGateway(home, production=False).close()
    return home / FILE_NAME


@pytest.fixture
async def resources(
    settings: Settings, db: Database, clock: ManualClock, worker_pool: Database, born_journal: Path
) -> AsyncIterator[Resources]:
    """What a process holds, over the test's own transaction and clock."""
    shutil.copy(born_journal, settings.home)
    async with open_resources(
        settings, password_costs=CHEAP, clock=clock, db=worker_pool
    ) as opened:
        yield replace(opened, db=db)


@pytest.fixture
async def client(resources: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    """The whole application, called in process."""
    async with caller_of(resources) as caller:
        yield caller


@pytest.fixture
def query_count(connection: Connection) -> Iterator[Callable[[], int]]:
    """How many statements ran since the last call."""
    with heard(connection) as seen:

        def count() -> int:
            number = len(seen)
            seen.clear()
            return number

        yield count
