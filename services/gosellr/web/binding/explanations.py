"""What the books say, in words: transactions one by one, or the latest movements of accounts."""

from gosellr.services.statement_service import Explanation
from gosellr.utils.money import Money
from gosellr.utils.statements import describe
from gosellr.web.binding.payouts import transaction
from gosellr.web.money_views import ExplainView, MoveView
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


def explained(found: Explanation, *, subject: str) -> ExplainView:
    """A story with all its entries, and where its money is now."""
    held: dict[tuple[str, str], int] = {}
    for booked in found.transactions:
        for entry in booked.entries:
            key = (entry.account, entry.currency)
            held[key] = held.get(key, 0) + entry.balance_change_minor
    return ExplainView(
        form=FormView({"subject": subject}),
        title=found.title,
        link=None if found.about is None else _page_of(*found.about),
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
            AmountRowView(account, Money(minor, currency))
            for (account, currency), minor in held.items()
            if minor
        ),
    )
