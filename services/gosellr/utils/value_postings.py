"""Which entries stored value makes (recipe 10) before it is spent; that stands in `postings`."""

from collections.abc import Iterable
from uuid import UUID

from gosellr.utils.ledger import (
    BREAKAGE,
    CHARGEBACK_LOSS,
    PROMOTION_COST,
    Direction,
    Entry,
    TransactionDraft,
    TransactionKind,
    dispute_receivable,
    gateway_clearing,
    gift_card,
    refund_in_transit,
    seller_available,
    store_credit,
    stored_value_held,
)


def gift_card_issued(*, card_id: UUID, amount_minor: int, currency: str) -> TransactionDraft:
    """A card that nobody paid for is the marketplace's own promotion."""
    kind = TransactionKind.GIFT_CARD_ISSUED
    return _moved(kind, PROMOTION_COST, gift_card(card_id), amount_minor, currency)


def gift_card_sold(
    *, card_id: UUID, gateway: str, amount_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 10: what was captured is owed to whoever holds the card. No tax yet, and no income."""
    kind = TransactionKind.GIFT_CARD_SOLD
    return _moved(kind, gateway_clearing(gateway), gift_card(card_id), amount_minor, currency)


def gift_card_taken_back(
    *, card_id: UUID, refund_id: UUID, gateway: str, amount_minor: int, currency: str
) -> TransactionDraft:
    """What is left on a card that was sold is on its way back to whoever paid for it."""
    return TransactionDraft(
        TransactionKind.REFUND_INTENT,
        (
            Entry(gift_card(card_id), Direction.DEBIT, amount_minor, currency, refund_id=refund_id),
            Entry(
                refund_in_transit(gateway),
                Direction.CREDIT,
                amount_minor,
                currency,
                refund_id=refund_id,
            ),
        ),
    )


def gift_card_charged_back(
    *, card_id: UUID, gateway: str, taken_minor: int, borne_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 7 for the price of a card: what is left on it makes it good, the rest is our loss."""
    sides = (
        (gift_card(card_id), Direction.DEBIT, taken_minor),
        (CHARGEBACK_LOSS, Direction.DEBIT, borne_minor),
        (dispute_receivable(gateway), Direction.CREDIT, taken_minor + borne_minor),
    )
    return _of(TransactionKind.CHARGEBACK_LOST, sides, currency)


def gift_card_price_came_back(
    *, card_id: UUID, gateway: str, amount_minor: int, loss_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 7: so much of a card's price that was lost comes back. It is our loss first, as far as
    there is one (`loss_minor`), as if the bank had never taken it, and on the card again beyond."""
    borne_minor = min(amount_minor, max(0, loss_minor))
    sides = (
        (gateway_clearing(gateway), Direction.DEBIT, amount_minor),
        (CHARGEBACK_LOSS, Direction.CREDIT, borne_minor),
        (gift_card(card_id), Direction.CREDIT, amount_minor - borne_minor),
    )
    return _of(TransactionKind.CHARGEBACK_REINSTATED, sides, currency)


def gift_card_price_taken_again(
    *, card_id: UUID, gateway: str, taken_minor: int, borne_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 7: the bank takes of that what it had given back, as it took it at first."""
    sides = (
        (gift_card(card_id), Direction.DEBIT, taken_minor),
        (CHARGEBACK_LOSS, Direction.DEBIT, borne_minor),
        (gateway_clearing(gateway), Direction.CREDIT, taken_minor + borne_minor),
    )
    return _of(TransactionKind.CHARGEBACK_REINSTATED, sides, currency)


def _of(
    kind: TransactionKind, sides: Iterable[tuple[str, Direction, int]], currency: str
) -> TransactionDraft:
    entries = (Entry(account, side, minor, currency) for account, side, minor in sides if minor)
    return TransactionDraft(kind, tuple(entries))


def gift_card_loss_made_good(
    *, card_id: UUID, amount_minor: int, currency: str
) -> TransactionDraft:
    """What comes back to a card after its bank has won has no money behind it any more: whoever
    paid for the card has it. So our loss was so much smaller."""
    kind = TransactionKind.CHARGEBACK_MADE_GOOD
    return _moved(kind, gift_card(card_id), CHARGEBACK_LOSS, amount_minor, currency)


def store_credit_granted(*, user_id: UUID, amount_minor: int, currency: str) -> TransactionDraft:
    """A buyer gets credit at the marketplace's cost."""
    kind = TransactionKind.STORE_CREDIT_GRANTED
    return _moved(kind, PROMOTION_COST, store_credit(user_id), amount_minor, currency)


def store_credit_given(
    *, seller_id: UUID, user_id: UUID, amount_minor: int, currency: str
) -> TransactionDraft:
    """Recipe 10: a buyer gets credit at the cost of a seller, out of what it could be paid out."""
    kind = TransactionKind.SELLER_CREDIT_GRANTED
    return _moved(kind, seller_available(seller_id), store_credit(user_id), amount_minor, currency)


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


def stored_value_moved(
    *, card_id: UUID, credited: str, amount_minor: int, currency: str
) -> TransactionDraft:
    """What came back to a card that can't be spent goes on to where it can be.

    Raises:
        ValueError: that is the same card.
    """
    if credited == gift_card(card_id):
        raise ValueError(f"what came back to card {card_id} can't go on to it")
    kind = TransactionKind.STORED_VALUE_MOVED
    return _moved(kind, gift_card(card_id), credited, amount_minor, currency)


def gift_card_released(
    *, card_id: UUID, is_issued: bool, amount_minor: int, currency: str
) -> TransactionDraft:
    """What an expired card is left with is owed no more: income of a card that was sold, and of one
    that the marketplace gave away a promotion that cost less."""
    kind = TransactionKind.GIFT_CARD_RELEASED
    credited = PROMOTION_COST if is_issued else BREAKAGE
    return _moved(kind, gift_card(card_id), credited, amount_minor, currency)


def gift_card_restored(
    *, card_id: UUID, is_issued: bool, amount_minor: int, currency: str
) -> TransactionDraft:
    """The card is good again: just what was released is owed once more."""
    kind = TransactionKind.GIFT_CARD_RESTORED
    debited = PROMOTION_COST if is_issued else BREAKAGE
    return _moved(kind, debited, gift_card(card_id), amount_minor, currency)
