"""Histories of movements: the filters that were typed, and each movement in a line."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta

from gosellr.core.pagination import Page
from gosellr.flows.history_files import description_of, method_of, number_of, pot_of
from gosellr.services.statement_service import Movement, MovementFilter
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import EXPONENTS, Money
from gosellr.utils.statements import describe_to_buyer, describe_to_holder
from gosellr.web import forms
from gosellr.web.binding.listings import address
from gosellr.web.money_views import HistoryView, MoveView
from gosellr.web.views import ChoiceView, FormView, LinkView, NoticeView, PagerView

SHOWN = 50

BUYER_KINDS = {
    "sale": "Payments",
    "gift_card_sold": "Gift cards",
    "refund_confirmed": "Refunds",
    "chargeback_opened": "Taken back by your bank",
}
SELLER_KINDS = {
    "sale": "Sales",
    "release": "Releases",
    "refund_intent": "Refunds",
    "payout_intent": "Payouts",
    "payout_failed": "Failed payouts",
    "debt_recovered": "Debts kept back",
    "dispute_frozen": "Frozen by cases",
    "dispute_released": "Released by cases",
    "chargeback_lost": "Lost chargebacks",
    "chargeback_reinstated": "Given back by banks",
    "chargeback_lost_again": "Taken by banks once more",
    "seller_credit_granted": "Store credit given",
    "adjusted": "Adjustments",
    "debt_written_off": "Debts given up",
    "write_off_recovered": "Given up debts, paid after all",
}
POT_NAMES = {
    "pending": "Pending",
    "available": "Available",
    "reserved": "Reserve",
    "receivable": "Owed by the shop",
    "in_transit": "On its way",
}
_METHODS = {
    "sandbox": "test card", "stripe": "Stripe", "paypal": "PayPal",
    "stored_value_held": "gift card or credit", "store_credit": "store credit",
}  # fmt: skip
_DATE = "Write a day, such as 2026-03-31"
_NO_SUCH_LIST = NoticeView("There is no such list. This is the one that comes first.", "warn")
_UNKNOWN = {
    "currency": "There is no such currency",
    "kind": "There is nothing of this kind: choose from the list",
    "account": "There is no such account: choose from the list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which movements: what was typed, and the same as the questions take it."""

    form: FormView
    currency: str | None
    pot: str | None
    wanted: MovementFilter
    cursor: str | None


def asked_of(
    query: Mapping[str, str], *, kinds: Mapping[str, str], pots: Collection[str] = ()
) -> Asked:
    """The filters of an address. What can't be meant is told at its field, and left out.

    `pots` are the accounts that one may be chosen of, where there are any.
    """
    values = {
        name: forms.clean(query.get(name, ""))[:40]
        for name in ("currency", "kind", "account", "from", "to")
    }
    values["currency"] = values["currency"].upper()
    # Where there are no accounts to choose from, there is no such filter.
    known = {"currency": EXPONENTS, "kind": kinds, "account": pots or {values["account"]}}
    errors = {
        name: _UNKNOWN[name] for name in known if values[name] and values[name] not in known[name]
    }
    for name in ("from", "to"):
        if values[name] and forms.day(values[name]) is None:
            errors[name] = _DATE
    since, until = forms.day(values["from"]), forms.day(values["to"])
    if since is not None and until is not None and until < since:
        errors["to"] = "This is before the day it begins on"
    return Asked(
        form=FormView(values, errors),
        currency=_meant(values, "currency", errors),
        pot=_meant(values, "account", errors) if pots else None,
        wanted=MovementFilter(
            kind=_meant(values, "kind", errors),
            since=None if since is None else datetime.combine(since, time(tzinfo=UTC)),
            # The whole of the last day.
            until=None
            if until is None
            else datetime.combine(until + timedelta(days=1), time(tzinfo=UTC)),
        ),
        cursor=query.get("cursor") or None,
    )


def _meant(values: Mapping[str, str], name: str, errors: Mapping[str, str]) -> str | None:
    return None if name in errors else values[name] or None


