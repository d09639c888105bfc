"""Which entries stored value makes (recipe 10) before it is spent; that stands in `postings`."""

from uuid import UUID

from gosellr.utils.ledger import (
    PROMOTION_COST,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    gift_card,
    store_credit,
    stored_value_held,
)


def gift_card_issued(*, card_id: UUID, amount_minor: int, currency: str) -> TransactionDraft:
    """A card that nobody paid for is the marketplace's own promotion."""
    kind = TransactionKind.GIFT_CARD_ISSUED
    return _moved(kind, PROMOTION_COST, gift_card(card_id), amount_minor, currency)


def store_credit_granted(*, user_id: UUID, amount_minor: int, currency: str) -> TransactionDraft:
    """A buyer gets credit at the marketplace's cost."""
    kind = TransactionKind.STORE_CREDIT_GRANTED
    return _moved(kind, PROMOTION_COST, store_credit(user_id), amount_minor, currency)


def _moved(
    kind: TransactionKind, debited: str, credited: str, amount_minor: int, currency: str
) -> TransactionDraft:
    return TransactionDraft(
        kind,
        (
            Entry(debited, Direction.DEBIT, amount_minor, currency),
            Entry(credited, Direction.CREDIT, amount_minor, currency),
        ),
    )


def stored_value_hold(
    *, order_id: UUID, account: str, amount_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 10: set a gift card's or store credit's money aside at the order's intent."""
    held = stored_value_held(order_id)
    return _moved(TransactionKind.STORED_VALUE_HELD, account, held, amount_minor, currency)


def stored_value_return(
    *, order_id: UUID, account: str, amount_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 10: give it back when the order expires or is declined for good."""
    held = stored_value_held(order_id)
    return _moved(TransactionKind.STORED_VALUE_RETURNED, held, account, amount_minor, currency)
