"""A new payout account, withdrawn while it waits: the one before takes its place again."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.payout_values import DestinationChange

# The one before ended in the moment in which this one began.
FIND = """
SELECT changed.id, changed.seller_id, seller.name, changed.last_four, changed.created_at,
       changed.usable_from, changed.replaced_at, changed.withdrawn_at, before.id,
       before.last_four
FROM payout_destination AS changed JOIN seller ON seller.id = changed.seller_id
LEFT JOIN payout_destination AS before
  ON before.seller_id = changed.seller_id AND before.replaced_at = changed.created_at
WHERE changed.id = $1
"""
# Once, and no more when it is paid to.
WITHDRAW = """
UPDATE payout_destination SET replaced_at = $2, withdrawn_at = $2
WHERE id = $1 AND replaced_at IS NULL AND usable_from > $2
RETURNING id
"""
RESTORE = """
UPDATE payout_destination SET replaced_at = NULL WHERE id = $1 AND withdrawn_at IS NULL
RETURNING id
"""
LET_GO = """
UPDATE payout_settings
SET held_at = NULL, hold_reason = NULL, held_by = NULL, updated_at = $3, version = version + 1
WHERE seller_id = $1 AND held_at IS NOT NULL AND held_by IS NULL AND hold_reason = $2
RETURNING seller_id
"""


async def find(connection: Connection, *, destination_id: UUID) -> DestinationChange | None:
    """A change of a seller's account, as it stands."""
    row = await connection.fetchrow(FIND, destination_id)
    return None if row is None else DestinationChange(*row)


async def withdraw(connection: Connection, *, destination_id: UUID, now: datetime) -> bool:
    """The account is paid to no more; False where it was withdrawn before, replaced, or waits no
    longer."""
    return await connection.fetchval(WITHDRAW, destination_id, now) is not None


async def restore(connection: Connection, *, destination_id: UUID) -> bool:
    """The account is paid to again; False where it was itself withdrawn."""
    return await connection.fetchval(RESTORE, destination_id) is not None


async def let_go(connection: Connection, *, seller_id: UUID, reason: str, now: datetime) -> bool:
    """End a hold that nobody but the market itself has put, for this reason; whether there was
    one."""
    return await connection.fetchval(LET_GO, seller_id, reason, now) is not None
