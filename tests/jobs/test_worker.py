"""The worker as a whole: facts reach their reactions, whatever dies on the way."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

import gosellr
from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.errors import NotFound
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact
from gosellr.jobs.outbox import Reaction, Reactions
from gosellr.jobs.retries import ATTEMPTS_MAX, Backoff
from gosellr.jobs.schedule import Periodic
from gosellr.jobs.worker import Worker
from gosellr.models.events import Fact, FactType, RecordedFact
from gosellr.queries import outbox
from gosellr.resources import Resources
from gosellr.services import job_service
from gosellr.services.job_service import JobNotDead

# The last is what asyncpg says between a server's farewell and the end of the connection.
DATABASE_AWAY = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    OSError,
    asyncpg.InternalClientError,
)
AT_ONCE = Backoff(attempts_max=3, first_pause=timedelta(0))


async def tell(resources: Resources, *aggregate_ids: UUID) -> None:
    async def write(connection: Connection) -> None:
        facts = [Fact(FactType.ORDER_PAID, aggregate_id) for aggregate_id in aggregate_ids]
        await outbox.append(connection, facts, now=resources.clock.now())

    await transact(resources.db, write)


async def number(resources: Resources, question: str, *args: object) -> int:
    async with resources.db.connection() as connection:
        return int(await connection.fetchval(question, *args))


@asynccontextmanager
async def working(
    resources: Resources,
    *,
    reactions: Reactions,
    schedule: Sequence[Periodic] = (),
    workers: int = 1,
) -> AsyncIterator[None]:
    """Workers at work; leaving stops them and waits for what is under way."""
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            worker = Worker(
                resources, stop=stop, reactions=reactions, schedule=schedule, retry=AT_ONCE
            )
            group.create_task(worker.run())
        try:
            yield
        finally:
            stop.set()


class Listener:
    """A reaction that remembers what it was told, and fails as often as it is asked to."""

    def __init__(self, name: str, *, expected: int = 1, failures: int = 0) -> None:
        self.told: list[RecordedFact] = []
        self.done = asyncio.Event()
        self._expected = expected
        self._failures = failures
        self._name = name

    @property
    def reaction(self) -> Reaction:
        return Reaction(self._name, self.hear)

    async def hear(self, _resources: Resources, fact: RecordedFact) -> None:
        self.told.append(fact)
        if len(self.told) <= self._failures:
            raise ConnectionRefusedError("the post office is closed")
        if len(self.told) - self._failures >= self._expected:
            self.done.set()


async def test_fact_reaches_its_reaction_and_leaves_no_job(live: Resources) -> None:
    order_id = new_id()
    listener = Listener("mail")
    async with working(live, reactions={FactType.ORDER_PAID: [listener.reaction]}):
        await tell(live, order_id)
        await listener.done.wait()
    (fact,) = listener.told
    assert (fact.sequence, fact.type, fact.aggregate_id) == (1, "order.paid", order_id)
    assert await number(live, "SELECT count(*) FROM procrastinate_jobs") == 0
    assert await number(live, "SELECT count(*) FROM procrastinate_workers") == 0


async def test_one_failing_reaction_repeats_no_other(live: Resources) -> None:
    listeners = [Listener(f"recipient_{n}", failures=2 if n == 7 else 0) for n in range(1, 11)]
    reactions = {FactType.ORDER_PAID: [listener.reaction for listener in listeners]}
    async with working(live, reactions=reactions):
        await tell(live, new_id())
        for listener in listeners:
            await listener.done.wait()
    assert [len(listener.told) for listener in listeners] == [1, 1, 1, 1, 1, 1, 3, 1, 1, 1]


async def test_facts_of_an_aggregate_come_in_order_though_the_first_fails(live: Resources) -> None:
    order_id = new_id()
    listener = Listener("mail", expected=5, failures=2)
    async with working(live, reactions={FactType.ORDER_PAID: [listener.reaction]}, workers=2):
        await tell(live, *([order_id] * 5))
        await listener.done.wait()
    assert [fact.sequence for fact in listener.told] == [1, 1, 1, 2, 3, 4, 5]


async def test_failing_job_is_retried_then_dead_then_sent_again(live: Resources) -> None:
    listener = Listener("mail", failures=3)
    dead = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed'"
    async with working(live, reactions={FactType.ORDER_PAID: [listener.reaction]}):
        await tell(live, new_id())
        while await number(live, dead) == 0:
            continue
        page = await ask(live.db, job_service.list_dead_jobs, cursor=None, limit=10)
        (job,) = page.items
        assert (job.task, job.attempts, page.next_cursor) == ("reaction.mail", 3, None)
        assert job.error == "ConnectionRefusedError: the post office is closed"
        assert job.failed_at is not None
        assert job.args == {"fact": listener.told[0].payload()}

        await transact(live.db, job_service.retry_dead_job, job_id=job.id)
        await listener.done.wait()
    assert len(listener.told) == 4
    assert await number(live, "SELECT count(*) FROM procrastinate_jobs") == 0
    with pytest.raises(NotFound):
        await transact(live.db, job_service.retry_dead_job, job_id=job.id)
    await transact(live.db, job_service.sweep_job_failures)
    assert await number(live, "SELECT count(*) FROM job_failure") == 0


@pytest.mark.case(28)
async def test_case_28_two_workers_claim_the_same_due_work(live: Resources) -> None:
    """Three workers race for the same due work and the same facts: each is done once."""
    clock = ManualClock(live.clock.now())
    resources = replace(live, clock=clock)
    runs: Counter[str] = Counter()
    listener = Listener("capture", expected=40)

    async def charge(_resources: Resources) -> None:
        runs["charge"] += 1

    schedule = [Periodic("charge", timedelta(days=1), charge)]
    async with working(
        resources,
        reactions={FactType.ORDER_PAID: [listener.reaction]},
        schedule=schedule,
        workers=3,
    ):
        await tell(resources, *(new_id() for _ in range(40)))
        await listener.done.wait()
        while await number(live, "SELECT count(*) FROM periodic_work") == 0:
            continue
        while await number(live, "SELECT count(*) FROM procrastinate_jobs"):
            continue
    assert runs == {"charge": 1}
    assert sorted(fact.sequence for fact in listener.told) == list(range(1, 41))


async def test_due_work_is_queued_once_and_never_twice_at_a_time(live: Resources) -> None:
    now = live.clock.now()
    minute = {"periodic.sweep": timedelta(minutes=1)}
    queued = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'periodic.sweep'"

    async def queue(minutes: int) -> list[str]:
        at = now + timedelta(minutes=minutes)
        return await transact(live.db, job_service.queue_due_work, intervals=minute, now=at)

    both = await asyncio.gather(queue(0), queue(0))
    assert sorted(both) == [[], ["periodic.sweep"]]
    assert await number(live, queued) == 1
    assert await queue(1) == ["periodic.sweep"]
    assert await number(live, queued) == 1
    async with live.db.connection() as connection:
        await connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    assert await queue(2) == ["periodic.sweep"]
    assert await number(live, queued) == 1
    async with live.db.connection() as connection:
        await connection.execute("DELETE FROM procrastinate_jobs")
    assert await queue(3) == ["periodic.sweep"]
    assert await number(live, queued) == 1


async def test_job_of_a_lost_worker_is_done_by_another(live: Resources) -> None:
    """A worker died with a job in its hands: nobody signed off, nobody finished it."""
    listener = Listener("mail")
    reactions = {FactType.ORDER_PAID: [listener.reaction]}
    await tell(live, new_id())
    worker = Worker(live, stop=asyncio.Event(), reactions=reactions)
    while not await worker.relay():
        continue
    async with live.db.connection() as connection:
        taken = await connection.fetchval(
            "SELECT id FROM procrastinate_fetch_job_v2(NULL,"
            " (SELECT worker_id FROM procrastinate_register_worker_v1()))"
        )
        assert taken is not None
        await connection.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'"
        )
    async with working(live, reactions=reactions):
        await listener.done.wait()
    assert len(listener.told) == 1


async def test_job_that_kills_its_workers_dies_itself(live: Resources) -> None:
    await tell(live, new_id())
    reactions = {FactType.ORDER_PAID: [Listener("mail").reaction]}
    worker = Worker(live, stop=asyncio.Event(), reactions=reactions)
    while not await worker.relay():
        continue
    job_id = await number(live, "SELECT id FROM procrastinate_jobs")
    fates = []
    for _ in range(ATTEMPTS_MAX):
        async with live.db.connection() as connection:
            await connection.execute("UPDATE procrastinate_jobs SET status = 'doing'")
        (job,) = await transact(live.db, job_service.rescue_stalled_jobs, max_attempts=ATTEMPTS_MAX)
        fates.append((job.status, job.attempts))
    assert fates == [("todo", n) for n in range(1, ATTEMPTS_MAX)] + [("failed", ATTEMPTS_MAX)]
    async with live.db.connection() as connection:
        await connection.execute("UPDATE procrastinate_jobs SET status = 'todo'")
    with pytest.raises(JobNotDead):
        await transact(live.db, job_service.retry_dead_job, job_id=job_id)


async def test_dead_job_stays_dead_while_the_next_of_its_kind_runs(live: Resources) -> None:
    """Only one of a kind may wait: the running one couldn't be tried again, nor be rescued."""
    minute = {"periodic.sweep": timedelta(minutes=1)}
    for minutes, status in ((0, "failed"), (1, "doing")):
        at = live.clock.now() + timedelta(minutes=minutes)
        await transact(live.db, job_service.queue_due_work, intervals=minute, now=at)
        async with live.db.connection() as connection:
            await connection.execute(
                "UPDATE procrastinate_jobs SET status = $1 WHERE status = 'todo'", status
            )
    dead = await number(live, "SELECT id FROM procrastinate_jobs WHERE status = 'failed'")
    with pytest.raises(JobNotDead):
        await transact(live.db, job_service.retry_dead_job, job_id=dead)
    (job,) = await transact(live.db, job_service.rescue_stalled_jobs, max_attempts=ATTEMPTS_MAX)
    assert job.status == "todo"


