"""Entries that are typed in rows: what each says, what they sum to, and whether they balance."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gosellr.utils.balance_postings import ENTRIES_MAX
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web import forms
from gosellr.web.balance_views import EntrySumView
from gosellr.web.binding import shops
from gosellr.web.binding.balances import account_of, is_sellers, owner_missing
from gosellr.web.binding.shops import Meant
from gosellr.web.formats import format_money
from gosellr.web.forms import Field
from gosellr.web.views import FormView

SIDES: Final = (("debit", "Debit"), ("credit", "Credit"))
_ROWS_FIRST: Final = 2
_ROW: Final = {"account": 40, "owner": shops.TYPED_MAX, "side": 6, "amount": 20, "currency": 3}
# A row in which none of these is typed says nothing, and is passed over.
_SAYS: Final = ("account", "owner", "amount")
_REASON: Final = Field("reason", 500, "Say why: whoever approves it reads it")


@dataclass(frozen=True, slots=True)
class TypedEntries:
    """What was typed, with what is wrong with it; `entries` are the rows that are sound."""

    form: FormView
    row_count: int
    entries: tuple[dict[str, Any], ...]

    @property
    def sums(self) -> tuple[EntrySumView, ...]:
        """What is debited and credited in each currency."""
        return tuple(
            _sum_of([one for one in self.entries if one["currency"] == code], code)
            for code in sorted({one["currency"] for one in self.entries})
        )


def empty(currency: str) -> TypedEntries:
    """The form before anything is typed."""
    sides = {f"side-{row}": side for row, (side, _) in enumerate(SIDES)}
    codes = {f"currency-{row}": currency for row in range(_ROWS_FIRST)}
    return TypedEntries(FormView({**sides, **codes}), _ROWS_FIRST, ())


def shop_fields(sent: Mapping[str, str]) -> list[str]:
    """The fields of a form in which a shop is named."""
    rows = range(_count(sent))
    return [f"owner-{row}" for row in rows if is_sellers(sent.get(f"account-{row}", ""))]


def read(sent: Mapping[str, str], *, meant: Meant) -> TypedEntries:
    """The rows of a form; what is wrong with a row stands at its field.

    `meant` says whom the names of shops may mean.
    """
    count = _count(sent)
    fields = [
        Field(f"{name}-{row}", longest) for row in range(count) for name, longest in _ROW.items()
    ]
    form = forms.read([*fields, _REASON], sent)
    errors, entries = dict(form.errors), []
    for row in range(count):
        if any(form.value(f"{name}-{row}") for name in _SAYS):
            entry = _entry(form, row, errors, meant)
            entries += [] if entry is None else [entry]
    return TypedEntries(FormView(form.values, errors), count, tuple(entries))


def checked(typed: TypedEntries) -> TypedEntries:
    """The same for whoever wants to book them: there have to be two, and they have to balance."""
    errors = dict(typed.form.errors)
    if not errors and len(typed.entries) < _ROWS_FIRST:
        errors[""] = "Write two entries at least: what is debited and what is credited"
    open_sums = [one for one in typed.sums if one.open_words]
    if not errors and open_sums:
        errors[""] = "They don't balance: " + ", ".join(one.open_words for one in open_sums)
    return TypedEntries(FormView(typed.form.values, errors), typed.row_count, typed.entries)


def resized(sent: Mapping[str, str], *, meant: Meant) -> TypedEntries:
    """The form summed up, with a row more, or without the one that its button names.

    What was typed in the others stays.
    """
    count = _count(sent)
    removed = forms.whole_number(sent.get("remove"), lowest=0, highest=count - 1)
    kept = [row for row in range(count) if row != removed]
    values = {name: sent.get(name, "") for name in ("reason",)}
    for now, before in enumerate(kept):
        values |= {f"{name}-{now}": sent.get(f"{name}-{before}", "") for name in _ROW}
    if "add" in sent and len(kept) < ENTRIES_MAX:
        values[f"currency-{len(kept)}"] = sent.get(f"currency-{kept[-1]}", "")
        values[f"side-{len(kept)}"] = _other(sent.get(f"side-{kept[-1]}", ""))
        kept.append(count)
    typed = read({**values, "rows": str(len(kept))}, meant=meant)
    # Whoever only wants the sums hears what can't be summed up; nothing is missing yet.
    wrong = {name: text for name, text in typed.form.errors.items() if name != _REASON.name}
    form = FormView(typed.form.values, wrong if "sum" in sent else {})
    return TypedEntries(form, typed.row_count, typed.entries)


def _count(sent: Mapping[str, str]) -> int:
    found = forms.whole_number(sent.get("rows"), lowest=_ROWS_FIRST, highest=ENTRIES_MAX)
    return found or _ROWS_FIRST


def _other(side: str) -> str:
    return "credit" if side == "debit" else "debit"


def _entry(form: FormView, row: int, errors: dict[str, str], meant: Meant) -> dict[str, Any] | None:
    """What a row says; None where it can't be an entry, and the errors say why."""
    account, owner, side = (form.value(f"{name}-{row}") for name in ("account", "owner", "side"))
    told: dict[str, str] = {}
    if not account:
        told["account"] = "Choose an account"
    if (missing := owner_missing(account)) and not owner:
        told["owner"] = missing
    elif is_sellers(account):
        seller_id, wrong = shops.pick(owner, meant)
        owner = str(seller_id)
        told |= {"owner": wrong} if wrong else {}
    if side not in dict(SIDES):
        told["side"] = "Choose a side"
    read_form, money = forms.money_of(
        FormView(form.values), amount=f"amount-{row}", currency=f"currency-{row}"
    )
    errors |= {f"{name}-{row}": text for name, text in told.items()}
    errors |= read_form.errors
    if money is None or told:
        return None
    return {
        "account": account_of(account, owner),
        "direction": side,
        "amount_minor": money.amount,
        "currency": money.currency,
    }


def _sum_of(entries: Sequence[Mapping[str, Any]], currency: str) -> EntrySumView:
    debit, credit = (
        sum(one["amount_minor"] for one in entries if one["direction"] == side) for side, _ in SIDES
    )
    words = ""
    if debit != credit:
        more, less = ("debit", "credit") if debit > credit else ("credit", "debit")
        words = f"{format_money(abs(debit - credit), currency)} more in {more} than in {less}"
    return EntrySumView(Money(debit, currency), Money(credit, currency), words)
