"""The outbox: facts written in the transaction they tell of, told later in one order.

Transactions commit in another order than they took their numbers, so a reader that
remembers only a number would miss what commits behind it. The relay therefore reads in
windows: all facts of transactions that ended between two looks at the oldest one still
running. Two transactions that wait for each other over an aggregate always end in the same
window, and inside a window the sequence says which wrote first.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.core.generations import touch
from gosellr.core.identity import new_id
from gosellr.models.catalogue_names import QUIET, names_of
from gosellr.models.events import Fact, RecordedFact
from gosellr.utils.lazy_dataclasses import dataclass

APPEND = """
INSERT INTO outbox_event (id, type, aggregate_type, aggregate_id, data, occurred_at)
SELECT id, type, aggregate_type, aggregate_id, data, $6
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::jsonb[])
     AS fact (id, type, aggregate_type, aggregate_id, data)
"""

# Asked outside of a transaction, so that an idle relay writes nothing. The first fact behind
# the cursor is read from the index: a test for existence would be planned as a walk through all.
HAS_NEWS = """
SELECT coalesce((
    SELECT written_by FROM outbox_event
    WHERE written_by >= (SELECT written_by FROM outbox_cursor WHERE consumer = 'relay')
    ORDER BY written_by LIMIT 1
) < pg_snapshot_xmin(pg_current_snapshot()), false)
"""

# All facts of transactions that a snapshot didn't see: those it knew to be running, and those
# that began after it. Asked with the snapshot that the answer before was read in, it gives every
# fact once, however late its transaction commits.
NEWS = """
SELECT pg_current_snapshot()::text AS snapshot, news.type, news.aggregate_id, news.data
FROM (VALUES (1)) AS always (one)
LEFT JOIN LATERAL (
    SELECT type, aggregate_id, data FROM outbox_event
    WHERE written_by >= pg_snapshot_xmax($1::text::pg_snapshot) AND type <> ALL ($2::text[])
    UNION ALL
    SELECT type, aggregate_id, data FROM outbox_event
    WHERE written_by = ANY (ARRAY(SELECT pg_snapshot_xip($1::text::pg_snapshot)))
      AND type <> ALL ($2::text[])
    LIMIT $3
) AS news ON true
"""

WORKER_SEEN_AT = "SELECT max(last_heartbeat) FROM procrastinate_workers"

# One row. Whoever finds it taken leaves the work to the other relay.
TAKE_CURSOR = """
SELECT written_by, written_before, sequence, position
FROM outbox_cursor WHERE consumer = 'relay' FOR UPDATE SKIP LOCKED
"""

HORIZON = "SELECT pg_snapshot_xmin(pg_current_snapshot())"

# The oldest transaction of a window ($1 up to before $2) that tells of an aggregate something
# which comes after what a transaction beyond the window has told of it.
TORN_AT = """
SELECT late.written_by
FROM outbox_event AS late
WHERE late.written_by >= $1 AND late.written_by < $2 AND EXISTS (
    SELECT FROM outbox_event AS early
    WHERE early.aggregate_type = late.aggregate_type AND early.aggregate_id = late.aggregate_id
      AND early.sequence < late.sequence AND early.written_by >= $2)
