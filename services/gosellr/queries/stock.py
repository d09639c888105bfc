"""Stock per variant and place: moved by one statement that also writes the journal.

Rows of `stock_level` are locked in the order (variant, location, bucket), like everywhere.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.product_cards import instant
from gosellr.queries.stock_buckets import CAUSE_TYPE
from gosellr.utils.lazy_dataclasses import dataclass

# What goes in lies in the first bucket; what goes out is taken where it is free, in order, and
# never out of what is promised. `moved` falls short of `wanted` where that wasn't enough.
# While the locks were waited for, units may have gone to buckets that this statement can't see.
# So where anything has changed since it began it does nothing, and `is_stale`; the locks remain.
_MOVE = """
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])
        AS line (variant_id, location_id, units)
), seen AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.bucket, level.xmin AS version
    FROM stock_level AS level
    JOIN wanted USING (variant_id, location_id)
), locked AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.bucket, level.on_hand, level.reserved,
           level.xmin AS version
    FROM stock_level AS level
    JOIN wanted USING (variant_id, location_id)
    ORDER BY level.variant_id, level.location_id, level.bucket
    FOR UPDATE OF level
), look AS (
    SELECT EXISTS (
        SELECT FROM seen LEFT JOIN locked USING (variant_id, location_id, bucket)
        WHERE locked.version IS DISTINCT FROM seen.version) AS is_stale
), move AS (
    SELECT wanted.variant_id, wanted.location_id, (%s)::bigint AS delta
    FROM wanted JOIN locked USING (variant_id, location_id)
    GROUP BY wanted.variant_id, wanted.location_id, wanted.units
), ranked AS (
    SELECT locked.variant_id, locked.location_id, locked.bucket, move.delta,
           locked.on_hand - locked.reserved AS free,
           row_number() OVER place AS place,
           sum(locked.on_hand - locked.reserved) OVER place - (locked.on_hand - locked.reserved)
               AS free_before
    FROM locked JOIN move USING (variant_id, location_id)
    WINDOW place AS (PARTITION BY locked.variant_id, locked.location_id ORDER BY locked.bucket)
), spread AS (
    SELECT variant_id, location_id, bucket,
           (CASE WHEN delta > 0 THEN CASE WHEN place = 1 THEN delta ELSE 0 END
                 ELSE -least(free, greatest(-delta - free_before, 0)) END)::bigint AS delta
    FROM ranked
), moved AS (
    UPDATE stock_level AS level SET on_hand = level.on_hand + spread.delta
    FROM spread CROSS JOIN look
    WHERE level.variant_id = spread.variant_id AND level.location_id = spread.location_id
      AND level.bucket = spread.bucket AND spread.delta <> 0 AND NOT look.is_stale
      AND level.on_hand + spread.delta >= level.reserved
    RETURNING level.variant_id, level.location_id, level.bucket, spread.delta
), journal AS (
    INSERT INTO stock_movement (variant_id, location_id, bucket, kind, delta, reason,
                                cause_type, cause_id, actor_id, at)
    SELECT variant_id, location_id, bucket, $4, delta, $5, $6, $7, $8, $9 FROM moved
)
SELECT move.variant_id, move.location_id, move.delta AS wanted,
       coalesce((SELECT sum(moved.delta) FROM moved
                 WHERE moved.variant_id = move.variant_id
                   AND moved.location_id = move.location_id), 0)::bigint AS moved,
       look.is_stale
FROM move CROSS JOIN look ORDER BY move.variant_id, move.location_id
"""

ADD_UNITS = _MOVE % "wanted.units"

SET_UNITS = _MOVE % "wanted.units - sum(locked.on_hand)"

# The place stock of a variant is kept at: the named one, else its seller's first.
FIND_PLACE = """
SELECT variant.id AS variant_id, variant.product_id, variant.seller_id, location.id AS location_id
FROM variant
LEFT JOIN stock_location AS location
       ON location.seller_id = variant.seller_id
      AND CASE WHEN $2::uuid IS NULL THEN location.is_default ELSE location.id = $2 END
