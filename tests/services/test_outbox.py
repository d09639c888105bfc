"""The relay: every fact told exactly once, in an order that holds, whoever commits when."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest

from gosellr.core.db import Connection, Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.identity import new_id
from gosellr.core.transact import ask, transact
from gosellr.models.events import Fact, FactType, RecordedFact
from gosellr.queries import outbox
from gosellr.services import event_service

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
REACTIONS = {FactType.ORDER_PAID: ["reaction.mail", "reaction.statistics"]}
QUEUED = "SELECT count(*) FROM procrastinate_jobs"


@pytest.fixture
async def market(
    request: pytest.FixtureRequest, cluster: Cluster, fresh_database: Callable[[str], str]
) -> AsyncIterator[Database]:
    """An empty market whose commits are real."""
    name = fresh_database(request.node.nodeid)
    db = await Database.connect(cluster.dsn(role=APPLICATION_ROLE, database=name), max_size=10)
    yield db
    await db.close()


async def tell(connection: Connection, /, aggregate_id: UUID, **data: int) -> None:
    await outbox.append(connection, [Fact(FactType.ORDER_PAID, aggregate_id, data)], now=NOW)


async def relay(db: Database, *, limit: int = 500) -> int:
    return await transact(db, event_service.relay_facts, reactions=REACTIONS, now=NOW, limit=limit)


async def relay_until(db: Database, told: int, *, limit: int = 500) -> None:
    """Other tests of the run share the cluster, and their transactions hold the relay back."""
    while await told_count(db) < told:
        await relay(db, limit=limit)


async def until_news(db: Database) -> None:
    """Until the transactions that run elsewhere in the cluster let the relay see."""
    while not await ask(db, event_service.has_news):
        continue


async def told_count(db: Database) -> int:
    return len(await feed(db))


async def feed(db: Database) -> list[RecordedFact]:
    return await ask(db, event_service.read_feed, after=0, types=[], limit=10_000)


async def fetch(db: Database, question: str) -> list[tuple[object, ...]]:
    async with db.connection() as connection:
        return [tuple(row) for row in await connection.fetch(question)]


async def test_fact_is_numbered_and_queued_for_each_reaction(market: Database) -> None:
    order_id = new_id()
    await transact(market, tell, order_id, total=1999)
    await relay_until(market, 1)

    (fact,) = await feed(market)
    assert (fact.sequence, fact.type, fact.aggregate_type) == (1, "order.paid", "order")
    assert (fact.aggregate_id, fact.data, fact.occurred_at) == (order_id, {"total": 1999}, NOW)
    jobs = await fetch(
        market, "SELECT task_name, lock, queueing_lock, args FROM procrastinate_jobs ORDER BY id"
    )
    assert jobs == [
        (task, f"{task}:{order_id}", f"{task}:{fact.id}", {"fact": fact.payload()})
        for task in REACTIONS[FactType.ORDER_PAID]
    ]
    assert await relay(market) == 0
    assert await fetch(market, QUEUED) == [(2,)]


async def test_a_fact_without_reaction_is_told_all_the_same(market: Database) -> None:
    async def write(connection: Connection) -> None:
        await outbox.append(connection, [Fact(FactType.ORDER_EXPIRED, new_id())], now=NOW)

    await transact(market, write)
    await relay_until(market, 1)
    assert await fetch(market, QUEUED) == [(0,)]


async def test_what_commits_behind_is_not_lost(market: Database) -> None:
    """The first writer takes its numbers and commits last: the relay waits for it."""
    early, late = new_id(), new_id()
    async with market.connection() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await tell(slow, early)
        await transact(market, tell, late)
        assert await relay(market) == 0
        assert await feed(market) == []
        await transaction.commit()
    await relay_until(market, 2)
    assert [fact.aggregate_id for fact in await feed(market)] == [early, late]


@pytest.mark.parametrize("limit", [1, 2, 500])
async def test_facts_of_an_aggregate_stand_as_they_happened(market: Database, limit: int) -> None:
    """A transaction with the older number may write to the aggregate later, having waited for
    it: neither the number of the transaction nor the order of commits may decide."""
    order_id = new_id()
    async with market.connection() as waiting:
        transaction = waiting.transaction()
        await transaction.start()
        await tell(waiting, new_id(), step=0)  # Its transaction has a number from here on.
        await transact(market, tell, order_id, step=1)
        await tell(waiting, order_id, step=2)
        await transaction.commit()
    await relay_until(market, 3, limit=limit)
    facts = [fact for fact in await feed(market) if fact.aggregate_id == order_id]
    assert [fact.data["step"] for fact in facts] == [1, 2]


async def test_a_stranger_in_between_does_not_turn_two_facts_round(market: Database) -> None:
    """An unrelated transaction, numbered between the two that tell of an aggregate, may still run
    when both have ended: then the later fact lies below what is settled, and the earlier above."""
    order_id = new_id()
    async with market.connection() as waiting, market.connection() as stranger:
        transaction, unrelated = waiting.transaction(), stranger.transaction()
        await transaction.start()
        await tell(waiting, new_id(), step=0)
        await unrelated.start()
        await tell(stranger, new_id(), step=0)
        await transact(market, tell, order_id, step=1)
        await tell(waiting, order_id, step=2)
        await transaction.commit()
        for _ in range(3):
            await transact(market, event_service.relay_facts, reactions=REACTIONS, now=NOW)
        told = [fact.data["step"] for fact in await feed(market) if fact.aggregate_id == order_id]
        assert told == []
        await unrelated.commit()
    await relay_until(market, 4)
    told = [fact.data["step"] for fact in await feed(market) if fact.aggregate_id == order_id]
    assert told == [1, 2]


@pytest.mark.case(34)
async def test_case_34_crash_between_queueing_and_moving_on(market: Database) -> None:
    """Jobs, numbers and the relay's place are one commit: after a crash all is told, once; and
    a transaction that was rolled back has told nothing."""
    await transact(market, tell, new_id())

    class Crash(Exception):
        pass

    async def relay_and_crash(connection: Connection) -> None:
        assert await event_service.relay_facts(connection, reactions=REACTIONS, now=NOW) == 1
        raise Crash

    async def write_and_crash(connection: Connection) -> None:
        await tell(connection, new_id())
        raise Crash

    with pytest.raises(Crash):
        await transact(market, write_and_crash)
    await until_news(market)
    with pytest.raises(Crash):
        await transact(market, relay_and_crash)
    assert await fetch(market, QUEUED) == [(0,)]
    assert await feed(market) == []

    await relay_until(market, 1)
    assert await fetch(market, QUEUED) == [(2,)]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_many_writers_and_two_relays_tell_each_fact_once(market: Database, seed: int) -> None:
    """Eight writers whose transactions overlap at random, two relays that race."""
    random = Random(seed)
    aggregates = [new_id() for _ in range(5)]
    per_writer = 15
    writers = 6
    written: set[tuple[UUID, int]] = set()

    async def write(number: int) -> None:
        for turn in range(per_writer):
            mark = number * 1000 + turn
            async with market.connection() as connection:
                transaction = connection.transaction()
                await transaction.start()
                chosen = random.choice(aggregates)
                await tell(connection, chosen, mark=mark)
                for _ in range(random.randrange(4)):
                    await connection.execute("SELECT")
                if random.random() < 0.2:
                    await transaction.rollback()
                else:
                    await transaction.commit()
                    written.add((chosen, mark))

    done = asyncio.Event()

    async def relay_on() -> None:
        while not done.is_set():
            await relay(market, limit=7)

    async def write_all() -> None:
        await asyncio.gather(*(write(number) for number in range(writers)))
        await relay_until(market, len(written), limit=7)
        done.set()

    await asyncio.gather(write_all(), relay_on(), relay_on())
    facts = await feed(market)
    assert [fact.sequence for fact in facts] == list(range(1, len(written) + 1))
    assert {(fact.aggregate_id, fact.data["mark"]) for fact in facts} == written
    assert len(written) == len(facts)
    assert await fetch(market, QUEUED) == [(2 * len(written),)]
    for aggregate_id in aggregates:
        for writer in range(writers):
            marks = [
                fact.data["mark"]
                for fact in facts
                if fact.aggregate_id == aggregate_id and fact.data["mark"] // 1000 == writer
            ]
            assert marks == sorted(marks)


async def test_feed_goes_on_after_a_number_and_filters(market: Database) -> None:
    async def write(connection: Connection) -> None:
        kinds = [FactType.ORDER_PLACED, FactType.ORDER_PAID, FactType.ORDER_PLACED]
        await outbox.append(connection, [Fact(kind, new_id()) for kind in kinds], now=NOW)

    await transact(market, write)
    await relay_until(market, 3)

    async def numbers(after: int, types: list[FactType], limit: int) -> list[int]:
        facts = await ask(market, event_service.read_feed, after=after, types=types, limit=limit)
        return [fact.sequence for fact in facts]

    assert await numbers(0, [], 2) == [1, 2]
    assert await numbers(2, [], 2) == [3]
    assert await numbers(3, [], 2) == []
    assert await numbers(0, [FactType.ORDER_PLACED], 10) == [1, 3]


async def test_idle_relay_writes_nothing(market: Database) -> None:
    assert await ask(market, event_service.has_news) is False
    await transact(market, tell, new_id())
    await until_news(market)
    await relay_until(market, 1)
    assert await ask(market, event_service.has_news) is False
