"""Holds on stock: taken, made permanent, shipped and given back, each by one statement.

Rows of `stock_level` are always locked in the order (variant, location, bucket), so that two
orders over the same goods wait for each other instead of deadlocking. Of a variant that is spread
over buckets an order takes one row where it can, and so meets only those who took the same.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

# Whoever finds every bucket busy waits for one that so many rivals before it can't empty.
_RIVALS = 8

# The CTEs that hold stock, for a statement that does nothing else and for one that places orders.
# `seen` is the stock when the statement began, `locked` is it as the lock found it. A bucket that
# was made in between is in neither: where what was seen has been moved, `crowded` says that more
# may be left than could be held. `all_buckets` takes all of every variant, in their order.
# Lines that want the same variant are served one after the other out of what they need together.
_HOLDING = """
wanted AS (
    SELECT *, sum(quantity) OVER (PARTITION BY variant_id ORDER BY order_line_id) - quantity
                  AS served_before,
           count(*) OVER (PARTITION BY variant_id) > 1 AS is_shared
    FROM (
        SELECT * FROM {lines} WHERE {condition}
        -- All: so the planner expects few, and keeps one plan instead of making it each time.
        LIMIT {count}
    ) AS line
), seen AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.bucket, level.on_hand, level.xmin AS version,
           level.on_hand - level.reserved AS available
    FROM stock_level AS level JOIN wanted USING (variant_id)
), asked AS MATERIALIZED (
    -- In this order the variants are locked, one after the other.
    SELECT needed.*, NOT {all_buckets} AND EXISTS (
        SELECT FROM seen WHERE seen.variant_id = needed.variant_id AND seen.bucket > 0
          AND seen.available > 0) AS is_spread
    FROM (
        SELECT variant_id, sum(quantity)::int AS quantity, (array_agg(order_id))[1] AS order_id
        FROM wanted GROUP BY variant_id
    ) AS needed
    ORDER BY variant_id
), locked AS MATERIALIZED (
    SELECT asked.variant_id, asked.is_spread, level.*, level.on_hand - level.reserved AS available
    FROM asked CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT location_id, bucket, on_hand, reserved, xmin AS version, false AS was_busy
            FROM stock_level
            WHERE stock_level.variant_id = asked.variant_id AND NOT asked.is_spread
            ORDER BY location_id, bucket
            FOR UPDATE
        ) AS every_row
        UNION ALL
        SELECT * FROM (
            -- An idle bucket that covers the line; each order looks for it in another order.
            SELECT * FROM (
                SELECT location_id, bucket, on_hand, reserved, xmin, false
                FROM stock_level
                WHERE stock_level.variant_id = asked.variant_id AND asked.is_spread
                  AND on_hand - reserved >= asked.quantity
                ORDER BY uuid_hash_extended(asked.order_id, bucket), location_id
                LIMIT 1
                FOR UPDATE SKIP LOCKED
            ) AS idle
            UNION ALL
            -- Only one is waited for, and looked at by whoever comes to hold it: rivals who each
            -- held one and waited for the next would wait for each other.
            SELECT * FROM (
                SELECT level.location_id, level.bucket, level.on_hand, level.reserved, level.xmin,
                       true
                FROM stock_level AS level JOIN (
                    SELECT seen.location_id, seen.bucket FROM seen
                    WHERE seen.variant_id = asked.variant_id AND asked.is_spread
                      AND seen.available >= asked.quantity + {rivals}
                    ORDER BY uuid_hash_extended(asked.order_id, seen.bucket), seen.location_id
                    LIMIT 1
                ) AS ample USING (location_id, bucket)
                WHERE level.variant_id = asked.variant_id
                FOR UPDATE OF level
            ) AS busy
            LIMIT 1
        ) AS one_row
    ) AS level
), ranked AS (
    SELECT locked.*,
           -- A place that can send everything comes first; else the fullest, for fewest parcels.
           sum(locked.available) OVER (
               PARTITION BY locked.variant_id
               ORDER BY locked.available >= asked.quantity DESC, locked.available DESC,
                        locked.location_id, locked.bucket
           ) - locked.available AS before
    FROM locked JOIN asked USING (variant_id)
    WHERE locked.available > 0
), taken AS MATERIALIZED (
    -- Where a line's stretch of what is needed meets a row's stretch of what there is.
    SELECT wanted.*, location_id, bucket, on_hand, reserved,
           (least(before + available, served_before + quantity)
            - greatest(before, served_before))::int AS units
    FROM ranked JOIN wanted USING (variant_id)
    WHERE before < served_before + quantity AND served_before < before + available
), updated AS (
    -- The rows are locked, and the table's own check stands behind them. A condition on what is
    -- left would be judged on the statement's snapshot, before the locks were waited for. So
    -- would that check be, were the row's own columns added to: what was read under the lock is.
    UPDATE stock_level AS level
    SET on_hand = gone.on_hand, reserved = gone.reserved + gone.units
    FROM (
        SELECT variant_id, location_id, bucket, on_hand, reserved, sum(units)::int AS units
        FROM taken GROUP BY variant_id, location_id, bucket, on_hand, reserved
    ) AS gone
    WHERE level.variant_id = gone.variant_id AND level.location_id = gone.location_id
      AND level.bucket = gone.bucket
    RETURNING level.variant_id, gone.units
), held AS (
    INSERT INTO stock_reservation (id, order_line_id, order_id, seller_order_id, variant_id,
                                   location_id, bucket, quantity, expires_at, created_at)
    SELECT gen_random_uuid(), order_line_id, order_id, seller_order_id, variant_id,
           location_id, bucket, units, expires_at, placed_at
    FROM taken
), met AS (
    SELECT variant_id,
           bool_or(CASE WHEN is_spread THEN was_busy ELSE locked.version <> seen.version END)
               AS contended,
           bool_or(locked.on_hand <> seen.on_hand) AS moved
    FROM locked JOIN seen USING (variant_id, location_id, bucket) GROUP BY variant_id
)
"""


def holding(**places: str) -> str:
    """The CTEs of `_HOLDING` with what stands in their places."""
    return _HOLDING.format(rivals=_RIVALS, **places)


# What was asked for, with what came of it.
HELD = """
asked LEFT JOIN met USING (variant_id)
CROSS JOIN LATERAL (
    SELECT COALESCE(sum(units), 0)::bigint AS held
    FROM updated WHERE updated.variant_id = asked.variant_id
) AS line
"""

_LINES_OF_ONE = """
(
    SELECT *, $5::uuid AS order_id, $6::timestamptz AS expires_at, $7::timestamptz AS placed_at
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::int[])
         AS line (order_line_id, seller_order_id, variant_id, quantity)
) AS line
"""

RESERVE = f"""
WITH {
    holding(
        lines=_LINES_OF_ONE,
        count="cardinality($1)",
        condition="true",
        all_buckets="$8::boolean",
    )
}
SELECT asked.variant_id, asked.quantity, line.held, COALESCE(met.contended, false) AS contended,
       line.held < asked.quantity AND (asked.is_spread OR COALESCE(met.moved, false)) AS crowded
