"""What a transaction means, in one or two plain sentences for people who keep no books."""

from collections.abc import Callable, Iterable
from typing import Final

from gosellr.utils.explanation_figures import Figures
from gosellr.utils.explanations_of_cases import CASE_TELLERS
from gosellr.utils.ledger import ACCOUNT_KINDS, Entry, TransactionKind
from gosellr.utils.money import to_decimal_string


def explain(kind: str, entries: Iterable[Entry]) -> str:
    """The meaning of a transaction in words; an unknown kind is listed entry by entry."""
    booked = tuple(entries)
    tell = _TELLERS.get(kind)
    if kind == TransactionKind.ADJUSTED:
        return f"Adjusted by hand, by two people: {_list_entries(booked)}."
    if tell is None or len({entry.currency for entry in booked}) != 1:
        return _list_entries(booked)
    return tell(Figures(booked))


def _list_entries(entries: Iterable[Entry]) -> str:
    return "; ".join(
        f"{entry.direction.value} {entry.account}"
        f" {to_decimal_string(entry.amount_minor, entry.currency)} {entry.currency}"
        for entry in entries
    )


def _sale(figures: Figures) -> str:
    taken = figures.clauses(
        (figures.debit("gateway_clearing"), "the buyer paid {}"),
        (figures.debit("stored_value_held"), "{} came from gift cards or store credit"),
        (figures.debit("promotion_cost"), "the marketplace gave {} as a promotion"),
    )
    return f"Sale: {taken}. Of it {_earned(figures)}."


def _earned(figures: Figures) -> str:
    return figures.clauses(
        (figures.credit("seller_pending"), "{} is the sellers', held until release"),
        (figures.credit("commission"), "{} is commission"),
        (figures.credit("tax_payable"), "{} is tax that the marketplace passes on"),
    )


def _sale_on_delivery(figures: Figures) -> str:
    taken = figures.clauses(
        (figures.debit("seller_receivable"), "the seller holds the cash and owes {} of it"),
        (figures.debit("stored_value_held"), "{} came from gift cards or store credit"),
        (figures.debit("promotion_cost"), "the marketplace gave {} as a promotion"),
    )
    return f"Cash on delivery: {taken}. Of it {_earned(figures)}."


def _provider_fee(figures: Figures) -> str:
    return f"The payment provider kept a fee of {figures.say(figures.debit('gateway_fee'))}."


def _settlement(figures: Figures) -> str:
    return f"The payment provider sent {figures.say(figures.debit('bank'))} to the bank."


def _release(figures: Figures) -> str:
    parts = figures.clauses(
        (figures.credit("seller_available"), "{} can be paid out"),
        (figures.credit("seller_reserve"), "{} is kept in reserve"),
        (figures.credit("seller_receivable"), "{} settles what the seller owed"),
    )
    return f"The hold on {figures.say(figures.debit('seller_pending'))} is over: {parts}."


_SELLER_POTS: Final = tuple(
    kind.name
    for kind in ACCOUNT_KINDS.values()
    if kind.owner == "seller" and kind.name != "payout_in_transit"
)


def _refund_intent(figures: Figures) -> str:
    amount = figures.say(figures.credit("refund_in_transit"))
    return f"Refund of {amount} on its way: {_given_back(figures)}."


def _given_back(figures: Figures) -> str:
    return figures.clauses(
        (figures.debit(*_SELLER_POTS), "the seller gives {}"),
        (figures.debit("gift_card"), "{} is taken off the gift card"),
        (figures.debit("commission"), "{} of commission is given back"),
        (figures.debit("tax_payable"), "{} less tax is passed on"),
        (figures.debit("goodwill_cost"), "the marketplace bears {} as goodwill"),
        (figures.debit("suspense"), "{} had paid for nothing and waited to be sent back"),
        (figures.debit("chargeback_loss"), "the marketplace bears {}"),
        (figures.credit("promotion_cost"), "{} of the promotion returns to the marketplace"),
        (figures.credit("goodwill_cost"), "{} of earlier goodwill returns to the marketplace"),
        (figures.credit("gateway_fee"), "{} makes good what the payment provider kept of the sale"),
    )


