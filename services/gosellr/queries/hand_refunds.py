"""Money that people send back: what waits for them, and the account it goes to."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.offline_values import HandRefund

_OPEN = """
SELECT back.id, back.kind, back.refund_id, orders.id AS order_id, orders.number, payment.id,
       payment.method, back.amount_minor, payment.currency, back.created_at, back.status,
       back.reference, given.account_encrypted, payer.id, payer.payer_encrypted
FROM (
    SELECT part.id, 'refund' AS kind, part.refund_id, part.payment_id, part.amount_minor,
           part.created_at, part.status, part.gateway_reference AS reference
    FROM refund_part AS part WHERE part.credited_account IS NULL
    UNION ALL
    SELECT id, 'return', NULL, payment_id, amount_minor, created_at, status, gateway_reference
    FROM payment_return
) AS back
JOIN payment ON payment.id = back.payment_id AND payment.method = 'bank_transfer'
JOIN orders ON orders.id = payment.order_id
LEFT JOIN refund_account AS given ON given.order_id = orders.id
LEFT JOIN LATERAL (
    SELECT movement.id, movement.payer_encrypted FROM provider_movement AS movement
    WHERE movement.key = payment.id AND movement.gateway = 'bank_transfer'
      AND movement.payer_encrypted IS NOT NULL
    ORDER BY movement.occurred_at DESC, movement.id DESC LIMIT 1
) AS payer ON true
"""

LIST = f"""
{_OPEN}
WHERE back.status IN ('pending', 'unknown')
  AND ($1::timestamptz IS NULL OR (back.created_at, back.id) > ($1, $2::uuid))
ORDER BY back.created_at, back.id LIMIT $3
"""

FIND = f"{_OPEN} WHERE back.id = $1"

SELLERS_OF = """
SELECT ARRAY(SELECT DISTINCT seller_id FROM seller_order WHERE order_id = $1 ORDER BY 1)
"""

GIVE_ACCOUNT = """
INSERT INTO refund_account (order_id, account_encrypted, last_four, given_by, given_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (order_id) DO UPDATE
SET account_encrypted = EXCLUDED.account_encrypted, last_four = EXCLUDED.last_four,
    given_by = EXCLUDED.given_by, given_at = EXCLUDED.given_at
"""


async def list_open(
    connection: Connection, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[HandRefund]:
    """What waits to be sent, the longest first."""
    rows = await connection.fetch(LIST, *(after or (None, None)), limit)
    return [HandRefund(*row) for row in rows]


async def find(connection: Connection, *, hand_refund_id: UUID) -> HandRefund | None:
    """What a person has to send back, or has sent."""
    row = await connection.fetchrow(FIND, hand_refund_id)
    return None if row is None else HandRefund(*row)


async def sellers_of(connection: Connection, *, order_id: UUID) -> list[UUID]:
    """The shops of an order."""
    found: list[UUID] = await connection.fetchval(SELLERS_OF, order_id)
    return found


async def give_account(
    connection: Connection,
    *,
    order_id: UUID,
    account_encrypted: bytes,
    last_four: str,
    given_by: UUID | None,
    now: datetime,
) -> None:
    """Say where an order's money goes back to; the last word counts."""
    await connection.execute(GIVE_ACCOUNT, order_id, account_encrypted, last_four, given_by, now)
