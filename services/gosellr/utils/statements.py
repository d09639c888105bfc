"""What one movement means to the seller whose account it moved, in a few words.

A transaction's own explanation tells of every seller of an order; these words tell one seller
of its own money only.
"""

from typing import Final

from gosellr.utils.ledger import TransactionKind

_CREDITS: Final[dict[tuple[str, str], str]] = {
    (TransactionKind.SALE, "seller_pending"): "Sale, held until release",
    (TransactionKind.SALE_ON_DELIVERY, "seller_pending"): (
        "Promotion or gift card on a sale paid in cash"
    ),
    (TransactionKind.REFUND_CONFIRMED, "seller_receivable"): (
        "Refund that you gave in cash, owed no more"
    ),
    (TransactionKind.REFUND_CONFIRMED, "seller_available"): "Refund that you gave in cash",
    (TransactionKind.RELEASE, "seller_available"): "Released, ready to be paid out",
    (TransactionKind.RELEASE, "seller_reserve"): "Released into the reserve",
    (TransactionKind.RELEASE, "seller_receivable"): "Released to settle what was owed",
    (TransactionKind.PAYOUT_INTENT, "payout_in_transit"): "Payout, on its way",
    (TransactionKind.RESERVE_RELEASED, "seller_available"): "Out of the reserve, to be paid out",
    (
        TransactionKind.RESERVE_RELEASED,
        "seller_receivable",
    ): "Out of the reserve, for what was owed",
    (TransactionKind.DEBT_RECOVERED, "seller_receivable"): "Settled what was owed",
    (TransactionKind.PAYOUT_CARRIED, "seller_available"): "Left for the next payout",
    (TransactionKind.DISPUTE_RELEASED, "seller_available"): "Case decided, ready to be paid out",
    (TransactionKind.DISPUTE_RELEASED, "seller_receivable"): "Case decided, owed no more",
}
_DEBITS: Final[dict[tuple[str, str], str]] = {
    (TransactionKind.SALE_ON_DELIVERY, "seller_receivable"): "Owed on a sale paid in cash",
    (TransactionKind.RELEASE, "seller_pending"): "The hold is over",
    (TransactionKind.REFUND_INTENT, "seller_pending"): "Refund to the buyer",
    (TransactionKind.REFUND_INTENT, "seller_available"): "Refund to the buyer",
    (TransactionKind.REFUND_INTENT, "seller_reserve"): "Refund to the buyer, out of the reserve",
    (TransactionKind.REFUND_INTENT, "seller_receivable"): "Refund to the buyer, owed",
    (TransactionKind.PAYOUT_INTENT, "seller_available"): "Paid out",
    (TransactionKind.PAYOUT_CARRIED, "seller_available"): "Less than can be sent",
    (TransactionKind.SELLER_CREDIT_GRANTED, "seller_available"): "Store credit given to a buyer",
    (TransactionKind.PAYOUT_CONFIRMED, "payout_in_transit"): "Payout, arrived",
    (TransactionKind.RESERVE_RELEASED, "seller_reserve"): "The reserve is over",
    (TransactionKind.DEBT_RECOVERED, "seller_available"): "Kept back for what was owed",
    (TransactionKind.WRITE_OFF_RECOVERED, "seller_available"): (
        "Kept back for what had been written off"
    ),
    (TransactionKind.CHARGEBACK_OPENED, "seller_receivable"): "Fee for a chargeback, owed",
    (TransactionKind.CHARGEBACK_FEE, "seller_receivable"): "Fee for a chargeback, owed",
    (TransactionKind.CHARGEBACK_REINSTATED, "seller_receivable"): "Chargeback, lost once more",
}
_ANY: Final[dict[str, str]] = {
    TransactionKind.REFUND_INTENT: "Refund to the buyer",
    TransactionKind.REFUND_FAILED: "Refund failed, back where it was",
    TransactionKind.PAYOUT_FAILED: "Payout failed, back where it was",
    TransactionKind.PAYOUT_RETURNED: "Payout sent back by the bank",
    TransactionKind.DISPUTE_FROZEN: "Frozen until a case is decided",
    TransactionKind.DISPUTE_RELEASED: "Case decided, no longer frozen",
    TransactionKind.CHARGEBACK_LOST: "Chargeback, lost",
    TransactionKind.CHARGEBACK_REINSTATED: "Lost chargeback, given back",
    TransactionKind.CHARGEBACK_LOST_AGAIN: "Chargeback of what had come back, lost",
    TransactionKind.CHARGEBACK_FEE: "Fee for a chargeback, given back",
    TransactionKind.DEBT_WRITTEN_OFF: "Written off, owed no more",
    TransactionKind.ADJUSTED: "Adjusted by the marketplace",
}


