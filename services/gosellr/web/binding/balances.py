"""Debts, adjustments and reserve rules in words."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.models.balance_values import Adjustment, KeptPlan, ListedReserveRule, SellerDebt
from gosellr.utils.balance_postings import ADJUSTABLE_KINDS
from gosellr.utils.ledger import ACCOUNT_KINDS
from gosellr.utils.money import Money
from gosellr.utils.recovery import BUCKETS, PlanKind
from gosellr.utils.reserves import ReserveRule, ReserveScope, RiskMeasure
from gosellr.web.balance_views import (
    AdjustmentRowView,
    AdjustmentView,
    DebtView,
    PlanView,
    RuleView,
)
from gosellr.web.binding import shops
from gosellr.web.formats import format_money, format_when
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView

ADJUSTMENT_CHIPS: Final = (
    ("prepared", "To decide"),
    ("approved", "Booked"),
    ("rejected", "Turned down"),
    ("all", "All"),
)
PLAN_KINDS: Final = {
    PlanKind.SHARE: "A share of what becomes available",
    PlanKind.INSTALMENTS: "So much every so many days",
}
SCOPES: Final = {
    ReserveScope.MARKET: "Every seller",
    ReserveScope.SELLER: "One seller",
    ReserveScope.CATEGORY: "A category with all below it",
    ReserveScope.NEW_ACCOUNT: "Sellers admitted of late",
    ReserveScope.RISK: "Sellers with a high rate",
}
MEASURES: Final = {
    RiskMeasure.OPEN_DISPUTES: "Open cases",
    RiskMeasure.CHARGEBACKS: "Chargebacks",
    RiskMeasure.REFUNDS: "Refunds",
}
_AGES = ("0 to 30 days", "31 to 60 days", "61 to 90 days", "Over 90 days")
_BADGES = {
    "prepared": BadgeView("To decide", "warn", "users"),
    "approved": BadgeView("Booked", "ok", "check"),
    "rejected": BadgeView("Turned down", "bad", "x"),
}
_KINDS = {"write_off": "Write-off", "entries": "Adjustment"}
_SIDES = {"debit": "Debit", "credit": "Credit"}


def percent(bps: int) -> str:
    """A rate as people say it; no digit that says nothing."""
    whole, rest = divmod(bps, 100)
    return f"{whole} %" if not rest else f"{whole}.{rest:02} %"


def debt(found: SellerDebt, *, base: str) -> DebtView:
    """A debt in a list."""
    ages = (getattr(found.ageing, name) for name in BUCKETS)
    return DebtView(
        href=f"{base}/{found.seller_id}",
        who=found.seller_name,
        total=Money(found.ageing.total_minor, found.currency),
        ages=tuple(
            (label, Money(minor, found.currency)) for label, minor in zip(_AGES, ages, strict=True)
        ),
        oldest_at=found.oldest_at,
        plan="All goes to it first" if found.plan_kind is None else PLAN_KINDS[found.plan_kind],
    )


def _days(count: int) -> str:
    return "day" if count == 1 else f"{count} days"


def plan(kept: KeptPlan, *, now: datetime) -> PlanView:
    """A plan with its terms."""
    terms, currency = kept.plan, kept.currency
    if terms.share_bps is not None:
        told = f"{percent(terms.share_bps)} of what becomes available"
    else:
        amount = format_money(terms.instalment_minor or 0, currency)
        told = f"{amount} every {_days(terms.every_days or 0)}"
    facts = [
        ("Terms", told),
        ("From", format_when(terms.starts_at, "date")),
        ("Paid back by it", format_money(terms.recovered_minor, currency)),
        ("Due now", format_money(kept.due_minor(now=now), currency)),
        ("Note", kept.note),
    ]
    return PlanView(currency, tuple(AttributeView(label, value) for label, value in facts if value))


def adjustment_row(found: Adjustment, *, base: str, viewer_id: UUID | None) -> AdjustmentRowView:
    """An adjustment in a list, with what it moves in each currency."""
    moved: dict[str, int] = {}
    for one in found.entries:
        if one["direction"] == "debit":
            moved[one["currency"]] = moved.get(one["currency"], 0) + one["amount_minor"]
    return AdjustmentRowView(
        href=f"{base}/{found.id}",
        what=_KINDS[found.kind],
        reason=found.reason,
        badge=_BADGES[found.status],
        prepared_at=found.prepared_at,
        amounts=tuple(Money(minor, code) for code, minor in sorted(moved.items())),
        by=_who(found.prepared_by, viewer_id),
    )


def adjustment(
    found: Adjustment,
    *,
    base: str,
    viewer_id: UUID | None,
    may_decide: bool,
    form: FormView | None,
) -> AdjustmentView:
    """An adjustment as it stands, and whether this person may decide about it."""
    told = [
        ("Prepared", _said(found.prepared_at, found.prepared_by, viewer_id)),
        ("Why", found.reason),
        ("Decided", _said(found.decided_at, found.decided_by, viewer_id)),
        ("What was said", found.decision_note or ""),
    ]
    return AdjustmentView(
        row=adjustment_row(found, base=base, viewer_id=viewer_id),
        path=f"{base}/{found.id}",
        entries=tuple(
            (
                one["account"],
                _SIDES[one["direction"]],
                Money(one["amount_minor"], one["currency"]),
            )
            for one in found.entries
        ),
        facts=tuple(AttributeView(label, value) for label, value in told if value),
        form=form or FormView(),
        is_open=found.status == "prepared",
        is_own=found.prepared_by == viewer_id,
        may_decide=may_decide,
    )


def account_of(kind: str, owner: str) -> str:
    """The account that was chosen; a seller's bears its id, a tax its country."""
    match _owner_of(kind):
        case None:
            return kind
        case "seller":
            return f"{kind}:{owner.lower()}"
        case _:
            return f"{kind}:{owner.upper()}"