def _refund_confirmed(figures: Figures) -> str:
    amount = figures.say(figures.debit("refund_in_transit"))
    for kind, where in (("gift_card", "on the gift card"), ("store_credit", "as store credit")):
        if figures.credit(kind):
            return f"The refund of {amount} reached the buyer {where}."
    return f"The refund of {amount} reached the buyer."


def _refund_failed(figures: Figures) -> str:
    amount = figures.say(figures.debit("refund_in_transit"))
    return f"The provider refused the refund of {amount}; every share is back where it was."


def _stored_value_held(figures: Figures) -> str:
    amount = figures.say(figures.credit("stored_value_held"))
    return f"{amount} of a gift card or store credit is set aside for the order."


def _stored_value_returned(figures: Figures) -> str:
    amount = figures.say(figures.debit("stored_value_held"))
    return f"{amount} that was set aside went back to the gift card or store credit."


def _stored_value_moved(figures: Figures) -> str:
    amount = figures.say(figures.debit("gift_card"))
    where = "store credit" if figures.credit("store_credit") else "a new gift card"
    return f"{amount} came back to a gift card that can't be spent, and went on as {where}."


def _gift_card_issued(figures: Figures) -> str:
    amount = figures.say(figures.credit("gift_card"))
    return f"A gift card over {amount} was issued at the marketplace's cost."


def _gift_card_sold(figures: Figures) -> str:
    amount = figures.say(figures.credit("gift_card"))
    return f"A gift card over {amount} was sold; so much is owed to whoever holds it."


def _gift_card_released(figures: Figures) -> str:
    amount = figures.say(figures.debit("gift_card"))
    to = figures.clauses(
        (figures.credit("breakage"), "it is income"),
        (figures.credit("promotion_cost"), "the promotion cost so much less"),
    )
    return f"The gift card ran out with {amount} on it, which is owed no more: {to}."


def _gift_card_restored(figures: Figures) -> str:
    amount = figures.say(figures.credit("gift_card"))
    return f"The gift card is good again: {amount} that it had run out with is owed once more."


def _store_credit_granted(figures: Figures) -> str:
    amount = figures.say(figures.credit("store_credit"))
    whose = "a shop" if figures.debit("seller_available") else "the marketplace"
    return f"A buyer was granted {amount} of store credit at {whose}'s cost."


def _stray_capture(figures: Figures) -> str:
    amount = figures.say(figures.debit("gateway_clearing"))
    return f"{amount} was captured that pays for nothing; it waits to be sent back."


def _stray_return(figures: Figures) -> str:
    amount = figures.say(figures.credit("gateway_clearing"))
    return f"{amount} that paid for nothing went back to the buyer."


def _debt_recovered(figures: Figures) -> str:
    amount = figures.say(figures.credit("seller_receivable"))
    return f"{amount} that the seller owed was kept back before a payout."


def _reserve_released(figures: Figures) -> str:
    parts = figures.clauses(
        (figures.credit("seller_available"), "{} can be paid out"),
        (figures.credit("seller_receivable"), "{} settles what the seller owed"),
    )
    return f"The reserve of {figures.say(figures.debit('seller_reserve'))} is over: {parts}."


def _write_off_recovered(figures: Figures) -> str:
    amount = figures.say(figures.credit("bad_debt"))
    return (
        f"{amount} of what came back pays a debt that had been written off: the marketplace's loss"
        " is so much smaller."
    )


def _debt_written_off(figures: Figures) -> str:
    amount = figures.say(figures.credit("seller_receivable"))
    return f"{amount} that the seller owed is written off; the marketplace bears it."


def _payout_carried(figures: Figures) -> str:
    amount = figures.say(figures.credit("seller_available"))
    return f"{amount} is less than the provider can send, and left for the next payout."


def _payout_intent(figures: Figures) -> str:
    amount = figures.say(figures.credit("payout_in_transit"))
    return f"Payout of {amount} on its way to the seller."


def _payout_confirmed(figures: Figures) -> str:
    amount = figures.say(figures.debit("payout_in_transit"))
    return f"The payout of {amount} reached the seller."


