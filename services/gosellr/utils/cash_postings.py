"""Which entries a refund makes that its seller hands back in cash: recipe 9 turned round."""

from uuid import UUID

from gosellr.utils.ledger import (
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    refund_in_transit,
    seller_available,
    seller_receivable,
)


def cash_handed_back(
    *,
    refund_id: UUID,
    seller_order_id: UUID,
    seller_id: UUID,
    gateway: str,
    amount_minor: int,
    owed_minor: int,
    currency: str,
) -> TransactionDraft:
    """A refund that the seller paid out of its own hands: it owes so much less, and what is more
    than it owed is available to it."""
    settled_minor = min(amount_minor, max(0, owed_minor))
    moves = (
        (refund_in_transit(gateway), Direction.DEBIT, amount_minor),
        (seller_receivable(seller_id), Direction.CREDIT, settled_minor),
        (seller_available(seller_id), Direction.CREDIT, amount_minor - settled_minor),
    )
    return TransactionDraft(
        TransactionKind.REFUND_CONFIRMED,
        tuple(
            Entry(
                account,
                direction,
                minor,
                currency,
                seller_order_id=seller_order_id,
                refund_id=refund_id,
            )
            for account, direction, minor in moves
            if minor
        ),
    )
