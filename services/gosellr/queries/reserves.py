"""Money kept back by rule: the rules, what they look at, and each sale's hold.

Holds change only while their seller's reserve balance is held, so their sum can be trusted there.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.balance_values import ComingMoney, ReserveHold
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.ids import first_id_since
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.reserves import Held, SaleFacts, SellerRisk

# No order waits for its money for longer than that.
_LONGEST_UNPAID = timedelta(days=30)

# $3: whether anybody asks for rates. They cost a walk over 90 days of a seller's sales; identifiers
# ascend with time, and none of what was paid since $2 has one below $4.
FACTS = """
WITH sale AS (
    SELECT part.id, part.seller_id, part.currency,
           COALESCE(seller.approved_at, seller.created_at) AS seller_since
    FROM seller_order AS part JOIN seller ON seller.id = part.seller_id
    WHERE part.id = ANY($1::uuid[])
), asked AS (
    SELECT DISTINCT seller_id, currency FROM sale WHERE $3::boolean
), rates AS MATERIALIZED (
    SELECT asked.seller_id, asked.currency, sold.*, cases.*
    FROM asked
    CROSS JOIN LATERAL (
        SELECT count(*) AS sale_count,
               COALESCE(sum(part.total_minor) FILTER (WHERE part.currency = asked.currency), 0)
                   AS sold_minor,
               COALESCE(sum(part.refunded_minor) FILTER (WHERE part.currency = asked.currency), 0)
                   AS refunded_minor
        FROM seller_order AS part JOIN orders ON orders.id = part.order_id
        WHERE part.seller_id = asked.seller_id AND part.id >= $4 AND orders.paid_at >= $2
    ) AS sold
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE kind = 'buyer' AND status <> 'closed') AS open_dispute_count,
               count(*) FILTER (WHERE kind = 'chargeback') AS chargeback_count
        FROM dispute WHERE dispute.seller_id = asked.seller_id AND dispute.opened_at >= $2
    ) AS cases
)
SELECT sale.id, sale.seller_id, sale.currency::text, sale.seller_since,
       ARRAY(SELECT DISTINCT above.id
             FROM order_line AS line JOIN category ON category.id = line.category_id
             CROSS JOIN LATERAL unnest(category.ancestor_ids) AS above (id)
             WHERE line.seller_order_id = sale.id) AS category_ids,
       COALESCE(rates.sale_count, 0)::int, COALESCE(rates.open_dispute_count, 0)::int,
       COALESCE(rates.chargeback_count, 0)::int, COALESCE(rates.sold_minor, 0)::bigint,
       COALESCE(rates.refunded_minor, 0)::bigint
FROM sale LEFT JOIN rates USING (seller_id, currency)
"""

HELD = """
SELECT seller_id, sum(amount_minor - taken_minor - released_minor)::bigint
FROM reserve_hold
WHERE seller_id = ANY($1::uuid[]) AND currency = $2
  AND taken_minor + released_minor < amount_minor
GROUP BY seller_id
"""

INSERT = """
INSERT INTO reserve_hold (id, seller_id, seller_order_id, currency, amount_minor, rule_id, rule,
                          held_at, release_at)
SELECT id, seller_id, seller_order_id, currency, amount_minor, rule_id, rule, held_at, release_at
FROM jsonb_populate_recordset(NULL::reserve_hold, $1)
"""

OF_SELLER = """
SELECT id, seller_order_id, amount_minor - taken_minor - released_minor, release_at
FROM reserve_hold
WHERE seller_id = $1 AND currency = $2 AND taken_minor + released_minor < amount_minor
ORDER BY release_at, id
FOR UPDATE
"""

# What is taken more than it holds, or given back more than was taken, isn't written at all.
TAKE = """
UPDATE reserve_hold AS hold SET taken_minor = hold.taken_minor + told.amount_minor
FROM unnest($1::uuid[], $2::bigint[]) AS told (id, amount_minor)
WHERE hold.id = told.id
  AND hold.taken_minor + told.amount_minor BETWEEN 0 AND hold.amount_minor - hold.released_minor
