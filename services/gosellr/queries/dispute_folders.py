"""Cases as people read them: each as far as its reader may, with all that belongs to it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.rows import from_row
from gosellr.models.dispute_values import (
    Chargeback,
    Dispute,
    DisputeEvent,
    DisputeFile,
    DisputeFolder,
    DisputeMessage,
    DisputeRefund,
    NewFile,
    NewMessage,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

# $1 sees everything, $2 an account, $3 the hash of an order's token, $4 sellers. A chargeback is
# between a seller and the bank: its buyer has nothing to read here.
_READER = """
FROM dispute JOIN orders ON orders.id = dispute.order_id
CROSS JOIN LATERAL (
    SELECT dispute.kind = 'buyer' AND (
        COALESCE(orders.user_id = $2, false) OR COALESCE(orders.token_hash = $3, false))
        AS is_buyer
) AS reader
WHERE ($1 OR reader.is_buyer OR dispute.seller_id = ANY($4::uuid[]))
"""

FIND = f"""
SELECT json_build_object(
    'dispute', to_jsonb(dispute),
    'order_number', orders.number,
    'is_buyer', reader.is_buyer,
    'line', (SELECT json_build_object('id', line.id, 'sku', line.sku, 'title', line.title,
                                      'quantity', line.quantity)
             FROM order_line AS line WHERE line.id = dispute.order_line_id),
    'messages', (SELECT json_agg(to_jsonb(said) ORDER BY said.at, said.id)
                 FROM dispute_message AS said WHERE said.dispute_id = dispute.id),
    'files', (SELECT json_agg(to_jsonb(file) - 'sha256' ORDER BY file.at, file.id)
              FROM dispute_file AS file WHERE file.dispute_id = dispute.id),
    'events', (SELECT json_agg(to_jsonb(event) ORDER BY event.sequence)
               FROM dispute_event AS event WHERE event.dispute_id = dispute.id),
    'refunds', (SELECT json_agg(to_jsonb(refund) ORDER BY refund.created_at, refund.id)
                FROM refund WHERE refund.dispute_id = dispute.id),
    'tracking', (
        SELECT json_agg(json_build_object(
            'carrier', parcel.carrier, 'tracking_number', parcel.tracking_number,
            'tracking_url', parcel.tracking_url, 'status', parcel.status,
            'shipped_at', parcel.shipped_at, 'delivered_at', parcel.delivered_at)
            ORDER BY parcel.shipped_at, parcel.id)
        FROM shipment AS parcel
        WHERE parcel.seller_order_id = dispute.seller_order_id AND (
            dispute.order_line_id IS NULL OR EXISTS (
                SELECT FROM shipment_item AS item
                WHERE item.shipment_id = parcel.id
                  AND item.order_line_id = dispute.order_line_id))),
    'chargeback', (SELECT to_jsonb(back) FROM chargeback AS back
                   WHERE back.id = dispute.chargeback_id))
{_READER} AND dispute.id = $5
"""

# Before whoever runs the market, what operators have left lying too long stands first.
LIST = f"""
SELECT to_jsonb(dispute) || jsonb_build_object('order_number', orders.number,
                                               'is_buyer', reader.is_buyer,
                                               'stage', (SELECT stage FROM chargeback AS back
                                                         WHERE back.id = dispute.chargeback_id))
{_READER}
  AND ($5::text IS NULL OR dispute.status = $5)
  AND ($6::uuid IS NULL OR dispute.seller_id = $6)
  AND ($7::uuid IS NULL OR dispute.order_id = $7)
  AND ($8::text IS NULL OR dispute.kind = $8)
  AND ($9::timestamptz IS NULL
       OR ($1 AND dispute.review_overdue_at IS NOT NULL, dispute.opened_at, dispute.id)
          < ($11::boolean, $9, $10::uuid))
  AND ($13::text[] IS NULL OR dispute.status = ANY($13))
  AND (NOT $14 OR reader.is_buyer)
  -- The market decides between buyers and sellers, and answers banks for the cards that it sold.
  AND (NOT $15 OR dispute.kind = 'buyer' AND dispute.status IN ('under_review', 'appealed')
       OR dispute.seller_id IS NULL AND dispute.status = 'awaiting_seller')
ORDER BY $1 AND dispute.review_overdue_at IS NOT NULL DESC, dispute.opened_at DESC,
         dispute.id DESC
