"""Parcels: written with the units that left, moved up their ladder as reports come in."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.order_values import MissingLabel
from gosellr.queries.sweep_delays import has_its_turn

INSERT = """
WITH parcel AS (
    INSERT INTO shipment (id, order_id, seller_order_id, seller_id, carrier, tracking_number,
                          tracking_url, label_service, status, shipped_at, created_at)
    SELECT id, order_id, seller_order_id, seller_id, carrier, tracking_number, tracking_url,
           label_service, status, shipped_at, created_at
    FROM jsonb_populate_record(NULL::shipment, $1)
), wanted AS (
    SELECT * FROM unnest($2::uuid[], $3::int[]) AS item (order_line_id, quantity)
), items AS (
    INSERT INTO shipment_item (shipment_id, order_line_id, quantity)
    SELECT ($1 ->> 'id')::uuid, order_line_id, quantity FROM wanted
), shipped AS (
    UPDATE order_line AS line SET shipped_quantity = line.shipped_quantity + wanted.quantity
    FROM wanted
    WHERE line.id = wanted.order_line_id
      AND line.shipped_quantity + line.withdrawn_quantity + wanted.quantity <= line.quantity
    RETURNING line.id
)
SELECT count(*) FROM shipped
"""

REPORT = """
WITH reported AS (
    UPDATE shipment AS parcel
    SET status = report.status,
        delivered_at = CASE WHEN report.status = 'delivered'
            THEN $3 ELSE parcel.delivered_at END
    FROM unnest($1::uuid[], $2::text[]) AS report (id, status)
    WHERE parcel.id = report.id AND parcel.status <> report.status
    RETURNING parcel.id, parcel.status
), arrived AS (
    SELECT item.order_line_id, sum(item.quantity) AS quantity
    FROM reported JOIN shipment_item AS item ON item.shipment_id = reported.id
    WHERE reported.status = 'delivered'
    GROUP BY item.order_line_id
), lines AS (
    UPDATE order_line AS line SET delivered_quantity = line.delivered_quantity + arrived.quantity
    FROM arrived WHERE line.id = arrived.order_line_id
)
SELECT count(*) FROM reported
"""

SET_TRACKING = """
UPDATE shipment
SET carrier = COALESCE($2, carrier), tracking_number = COALESCE($3, tracking_number),
    tracking_url = COALESCE($4, tracking_url)
WHERE id = $1
"""

# Whatever the carrier said, it isn't asked for this label again.
KEEP_LABEL = """
UPDATE shipment
SET tracking_number = COALESCE(tracking_number, $2), tracking_url = COALESCE(tracking_url, $3),
    label_service = NULL
WHERE id = $1
"""

# A label that was asked for and never answered.
WITHOUT_LABEL = f"""
SELECT id, order_id, label_service FROM shipment
WHERE label_service IS NOT NULL AND tracking_number IS NULL AND created_at <= $1
  AND {has_its_turn("labels", "shipment.id", now="$3")}
ORDER BY created_at LIMIT $2
"""


async def insert(
    connection: Connection,
    *,
    shipment: Mapping[str, Any],
    quantities: Sequence[tuple[UUID, int]],
) -> int:
    """Write a parcel and count its units as shipped; gives how many lines had enough to ship."""
    lines: int = await connection.fetchval(
        INSERT,
        shipment,
        [line_id for line_id, _ in quantities],
        [quantity for _, quantity in quantities],
    )
    return lines


async def report(connection: Connection, *, statuses: Mapping[UUID, str], now: datetime) -> int:
    """Write where parcels are, and the units that arrived; gives how many parcels moved."""
    moved: int = await connection.fetchval(REPORT, list(statuses), list(statuses.values()), now)
    return moved


async def set_tracking(
    connection: Connection,
    *,
    shipment_id: UUID,
    carrier: str | None = None,
    tracking_number: str | None = None,
    tracking_url: str | None = None,
) -> None:
    """Write by what a parcel is followed; None leaves what is there."""
    await connection.execute(SET_TRACKING, shipment_id, carrier, tracking_number, tracking_url)


async def without_label(
    connection: Connection, *, before: datetime, now: datetime, limit: int
) -> list[MissingLabel]:
    """Parcels whose label was asked for before then and is still missing."""
    rows = await connection.fetch(WITHOUT_LABEL, before, limit, now)
    return [MissingLabel(*row) for row in rows]


async def keep_label(
    connection: Connection,
    *,
    shipment_id: UUID,
    tracking_number: str | None,
    tracking_url: str | None,
) -> None:
    """Write what a carrier sold, unless somebody wrote a number meanwhile."""
    await connection.execute(KEEP_LABEL, shipment_id, tracking_number, tracking_url)