"""

# Of this sale first, then what is free the latest: the way in which it was taken, backwards.
TAKEN_OF_SELLER = """
SELECT id, taken_minor FROM reserve_hold
WHERE seller_id = $1 AND currency = $2 AND taken_minor > 0
ORDER BY seller_order_id <> $3, release_at DESC, id DESC
FOR UPDATE
"""

# Oldest first. Which sellers have something due, whoever works on them.
DUE_SELLERS = f"""
SELECT seller_id, currency::text FROM (
    SELECT seller_id, currency, min(release_at) AS first_at FROM (
        SELECT seller_id, currency, release_at FROM reserve_hold
        WHERE release_at <= $1 AND taken_minor + released_minor < amount_minor
          AND {has_its_turn("reserves", "seller_id || ':' || currency::text")}
        ORDER BY release_at, id LIMIT 1000
    ) AS due GROUP BY seller_id, currency
) AS due_sellers ORDER BY first_at, seller_id, currency LIMIT $2
"""

TAKE_DUE = """
SELECT hold.id, hold.seller_order_id, part.order_id,
       hold.amount_minor - hold.taken_minor - hold.released_minor, hold.release_count
FROM reserve_hold AS hold JOIN seller_order AS part ON part.id = hold.seller_order_id
WHERE hold.seller_id = $1 AND hold.currency = $2 AND hold.release_at <= $3
  AND hold.taken_minor + hold.released_minor < hold.amount_minor
ORDER BY hold.release_at, hold.id
LIMIT $4
FOR UPDATE OF hold
"""

MARK_RELEASED = """
UPDATE reserve_hold AS hold
SET released_minor = amount_minor - taken_minor, release_count = hold.release_count + 1
FROM unnest($1::uuid[], $2::int[]) AS due (id, release_count)
WHERE hold.id = due.id AND hold.release_count = due.release_count
"""

LIST = """
SELECT hold.id, hold.seller_id, hold.seller_order_id, part.order_id, orders.number,
       hold.currency::text, hold.amount_minor, hold.taken_minor, hold.released_minor, hold.rule,
       hold.held_at, hold.release_at
FROM reserve_hold AS hold
JOIN seller_order AS part ON part.id = hold.seller_order_id
JOIN orders ON orders.id = part.order_id
WHERE hold.seller_id = $1 AND hold.taken_minor + hold.released_minor < hold.amount_minor
  AND ($2::timestamptz IS NULL OR (hold.release_at, hold.id) > ($2, $3::uuid))
ORDER BY hold.release_at, hold.id
LIMIT $4
"""

# $2 for how long a sale is held after its delivery, $3 for how long it may take to be sent, $4 for
# its way where its delivery names no days. A release that is overdue comes with the next minute.
COMING = """
WITH pending AS (
    SELECT part.currency::text AS currency, part.pending_minor AS minor,
           part.release_due_at IS NULL AS is_estimate,
           COALESCE(part.release_due_at,
               COALESCE(part.delivered_at,
                   COALESCE(part.shipped_at, part.ship_by,
                            COALESCE(orders.paid_at, orders.placed_at) + $3)
                   + COALESCE(make_interval(days => (
                         SELECT max(day::int) FROM jsonb_array_elements_text(
                             CASE jsonb_typeof(part.shipping_option -> 'delivery_days')
                             WHEN 'array' THEN part.shipping_option -> 'delivery_days'
                             ELSE '[]'::jsonb END) AS days (day))), $4)) + $2) AS free_at
    FROM seller_order AS part JOIN orders ON orders.id = part.order_id
    WHERE part.seller_id = $1 AND part.pending_minor > 0 AND part.released_at IS NULL
), coming AS (
    SELECT currency, free_at, minor, 'pending' AS source, is_estimate FROM pending
    UNION ALL
    SELECT currency::text, release_at, amount_minor - taken_minor - released_minor, 'reserve',
           false
    FROM reserve_hold
    WHERE seller_id = $1 AND taken_minor + released_minor < amount_minor
)
SELECT currency, (greatest(free_at, $5) AT TIME ZONE 'UTC')::date::text AS day,
       sum(minor)::bigint, source, is_estimate
FROM coming GROUP BY currency, day, source, is_estimate
ORDER BY currency, day, source, is_estimate
LIMIT 400
"""


KEPT_BACK = """
SELECT currency::text AS currency,
       sum(amount_minor - taken_minor - released_minor)::bigint AS held_minor
