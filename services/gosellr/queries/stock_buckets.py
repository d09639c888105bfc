"""Free units of a variant, spread over several rows of a place and gathered again.

A reservation names its bucket, so reserved units never move: only what is free does.
"""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.sweep_delays import has_its_turn

# The journal's word for these moves: they change nothing that a seller counts.
CAUSE_TYPE = "buckets"

# Each place gets as many buckets as its free units fill, and each bucket an even share of them.
# Whoever runs this holds the stock of the variant, so that nobody has just made a bucket.
SPREAD = f"""
WITH locked AS MATERIALIZED (
    SELECT location_id, bucket, on_hand, reserved
    FROM stock_level WHERE variant_id = $1
    ORDER BY variant_id, location_id, bucket
    FOR UPDATE
), place AS (
    SELECT location_id, free, greatest(1, least($2::bigint, free / $3::bigint)) AS buckets
    FROM (SELECT location_id, sum(on_hand - reserved)::bigint AS free
          FROM locked GROUP BY location_id) AS counted
), share AS (
    SELECT location_id, number::smallint AS bucket,
           free / buckets + CASE WHEN number < free % buckets THEN 1 ELSE 0 END AS units
    FROM place CROSS JOIN LATERAL generate_series(0, buckets - 1) AS number
), change AS (
    SELECT location_id, bucket, locked.bucket IS NULL AS is_new,
           bucket > 0 AND share.bucket IS NULL AND locked.reserved = 0 AS is_empty,
           COALESCE(share.units, 0) - COALESCE(locked.on_hand - locked.reserved, 0) AS delta
    FROM locked FULL JOIN share USING (location_id, bucket)
), added AS (
    INSERT INTO stock_level (variant_id, location_id, bucket, on_hand)
    SELECT $1, location_id, bucket, delta FROM change WHERE is_new
), moved AS (
    UPDATE stock_level AS level SET on_hand = level.on_hand + change.delta
    FROM change
    WHERE level.variant_id = $1 AND level.location_id = change.location_id
      AND level.bucket = change.bucket AND NOT change.is_empty AND change.delta <> 0
), dropped AS (
    DELETE FROM stock_level AS level USING change
    WHERE level.variant_id = $1 AND level.location_id = change.location_id
      AND level.bucket = change.bucket AND change.is_empty
), journal AS (
    INSERT INTO stock_movement (variant_id, location_id, bucket, kind, delta, cause_type, at)
    SELECT $1, location_id, bucket, 'moved', delta, '{CAUSE_TYPE}', $4
    FROM change WHERE delta <> 0
)
SELECT count(*) FROM change WHERE delta <> 0 OR is_empty
"""

# Spread, and neither spread nor sold much since `$1`. A bucket all of whose units are promised
# has nothing to gather, and waits until they are sent or given back.
FIND_IDLE = f"""
SELECT DISTINCT level.variant_id FROM stock_level AS level
WHERE {has_its_turn("gathering", "level.variant_id", now="$3")}
  AND level.bucket > 0 AND (level.on_hand > level.reserved OR level.on_hand = 0)
  AND NOT EXISTS (
    SELECT FROM stock_movement AS movement
    WHERE movement.variant_id = level.variant_id AND movement.at > $1
      AND movement.cause_type = '{CAUSE_TYPE}')
  AND (SELECT count(*) FROM (
        SELECT FROM stock_reservation AS hold
        WHERE hold.variant_id = level.variant_id AND hold.created_at > $1
          AND hold.shipped_quantity + hold.released_quantity < hold.quantity
        LIMIT $2) AS lately) < $2
ORDER BY level.variant_id LIMIT $4
"""


async def spread(
    connection: Connection,
    *,
    variant_id: UUID,
    buckets_max: int,
    units_per_bucket: int,
    now: datetime,
) -> int:
    """Share out what is free, with journal; gives how many rows that changed.

    One bucket at most gathers it.
    """
    changed: int = await connection.fetchval(SPREAD, variant_id, buckets_max, units_per_bucket, now)
    return changed


async def find_idle(
    connection: Connection, *, since: datetime, sales_max: int, now: datetime, limit: int
) -> list[UUID]:
    """Variants whose buckets can be gathered: fewer holds than `sales_max` were taken since."""
    rows = await connection.fetch(FIND_IDLE, since, sales_max, now, limit)
    return [row["variant_id"] for row in rows]