WHERE variant.id = $1 AND ($3::boolean OR variant.seller_id = ANY($4::uuid[]))
"""

ENSURE_LEVEL = """
INSERT INTO stock_level (variant_id, location_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""

STOCK_DOCUMENT = """
WITH place AS (
    SELECT level.location_id, sum(level.on_hand)::bigint AS on_hand,
           sum(level.reserved)::bigint AS reserved
    FROM stock_level AS level WHERE level.variant_id = $1 GROUP BY level.location_id
), total AS (
    SELECT coalesce(sum(on_hand), 0)::bigint AS on_hand,
           coalesce(sum(reserved), 0)::bigint AS reserved
    FROM place
)
SELECT convert_to(json_build_object(
    'variant_id', variant.id,
    'product_id', variant.product_id,
    'sku', variant.sku,
    'on_hand', total.on_hand,
    'reserved', total.reserved,
    'available', total.on_hand - total.reserved,
    'low_stock_at', variant.low_stock_at,
    'low_stock', total.on_hand - total.reserved <= variant.low_stock_at,
    'locations', coalesce((
        SELECT json_agg(json_build_object(
            'location_id', location.id,
            'name', location.name,
            'on_hand', place.on_hand,
            'reserved', place.reserved,
            'available', place.on_hand - place.reserved)
            ORDER BY location.position, location.created_at, location.id)
        FROM place JOIN stock_location AS location ON location.id = place.location_id), '[]')
    )::text, 'UTF8')
FROM variant CROSS JOIN total
WHERE variant.id = $1 AND ($2::boolean OR variant.seller_id = ANY($3::uuid[]))
"""

# No row for a variant that isn't the viewer's; an empty page for one without movements. Moves
# between the buckets of a place sum to nothing, and aren't the seller's business.
MOVEMENTS = f"""
SELECT coalesce(page.items, '[]') AS items, page.rows, page.last_id
FROM variant
CROSS JOIN LATERAL (
    SELECT json_agg(json_build_object(
               'id', movement.id,
               'at', {instant("movement.at")},
               'location_id', movement.location_id,
               'kind', movement.kind,
               'delta', movement.delta,
               'reason', movement.reason,
               'cause', json_build_object('type', movement.cause_type, 'id', movement.cause_id))
               ORDER BY movement.id DESC) FILTER (WHERE movement.place <= $5)::text AS items,
           count(*) AS rows,
           min(movement.id) FILTER (WHERE movement.place <= $5) AS last_id
    FROM (
        SELECT stock_movement.*, row_number() OVER (ORDER BY id DESC) AS place
        FROM stock_movement
        WHERE stock_movement.variant_id = variant.id AND ($4::bigint IS NULL OR id < $4)
          AND stock_movement.cause_type <> '{CAUSE_TYPE}'
        ORDER BY id DESC
        LIMIT $5 + 1
    ) AS movement
) AS page
WHERE variant.id = $1 AND ($2::boolean OR variant.seller_id = ANY($3::uuid[]))
"""

LOCATIONS = f"""
SELECT convert_to(coalesce(json_agg(json_build_object(
    'id', id, 'seller_id', seller_id, 'name', name, 'is_default', is_default,
    'position', position, 'created_at', {instant("created_at")})
    ORDER BY position, created_at, id), '[]')::text, 'UTF8')
FROM (SELECT * FROM stock_location WHERE seller_id = $1
      ORDER BY position, created_at, id LIMIT 100) AS location
"""

# The first place of a seller is its default one; a new default takes the old one's place.
INSERT_LOCATION = f"""
WITH former AS (
    UPDATE stock_location SET is_default = false
    WHERE seller_id = $2 AND is_default AND $4::boolean
    RETURNING id
)
INSERT INTO stock_location (id, seller_id, name, is_default, position, created_at)
SELECT $1, $2, $3, $4::boolean
       OR NOT EXISTS (SELECT FROM stock_location WHERE seller_id = $2 AND is_default),
       (SELECT count(*) FROM stock_location WHERE seller_id = $2), $5
WHERE (SELECT count(*) FROM former) >= 0
  AND (SELECT count(*) FROM stock_location WHERE seller_id = $2) < 100
RETURNING convert_to(json_build_object(
    'id', id, 'seller_id', seller_id, 'name', name, 'is_default', is_default,
    'position', position, 'created_at', {instant("created_at")})::text, 'UTF8')
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a variant's stock is meant to move; no location where the named one isn't its own."""

    variant_id: UUID
    product_id: UUID
    seller_id: UUID
    location_id: UUID | None


@dataclass(frozen=True, slots=True)
class Moved:
    """Units that were to be moved, and those that were."""

    variant_id: UUID
    location_id: UUID
    wanted: int
    moved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Why stock moves, as the journal keeps it."""

    kind: str
    reason: str
    type: str
    id: UUID | None
    actor_id: UUID | None


async def find_place(
    connection: Connection,
    *,
    variant_id: UUID,
    location_id: UUID | None,
    everything: bool,
    seller_ids: Sequence[UUID],
) -> Place | None:
    """The place of a variant that is of one of these sellers."""
    row = await connection.fetchrow(FIND_PLACE, variant_id, location_id, everything, seller_ids)
    return None if row is None else Place(**dict(row))


async def ensure_level(connection: Connection, *, variant_id: UUID, location_id: UUID) -> None:
    """Let a variant be kept at a place, with no units yet."""
    await connection.execute(ENSURE_LEVEL, variant_id, location_id)


async def add_units(
    connection: Connection,
    *,
    lines: Sequence[tuple[UUID, UUID, int]],
    cause: Cause,
    now: datetime,
) -> list[Moved]:
    """Move stock by (variant, location, delta); each pair at most once."""
    return await _move(connection, ADD_UNITS, lines=lines, cause=cause, now=now)


async def set_units(
    connection: Connection,
    *,
    lines: Sequence[tuple[UUID, UUID, int]],
    cause: Cause,
    now: datetime,
) -> list[Moved]:
    """Let there be so many units at (variant, location, units); each pair at most once."""
    return await _move(connection, SET_UNITS, lines=lines, cause=cause, now=now)


async def _move(
    connection: Connection,
    statement: str,
    *,
    lines: Sequence[tuple[UUID, UUID, int]],
    cause: Cause,
    now: datetime,
) -> list[Moved]:
    while True:
        rows = await connection.fetch(
            statement,
            [variant_id for variant_id, _, _ in lines],
            [location_id for _, location_id, _ in lines],
            [units for _, _, units in lines],
            cause.kind,
            cause.reason,
            cause.type,
            cause.id,
            cause.actor_id,
            now,
        )
        # What was found changed is held from then on, and soon there is nothing left to change.
        if not any(row["is_stale"] for row in rows):
            return [
                Moved(row["variant_id"], row["location_id"], row["wanted"], row["moved"])
                for row in rows
            ]


async def stock_document(
    connection: Connection, *, variant_id: UUID, everything: bool, seller_ids: Sequence[UUID]
) -> bytes | None:
    """The stock of a variant as JSON, if it is of one of these sellers."""
    document: bytes | None = await connection.fetchval(
        STOCK_DOCUMENT, variant_id, everything, seller_ids
    )
    return document


@dataclass(frozen=True, slots=True)
class Movements:
    """One page of a journal, newest first: finished JSON, and the id to go on behind."""

    items: bytes
    next_id: int | None


async def movements(
    connection: Connection,
    *,
    variant_id: UUID,
    everything: bool,
    seller_ids: Sequence[UUID],
    before_id: int | None,
    limit: int,
) -> Movements | None:
    """The journal of a variant, if it is of one of these sellers."""
    row = await connection.fetchrow(MOVEMENTS, variant_id, everything, seller_ids, before_id, limit)
    if row is None:
        return None
    return Movements(row["items"].encode(), row["last_id"] if row["rows"] > limit else None)


async def locations(connection: Connection, *, seller_id: UUID) -> bytes:
    """A seller's places as a JSON list, the first hundred."""
    document: bytes = await connection.fetchval(LOCATIONS, seller_id)
    return document


async def insert_location(
    connection: Connection,
    *,
    location_id: UUID,
    seller_id: UUID,
    name: str,
    is_default: bool,
    now: datetime,
) -> bytes | None:
    """Add a place; None where a seller has a hundred of them."""
    document: bytes | None = await connection.fetchval(
        INSERT_LOCATION, location_id, seller_id, name, is_default, now
    )
    return document