def describe(*, kind: str, account: str, is_credit: bool) -> str:
    """The meaning of a movement; an unknown kind is named as it is."""
    own = _CREDITS if is_credit else _DEBITS
    meaning = own.get((kind, account.partition(":")[0])) or _ANY.get(kind)
    return meaning or kind.replace("_", " ").capitalize()


POT_WORDS: Final[dict[str, str]] = {
    "pending": "Held until release",
    "available": "Ready to be paid out",
    "reserved": "In reserve",
    "receivable": "Owed to the marketplace",
    "in_transit": "Payouts on their way",
}
"""What a seller's accounts are, by the names they have at the door."""


_TO_BUYER: Final[dict[str, str]] = {
    TransactionKind.SALE: "Payment",
    TransactionKind.SALE_ON_DELIVERY: "Payment beside the cash",
    TransactionKind.GIFT_CARD_SOLD: "Payment for a gift card",
    TransactionKind.REFUND_CONFIRMED: "Refund",
    TransactionKind.CHARGEBACK_OPENED: "Taken back by your bank",
    TransactionKind.CHARGEBACK_WON: "Paid again, your bank decided for the shop",
    TransactionKind.CHARGEBACK_REINSTATED: "Paid again, your bank decided once more",
    TransactionKind.STRAY_CAPTURE: "Payment that wasn't needed",
    TransactionKind.STRAY_RETURN: "Payment sent back",
}


def describe_to_buyer(kind: str) -> str:
    """The meaning of a movement of the buyer's own money."""
    return _TO_BUYER.get(kind) or kind.replace("_", " ").capitalize()


_OF_CREDIT: Final[dict[str, str]] = {
    TransactionKind.STORE_CREDIT_GRANTED: "Given by the marketplace",
    TransactionKind.SELLER_CREDIT_GRANTED: "Given by a shop",
    TransactionKind.GIFT_CARD_ISSUED: "Issued",
    TransactionKind.GIFT_CARD_SOLD: "Bought",
    TransactionKind.REFUND_INTENT: "Taken back, its price refunded",
    TransactionKind.REFUND_FAILED: "Refund failed, back on the card",
    TransactionKind.CHARGEBACK_LOST: "Taken back by the bank of its buyer",
    TransactionKind.CHARGEBACK_MADE_GOOD: "Came back after the bank of its buyer had won",
    TransactionKind.STORED_VALUE_HELD: "Set aside for an order",
    TransactionKind.STORED_VALUE_RETURNED: "Back from an order that came to nothing",
    TransactionKind.GIFT_CARD_RELEASED: "Ran out, owed no more",
    TransactionKind.GIFT_CARD_RESTORED: "Good again, owed once more",
    TransactionKind.STORED_VALUE_MOVED: "Moved from a gift card that can't be spent",
    TransactionKind.REFUND_CONFIRMED: "Refund",
}


def describe_to_holder(kind: str) -> str:
    """The meaning of a movement on somebody's store credit or on a gift card."""
    return _OF_CREDIT.get(kind) or kind.replace("_", " ").capitalize()