ORDER BY late.written_by
LIMIT 1
"""

# The sum keeps the planner from walking the key of all facts that ever were for a few new ones.
READ_WINDOW = """
SELECT sequence, id, type, aggregate_type, aggregate_id, data, occurred_at
FROM outbox_event
WHERE written_by >= $1 AND written_by < $2 AND sequence > $3
ORDER BY sequence + 0
LIMIT $4
"""

NUMBER = """
INSERT INTO outbox_feed (position, event_sequence)
SELECT $1::bigint + place, event_sequence
FROM unnest($2::bigint[]) WITH ORDINALITY AS told (event_sequence, place)
"""

MOVE_CURSOR = """
UPDATE outbox_cursor
SET written_by = $1, written_before = $2, sequence = $3, position = $4, updated_at = $5
WHERE consumer = 'relay'
"""

FEED = """
SELECT position AS sequence, id, type, aggregate_type, aggregate_id, data, occurred_at
FROM outbox_feed JOIN outbox_event ON outbox_event.sequence = outbox_feed.event_sequence
WHERE position > $1 AND ($2::text[] IS NULL OR type = ANY ($2))
ORDER BY position
LIMIT $3
"""


@dataclass(frozen=True, slots=True)
class RelayCursor:
    """Where the relay stands; `position` is the last number it gave."""

    written_by: int
    written_before: int
    sequence: int
    position: int


@dataclass(frozen=True, slots=True)
class News:
    """What of the public catalogue changed since a snapshot, and the snapshot to ask from next.

    No `names` where so much changed that naming it isn't worth the while.
    """

    snapshot: str
    names: frozenset[str] | None


def columns_of(facts: Sequence[Fact]) -> tuple[list[Any], ...]:
    """Facts as the parallel arrays that `APPEND` unnests.

    Whoever writes a fact touches what it makes untrue, so no command can forget to.
    """
    for fact in facts:
        touch(names_of(fact.type, fact.aggregate_id, fact.data))
    ids: list[UUID] = [new_id() for _ in facts]
    return (
        ids,
        [fact.type.value for fact in facts],
        [fact.aggregate_type for fact in facts],
        [fact.aggregate_id for fact in facts],
        [dict(fact.data) for fact in facts],
    )


async def append(connection: Connection, facts: Sequence[Fact], *, now: datetime) -> None:
    """Write the facts of the running transaction."""
    if facts:
        await connection.execute(APPEND, *columns_of(facts), now)


async def news(connection: Connection, *, since: str | None, limit: int) -> News:
    """What changed in the catalogue since a snapshot; without one, nothing but where to begin."""
    rows = await connection.fetch(NEWS, since, sorted(QUIET), limit)
    found = [row for row in rows if row["type"] is not None]
    names = frozenset(
        name for row in found for name in names_of(row["type"], row["aggregate_id"], row["data"])
    )
    return News(rows[0]["snapshot"], names if len(found) < limit else None)


async def has_news(connection: Connection) -> bool:
    """Whether a fact waits to be told."""
    return bool(await connection.fetchval(HAS_NEWS))


async def worker_seen_at(connection: Connection) -> datetime | None:
    """When a worker last said that it is alive."""
    moment: datetime | None = await connection.fetchval(WORKER_SEEN_AT)
    return moment


async def take_cursor(connection: Connection) -> RelayCursor | None:
    """The relay's place, held until the transaction ends; None while another holds it."""
    row = await connection.fetchrow(TAKE_CURSOR)
    return None if row is None else RelayCursor(**row)


async def torn_at(connection: Connection, *, written_by: int, written_before: int) -> int | None:
    """Where a window has to end earlier, because it would tell an aggregate's facts apart."""
    torn: int | None = await connection.fetchval(TORN_AT, written_by, written_before)
    return torn


async def horizon(connection: Connection) -> int:
    """The oldest transaction still running: below it nothing will be added any more."""
    oldest: int = await connection.fetchval(HORIZON)
    return oldest


async def read_window(
    connection: Connection, *, cursor: RelayCursor, limit: int
) -> list[RecordedFact]:
    """The next facts of the window, in order, by their sequence in the outbox."""
    rows = await connection.fetch(
        READ_WINDOW, cursor.written_by, cursor.written_before, cursor.sequence, limit
    )
    return [_recorded(row) for row in rows]


async def number(
    connection: Connection, *, event_sequences: Sequence[int], after_position: int
) -> None:
    """Give the facts the next numbers of the feed."""
    await connection.execute(NUMBER, after_position, event_sequences)


async def move_cursor(connection: Connection, *, cursor: RelayCursor, now: datetime) -> None:
    """Remember the relay's new place."""
    await connection.execute(
        MOVE_CURSOR,
        cursor.written_by,
        cursor.written_before,
        cursor.sequence,
        cursor.position,
        now,
    )


async def feed(
    connection: Connection, *, after: int, types: Sequence[str] | None, limit: int
) -> list[RecordedFact]:
    """The facts told after a number of the feed."""
    return [_recorded(row) for row in await connection.fetch(FEED, after, types, limit)]


def _recorded(row: Record) -> RecordedFact:
    return RecordedFact(**row)
