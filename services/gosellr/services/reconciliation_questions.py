"""What providers have told, and how it stands beside the books."""

from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.reconciliation_values import GatewayStanding, Movement
from gosellr.queries import reconciliation, reconciliation_standing
from gosellr.utils.reconciliation import CHARGEBACK_KINDS, PAYOUT_KINDS, TOLD_KINDS

# A provider tells of a charge within this time, or it is missing.
_MISSING_AFTER = timedelta(days=3)


async def find_movement(connection: Connection, *, movement_id: UUID) -> Movement:
    """A movement. Raises `NotFound`."""
    movement = await reconciliation.find(connection, movement_id=movement_id)
    if movement is None:
        raise NotFound
    return movement


async def list_movements(
    connection: Connection,
    *,
    gateway: str | None,
    status: str | None,
    currency: str | None,
    suspended: bool | None,
    cursor: str | None,
    limit: int,
) -> Page[Movement]:
    """Movements, newest first.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await reconciliation.list_movements(
        connection,
        gateway=gateway,
        status=status,
        currency=currency,
        suspended=suspended,
        after=after_moment(cursor),
        limit=limit + 1,
    )
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.occurred_at, one.id))


async def standing(connection: Connection, *, now: datetime) -> list[GatewayStanding]:
    """Every provider of which something was imported: its figures beside ours."""
    return await reconciliation_standing.standing(
        connection,
        told_kinds=[kind.value for kind in TOLD_KINDS],
        payout_kinds=[kind.value for kind in PAYOUT_KINDS],
        chargeback_kinds=[kind.value for kind in CHARGEBACK_KINDS],
        missing_before=now - _MISSING_AFTER,
    )
