"""What a transaction means, in one or two plain sentences for people who keep no books."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from gosellr.utils.ledger import (
    ACCOUNT_KINDS,
    Direction,
    Entry,
    TransactionKind,
    account_kind,
)
from gosellr.utils.money import to_decimal_string


class _Figures:
    """The debits and credits of one transaction by kind of account, ready to be spoken."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._sums: defaultdict[tuple[str, Direction], int] = defaultdict(int)
        self.currency = ""
        for entry in entries:
            self._sums[account_kind(entry.account).name, entry.direction] += entry.amount_minor
            self.currency = entry.currency

    def debit(self, *kinds: str) -> int:
        return sum(self._sums[kind, Direction.DEBIT] for kind in kinds)

    def credit(self, *kinds: str) -> int:
        return sum(self._sums[kind, Direction.CREDIT] for kind in kinds)

    def say(self, minor: int) -> str:
        return f"{to_decimal_string(minor, self.currency)} {self.currency}"

    def clauses(self, *pairs: tuple[int, str]) -> str:
        """The clauses whose amount isn't zero, each with its amount in place of {}."""
        return ", ".join(text.format(self.say(minor)) for minor, text in pairs if minor)


def explain(kind: str, entries: Iterable[Entry]) -> str:
    """The meaning of a transaction in words; an unknown kind is listed entry by entry."""
    booked = tuple(entries)
    tell = _TELLERS.get(kind)
    if kind == TransactionKind.ADJUSTED:
        return f"Adjusted by hand, by two people: {_list_entries(booked)}."
    if tell is None or len({entry.currency for entry in booked}) != 1:
        return _list_entries(booked)
    return tell(_Figures(booked))


def _list_entries(entries: Iterable[Entry]) -> str:
    return "; ".join(
        f"{entry.direction.value} {entry.account}"
        f" {to_decimal_string(entry.amount_minor, entry.currency)} {entry.currency}"
        for entry in entries
    )


def _sale(figures: _Figures) -> str:
    taken = figures.clauses(
        (figures.debit("gateway_clearing"), "the buyer paid {}"),
        (figures.debit("stored_value_held"), "{} came from gift cards or store credit"),
        (figures.debit("promotion_cost"), "the marketplace gave {} as a promotion"),
    )
    return f"Sale: {taken}. Of it {_earned(figures)}."


def _earned(figures: _Figures) -> str:
    return figures.clauses(
        (figures.credit("seller_pending"), "{} is the sellers', held until release"),
        (figures.credit("commission"), "{} is commission"),
        (figures.credit("tax_payable"), "{} is tax that the marketplace passes on"),
    )


def _sale_on_delivery(figures: _Figures) -> str:
    taken = figures.clauses(
        (figures.debit("seller_receivable"), "the seller holds the cash and owes {} of it"),
        (figures.debit("stored_value_held"), "{} came from gift cards or store credit"),
        (figures.debit("promotion_cost"), "the marketplace gave {} as a promotion"),
    )
    return f"Cash on delivery: {taken}. Of it {_earned(figures)}."


def _provider_fee(figures: _Figures) -> str:
    return f"The payment provider kept a fee of {figures.say(figures.debit('gateway_fee'))}."


def _settlement(figures: _Figures) -> str:
    return f"The payment provider sent {figures.say(figures.debit('bank'))} to the bank."


def _release(figures: _Figures) -> str:
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


def _refund_intent(figures: _Figures) -> str:
    amount = figures.say(figures.credit("refund_in_transit"))
    return f"Refund of {amount} on its way: {_given_back(figures)}."


def _given_back(figures: _Figures) -> str:
    return figures.clauses(
        (figures.debit(*_SELLER_POTS), "the seller gives {}"),
        (figures.debit("gift_card"), "{} is taken off the gift card"),
        (figures.debit("commission"), "{} of commission is given back"),
        (figures.debit("tax_payable"), "{} less tax is passed on"),
        (figures.debit("goodwill_cost"), "the marketplace bears {} as goodwill"),
        (figures.debit("chargeback_loss"), "the marketplace bears {}"),
        (figures.credit("promotion_cost"), "{} of the promotion returns to the marketplace"),
        (figures.credit("goodwill_cost"), "{} of earlier goodwill returns to the marketplace"),
        (figures.credit("gateway_fee"), "{} makes good what the payment provider kept of the sale"),
    )


def _refund_confirmed(figures: _Figures) -> str:
    amount = figures.say(figures.debit("refund_in_transit"))
    for kind, where in (("gift_card", "on the gift card"), ("store_credit", "as store credit")):
        if figures.credit(kind):
            return f"The refund of {amount} reached the buyer {where}."
    return f"The refund of {amount} reached the buyer."


def _refund_failed(figures: _Figures) -> str:
    amount = figures.say(figures.debit("refund_in_transit"))
    return f"The provider refused the refund of {amount}; every share is back where it was."


