"""Labels of parcels: which are missing, and what was bought."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.order_values import MissingLabel
from gosellr.queries import shipments


async def missing_labels(
    connection: Connection, *, before: datetime, now: datetime, limit: int
) -> list[MissingLabel]:
    """Parcels whose label was asked for before then and never came."""
    return await shipments.without_label(connection, before=before, now=now, limit=limit)


async def keep_label(
    connection: Connection,
    *,
    shipment_id: UUID,
    tracking_number: str | None,
    tracking_url: str | None,
) -> None:
    """Keep what the carrier sold; without a number it refused, and isn't asked again."""
    await shipments.keep_label(
        connection,
        shipment_id=shipment_id,
        tracking_number=tracking_number,
        tracking_url=tracking_url,
    )
