"""Units that were refunded before they were shipped: their holds end, here and nowhere else."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection

# `$3` puts the units back on sale; else they are written off, with their journal.
WITHDRAW = """
WITH wanted AS (
    SELECT * FROM unnest($1::uuid[], $2::int[]) AS line (order_line_id, quantity)
), live AS MATERIALIZED (
    SELECT reservation.id, reservation.order_line_id, reservation.variant_id,
           reservation.location_id, reservation.bucket,
           reservation.quantity - shipped_quantity - released_quantity AS units
    FROM stock_reservation AS reservation
    WHERE reservation.order_line_id = ANY($1::uuid[])
      AND shipped_quantity + released_quantity < reservation.quantity
    ORDER BY reservation.id
    FOR UPDATE
), ranked AS (
    SELECT live.*, wanted.quantity,
           sum(live.units) OVER (PARTITION BY live.order_line_id ORDER BY live.id) - live.units
               AS before
    FROM live JOIN wanted USING (order_line_id)
), taken AS MATERIALIZED (
    SELECT *, least(units, quantity - before)::int AS ended FROM ranked WHERE before < quantity
), locked AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.bucket
    FROM stock_level AS level
    WHERE (level.variant_id, level.location_id, level.bucket)
          IN (SELECT variant_id, location_id, bucket FROM taken)
    ORDER BY level.variant_id, level.location_id, level.bucket
    FOR UPDATE
), lines AS (
    UPDATE order_line AS line SET withdrawn_quantity = line.withdrawn_quantity + wanted.quantity
    FROM wanted WHERE line.id = wanted.order_line_id
), resolved AS (
    UPDATE stock_reservation AS reservation
    SET released_quantity = reservation.released_quantity + taken.ended
    FROM taken WHERE reservation.id = taken.id
), moved AS (
    UPDATE stock_level AS level
    SET reserved = level.reserved - gone.ended,
        on_hand = level.on_hand - CASE WHEN $3 THEN 0 ELSE gone.ended END
    FROM (SELECT variant_id, location_id, bucket, sum(ended) AS ended
          FROM taken GROUP BY variant_id, location_id, bucket) AS gone
    JOIN locked USING (variant_id, location_id, bucket)
    WHERE level.variant_id = gone.variant_id AND level.location_id = gone.location_id
      AND level.bucket = gone.bucket
), journal AS (
    INSERT INTO stock_movement (variant_id, location_id, bucket, kind, delta,
                                cause_type, cause_id, actor_id, at)
    SELECT variant_id, location_id, bucket, 'written_off', -sum(ended), 'refund', $4, $5, $6
    FROM taken WHERE NOT $3 GROUP BY variant_id, location_id, bucket
)
SELECT variant_id, sum(ended)::bigint AS units FROM taken GROUP BY variant_id ORDER BY variant_id
"""


async def withdraw(
    connection: Connection,
    *,
    quantities: Mapping[UUID, int],
    restock: bool,
    refund_id: UUID,
    actor_id: UUID | None,
    now: datetime,
) -> dict[UUID, int]:
    """End the holds of so many units of order lines; gives the units by variant.

    `restock` puts them back on sale, else they leave the stock for good. Fewer units than asked
    mean that the holds didn't cover them.
    """
    rows = await connection.fetch(
        WITHDRAW,
        list(quantities),
        list(quantities.values()),
        restock,
        refund_id,
        actor_id,
        now,
    )
    return {row["variant_id"]: row["units"] for row in rows}
