"""Money that is waited for: transfers that buyers were asked for, and cash at doors."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.offline_values import AwaitedCash, AwaitedTransfer

# By what is still open, which is little, and not by all that was ever paid.
TRANSFERS = """
SELECT payment.id, orders.id, orders.number, payment.amount_minor, payment.currency::text,
       payment.gateway_reference, orders.placed_at, orders.expires_at,
       COALESCE((
           SELECT sum(movement.unexplained_minor) FROM provider_movement AS movement
           WHERE movement.key = payment.id AND movement.gateway = 'bank_transfer'
             AND movement.resolution = 'suspense' AND movement.cleared_at IS NULL
             AND movement.currency = payment.currency
       ), 0)::bigint
FROM orders JOIN payment ON payment.order_id = orders.id
WHERE orders.status = 'pending_payment' AND payment.method = 'bank_transfer'
  AND payment.status = 'action_required'
  AND ($1::timestamptz IS NULL OR (orders.expires_at, payment.id) > ($1, $2::uuid))
ORDER BY orders.expires_at, payment.id LIMIT $3
"""

_CASH = """
SELECT part.id, orders.id, orders.number, seller.name, payment.amount_minor,
       payment.currency::text, part.status, orders.placed_at
FROM seller_order AS part
JOIN payment ON payment.order_id = part.order_id AND payment.seller_order_id = part.id
            AND payment.method = 'cash_on_delivery' AND payment.status = 'authorized'
JOIN orders ON orders.id = part.order_id JOIN seller ON seller.id = part.seller_id
"""
CASH = f"""{_CASH}
WHERE part.released_at IS NULL
  AND ($1::timestamptz IS NULL OR (orders.placed_at, part.id) > ($1, $2::uuid))
ORDER BY orders.placed_at, part.id LIMIT $3
"""
FIND_CASH = f"{_CASH} WHERE part.id = $1"


async def transfers(
    connection: Connection, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[AwaitedTransfer]:
    """Transfers that buyers were asked for, those whose time is over the soonest first."""
    rows = await connection.fetch(TRANSFERS, *(after or (None, None)), limit)
    return [AwaitedTransfer(*row) for row in rows]


async def cash(
    connection: Connection, *, after: tuple[datetime, UUID] | None, limit: int
) -> list[AwaitedCash]:
    """Parcels that are paid at the door, the oldest orders first."""
    rows = await connection.fetch(CASH, *(after or (None, None)), limit)
    return [AwaitedCash(*row) for row in rows]


async def find_cash(connection: Connection, *, seller_order_id: UUID) -> AwaitedCash | None:
    """What is awaited at the door for a part; None where nothing is."""
    row = await connection.fetchrow(FIND_CASH, seller_order_id)
    return None if row is None else AwaitedCash(*row)