def _stored_value_held(figures: _Figures) -> str:
    amount = figures.say(figures.credit("stored_value_held"))
    return f"{amount} of a gift card or store credit is set aside for the order."


def _stored_value_returned(figures: _Figures) -> str:
    amount = figures.say(figures.debit("stored_value_held"))
    return f"{amount} that was set aside went back to the gift card or store credit."


def _stored_value_moved(figures: _Figures) -> str:
    amount = figures.say(figures.debit("gift_card"))
    where = "store credit" if figures.credit("store_credit") else "a new gift card"
    return f"{amount} came back to a gift card that can't be spent, and went on as {where}."


def _gift_card_issued(figures: _Figures) -> str:
    amount = figures.say(figures.credit("gift_card"))
    return f"A gift card over {amount} was issued at the marketplace's cost."


def _gift_card_sold(figures: _Figures) -> str:
    amount = figures.say(figures.credit("gift_card"))
    return f"A gift card over {amount} was sold; so much is owed to whoever holds it."


def _gift_card_released(figures: _Figures) -> str:
    amount = figures.say(figures.debit("gift_card"))
    to = figures.clauses(
        (figures.credit("breakage"), "it is income"),
        (figures.credit("promotion_cost"), "the promotion cost so much less"),
    )
    return f"The gift card ran out with {amount} on it, which is owed no more: {to}."


def _gift_card_restored(figures: _Figures) -> str:
    amount = figures.say(figures.credit("gift_card"))
    return f"The gift card is good again: {amount} that it had run out with is owed once more."


def _store_credit_granted(figures: _Figures) -> str:
    amount = figures.say(figures.credit("store_credit"))
    return f"A buyer was granted {amount} of store credit at the marketplace's cost."


def _stray_capture(figures: _Figures) -> str:
    amount = figures.say(figures.debit("gateway_clearing"))
    return f"{amount} was captured that pays for nothing; it waits to be sent back."


def _stray_return(figures: _Figures) -> str:
    amount = figures.say(figures.credit("gateway_clearing"))
    return f"{amount} that paid for nothing went back to the buyer."


def _debt_recovered(figures: _Figures) -> str:
    amount = figures.say(figures.credit("seller_receivable"))
    return f"{amount} that the seller owed was kept back before a payout."


def _reserve_released(figures: _Figures) -> str:
    parts = figures.clauses(
        (figures.credit("seller_available"), "{} can be paid out"),
        (figures.credit("seller_receivable"), "{} settles what the seller owed"),
    )
    return f"The reserve of {figures.say(figures.debit('seller_reserve'))} is over: {parts}."


def _debt_written_off(figures: _Figures) -> str:
    amount = figures.say(figures.credit("seller_receivable"))
    return f"{amount} that the seller owed is written off; the marketplace bears it."


def _payout_carried(figures: _Figures) -> str:
    amount = figures.say(figures.credit("seller_available"))
    return f"{amount} is less than the provider can send, and left for the next payout."


def _payout_intent(figures: _Figures) -> str:
    amount = figures.say(figures.credit("payout_in_transit"))
    return f"Payout of {amount} on its way to the seller."


def _payout_confirmed(figures: _Figures) -> str:
    amount = figures.say(figures.debit("payout_in_transit"))
    return f"The payout of {amount} reached the seller."


def _payout_failed(figures: _Figures) -> str:
    amount = figures.say(figures.debit("payout_in_transit"))
    return f"The payout of {amount} failed; the money can be paid out again."


def _payout_returned(figures: _Figures) -> str:
    amount = figures.say(figures.credit("seller_available"))
    return f"The seller's bank sent {amount} back; the money can be paid out again."


def _reconciled(figures: _Figures) -> str:
    there = figures.clauses(
        (figures.debit("gateway_clearing"), "the payment provider has {} more than was booked"),
        (figures.credit("gateway_clearing"), "the payment provider has {} less than was booked"),
    )
    return f"Reconciled: {there}; {_taken_for(figures)}."


def _suspense_cleared(figures: _Figures) -> str:
    amount = figures.say(figures.debit("suspense") + figures.credit("suspense"))
    return f"{amount} left suspense: {_taken_for(figures)}."


def _taken_for(figures: _Figures) -> str:
    return (
        figures.clauses(
            (figures.debit("gateway_fee"), "{} is a fee of the provider"),
            (figures.credit("gateway_fee"), "{} of fees came back"),
            (figures.credit("fee_income"), "{} is income"),
            (figures.debit("bad_debt"), "{} is lost"),
        )
        or "it waits in suspense"
    )


def _dispute_frozen(figures: _Figures) -> str:
    taken = figures.clauses(
        (figures.debit("seller_pending"), "{} still inside the hold"),
        (figures.debit("seller_available"), "{} that could be paid out"),
        (figures.debit("seller_receivable"), "{} that the seller owes now"),
    )
    amount = figures.say(figures.credit("seller_reserve"))
    return f"{amount} is frozen until the case is decided: {taken}."