def _payout_failed(figures: Figures) -> str:
    amount = figures.say(figures.debit("payout_in_transit"))
    return f"The payout of {amount} failed; the money can be paid out again."


def _payout_returned(figures: Figures) -> str:
    amount = figures.say(figures.credit("seller_available"))
    return f"The seller's bank sent {amount} back; the money can be paid out again."


def _reconciled(figures: Figures) -> str:
    there = figures.clauses(
        (figures.debit("gateway_clearing"), "the payment provider has {} more than was booked"),
        (figures.credit("gateway_clearing"), "the payment provider has {} less than was booked"),
    )
    waited = figures.clauses(
        (figures.debit("suspense"), ", {} had paid for nothing and waited to be sent back")
    )
    is_rest = figures.debit("gateway_fee", "bad_debt") > 0
    return f"Reconciled: {there}; {_taken_for(figures)}{waited if is_rest else ''}."


def _suspense_cleared(figures: Figures) -> str:
    amount = figures.say(figures.debit("suspense") + figures.credit("suspense"))
    return f"{amount} left suspense: {_taken_for(figures)}."


def _taken_for(figures: Figures) -> str:
    return (
        figures.clauses(
            (figures.debit("gateway_fee"), "{} is a fee of the provider"),
            (figures.credit("gateway_fee"), "{} of fees came back"),
            (figures.credit("fee_income"), "{} is income"),
            (figures.debit("bad_debt"), "{} is lost"),
            (figures.credit("bad_debt"), "{} isn't lost after all"),
        )
        or "it waits in suspense"
    )


def _chargeback_lost(figures: Figures) -> str:
    amount = figures.say(figures.credit("dispute_receivable"))
    return f"The chargeback of {amount} is lost: {_given_back(figures)}."


_TELLERS: Final[dict[str, Callable[[Figures], str]]] = {
    TransactionKind.SALE: _sale,
    TransactionKind.SALE_ON_DELIVERY: _sale_on_delivery,
    TransactionKind.PROVIDER_FEE: _provider_fee,
    TransactionKind.SETTLEMENT: _settlement,
    TransactionKind.RELEASE: _release,
    TransactionKind.REFUND_INTENT: _refund_intent,
    TransactionKind.REFUND_CONFIRMED: _refund_confirmed,
    TransactionKind.REFUND_FAILED: _refund_failed,
    TransactionKind.STORED_VALUE_HELD: _stored_value_held,
    TransactionKind.STORED_VALUE_RETURNED: _stored_value_returned,
    TransactionKind.STORED_VALUE_MOVED: _stored_value_moved,
    TransactionKind.GIFT_CARD_ISSUED: _gift_card_issued,
    TransactionKind.GIFT_CARD_SOLD: _gift_card_sold,
    TransactionKind.GIFT_CARD_RELEASED: _gift_card_released,
    TransactionKind.GIFT_CARD_RESTORED: _gift_card_restored,
    TransactionKind.STORE_CREDIT_GRANTED: _store_credit_granted,
    TransactionKind.SELLER_CREDIT_GRANTED: _store_credit_granted,
    TransactionKind.STRAY_CAPTURE: _stray_capture,
    TransactionKind.STRAY_RETURN: _stray_return,
    TransactionKind.DEBT_RECOVERED: _debt_recovered,
    TransactionKind.RESERVE_RELEASED: _reserve_released,
    TransactionKind.DEBT_WRITTEN_OFF: _debt_written_off,
    TransactionKind.WRITE_OFF_RECOVERED: _write_off_recovered,
    TransactionKind.PAYOUT_CARRIED: _payout_carried,
    TransactionKind.PAYOUT_INTENT: _payout_intent,
    TransactionKind.PAYOUT_CONFIRMED: _payout_confirmed,
    TransactionKind.PAYOUT_FAILED: _payout_failed,
    TransactionKind.PAYOUT_RETURNED: _payout_returned,
    TransactionKind.RECONCILED: _reconciled,
    TransactionKind.SUSPENSE_CLEARED: _suspense_cleared,
    TransactionKind.CHARGEBACK_LOST: _chargeback_lost,
    **CASE_TELLERS,
}
