"""Orders placed at once: their requests claimed, their bags closed, their stock held, in one go."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from gosellr.core.db import Connection
from gosellr.models.events import Fact
from gosellr.queries import outbox
from gosellr.queries.idempotency import RECLAIM
from gosellr.queries.orders import PLACING
from gosellr.queries.reservations import HELD, Wanted, holding
from gosellr.utils.lazy_dataclasses import dataclass

# The bag that an order is made of, and the version that was priced.
Bag: TypeAlias = tuple[UUID, int]

_LINES = """
unnest($9::uuid[], $10::uuid[], $11::uuid[], $12::int[], $13::uuid[], $14::timestamptz[],
       $15::timestamptz[])
    AS line (order_line_id, seller_order_id, variant_id, quantity, order_id, expires_at, placed_at)
"""
_IS_OURS = """
(SELECT count(*) FROM claimed) = cardinality($1) AND (SELECT count(*) FROM bags) = cardinality($7)
"""
_FACTS = "$21::uuid[], $22::text[], $23::text[], $24::uuid[], $25::jsonb[], $26::timestamptz[]"

# All of it or nothing. The requests are claimed first, then the bags closed, and no stock is waited
# for until both are ours. Where all were claimed before, nothing else happens. Where some were, a
# bag has changed since, or something falls short, the division by zero ends the statement and
# leaves no trace, of the claims neither. Of several orders over the same goods none is sent in more
# parcels than it would be alone: where one would be, each is placed by itself.
PLACE = f"""
WITH claimed AS (
    INSERT INTO idempotency_key (scope, key, request_hash, resource_id, created_at, expires_at)
    SELECT * FROM (
        SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::timestamptz[],
                             $6::timestamptz[])
            AS claim (scope, key, request_hash, resource_id, created_at, expires_at)
        LIMIT cardinality($1)
    ) AS claim
    ORDER BY scope, key
    {RECLAIM}
    RETURNING key
), bags AS MATERIALIZED (
    SELECT cart.id
    FROM unnest($7::uuid[], $8::int[]) AS bag (id, version) JOIN cart USING (id)
    WHERE cart.status = 'open' AND cart.version = bag.version
      AND (SELECT count(*) FROM claimed) = cardinality($1)
    ORDER BY cart.id
    LIMIT cardinality($7)
    FOR NO KEY UPDATE OF cart
), closed AS (
    UPDATE cart SET status = 'ordered' FROM bags WHERE cart.id = bags.id
), {holding(lines=_LINES, count="cardinality($9)", condition=_IS_OURS, all_buckets="false")}, {
    PLACING.format(
        orders="$16",
        parts="$17",
        lines="$18",
        payments="$19",
        events="$20",
        facts=_FACTS,
        condition="EXISTS (SELECT FROM claimed)",
    )
}
SELECT 1 / (NOT EXISTS (SELECT FROM claimed) OR (
           count(*) > 0 AND bool_and(line.held >= asked.quantity)
           AND NOT EXISTS (SELECT FROM taken WHERE is_shared AND units < quantity)
       ))::int AS is_whole,
       (SELECT json_object_agg(id, number) FROM placed) AS numbers,
       COALESCE(array_agg(asked.variant_id) FILTER (WHERE met.contended), '{{}}') AS contended
FROM {HELD}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The request that an order answers, and until when that is remembered."""

    scope: str
    key: str
    request_hash: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The rows of an order that is placed, and what they need."""

    claim: Claim
    order: Mapping[str, Any]
    parts: Sequence[Mapping[str, Any]]
    lines: Sequence[Mapping[str, Any]]
    payments: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    facts: Sequence[Fact]
    wanted: Sequence[Wanted]
    bag: Bag | None


@dataclass(frozen=True, slots=True)
class Placed:
    """The number of an order, and which of its variants a rival had to be waited for."""

    number: int
    contended: Sequence[UUID]


async def place(connection: Connection, placements: Sequence[Placement]) -> list[Placed] | None:
    """Place orders, all of them or none. No two may share their request or their bag.

    None, and nothing is written, where a request was claimed before, a bag isn't open at its
    version any more, or a line can't be held as a whole at once.
    """
    facts = [(fact, each.order["placed_at"]) for each in placements for fact in each.facts]
    try:
        row = await connection.fetchrow(
            PLACE,
            *_claims(placements),
            *_bags(placements),
            *_wanted(placements),
            [each.order for each in placements],
            [part for each in placements for part in each.parts],
            [line for each in placements for line in each.lines],
            [payment for each in placements for payment in each.payments],
            [event for each in placements for event in each.events],
            *outbox.columns_of([fact for fact, _ in facts]),
            [at for _, at in facts],
        )
    except asyncpg.DivisionByZeroError:
        return None
    if row is None or row["numbers"] is None:
        return None
    contended = set(row["contended"])
    return [
        Placed(
            row["numbers"][str(each.order["id"])],
            [line.variant_id for line in each.wanted if line.variant_id in contended],
        )
        for each in placements
    ]


def _claims(placements: Sequence[Placement]) -> tuple[list[Any], ...]:
    return (
        [each.claim.scope for each in placements],
        [each.claim.key for each in placements],
        [each.claim.request_hash for each in placements],
        [str(each.order["id"]) for each in placements],
        [each.order["placed_at"] for each in placements],
        [each.claim.expires_at for each in placements],
    )


def _bags(placements: Sequence[Placement]) -> tuple[list[UUID], list[int]]:
    bags = [each.bag for each in placements if each.bag is not None]
    return [cart_id for cart_id, _ in bags], [version for _, version in bags]


def _wanted(placements: Sequence[Placement]) -> tuple[list[Any], ...]:
    wanted = [(line, each.order) for each in placements for line in each.wanted]
    return (
        [line.order_line_id for line, _ in wanted],
        [line.seller_order_id for line, _ in wanted],
        [line.variant_id for line, _ in wanted],
        [line.quantity for line, _ in wanted],
        [order["id"] for _, order in wanted],
        [order["expires_at"] for _, order in wanted],
        [order["placed_at"] for _, order in wanted],
    )
