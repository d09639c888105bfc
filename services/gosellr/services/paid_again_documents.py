"""A sale that a bank had taken back, and that its buyer has paid again, on paper.

Its credit note stands. What came back is a new invoice of its seller; what is taken once more, by
whichever bank, a credit note of that. Papers are brought to how the books stand, so whoever asks
twice, or late, gets no more of them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.document_values import SellerIdentity
from gosellr.models.order_values import Order, SellerOrder
from gosellr.queries import documents, locks, orders, paid_again
from gosellr.queries.paid_again import PaperAgain, Standing
from gosellr.services import document_register, sales_documents
from gosellr.services.document_register import DocumentDraft
from gosellr.utils.documents import DocumentKind
from gosellr.utils.paid_again import Paper, added_up, paper_of, rows_of
from gosellr.utils.refunds import SHIPPING_KEY


async def issue(connection: Connection, *, order_id: UUID, now: datetime) -> list[UUID]:
    """Bring the papers of an order to what stands as paid again; gives those that were issued."""
    if not await locks.order(connection, order_id=order_id):
        return []
    standing = await paid_again.standing(connection, order_id=order_id)
    order = await orders.load(connection, order_id=order_id) if standing else None
    if order is None:
        return []
    await sales_documents.issue_invoices(connection, order_ids=[order_id], now=now)
    lost = await paid_again.lost(connection, order_id=order_id)
    known = await paid_again.papers(connection, order_id=order_id)
    sellers = await documents.sellers(
        connection, seller_ids=[part.seller_id for part in order.parts]
    )
    drafts: list[DocumentDraft] = []
    for part in order.parts:
        if part.id not in standing:
            continue
        own = [one for one in known if one.content["paid_again"]["part"] == str(part.id)]
        paper = _paper(order, part, lost=lost, own=own, stands=standing[part.id])
        first = await documents.find_by_cause(
            connection, kind=DocumentKind.INVOICE, cause_key=str(part.id)
        )
        if paper is not None and first is not None:
            drafts.append(
                _draft(
                    order,
                    part,
                    paper,
                    seller=sellers[part.seller_id],
                    stands=standing[part.id],
                    first=first.number,
                    own=own,
                )
            )
    return await document_register.issue(connection, drafts=drafts, now=now)


def _paper(
    order: Order,
    part: SellerOrder,
    *,
    lost: set[UUID],
    own: Sequence[PaperAgain],
    stands: Standing,
) -> Paper | None:
    taken = [
        (1, one.lines)
        for one in order.refunds
        if one.id in lost and one.seller_order_id == part.id
    ]  # fmt: skip
    said = [
        (1 if one.kind == DocumentKind.INVOICE else -1, one.content["paid_again"]["shares"])
        for one in own
    ]
    return paper_of(
        added_up(taken, shipping=SHIPPING_KEY),
        added_up(said, shipping=SHIPPING_KEY),
        stands_minor=stands.minor,
        tax_included=order.tax_included,
    )


def _draft(
    order: Order,
    part: SellerOrder,
    paper: Paper,
    *,
    seller: SellerIdentity,
    stands: Standing,
    first: str,
    own: Sequence[PaperAgain],
) -> DocumentDraft:
    rows = rows_of(paper.plan, shipping=SHIPPING_KEY)
    about: dict[str, Any] = {
        "paid_again": {
            "part": str(part.id),
            "invoice": first,
            "shares": rows,
            "booked_up_to": str(stands.booked_up_to),
        }
    }
    kind = DocumentKind.INVOICE
    if paper.is_taken:
        kind = DocumentKind.CREDIT_NOTE
        invoices = [one for one in own if one.kind == DocumentKind.INVOICE]
        about |= {"corrects": invoices[-1].content["number"], "reason": "Chargeback"}
    supplied_at = part.captured_at or order.paid_at or order.placed_at
    return sales_documents.draft_of_shares(
        kind,
        order=order,
        part=part,
        shares=rows,
        seller=seller,
        cause_key=f"{part.id}/{stands.booked_up_to}",
        about={**about, "supplied_at": supplied_at.isoformat()},
    )