FROM reserve_hold WHERE seller_id = $1 AND taken_minor + released_minor < amount_minor
GROUP BY currency
"""


@dataclass(frozen=True, slots=True)
class DueHold:
    """A hold whose time is over, locked."""

    id: UUID
    seller_order_id: UUID
    order_id: UUID
    held_minor: int
    release_count: int


def _facts(row: Record) -> SaleFacts:
    (
        _, seller_id, currency, seller_since, category_ids, sale_count, open_dispute_count,
        chargeback_count, sold_minor, refunded_minor,
    ) = row  # fmt: skip
    return SaleFacts(
        seller_id=seller_id,
        currency=currency,
        category_ids=frozenset(category_ids),
        seller_since=seller_since,
        risk=SellerRisk(
            sale_count=sale_count,
            open_dispute_count=open_dispute_count,
            chargeback_count=chargeback_count,
            sold_minor=sold_minor,
            refunded_minor=refunded_minor,
        ),
    )


async def facts(
    connection: Connection, *, sale_ids: Sequence[UUID], since: datetime, with_rates: bool
) -> dict[UUID, SaleFacts]:
    """What rules look at, by sale; rates since a moment, or none."""
    first_id = first_id_since(since - _LONGEST_UNPAID)
    rows = await connection.fetch(FACTS, list(sale_ids), since, with_rates, first_id)
    return {row["id"]: _facts(row) for row in rows}


async def held(
    connection: Connection, *, seller_ids: Sequence[UUID], currency: str
) -> dict[UUID, int]:
    """What is kept back of sellers by rule; nobody else changes it while their reserve is held."""
    return dict(tuple(row) for row in await connection.fetch(HELD, list(seller_ids), currency))


async def add(connection: Connection, *, holds: Sequence[Mapping[str, Any]]) -> None:
    """Write what is kept back of released sales."""
    await connection.execute(INSERT, list(holds))


async def of_seller(connection: Connection, *, seller_id: UUID, currency: str) -> list[Held]:
    """A seller's holds, locked, by when they are free."""
    return [Held(*row) for row in await connection.fetch(OF_SELLER, seller_id, currency)]


async def taken_of_seller(
    connection: Connection, *, seller_id: UUID, currency: str, seller_order_id: UUID
) -> list[tuple[UUID, int]]:
    """What refunds took of a seller's holds, locked, in the order in which it is given back."""
    rows = await connection.fetch(TAKEN_OF_SELLER, seller_id, currency, seller_order_id)
    return [(row["id"], row["taken_minor"]) for row in rows]


async def take(connection: Connection, *, amounts: Mapping[UUID, int]) -> bool:
    """Take so much of each hold, negative to give it back; False when one couldn't give it."""
    status = await connection.execute(TAKE, list(amounts), list(amounts.values()))
    return int(status.rsplit(" ", 1)[1]) == len(amounts)


async def due_sellers(
    connection: Connection, *, now: datetime, limit: int
) -> list[tuple[UUID, str]]:
    """Sellers and currencies with a hold whose time is over."""
    rows = await connection.fetch(DUE_SELLERS, now, limit)
    return [(row["seller_id"], row["currency"]) for row in rows]


async def take_due(
    connection: Connection, *, seller_id: UUID, currency: str, now: datetime, limit: int
) -> list[DueHold]:
    """A seller's holds whose time is over, locked; whoever asks holds the reserve's balance."""
    rows = await connection.fetch(TAKE_DUE, seller_id, currency, now, limit)
    return [DueHold(*row) for row in rows]


async def mark_released(connection: Connection, *, holds: Sequence[DueHold]) -> int:
    """Nothing is kept back under these any more; gives of how many that was true only now."""
    status = await connection.execute(
        MARK_RELEASED, [one.id for one in holds], [one.release_count for one in holds]
    )
    return int(status.rsplit(" ", 1)[1])


async def list_holds(
    connection: Connection, *, seller_id: UUID, after: tuple[datetime, UUID] | None, limit: int
) -> list[ReserveHold]:
    """What is kept back of a seller, by when it is free."""
    rows = await connection.fetch(LIST, seller_id, *(after or (None, None)), limit)
    return [_hold(row) for row in rows]


def _hold(row: Record) -> ReserveHold:
    fields = {name: value for name, value in row.items() if name != "number"}
    return ReserveHold(**fields, order_number=row["number"])


async def coming(
    connection: Connection,
    *,
    seller_id: UUID,
    release_after: timedelta,
    ship_within: timedelta,
    delivery_at_most: timedelta,
    now: datetime,
) -> list[ComingMoney]:
    """What becomes available to a seller on which day, out of what is pending and reserved."""
    rows = await connection.fetch(
        COMING, seller_id, release_after, ship_within, delivery_at_most, now
    )
    return [ComingMoney(*row) for row in rows]


async def held_by_rules(connection: Connection, *, seller_id: UUID) -> dict[str, int]:
    """What rules keep back of a seller, in minor units by currency."""
    rows = await connection.fetch(KEPT_BACK, seller_id)
    return {row["currency"]: row["held_minor"] for row in rows}
