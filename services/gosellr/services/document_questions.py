"""Which documents there are for whom: an order's for those who trade in it, a seller's for it."""

from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.document_values import IssuedDocument
from gosellr.queries import documents
from gosellr.services import period_documents
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentFilters:
    """Which of a seller's documents; None for any."""

    kind: str | None = None
    period: str | None = None


async def of_order(
    connection: Connection, *, viewer: Viewer, order_id: UUID
) -> list[IssuedDocument]:
    """An order's invoices and credit notes: all for its buyer, a seller's own for a seller.

    Raises:
        NotFound: the viewer sees no such order.
    """
    if not await documents.order_is_seen(connection, viewer=viewer, order_id=order_id):
        raise NotFound
    return await documents.of_order(connection, viewer=viewer, order_id=order_id)


async def find_of_order(
    connection: Connection, *, viewer: Viewer, order_id: UUID, document_id: UUID
) -> IssuedDocument:
    """One of an order's documents.

    Raises:
        NotFound: the viewer sees no such document of this order.
    """
    found = await documents.of_order(
        connection, viewer=viewer, order_id=order_id, document_id=document_id
    )
    if not found:
        raise NotFound
    return found[0]


async def of_seller(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    filters: DocumentFilters,
    cursor: str | None,
    limit: int,
) -> Page[IssuedDocument]:
    """A seller's statements and commission invoices, newest first.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
        InvalidInput: the cursor isn't one of ours.
    """
    await period_documents.require_seller(connection, viewer=viewer, seller_id=seller_id)
    rows = await documents.of_seller(
        connection,
        seller_id=seller_id,
        kind=filters.kind,
        period=filters.period,
        after=after_moment(cursor),
        limit=limit + 1,
    )
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.issued_at, one.id))


async def find_of_seller(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, document_id: UUID
) -> IssuedDocument:
    """One of a seller's statements or commission invoices.

    Raises:
        NotFound, NotAllowed: it isn't the viewer's to look at.
    """
    await period_documents.require_seller(connection, viewer=viewer, seller_id=seller_id)
    found = await documents.of_seller(connection, seller_id=seller_id, document_id=document_id)
    if not found:
        raise NotFound
    return found[0]
