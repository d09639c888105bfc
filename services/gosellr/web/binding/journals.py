"""The market's journal in lines: what was asked of it, and each entry with the balance after it."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from gosellr.core.pagination import Page
from gosellr.flows.history_files import balance_of, number_of, own_change
from gosellr.services.history_service import JournalFilter
from gosellr.services.statement_service import Movement
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import (
    ACCOUNT_KINDS,
    TransactionKind,
    UnknownAccount,
    account_kind,
    account_owner,
)
from gosellr.utils.money import EXPONENTS, Money
from gosellr.utils.statements import describe
from gosellr.web import forms
from gosellr.web.binding import histories
from gosellr.web.binding import shops as shop_binding
from gosellr.web.binding.histories import Asked
from gosellr.web.binding.shops import Meant
from gosellr.web.money_views import HistoryView, MoveView
from gosellr.web.views import ChoiceView, FormView, LinkView

KINDS: Final = {kind.value: kind.value.replace("_", " ").capitalize() for kind in TransactionKind}
TYPED_MAX: Final = shop_binding.TYPED_MAX
_NO_ORDER = "There is no such order: write its number, such as GS-10482"
# Of these there is one; the others are somebody's, and found by whose they are.
OWN_ACCOUNTS: Final = tuple(
    sorted(kind.name for kind in ACCOUNT_KINDS.values() if kind.owner is None)
)


@dataclass(frozen=True, slots=True)
class Typed:
    """What names things in the address: whose movements, and of which order."""

    of: str
    order: str


def typed_of(query: Mapping[str, str]) -> Typed:
    """What was typed into the two fields that name something."""
    return Typed(
        of=forms.clean(query.get("of", ""))[:TYPED_MAX],
        order=forms.clean(query.get("order", ""))[:40],
    )


def account_named(text: str) -> str | None:
    """The account of that name; None where it must be a shop's name."""
    try:
        account_kind(text)
    except UnknownAccount:
        return None
    return text


def asked_of(
    query: Mapping[str, str],
    typed: Typed,
    *,
    meant: Meant,
    order: tuple[UUID, str] | None,
) -> tuple[Asked, JournalFilter]:
    """The filters of an address as they are shown, and as the question takes them.

    `meant` are the shops that what was typed may mean, `order` the one that was found by its
    number. What can't be meant is told at its field, and left out.
    """
    base = histories.asked_of({**query, "account": ""}, kinds=KINDS)
    values = {**base.form.values, "of": typed.of, "order": typed.order}
    errors = dict(base.form.errors)
    account, seller_id = account_named(typed.of), None
    if typed.of and account is None:
        seller_id, wrong = shop_binding.pick(typed.of, meant)
        if wrong:
            errors["of"] = wrong
        else:
            values["of"] = _written(typed.of, meant)
    if typed.order and order is None:
        errors["order"] = _NO_ORDER
    elif order is not None:
        values["order"] = order[1]
    wanted = replace(base.wanted, order_id=None if order is None else order[0])
    asked = replace(base, form=FormView(values, errors), wanted=wanted)
    return asked, JournalFilter(
        account=account, seller_id=seller_id, currency=base.currency, wanted=wanted
    )


def _written(text: str, meant: Meant) -> str:
    """The one shop that was meant as people write it, unless that would mean an account."""
    [shop] = meant[text]
    return text if account_named(shop.slug) else shop.slug


def journal(
    page: Page[Movement],
    asked: Asked,
    of: JournalFilter,
    *,
    action: str,
    currencies: Sequence[str],
    names: Mapping[UUID, str],
) -> HistoryView:
    """A page of the journal with its filters and files; `names` are those of sellers.

    Only an account, or a shop, has a balance; then one currency is always chosen.
    """
    view = histories.history(
        page,
        asked,
        action=action,
        currencies=currencies,
        kinds=KINDS,
        move=lambda each: _move(each, of, names),
        balance_label="Balance" if of.has_balance else "",
    )
    if of.has_balance:
        return view
    every = ChoiceView("", "All currencies", asked.currency is None)
    known = (ChoiceView(code, code, code == asked.currency) for code in sorted(EXPONENTS))
    kept = any(asked.form.values.values())
    return replace(view, currencies=(every, *known), is_filtered=kept)


def sellers_in(page: Page[Movement]) -> list[UUID]:
    """Whose accounts moved."""
    found = {_seller_of(one.account) for one in page.items}
    return sorted(one for one in found if one is not None)


def _seller_of(account: str) -> UUID | None:
    owner = account_owner(account) if account_kind(account).owner == "seller" else None
    return None if owner is None else UUID(owner)


def _move(movement: Movement, of: JournalFilter, names: Mapping[UUID, str]) -> MoveView:
    balance = balance_of(movement, account=of.account)
    # Of a shop's accounts together, what makes its debt larger makes what it is owed smaller.
    change = movement.change_minor if of.seller_id else own_change(movement)
    return MoveView(
        at=movement.booked_at,
        label=describe(
            kind=movement.kind,
            account=movement.account,
            is_credit=movement.direction == "credit",
        ),
        amount=Money(change, movement.currency),
        balance=Money(balance, movement.currency) if of.has_balance else None,
        note=_account_words(movement.account, names),
        link=_link(movement),
    )


def _account_words(account: str, names: Mapping[UUID, str]) -> str:
    seller_id = _seller_of(account)
    if seller_id is None:
        return account
    return f"{account_kind(account).name}: {names.get(seller_id, seller_id)}"


def _link(movement: Movement) -> LinkView | None:
    number = number_of(movement)
    if number is not None:
        return LinkView(number, f"/operator/orders/{number}")
    if movement.payout_id is not None:
        return LinkView("The payout", f"/operator/payouts/{movement.payout_id}")
    return None
