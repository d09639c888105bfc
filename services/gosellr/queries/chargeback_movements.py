"""What providers' movements tell of chargebacks, by any of the names that they give them.

A movement of this kind names the dispute, the payment that it is about, or another movement of the
same chargeback. All of a payment's belong together: holds and their ends, what was taken and given
back, and fees apart from both.
"""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.chargebacks import AGAIN, AWARDED
from gosellr.utils.lazy_dataclasses import dataclass

# Of a part won, and a part lost, both rows bear the names of one dispute; so do what was won, and
# what was lost of it after that.
_NAMES = """
name AS (
    SELECT back.id AS chargeback_id, back.payment_id, back.gateway, back.currency, told.name
    FROM chargeback AS back,
         LATERAL unnest(back.charges || back.gateway_reference) AS told (name)
)"""

# Of each movement, whose it is. $1 is the gateway.
_OWN = f"""
WITH {_NAMES}, direct AS (
    SELECT move.id, name.payment_id, name.chargeback_id
    FROM provider_movement AS move JOIN name
      ON name.gateway = move.gateway AND name.currency = move.currency AND name.name = move.related
    WHERE move.gateway = $1 AND move.kind = 'chargeback'
    UNION
    SELECT move.id, back.payment_id, back.id
    FROM provider_movement AS move JOIN chargeback AS back
      ON back.payment_id = move.key AND back.gateway = move.gateway
     AND back.currency = move.currency
    WHERE move.gateway = $1 AND move.kind = 'chargeback'
), own AS (
    SELECT id, payment_id, chargeback_id FROM direct
    UNION
    SELECT move.id, direct.payment_id, direct.chargeback_id
    FROM direct JOIN provider_movement AS before ON before.id = direct.id
    JOIN provider_movement AS move
      ON move.gateway = before.gateway AND move.related = before.reference
     AND move.currency = before.currency
    WHERE move.kind = 'chargeback'
)"""

# A person's explanation is in the books already; what waits in suspense is told apart. What the
# books have of all chargebacks of a payment together, they have to have by movements.
GROUPS = f"""
{_OWN}, grouped AS (
    SELECT DISTINCT id, payment_id FROM own
), told AS (
    SELECT grouped.payment_id, move.currency,
           sum(move.amount_minor - move.fee_minor - CASE
               WHEN move.status IN ('proposed', 'resolved')
                AND move.resolution IN ('fee', 'income', 'loss')
                 OR move.cleared_as IN ('fee', 'income', 'loss')
                 OR move.status = 'proposed' AND move.resolution = 'suspense'
               THEN move.unexplained_minor ELSE 0 END) AS minor,
           array_agg(move.id) FILTER (WHERE move.status = 'unmatched') AS waiting,
           array_agg(move.id) FILTER (WHERE move.status = 'resolved'
               AND move.resolution = 'suspense' AND move.cleared_at IS NULL) AS suspended
    FROM grouped JOIN provider_movement AS move ON move.id = grouped.id
    GROUP BY 1, 2
)
SELECT told.waiting, told.suspended
FROM told, LATERAL (
    SELECT -sum(fee_minor + CASE status WHEN 'won' THEN 0
                                    ELSE amount_minor - reinstated_minor END) AS minor
    FROM chargeback AS back
    WHERE back.payment_id = told.payment_id AND back.currency = told.currency
) AS booked
WHERE (told.waiting IS NOT NULL OR told.suspended IS NOT NULL) AND told.minor = booked.minor
"""

# Where a payment was disputed more than once, its own name has to say which is meant.
_OF_ONE = f"""
one AS (
    SELECT own.id, min(own.chargeback_id::text)::uuid AS chargeback_id
    FROM own JOIN chargeback AS back ON back.id = own.chargeback_id
    WHERE back.gateway_reference NOT LIKE '%{AWARDED}'
      AND back.gateway_reference NOT LIKE '%{AGAIN}'
    GROUP BY own.id HAVING count(DISTINCT own.chargeback_id) = 1
)"""

WITH_FEES = f"""
{_OWN}, {_OF_ONE}
SELECT DISTINCT one.chargeback_id
FROM one JOIN provider_movement AS move ON move.id = one.id
WHERE move.status = 'unmatched' AND move.fee_minor > 0
ORDER BY 1 LIMIT $2
"""

FEE_TOLD = f"""
{_OWN}, {_OF_ONE}
SELECT COALESCE(sum(move.fee_minor), 0)::bigint
FROM one JOIN provider_movement AS move ON move.id = one.id
WHERE one.chargeback_id = $2 AND move.status IN ('matched', 'unmatched')
"""
# Whether a person has taken what came back of it for income.
WAS_EXPLAINED = f"""
{_OWN}
SELECT EXISTS (
    SELECT FROM own JOIN provider_movement AS move ON move.id = own.id
    WHERE own.chargeback_id = $2 AND move.amount_minor > 0
      AND (move.status IN ('proposed', 'resolved') AND move.resolution = 'income'
           OR move.cleared_as = 'income'))
"""
GATEWAY_OF = "SELECT gateway FROM chargeback WHERE id = $1"


@dataclass(frozen=True, slots=True)
class ToldTogether:
    """Movements that tell just what the books have: those that wait, and those in suspense."""

    waiting: Sequence[UUID]
    suspended: Sequence[UUID]


async def told_together(connection: Connection, *, gateway: str) -> list[ToldTogether]:
    """Every payment's movements of chargebacks that agree with the books, where any waits."""
    rows = await connection.fetch(GROUPS, gateway)
    return [ToldTogether(row["waiting"] or [], row["suspended"] or []) for row in rows]


async def with_fees_told(connection: Connection, *, gateway: str, limit: int) -> list[UUID]:
    """Chargebacks for which a movement that waits tells a fee."""
    rows = await connection.fetch(WITH_FEES, gateway, limit)
    return [row["chargeback_id"] for row in rows]


async def fee_told(connection: Connection, *, chargeback_id: UUID) -> int:
    """What movements tell of a chargeback's fee, in all."""
    gateway = await connection.fetchval(GATEWAY_OF, chargeback_id)
    told_minor: int = await connection.fetchval(FEE_TOLD, gateway, chargeback_id)
    return told_minor


async def was_explained(connection: Connection, *, gateway: str, chargeback_id: UUID) -> bool:
    """Whether a person has booked money of this chargeback as income, or proposed to."""
    explained: bool = await connection.fetchval(WAS_EXPLAINED, gateway, chargeback_id)
    return explained
