"""An order placed at once: its request claimed, its bag closed, its stock held, all in one go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from gosellr.core.db import Connection
from gosellr.models.events import Fact
from gosellr.queries import outbox
from gosellr.queries.idempotency import CLAIM
from gosellr.queries.orders import PLACING
from gosellr.queries.reservations import HELD, Wanted, holding

# The bag that the order is made of, if any, and the version that was priced.
Bag: TypeAlias = tuple[UUID | None, int | None]

# All of it or nothing. The request is claimed first, and where it was claimed before nothing else
# happens. Where the bag has changed since, or something falls short, the division by zero ends the
# statement and leaves no trace, of the claim neither. No stock is waited for until the bag is ours.
PLACE = f"""
WITH claimed AS ({CLAIM}), bag AS (
    UPDATE cart SET status = 'ordered' FROM claimed
    WHERE cart.id = $7 AND cart.status = 'open' AND cart.version = $8
    RETURNING cart.id
), {
    holding(
        lines="$9::uuid[], $10::uuid[], $11::uuid[], $12::int[]",
        count="cardinality($9)",
        condition="EXISTS (SELECT FROM claimed) AND ($7::uuid IS NULL OR EXISTS (SELECT FROM bag))",
        order_id="$13",
        expires_at="$14",
        now="$5",
        all_buckets="false",
    )
}, {
    PLACING.format(
        order="$15",
        parts="$16",
        lines="$17",
        payments="$18",
        events="$19",
        facts="$20::uuid[], $21::text[], $22::text[], $23::uuid[], $24::jsonb[]",
        now="$5",
        condition="EXISTS (SELECT FROM claimed)",
    )
}
SELECT 1 / (NOT EXISTS (SELECT FROM claimed) OR (
           count(*) = cardinality($9) AND bool_and(line.held >= asked.quantity)))::int AS is_whole,
       (SELECT number FROM placed) AS number,
       COALESCE(array_agg(asked.variant_id) FILTER (WHERE met.contended), '{{}}') AS contended
FROM {HELD}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The request that the order answers, and until when that is remembered."""

    scope: str
    key: str
    request_hash: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The rows of an order that is placed, and what they need."""

    order: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]
    lines: Sequence[Mapping[str, Any]]
    payments: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    facts: Sequence[Fact]
    wanted: Sequence[Wanted]
    bag: Bag


async def place(
    connection: Connection, *, claim: Claim, placement: Placement, now: datetime
) -> tuple[int, list[UUID]] | None:
    """Place an order; gives its number and the variants that a rival had to be waited for.

    None, and nothing is written, where its request was claimed before, its bag isn't open at
    this version any more, or a line can't be held as a whole at once.
    """
    order, wanted = placement.order, placement.wanted
    try:
        row = await connection.fetchrow(
            PLACE,
            claim.scope,
            claim.key,
            claim.request_hash,
            str(order["id"]),
            now,
            claim.expires_at,
            *placement.bag,
            [line.order_line_id for line in wanted],
            [line.seller_order_id for line in wanted],
            [line.variant_id for line in wanted],
            [line.quantity for line in wanted],
            order["id"],
            order["expires_at"],
            order,
            placement.parts,
            placement.lines,
            placement.payments,
            placement.events,
            *outbox.columns_of(placement.facts),
        )
    except asyncpg.DivisionByZeroError:
        return None
    return None if row is None or row["number"] is None else (row["number"], row["contended"])
