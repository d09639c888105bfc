"""What came back of lost chargebacks of an order's sales, and what its papers say of that."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

# In the buyer's money: what sellers and the market have got of it by now, less the market's
# discounts, and without what it gave as goodwill, which is no part of the sale. All of it is
# booked under the order's lock, so its entries are numbered in turn, whichever process booked
# them; identifiers of transactions are as late as the clock of the process that made them.
STANDS = """
SELECT entry.seller_order_id, max(entry.id) AS booked_up_to,
       sum(CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                ELSE -entry.amount_minor END)::bigint AS minor
FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
WHERE head.order_id = $1 AND head.kind IN ('chargeback_reinstated', 'chargeback_lost_again')
  AND entry.seller_order_id IS NOT NULL
  AND split_part(entry.account, ':', 1) NOT IN (
      'gateway_clearing', 'dispute_receivable', 'suspense', 'chargeback_loss', 'goodwill_cost')
GROUP BY 1
"""
# The refunds that chargebacks were lost by.
LOST = """
SELECT refund.id FROM dispute JOIN refund ON refund.dispute_id = dispute.id
WHERE dispute.order_id = $1 AND dispute.chargeback_id IS NOT NULL AND refund.status = 'succeeded'
"""
PAPERS = """
SELECT kind, number, content FROM document
WHERE order_id = $1 AND kind IN ('invoice', 'credit_note') AND content ? 'paid_again'
ORDER BY issued_at, id
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands as paid again of a seller's part, in minor units, and up to which entry of the
    ledger that is so."""

    booked_up_to: int
    minor: int


@dataclass(frozen=True, slots=True)
class PaperAgain:
    """A paper about that which was issued."""

    kind: str
    number: int
    content: Mapping[str, Any]


async def standing(connection: Connection, *, order_id: UUID) -> dict[UUID, Standing]:
    """What stands as paid again of each part of an order of which anything ever came back."""
    return {
        row["seller_order_id"]: Standing(row["booked_up_to"], row["minor"])
        for row in await connection.fetch(STANDS, order_id)
    }


async def lost(connection: Connection, *, order_id: UUID) -> set[UUID]:
    """The refunds of an order by which banks took it back for good."""
    return {row["id"] for row in await connection.fetch(LOST, order_id)}


async def papers(connection: Connection, *, order_id: UUID) -> Sequence[PaperAgain]:
    """The papers about what was paid again of an order, the oldest first."""
    return [PaperAgain(*row) for row in await connection.fetch(PAPERS, order_id)]