async def test_database_goes_away_and_comes_back(live: Resources, cluster: Cluster) -> None:
    listener = Listener("mail")
    async with live.db.connection() as connection:
        database = await connection.fetchval("SELECT current_database()")
    async with working(live, reactions={FactType.ORDER_PAID: [listener.reaction]}):
        while await number(live, "SELECT count(*) FROM procrastinate_workers") == 0:
            continue
        admin = await asyncpg.connect(cluster.dsn(database="postgres"))
        ended = await admin.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = $1",
            database,
        )
        await admin.close()
        assert ended >= 2
        while True:
            try:
                await tell(live, new_id())
            except DATABASE_AWAY:
                continue
            break
        await listener.done.wait()
    assert len(listener.told) == 1


# The first job that ends takes the connection with it on which it is told.
FAREWELL = """
CREATE SEQUENCE gosellr.farewell;
GRANT USAGE ON SEQUENCE gosellr.farewell TO PUBLIC;
CREATE FUNCTION gosellr.farewell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('gosellr.farewell') = 1 THEN
        PERFORM pg_terminate_backend(pg_backend_pid());
        PERFORM pg_sleep(0);
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER farewell BEFORE DELETE ON gosellr.procrastinate_jobs
    FOR EACH ROW EXECUTE FUNCTION gosellr.farewell();
"""


