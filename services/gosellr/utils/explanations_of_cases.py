"""What is booked of cases and chargebacks, in the sentences of `explanations`."""

from collections.abc import Callable
from typing import Final

from gosellr.utils.explanation_figures import Figures
from gosellr.utils.ledger import TransactionKind


def _dispute_frozen(figures: Figures) -> str:
    taken = figures.clauses(
        (figures.debit("seller_pending"), "{} still inside the hold"),
        (figures.debit("seller_available"), "{} that could be paid out"),
        (figures.debit("seller_receivable"), "{} that the seller owes now"),
    )
    amount = figures.say(figures.credit("seller_reserve"))
    return f"{amount} is frozen until the case is decided: {taken}."


def _dispute_released(figures: Figures) -> str:
    given = figures.clauses(
        (figures.credit("seller_pending"), "{} waits for the end of the hold"),
        (figures.credit("seller_available"), "{} can be paid out"),
        (figures.credit("seller_receivable"), "{} is owed no more"),
    )
    amount = figures.say(figures.debit("seller_reserve"))
    return f"{amount} is no longer frozen under the case: {given}."


def _chargeback_opened(figures: Figures) -> str:
    amount = figures.say(figures.debit("dispute_receivable"))
    fees = figures.clauses(
        (figures.debit("gateway_fee"), " and a fee of {} that the marketplace bears"),
        (figures.debit("seller_receivable"), " and a fee of {} that sellers bear"),
    ).replace(", ", "")
    return f"The buyer's bank took {amount} back until it has decided{fees}."


def _chargeback_fee(figures: Figures) -> str:
    if figures.credit("gateway_clearing"):
        who = figures.clauses(
            (figures.debit("gateway_fee"), "the marketplace bears {}"),
            (figures.debit("seller_receivable"), "sellers bear {}"),
        )
        amount = figures.say(figures.credit("gateway_clearing"))
        return f"The provider took a fee of {amount} for the chargeback later: {who}."
    who = figures.clauses(
        (figures.credit("gateway_fee"), "the marketplace gets {}"),
        (figures.credit("seller_receivable"), "sellers owe {} less"),
        (figures.credit("seller_available"), "{} can be paid out"),
    )
    amount = figures.say(figures.debit("gateway_clearing"))
    return f"The provider gave {amount} of its fee for the chargeback back: {who}."


def _chargeback_won(figures: Figures) -> str:
    amount = figures.say(figures.credit("dispute_receivable"))
    return f"The buyer's bank gave {amount} back: the chargeback is won."


def _what_the_market_bears(figures: Figures) -> tuple[tuple[int, str], ...]:
    """Of money that had come back and is taken once more."""
    return (
        (figures.debit("commission"), "the marketplace returns {} of commission"),
        (figures.debit("tax_payable"), "{} less tax is passed on"),
        (figures.debit("gift_card"), "{} is off the gift card"),
        (figures.debit("suspense"), "{} had paid for nothing and waited to be sent back"),
        (figures.debit("chargeback_loss"), "the marketplace bears {}"),
        (figures.credit("promotion_cost"), "{} of the promotion returns to the marketplace"),
        (figures.credit("goodwill_cost"), "{} of earlier goodwill returns to the marketplace"),
        (figures.credit("gateway_fee"), "{} makes good what the payment provider kept of the sale"),
    )


def _chargeback_reinstated(figures: Figures) -> str:
    taken_minor = figures.credit("gateway_clearing")
    if taken_minor:
        who = figures.clauses(
            (figures.debit("seller_receivable"), "sellers owe {}"),
            *_what_the_market_bears(figures),
        )
        return f"The bank took {figures.say(taken_minor)} of the lost chargeback again: {who}."
    who = figures.clauses(
        (figures.credit("seller_receivable"), "sellers owe {} less"),
        (figures.credit("seller_available"), "{} can be paid out"),
        (figures.credit("commission"), "the marketplace keeps {} of commission"),
        (figures.credit("tax_payable"), "{} is tax that the marketplace passes on"),
        (figures.credit("chargeback_loss"), "the marketplace's loss is {} smaller"),
        (figures.credit("gift_card"), "{} is on the gift card again"),
        (figures.credit("suspense"), "{} pays for nothing and waits to be sent back"),
        (figures.debit("promotion_cost"), "the marketplace bears {} of the promotion again"),
        (figures.debit("goodwill_cost"), "the marketplace bears {} of its goodwill again"),
        (figures.debit("gateway_fee"), "it bears {} of the payment provider's fee again"),
    )
    amount = figures.say(figures.debit("gateway_clearing"))
    return f"The bank gave {amount} of the lost chargeback back: {who}."


def _chargeback_lost_again(figures: Figures) -> str:
    who = figures.clauses(
        (figures.debit("seller_available"), "sellers give {} of what could be paid out"),
        (figures.debit("seller_receivable"), "sellers owe {}"),
        *_what_the_market_bears(figures),
    )
    taken_minor = figures.credit("dispute_receivable")
    if not taken_minor:
        amount = figures.say(figures.credit("chargeback_loss"))
        return (
            f"{amount} that came back of a lost chargeback makes another one good, which the"
            f" marketplace had borne: {who}."
        )
    amount = figures.say(taken_minor)
    return f"The bank takes {amount} that came back of a lost chargeback by another one: {who}."


def _chargeback_made_good(figures: Figures) -> str:
    amount = figures.say(figures.debit("gift_card"))
    return (
        f"{amount} came back to a gift card whose price a bank has taken back for good:"
        " the marketplace's loss is so much smaller."
    )


CASE_TELLERS: Final[dict[str, Callable[[Figures], str]]] = {
    TransactionKind.DISPUTE_FROZEN: _dispute_frozen,
    TransactionKind.DISPUTE_RELEASED: _dispute_released,
    TransactionKind.CHARGEBACK_OPENED: _chargeback_opened,
    TransactionKind.CHARGEBACK_WON: _chargeback_won,
    TransactionKind.CHARGEBACK_FEE: _chargeback_fee,
    TransactionKind.CHARGEBACK_REINSTATED: _chargeback_reinstated,
    TransactionKind.CHARGEBACK_LOST_AGAIN: _chargeback_lost_again,
    TransactionKind.CHARGEBACK_MADE_GOOD: _chargeback_made_good,
}
"""How each kind is told; what is taken like a refund is told as one is."""
