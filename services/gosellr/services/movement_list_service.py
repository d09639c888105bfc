"""Reading on in a provider's list: what a page brings and how far it goes are one commit."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Connection
from gosellr.models.reconciliation_values import ImportedStatement, NewMovement
from gosellr.queries import provider_cursors
from gosellr.services import reconciliation_service


async def read_until(connection: Connection, *, gateway: str) -> datetime | None:
    """Until when a provider's list was read, or else from our first payment there on it is to be;
    None before that."""
    return await provider_cursors.find(connection, gateway=gateway)


async def import_page(
    connection: Connection,
    *,
    gateway: str,
    movements: Sequence[NewMovement],
    until: datetime,
    now: datetime,
) -> ImportedStatement | None:
    """Import a page and remember that it was; None where all of it was known.

    Raises:
        What `reconciliation_service.import_movements` raises; then the place stays what it was.
    """
    unheard = await provider_cursors.count_unheard(
        connection, gateway=gateway, references=[one.reference for one in movements]
    )
    if not unheard:
        await provider_cursors.move(connection, gateway=gateway, read_until=until, now=now)
        return None
    statement = await reconciliation_service.import_movements(
        connection,
        gateway=gateway,
        source="gateway",
        movements=movements,
        imported_by=None,
        now=now,
    )
    await provider_cursors.move(connection, gateway=gateway, read_until=until, now=now)
    return statement
