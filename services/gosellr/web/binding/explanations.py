"""What the books say, in words: transactions one by one, or the latest movements of accounts."""

from uuid import UUID

from gosellr.services.explanation_service import BalanceMade, Explanation
from gosellr.utils.money import Money
from gosellr.utils.statements import POT_WORDS, describe
from gosellr.web.binding import journals
from gosellr.web.binding.listings import address
from gosellr.web.binding.payouts import transaction
from gosellr.web.money_views import BalanceMadeView, ExplainView, MoveView
from gosellr.web.order_views import AmountRowView
from gosellr.web.views import FormView, LinkView

_PAGES = {
    "order": ("The order", "orders"),
    "payout": ("The payout", "payouts"),
    "adjustment": ("The adjustment", "adjustments"),
    "seller": ("What it owes", "balances"),
}


def _page_of(kind: str, name: str) -> LinkView:
    label, room = _PAGES[kind]
    return LinkView(label, f"/operator/{room}/{name}")


def _history_of(found: Explanation, form: FormView) -> LinkView | None:
    """Every movement of it, where they can be asked for."""
    kind, name = found.about or ("", form.value("subject"))
    match kind:
        case "order":
            asked = {"order": name}
        case "seller":
            asked = {"of": name}
        case "" if journals.account_named(name):
            asked = {"of": name}
        case _:
            return None
    return LinkView("Every movement of it", address("/operator/transactions", list(asked.items())))


def explained(found: Explanation, *, form: FormView) -> ExplainView:
    """A story with all its entries, and where its money is now."""
    held: dict[tuple[str, str], int] = {}
    for booked in found.transactions:
        for entry in booked.entries:
            key = (entry.account, entry.currency)
            held[key] = held.get(key, 0) + entry.balance_change_minor
    return ExplainView(
        form=form,
        title=_title(found),
        at=found.at,
        balances=tuple(map(_balance, found.balances)),
        link=None if found.about is None else _page_of(*found.about),
        history=_history_of(found, form),
        booked=tuple(map(transaction, found.transactions)),
        moves=tuple(
            MoveView(
                at=one.booked_at,
                label=describe(
                    kind=one.kind, account=one.account, is_credit=one.direction == "credit"
                ),
                amount=Money(one.change_minor, one.currency),
                balance=Money(one.balance_minor, one.currency),
                note=one.account,
            )
            for one in found.movements
        ),
        held=tuple(
            AmountRowView(account, Money(minor, currency), note=found.owner_of(account))
            for (account, currency), minor in held.items()
            if minor
        ),
    )


def _balance(made: BalanceMade) -> BalanceMadeView:
    return BalanceMadeView(
        owed=Money(made.owed_minor, made.currency),
        pots=tuple(
            (
                AmountRowView(POT_WORDS[pot.pot], Money(pot.minor, made.currency)),
                tuple(
                    AmountRowView(
                        describe(kind=part.kind, account=part.account, is_credit=part.is_credit),
                        Money(part.change_minor, made.currency),
                        note=f"×{part.count}",
                    )
                    for part in pot.parts
                ),
            )
            for pot in made.pots
        ),
    )


def _title(found: Explanation) -> str:
    if found.about is None or found.about[0] != "seller":
        return found.title
    return found.names.get(UUID(found.about[1]), found.title)