def owner_missing(kind: str) -> str:
    """What to write where such an account is somebody's; empty for the market's own."""
    match _owner_of(kind):
        case None:
            return ""
        case "seller":
            return shops.ASKED
        case _:
            return "Write the country's two letters, such as DE"


def is_sellers(kind: str) -> bool:
    """Whether an account of this kind is a seller's."""
    return _owner_of(kind) == "seller"


def _owner_of(kind: str) -> str | None:
    known = ACCOUNT_KINDS.get(kind)
    return None if known is None else known.owner


def account_choices() -> tuple[ChoiceView, ...]:
    """The accounts that people may adjust."""
    return (
        ChoiceView("", "Choose an account"),
        *(ChoiceView(kind, kind.replace("_", " ").capitalize()) for kind in
          sorted(ADJUSTABLE_KINDS)),
    )  # fmt: skip


def choices(names: Iterable[tuple[str, str]], *, first: str = "") -> tuple[ChoiceView, ...]:
    """A select box; `first` asks for a choice."""
    asked = (ChoiceView("", first),) if first else ()
    return (*asked, *(ChoiceView(str(value), label) for value, label in names))


def currency_choices(codes: Iterable[str]) -> tuple[ChoiceView, ...]:
    """Currencies by their codes."""
    return tuple(ChoiceView(code, code) for code in codes)


def rule(
    listed: ListedReserveRule,
    *,
    sellers: Mapping[UUID, str],
    categories: Mapping[UUID, str],
    now: datetime,
) -> RuleView:
    """A rule with what it is about."""
    found = listed.rule
    about = _about(found, sellers=sellers, categories=categories)
    return RuleView(
        id=str(found.id),
        title=listed.name or about,
        # Without a name, whom it is about is what it is called.
        about=about if listed.name else "",
        badge=_in_force(found, now=now),
        rate=percent(found.rate_bps),
        days=found.days,
        caps=tuple(Money(minor, code) for code, minor in sorted(found.caps.items())),
    )


def _in_force(found: ReserveRule, *, now: datetime) -> BadgeView:
    if found.is_in_force(now):
        return BadgeView("In force", "ok", "check")
    if found.valid_from is not None and now < found.valid_from:
        return BadgeView(f"From {format_when(found.valid_from, 'date')}", "info", "clock")
    return BadgeView("Over", "", "clock")


def _about(
    found: ReserveRule, *, sellers: Mapping[UUID, str], categories: Mapping[UUID, str]
) -> str:
    if found.seller_id is not None:
        return sellers.get(found.seller_id, "One seller")
    if found.category_id is not None:
        return categories.get(found.category_id, "A category")
    if found.younger_than_days is not None:
        young = found.younger_than_days
        return f"Sellers admitted less than {'1 day' if young == 1 else f'{young} days'} ago"
    if found.measure is not None and found.above_bps is not None:
        return f"{MEASURES[found.measure]} above {percent(found.above_bps)} in 90 days"
    return SCOPES[found.scope]


def _said(at: datetime | None, by: UUID | None, viewer_id: UUID | None) -> str:
    return "" if at is None else f"{format_when(at, 'full')}, by {_who(by, viewer_id)}"


def _who(user_id: UUID | None, viewer_id: UUID | None) -> str:
    return "you" if user_id == viewer_id else "somebody else"
