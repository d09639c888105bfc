"""Which entries stored value begins with (recipe 10); how it is spent stands in `postings`."""

from uuid import UUID

from gosellr.utils.ledger import (
    PROMOTION_COST,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    gift_card,
    store_credit,
)


def gift_card_issued(*, card_id: UUID, amount_minor: int, currency: str) -> TransactionDraft:
    """A card that nobody paid for is the marketplace's own promotion."""
    kind = TransactionKind.GIFT_CARD_ISSUED
    return _given(kind, gift_card(card_id), amount_minor, currency)


def store_credit_granted(*, user_id: UUID, amount_minor: int, currency: str) -> TransactionDraft:
    """A buyer gets credit at the marketplace's cost."""
    kind = TransactionKind.STORE_CREDIT_GRANTED
    return _given(kind, store_credit(user_id), amount_minor, currency)


def _given(
    kind: TransactionKind, account: str, amount_minor: int, currency: str
) -> TransactionDraft:
    return TransactionDraft(
        kind,
        (
            Entry(PROMOTION_COST, Direction.DEBIT, amount_minor, currency),
            Entry(account, Direction.CREDIT, amount_minor, currency),
        ),
    )