FROM {HELD}
"""

_GIVE_BACK = """
WITH live AS MATERIALIZED (
    SELECT id, variant_id, location_id, bucket,
           quantity - shipped_quantity - released_quantity AS units
    FROM stock_reservation
    WHERE {which} AND shipped_quantity + released_quantity < quantity
    ORDER BY id
    FOR UPDATE
), locked AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.bucket
    FROM stock_level AS level
    WHERE (level.variant_id, level.location_id, level.bucket)
          IN (SELECT variant_id, location_id, bucket FROM live)
    ORDER BY level.variant_id, level.location_id, level.bucket
    FOR UPDATE
), resolved AS (
    UPDATE stock_reservation AS reservation
    SET released_quantity = reservation.released_quantity + live.units
    FROM live WHERE reservation.id = live.id
), returned AS (
    UPDATE stock_level AS level SET reserved = level.reserved - freed.units
    FROM (SELECT variant_id, location_id, bucket, sum(units) AS units
          FROM live GROUP BY variant_id, location_id, bucket) AS freed
    JOIN locked USING (variant_id, location_id, bucket)
    WHERE level.variant_id = freed.variant_id AND level.location_id = freed.location_id
      AND level.bucket = freed.bucket
)
SELECT variant_id, sum(units)::bigint AS units FROM live GROUP BY variant_id ORDER BY variant_id
"""

RELEASE_ORDER = _GIVE_BACK.format(which="order_id = $1")
RELEASE_SELLER_ORDER = _GIVE_BACK.format(which="seller_order_id = $1")

HOLD_LONGER = """
WITH held AS (
    UPDATE orders SET expires_at = $2
    WHERE id = $1 AND status = 'pending_payment' AND expires_at < $2
    RETURNING id
)
UPDATE stock_reservation AS reservation SET expires_at = $2
FROM held
WHERE reservation.order_id = held.id AND shipped_quantity + released_quantity < quantity
"""

SHIP = """
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
    SELECT *, least(units, quantity - before)::int AS shipped FROM ranked WHERE before < quantity
), locked AS MATERIALIZED (
    SELECT level.variant_id, level.location_id, level.bucket
    FROM stock_level AS level
    WHERE (level.variant_id, level.location_id, level.bucket)
          IN (SELECT variant_id, location_id, bucket FROM taken)
    ORDER BY level.variant_id, level.location_id, level.bucket
    FOR UPDATE
), resolved AS (
    UPDATE stock_reservation AS reservation
    SET shipped_quantity = reservation.shipped_quantity + taken.shipped
    FROM taken WHERE reservation.id = taken.id
), moved AS (
    UPDATE stock_level AS level
    SET on_hand = level.on_hand - gone.shipped, reserved = level.reserved - gone.shipped
    FROM (SELECT variant_id, location_id, bucket, sum(shipped) AS shipped
          FROM taken GROUP BY variant_id, location_id, bucket) AS gone
    JOIN locked USING (variant_id, location_id, bucket)
    WHERE level.variant_id = gone.variant_id AND level.location_id = gone.location_id
      AND level.bucket = gone.bucket
), journal AS (
    INSERT INTO stock_movement (variant_id, location_id, bucket, kind, delta,
                                cause_type, cause_id, actor_id, at)
    SELECT variant_id, location_id, bucket, 'shipped', -sum(shipped), 'shipment', $3, $4, $5
    FROM taken GROUP BY variant_id, location_id, bucket
)
SELECT COALESCE(sum(shipped), 0)::bigint FROM taken
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of a variant that an order line needs."""

    order_line_id: UUID
    seller_order_id: UUID
    variant_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class Held:
    """How many of the wanted units could be held.

    `contended` when a rival had to be waited for. `crowded` when too little was held, and there
    may be more: in other buckets than those that were looked at.
    """

    variant_id: UUID
    quantity: int
    held: int
    contended: bool
    crowded: bool


async def reserve(
    connection: Connection,
    *,
    order_id: UUID,
    wanted: Sequence[Wanted],
    expires_at: datetime | None,
    all_buckets: bool,
    now: datetime,
) -> list[Held]:
    """Hold as much as there is of each variant; the caller gives up where that is too little.

    A variant may stand in one line only. With `all_buckets` the caller has locked the
    variants' stock before, and what is held then is all that there is.
    """
    rows = await connection.fetch(
        RESERVE,
        [line.order_line_id for line in wanted],
        [line.seller_order_id for line in wanted],
        [line.variant_id for line in wanted],
        [line.quantity for line in wanted],
        order_id,
        expires_at,
        now,
        all_buckets,
    )
    return [Held(*row) for row in rows]


async def hold_longer(connection: Connection, *, order_id: UUID, until: datetime) -> None:
    """Hold what a locked order waits for until then, where that is later than it was."""
    await connection.execute(HOLD_LONGER, order_id, until)


async def release_order(connection: Connection, *, order_id: UUID) -> dict[UUID, int]:
    """Give back what the order still holds; gives the units by variant. Twice gives nothing."""
    return {
        row["variant_id"]: row["units"] for row in await connection.fetch(RELEASE_ORDER, order_id)
    }


async def release_seller_order(connection: Connection, *, seller_order_id: UUID) -> dict[UUID, int]:
    """Give back what one seller's part still holds; gives the units by variant."""
    return {
        row["variant_id"]: row["units"]
        for row in await connection.fetch(RELEASE_SELLER_ORDER, seller_order_id)
    }


async def ship(
    connection: Connection,
    *,
    quantities: Sequence[tuple[UUID, int]],
    shipment_id: UUID,
    actor_id: UUID | None,
    now: datetime,
) -> int:
    """Take shipped units of order lines out of their holds and out of the stock, with journal.

    Gives how many units left; less than asked means that the holds didn't cover them.
    """
    gone: int = await connection.fetchval(
        SHIP,
        [line_id for line_id, _ in quantities],
        [quantity for _, quantity in quantities],
        shipment_id,
        actor_id,
        now,
    )
    return gone
