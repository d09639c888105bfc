"""Telling what happened: the relay that gives facts to their reactions, and the feed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from gosellr.core.db import Connection
from gosellr.models.events import FactType, RecordedFact
from gosellr.queries import jobs, outbox
from gosellr.queries.jobs import NewJob
from gosellr.queries.outbox import News, RelayCursor
from gosellr.utils.lazy_dataclasses import replace

RELAY_BATCH = 500
NEWS_MAX = 2_000
_PRIORITY = 0


# A worker says every ten seconds that it is alive; one that restarts is missed for a moment.
PATIENCE = timedelta(minutes=1)


async def has_news(connection: Connection) -> bool:
    """Whether the relay has anything to do."""
    return await outbox.has_news(connection)


async def catalogue_news(connection: Connection, *, since: str | None) -> News:
    """What of the public catalogue anybody has changed since a snapshot, by its names."""
    return await outbox.news(connection, since=since, limit=NEWS_MAX)


async def falls_behind(connection: Connection, *, now: datetime) -> bool:
    """Whether facts wait and no worker is there to work them off."""
    if not await outbox.has_news(connection):
        return False
    seen_at = await outbox.worker_seen_at(connection)
    return seen_at is None or now - seen_at > PATIENCE


async def relay_facts(
    connection: Connection,
    *,
    reactions: Mapping[FactType, Sequence[str]],
    gathering: Collection[str] = (),
    now: datetime,
    limit: int = RELAY_BATCH,
) -> int:
    """Number the next facts of the outbox and queue a job for every reaction to them.

    `reactions` names the tasks, `gathering` those of them that take many facts by one job.
    Place, numbers and jobs are written by one transaction, so
    that a crash neither loses nor doubles. Returns how many facts were told; 0 also when
    another relay is at work.
    """
    cursor = await outbox.take_cursor(connection)
    if cursor is None:
        return 0
    if cursor.written_by == cursor.written_before:
        cursor = replace(cursor, written_before=await _window_end(connection, cursor), sequence=0)
    facts = await outbox.read_window(connection, cursor=cursor, limit=limit)
    if facts:
        told = [
            replace(fact, sequence=position)
            for position, fact in enumerate(facts, start=cursor.position + 1)
        ]
        await outbox.number(
            connection,
            event_sequences=[fact.sequence for fact in facts],
            after_position=cursor.position,
        )
        await jobs.defer(
            connection, list(_jobs_for(told, reactions, gathering)), priority=_PRIORITY
        )
        cursor = replace(cursor, sequence=facts[-1].sequence, position=cursor.position + len(facts))
    if len(facts) < limit:
        cursor = replace(cursor, written_by=cursor.written_before)
    await outbox.move_cursor(connection, cursor=cursor, now=now)
    return len(facts)


async def _window_end(connection: Connection, cursor: RelayCursor) -> int:
    """How far the next window may reach.

    Up to the oldest transaction that still runs, nothing will be added any more. But a
    transaction below it may have waited for one above it, over the same aggregate: told now,
    the later fact would come first. Such a transaction and all above it wait.
    """
    end = await outbox.horizon(connection)
    while (
        torn := await outbox.torn_at(connection, written_by=cursor.written_by, written_before=end)
    ) is not None:
        end = torn
    return end


async def read_feed(
    connection: Connection, *, after: int, types: Sequence[FactType], limit: int
) -> list[RecordedFact]:
    """The facts told after number `after`; only of these types, if any are named."""
    return await outbox.feed(connection, after=after, types=list(types) or None, limit=limit)


async def read_gathered(
    connection: Connection, *, first: int, last: int, types: Sequence[FactType]
) -> list[RecordedFact]:
    """The facts of these types that were told by these numbers and those between."""
    found = await read_feed(connection, after=first - 1, types=types, limit=last - first + 1)
    return [fact for fact in found if fact.sequence <= last]


def _jobs_for(
    facts: Iterable[RecordedFact],
    reactions: Mapping[FactType, Sequence[str]],
    gathering: Collection[str],
) -> Iterable[NewJob]:
    """One job per fact and reaction; one for all facts where the reaction gathers them.

    The lock holds the reaction as well: one that fails and waits must not keep the others
    from hearing of the aggregate.
    """
    by_word = {fact_type.value: tasks for fact_type, tasks in reactions.items()}
    gathered: dict[str, list[RecordedFact]] = {}
    for fact in facts:
        for task in by_word.get(fact.type, ()):
            if task in gathering:
                gathered.setdefault(task, []).append(fact)
                continue
            yield NewJob(
                task=task,
                lock=f"{task}:{fact.aggregate_id}",
                key=f"{task}:{fact.id}",
                args={"fact": fact.payload()},
            )
    for task, listed in gathered.items():
        yield NewJob(
            task=task,
            lock=task,
            key=f"{task}:{listed[0].id}",
            # Named, not told: the queue would write them, and its library spell them, many times.
            args={"first": listed[0].sequence, "last": listed[-1].sequence},
        )