@pytest.mark.case(18)
async def test_case_18_a_job_whose_end_was_not_heard_is_done_again(
    live: Resources, cluster: Cluster
) -> None:
    """The database dies while it is told that a job is done, and the worker lives on."""
    async with live.db.connection() as connection:
        database = await connection.fetchval("SELECT current_database()")
    owner = await asyncpg.connect(cluster.dsn(database=database))
    await owner.execute(FAREWELL)
    await owner.close()
    listener = Listener("mail", expected=2)
    order_id = new_id()
    async with working(live, reactions={FactType.ORDER_PAID: [listener.reaction]}):
        await tell(live, order_id)
        await listener.done.wait()
    assert [fact.aggregate_id for fact in listener.told] == [order_id, order_id]
    assert await number(live, "SELECT count(*) FROM procrastinate_jobs") == 0


async def test_process_starts_by_its_settings_and_ends_on_sigterm(
    live_settings: Settings, live: Resources, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gosellr.jobs.worker",
        cwd=tmp_path,
        env={
            "PATH": "",
            "PYTHONPATH": str(Path(gosellr.__file__).parents[1]),
            "GOSELLR_HOME": str(tmp_path),
            "GOSELLR_DATABASE_URL": live_settings.database_url,
            "GOSELLR_SECRET_KEY": live_settings.secret_key,
        },
    )
    while await number(live, "SELECT count(*) FROM procrastinate_workers") == 0:
        assert process.returncode is None
    process.send_signal(signal.SIGTERM)
    assert await process.wait() == 0
    assert await number(live, "SELECT count(*) FROM procrastinate_workers") == 0