def _dispute_released(figures: _Figures) -> str:
    given = figures.clauses(
        (figures.credit("seller_pending"), "{} waits for the end of the hold"),
        (figures.credit("seller_available"), "{} can be paid out"),
        (figures.credit("seller_receivable"), "{} is owed no more"),
    )
    amount = figures.say(figures.debit("seller_reserve"))
    return f"{amount} is no longer frozen under the case: {given}."


def _chargeback_opened(figures: _Figures) -> str:
    amount = figures.say(figures.debit("dispute_receivable"))
    fees = figures.clauses(
        (figures.debit("gateway_fee"), " and a fee of {} that the marketplace bears"),
        (figures.debit("seller_receivable"), " and a fee of {} that sellers bear"),
    ).replace(", ", "")
    return f"The buyer's bank took {amount} back until it has decided{fees}."


def _chargeback_fee(figures: _Figures) -> str:
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


def _chargeback_won(figures: _Figures) -> str:
    amount = figures.say(figures.credit("dispute_receivable"))
    return f"The buyer's bank gave {amount} back: the chargeback is won."


def _chargeback_lost(figures: _Figures) -> str:
    amount = figures.say(figures.credit("dispute_receivable"))
    return f"The chargeback of {amount} is lost: {_given_back(figures)}."


def _chargeback_reinstated(figures: _Figures) -> str:
    taken_minor = figures.credit("gateway_clearing")
    if taken_minor:
        who = figures.clauses(
            (figures.debit("seller_receivable"), "sellers owe {}"),
            (figures.debit("commission"), "the marketplace returns {} of commission"),
            (figures.debit("tax_payable"), "{} less tax is passed on"),
            (figures.debit("chargeback_loss"), "the marketplace bears {}"),
            (figures.credit("promotion_cost"), "{} of the promotion returns to the marketplace"),
            (figures.credit("goodwill_cost"), "{} of earlier goodwill returns to the marketplace"),
            (
                figures.credit("gateway_fee"),
                "{} makes good what the payment provider kept of the sale",
            ),
        )
        return f"The bank took {figures.say(taken_minor)} of the lost chargeback again: {who}."
    who = figures.clauses(
        (figures.credit("seller_receivable"), "sellers owe {} less"),
        (figures.credit("seller_available"), "{} can be paid out"),
        (figures.credit("commission"), "the marketplace keeps {} of commission"),
        (figures.credit("tax_payable"), "{} is tax that the marketplace passes on"),
        (figures.credit("chargeback_loss"), "its loss is {} smaller"),
        (figures.debit("promotion_cost"), "the marketplace bears {} of the promotion again"),
        (figures.debit("goodwill_cost"), "the marketplace bears {} of its goodwill again"),
        (figures.debit("gateway_fee"), "it bears {} of the payment provider's fee again"),
    )
    amount = figures.say(figures.debit("gateway_clearing"))
    return f"The bank gave {amount} of the lost chargeback back: {who}."


def _chargeback_made_good(figures: _Figures) -> str:
    amount = figures.say(figures.debit("gift_card"))
    return (
        f"{amount} came back to a gift card whose price a bank has taken back for good:"
        " the marketplace's loss is so much smaller."
    )


_TELLERS: Final[dict[str, Callable[[_Figures], str]]] = {
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
    TransactionKind.STRAY_CAPTURE: _stray_capture,
    TransactionKind.STRAY_RETURN: _stray_return,
    TransactionKind.DEBT_RECOVERED: _debt_recovered,
    TransactionKind.RESERVE_RELEASED: _reserve_released,
    TransactionKind.DEBT_WRITTEN_OFF: _debt_written_off,
    TransactionKind.PAYOUT_CARRIED: _payout_carried,
    TransactionKind.PAYOUT_INTENT: _payout_intent,
    TransactionKind.PAYOUT_CONFIRMED: _payout_confirmed,
    TransactionKind.PAYOUT_FAILED: _payout_failed,
    TransactionKind.PAYOUT_RETURNED: _payout_returned,
    TransactionKind.RECONCILED: _reconciled,
    TransactionKind.SUSPENSE_CLEARED: _suspense_cleared,
    TransactionKind.DISPUTE_FROZEN: _dispute_frozen,
    TransactionKind.DISPUTE_RELEASED: _dispute_released,
    TransactionKind.CHARGEBACK_OPENED: _chargeback_opened,
    TransactionKind.CHARGEBACK_WON: _chargeback_won,
    TransactionKind.CHARGEBACK_FEE: _chargeback_fee,
    TransactionKind.CHARGEBACK_LOST: _chargeback_lost,
    TransactionKind.CHARGEBACK_REINSTATED: _chargeback_reinstated,
    TransactionKind.CHARGEBACK_MADE_GOOD: _chargeback_made_good,
}