LIMIT $12
"""

INSERT_MESSAGE = """
INSERT INTO dispute_message (id, dispute_id, author, author_id, body, at)
VALUES ($1, $2, $3, $4, $5, $6)
"""

# The same file twice is one.
INSERT_FILE = """
INSERT INTO dispute_file (id, dispute_id, author, author_id, name, content_type, byte_size,
                          sha256, storage_key, at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (dispute_id, sha256) DO NOTHING
RETURNING id
"""
FILE_OF_HASH = "SELECT id FROM dispute_file WHERE dispute_id = $1 AND sha256 = $2"
COUNT_SAID = """
SELECT (SELECT count(*) FROM dispute_message WHERE dispute_id = $1 AND author = $2)::int,
       (SELECT count(*) FROM dispute_file WHERE dispute_id = $1 AND author = $2)::int
"""


def _reader(viewer: Viewer) -> tuple[bool, UUID | None, bytes | None, list[UUID]]:
    return (
        viewer.sees_everything,
        viewer.user_id,
        viewer.order_token_hash,
        viewer.seller_ids_with(Permission.DISPUTE_READ),
    )


async def find(connection: Connection, *, viewer: Viewer, dispute_id: UUID) -> DisputeFolder | None:
    """A case that the viewer may read; None where there is none."""
    row = await connection.fetchval(FIND, *_reader(viewer), dispute_id)
    return None if row is None else _folder(row)


def _folder(row: Mapping[str, Any]) -> DisputeFolder:
    return DisputeFolder(
        dispute=from_row(Dispute, row["dispute"]),
        order_number=row["order_number"],
        is_buyer=row["is_buyer"],
        line=row["line"],
        messages=tuple(from_row(DisputeMessage, one) for one in row["messages"] or ()),
        files=tuple(from_row(DisputeFile, one) for one in row["files"] or ()),
        events=tuple(from_row(DisputeEvent, one) for one in row["events"] or ()),
        refunds=tuple(from_row(DisputeRefund, one) for one in row["refunds"] or ()),
        tracking=tuple(row["tracking"] or ()),
        chargeback=None if row["chargeback"] is None else from_row(Chargeback, row["chargeback"]),
    )


async def page(
    connection: Connection,
    *,
    viewer: Viewer,
    status: str | None,
    seller_id: UUID | None,
    order_id: UUID | None,
    kind: str | None,
    statuses: Sequence[str] | None,
    as_buyer: bool,
    waits_for_market: bool,
    after: tuple[datetime, UUID, bool] | None,
    limit: int,
) -> list[tuple[Dispute, int, bool, str | None]]:
    """Cases that the viewer may read, newest first, each with its order's number, whether the
    viewer is its buyer, and the stage of its chargeback; those overdue first, for who sees
    everything. `after` names the last one seen: when it was opened, its id, and whether it stood
    among those."""
    rows = await connection.fetch(
        LIST, *_reader(viewer), status, seller_id, order_id, kind,
        *(after or (None, None, None)), limit, statuses, as_buyer,
        waits_for_market,
    )  # fmt: skip
    return [
        (
            from_row(Dispute, row[0]),
            row[0]["order_number"],
            row[0]["is_buyer"],
            row[0]["stage"],
        )
        for row in rows
    ]


async def add_message(connection: Connection, *, message: NewMessage, now: datetime) -> None:
    """Keep what somebody said."""
    await connection.execute(
        INSERT_MESSAGE, message.id, message.dispute_id, message.author, message.author_id,
        message.body, now,
    )  # fmt: skip


async def add_file(
    connection: Connection,
    *,
    dispute_id: UUID,
    file: NewFile,
    author: str,
    author_id: UUID | None,
    now: datetime,
) -> tuple[UUID, bool]:
    """Keep a file of a case; gives the one that is kept, and whether it is new."""
    made: UUID | None = await connection.fetchval(
        INSERT_FILE, file.id, dispute_id, author, author_id, file.name, file.content_type,
        file.byte_size, file.sha256, file.storage_key, now,
    )  # fmt: skip
    if made is not None:
        return made, True
    known: UUID = await connection.fetchval(FILE_OF_HASH, dispute_id, file.sha256)
    return known, False


async def count_said(connection: Connection, *, dispute_id: UUID, author: str) -> tuple[int, int]:
    """How many messages and files a side of a case has put in."""
    row = await connection.fetchrow(COUNT_SAID, dispute_id, author)
    return (0, 0) if row is None else (row[0], row[1])