def history(
    page: Page[Movement],
    asked: Asked,
    *,
    action: str,
    currencies: Sequence[str],
    kinds: Mapping[str, str],
    move: Callable[[Movement], MoveView],
    with_pots: bool = False,
    balance_label: str = "Balance",
) -> HistoryView:
    """A page of movements with its filters and files."""
    kept = [(name, value) for name, value in asked.form.values.items() if value]
    chosen = asked.form.values
    return HistoryView(
        action=action,
        moves=tuple(map(move, page.items)),
        form=asked.form,
        currencies=_currencies(currencies, asked),
        kinds=_choices(kinds, "Everything", chosen["kind"]),
        pots=_choices(POT_NAMES, "All of it together", chosen["account"]) if with_pots else (),
        exports=tuple(
            LinkView(form.upper(), address(action, [*kept, ("format", form)]))
            for form in ("csv", "xlsx")
        ),
        balance_label=balance_label,
        # One of several currencies is always chosen; another one lets nothing through.
        is_filtered=any(name != "currency" or value not in currencies for name, value in kept),
        pager=pager(action, kept, page.next_cursor, is_first=asked.cursor is None),
    )


def _currencies(known: Sequence[str], asked: Asked) -> tuple[ChoiceView, ...]:
    """Those in which anything moved, and the one that was asked for."""
    other = asked.currency if asked.currency not in known else None
    codes = [*known, *([other] if other else [])]
    first = [ChoiceView("", "Choose one")] if asked.form.error("currency") else []
    return (*first, *(ChoiceView(code, code, code == asked.currency) for code in codes))


def pager(
    action: str,
    kept: Sequence[tuple[str, str]],
    next_cursor: str | None,
    *,
    is_first: bool,
) -> PagerView:
    """The way to the next page of a list, and back to its beginning."""
    return PagerView(
        next_href=address(action, [*kept, ("cursor", next_cursor)]) if next_cursor else "",
        previous_href="" if is_first else address(action, list(kept)),
    )


def of_buyer(movement: Movement) -> MoveView:
    """A payment or a refund, as the buyer sees it."""
    number = number_of(movement)
    method = method_of(movement)
    return MoveView(
        at=movement.booked_at,
        label=describe_to_buyer(movement.kind),
        amount=Money(movement.change_minor, movement.currency),
        balance=Money(movement.balance_minor, movement.currency),
        note=_METHODS.get(method, method.replace("_", " ")),
        link=None if number is None else LinkView(number, f"/orders/{number}"),
    )


def of_seller(movement: Movement, *, orders: str) -> MoveView:
    """A movement of a seller's money, with its order, whose page is below `orders`."""
    number = number_of(movement)
    return MoveView(
        at=movement.booked_at,
        label=description_of(movement),
        amount=Money(movement.change_minor, movement.currency),
        balance=Money(movement.balance_minor, movement.currency),
        note=POT_NAMES[pot_of(movement)],
        link=None if number is None else LinkView(number, f"{orders}/{number}"),
    )


def of_holder(movement: Movement) -> MoveView:
    """A movement on somebody's store credit, or on a gift card."""
    return MoveView(
        at=movement.booked_at,
        label=describe_to_holder(movement.kind),
        amount=Money(movement.change_minor, movement.currency),
        balance=Money(movement.balance_minor, movement.currency),
        note=number_of(movement) or "",
    )


def _choices(known: Mapping[str, str], first: str, chosen: str) -> tuple[ChoiceView, ...]:
    return (
        ChoiceView("", first, not chosen),
        *(ChoiceView(value, label, value == chosen) for value, label in known.items()),
    )


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which of a page's lists is shown: the one that was asked for, or the first, with a word."""

    value: str
    notice: NoticeView | None = None
    status: int = 200


def chosen_of(asked: str | None, known: Collection[str], *, first: str = "") -> Chosen:
    """The list that an address asks for; where there is no such list, the page says so."""
    if not asked or asked == first or asked in known:
        return Chosen(asked or first)
    return Chosen(first, _NO_SUCH_LIST, 422)


def chips(
    action: str,
    labels: Iterable[tuple[str, str]],
    *,
    name: str,
    chosen: str,
    kept: Sequence[tuple[str, str]] = (),
) -> tuple[LinkView, ...]:
    """The saved views of a list: the same list through one filter each. What else was asked for
    is `kept`."""
    others = [pair for pair in kept if pair[0] != name]
    return tuple(
        LinkView(
            label, address(action, [*others, *([(name, value)] if value else [])]), value == chosen
        )
        for value, label in labels
    )
