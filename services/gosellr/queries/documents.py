"""Documents: numbered under the lock of their series, written once, read by whom they concern."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.document_values import IssuedDocument, SellerIdentity
from gosellr.queries import letterheads
from gosellr.utils.documents import DocumentKind
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

_COLUMNS = """
document.id, document.kind, document.issuer, document.series, document.number,
document.seller_id, document.order_id, document.period, document.currency::text,
document.total_minor, document.content, document.issued_at
"""

# Writes the row, so that also a series without any number yet is held until the commit.
LOCK_SERIES = """
INSERT INTO document_series AS known (issuer, series, last_number)
SELECT issuer, series, 0 FROM unnest($1::text[], $2::text[]) AS wanted (issuer, series)
ORDER BY issuer, series
ON CONFLICT (issuer, series) DO UPDATE SET last_number = known.last_number
RETURNING issuer, series, last_number
"""

MOVE_SERIES = """
UPDATE document_series AS known SET last_number = moved.after
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
     AS moved (issuer, series, before, after)
WHERE known.issuer = moved.issuer AND known.series = moved.series
  AND known.last_number = moved.before
"""

KNOWN_CAUSES = """
SELECT kind, cause_key, id FROM document
WHERE (kind, cause_key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
"""

INSERT = """
INSERT INTO document (id, kind, issuer, series, number, cause_key, seller_id, order_id, period,
                      currency, total_minor, content, hash, issued_at)
SELECT id, kind, issuer, series, number, cause_key, seller_id, order_id, period,
       currency, total_minor, content, hash, issued_at
FROM jsonb_populate_recordset(NULL::document, $1) ORDER BY issuer, series, number
"""

BY_CAUSE = f"SELECT {_COLUMNS} FROM document WHERE kind = $1 AND cause_key = $2"

ORDER_OF_REFUND = "SELECT order_id FROM refund WHERE id = $1"

# Of an order: its buyer's all, a seller's own. Whoever sees everything sees these, too.
_SEES_ORDER = """
($1::boolean OR COALESCE(orders.user_id = $2, false) OR COALESCE(orders.token_hash = $3, false))
"""
ORDER_IS_SEEN = f"""
SELECT EXISTS (SELECT FROM orders WHERE orders.id = $5 AND ({_SEES_ORDER} OR EXISTS (
    SELECT FROM seller_order AS part
    WHERE part.order_id = orders.id AND part.seller_id = ANY($4::uuid[]))))
"""
OF_ORDER = f"""
SELECT {_COLUMNS}
FROM document JOIN orders ON orders.id = document.order_id
WHERE document.order_id = $5 AND ($6::uuid IS NULL OR document.id = $6)
  AND ({_SEES_ORDER} OR document.seller_id = ANY($4::uuid[]))
ORDER BY document.issued_at, document.id
LIMIT 500
"""

OF_SELLER = f"""
SELECT {_COLUMNS} FROM document
WHERE seller_id = $1 AND period IS NOT NULL AND ($2::uuid IS NULL OR id = $2)
  AND ($3::text IS NULL OR kind = $3) AND ($4::text IS NULL OR period = $4)
  AND ($5::timestamptz IS NULL OR (issued_at, id) < ($5, $6::uuid))
ORDER BY issued_at DESC, id DESC
LIMIT $7
"""

_SELLERS = f"""
SELECT seller.id, seller.name, seller.legal_name, seller.country::text, seller.email::text,
       seller.status, seller.created_at, {letterheads.LISTED}
FROM seller {letterheads.JOIN}
"""
SELLERS = f"{_SELLERS} WHERE seller.id = ANY($1::uuid[])"
SELLERS_AFTER = f"{_SELLERS} WHERE seller.id > $1 ORDER BY seller.id LIMIT $2"

LAST_CLOSED = "SELECT max(period) FROM document_month"
CLOSE_MONTH = """
INSERT INTO document_month (period, closed_at, written_before)
VALUES ($1, $2, pg_snapshot_xmin(pg_current_snapshot())) ON CONFLICT (period) DO NOTHING
"""
LAST_CLOSED_BEFORE = "SELECT max(period) FROM document_month WHERE period < $1"
COMPLETE_BY = """
SELECT written_before FROM document_month
WHERE closed_at <= $1 AND written_before IS NOT NULL
ORDER BY period DESC LIMIT 1
"""


def _document(row: Record) -> IssuedDocument:
    return IssuedDocument(row[0], DocumentKind(row[1]), *row[2:])


def _seller(row: Record) -> SellerIdentity:
    return SellerIdentity(
        id=row["id"],
        name=row["name"],
        legal_name=row["legal_name"],
        country=row["country"],
        email=row["email"],
        status=row["status"],
        created_at=row["created_at"],
        letterhead=letterheads.letterhead_of(row),
    )


def _seen_by(viewer: Viewer) -> tuple[bool, UUID | None, bytes | None, list[UUID]]:
    return (
        viewer.sees_everything,
        viewer.user_id,
        viewer.order_token_hash,
        viewer.seller_ids_with(Permission.ORDER_READ),
    )


async def lock_series(
    connection: Connection, *, series: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], int]:
    """The last numbers by (issuer, series), held until the commit: nobody else gives any out."""
    rows = await connection.fetch(
        LOCK_SERIES, [issuer for issuer, _ in series], [name for _, name in series]
    )
    return {(row["issuer"], row["series"]): row["last_number"] for row in rows}


async def move_series(
    connection: Connection, *, moves: Mapping[tuple[str, str], tuple[int, int]]
) -> int:
    """Move counters from one number to another; gives how many stood where they were said to."""
    status: str = await connection.execute(
        MOVE_SERIES,
        [issuer for issuer, _ in moves],
        [name for _, name in moves],
        [before for before, _ in moves.values()],
        [after for _, after in moves.values()],
    )
    return int(status.rsplit(" ", 1)[1])


async def known_causes(
    connection: Connection, *, causes: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    """The documents that exist for these (kind, cause)."""
    rows = await connection.fetch(
        KNOWN_CAUSES, [kind for kind, _ in causes], [key for _, key in causes]
    )
    return {(row["kind"], row["cause_key"]): row["id"] for row in rows}


async def insert(connection: Connection, *, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write documents."""
    await connection.execute(INSERT, rows)


async def find_by_cause(
    connection: Connection, *, kind: DocumentKind, cause_key: str
) -> IssuedDocument | None:
    """The document that was issued for something."""
    row = await connection.fetchrow(BY_CAUSE, kind.value, cause_key)
    return None if row is None else _document(row)


async def order_of_refund(connection: Connection, *, refund_id: UUID) -> UUID | None:
    """The order that a refund is of."""
    order_id: UUID | None = await connection.fetchval(ORDER_OF_REFUND, refund_id)
    return order_id


async def order_is_seen(connection: Connection, *, viewer: Viewer, order_id: UUID) -> bool:
    """Whether the viewer may see an order, or a part of it."""
    seen: bool = await connection.fetchval(ORDER_IS_SEEN, *_seen_by(viewer), order_id)
    return seen


async def of_order(
    connection: Connection, *, viewer: Viewer, order_id: UUID, document_id: UUID | None = None
) -> list[IssuedDocument]:
    """The documents of an order that the viewer may see, or the one that is named."""
    rows = await connection.fetch(OF_ORDER, *_seen_by(viewer), order_id, document_id)
    return [_document(row) for row in rows]


async def of_seller(
    connection: Connection,
    *,
    seller_id: UUID,
    document_id: UUID | None = None,
    kind: str | None = None,
    period: str | None = None,
    after: tuple[datetime, UUID] | None = None,
    limit: int = 1,
) -> list[IssuedDocument]:
    """A seller's statements and commission invoices, newest first."""
    rows = await connection.fetch(
        OF_SELLER, seller_id, document_id, kind, period, *(after or (None, None)), limit
    )
    return [_document(row) for row in rows]


async def sellers(
    connection: Connection, *, seller_ids: Sequence[UUID]
) -> dict[UUID, SellerIdentity]:
    """Who these sellers are."""
    rows = await connection.fetch(SELLERS, list(seller_ids))
    return {row["id"]: _seller(row) for row in rows}


async def sellers_after(connection: Connection, *, after: UUID, limit: int) -> list[SellerIdentity]:
    """The next sellers by id."""
    return [_seller(row) for row in await connection.fetch(SELLERS_AFTER, after, limit)]


async def last_closed_month(connection: Connection) -> str | None:
    """The newest month of which every seller has its documents."""
    period: str | None = await connection.fetchval(LAST_CLOSED)
    return period


async def close_month(connection: Connection, *, period: str, now: datetime) -> None:
    """Note that every seller has its documents of the month."""
    await connection.execute(CLOSE_MONTH, period, now)


async def last_closed_before(connection: Connection, *, period: str) -> str | None:
    """The newest closed month before another one."""
    found: str | None = await connection.fetchval(LAST_CLOSED_BEFORE, period)
    return found


async def complete_by(connection: Connection, *, moment: datetime) -> int | None:
    """The number of a database transaction before which nothing was written since a moment; None
    where no month had been closed by then."""
    found: int | None = await connection.fetchval(COMPLETE_BY, moment)
    return found
