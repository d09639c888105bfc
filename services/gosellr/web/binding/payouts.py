"""Payouts and what leads to them: balances with dates, schedules, accounts, movements paid out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from gosellr.core.identity import new_secret
from gosellr.integrations.payouts.port import AccountKind
from gosellr.models.connected_values import PayoutRecall
from gosellr.models.payout_values import (
    ClaimedEntry,
    Payout,
    PayoutDestination,
    PayoutSettings,
    UpcomingRelease,
)
from gosellr.services.statement_service import BookedTransaction, SellerBalance
from gosellr.utils.explanations import explain
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money, to_decimal_string
from gosellr.utils.payouts import WITHDRAWN_HOLD_REASON, PayoutPlan, PayoutStatus, ScheduleKind
from gosellr.utils.statements import describe
from gosellr.utils.tax_requests import TAX_HOLD_REASON
from gosellr.web.binding.tax_requests import request_href
from gosellr.web.formats import format_when
from gosellr.web.money_views import (
    BalanceView,
    BookedView,
    MoneyPageView,
    MoveView,
    PayoutRowView,
    PayoutSettingsView,
    PayoutView,
    RecallView,
    UpcomingView,
)
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView, LinkView, PagerView

_RESERVE_DAYS_SHOWN = 12
_NOTHING = PayoutPlan(recovered_minor=0, amount_minor=0, left_minor=0)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STATUS_BADGES = {
    PayoutStatus.AWAITING_APPROVAL: BadgeView("Waits for approval", "warn", "hourglass"),
    PayoutStatus.PENDING: BadgeView("On its way", "info", "clock"),
    PayoutStatus.SENT: BadgeView("At the bank", "info", "landmark"),
    PayoutStatus.UNKNOWN: BadgeView("Answer missing", "warn", "clock"),
    PayoutStatus.PAID: BadgeView("Paid", "ok", "check"),
    PayoutStatus.FAILED: BadgeView("Failed", "bad", "circle-x"),
    PayoutStatus.CANCELLED: BadgeView("Called back", "", "x"),
}
CHIPS = (
    ("", "All"),
    ("awaiting_approval", "Waiting for approval"),
    ("sent", "At the bank"),
    ("paid", "Paid"),
    ("failed", "Failed"),
)
_ORIGINS = {
    "requested": "Asked for",
    "scheduled": "By the schedule",
    "batch": "In a run of the market",
}
_SCHEDULES = {
    ScheduleKind.DAILY: "Every day",
    ScheduleKind.WEEKLY: "Every week",
    ScheduleKind.MONTHLY: "Every month",
    ScheduleKind.MANUAL: "Only when I ask",
}


def account_text(last_four: str) -> str:
    """The end of an account as it is shown."""
    return last_four if "@" in last_four else f"•• {last_four}"


def row(payout: Payout, *, base: str, who: str = "") -> PayoutRowView:
    """A payout in a list."""
    return PayoutRowView(
        href=f"{base}/{payout.id}",
        amount=Money(payout.amount_minor, payout.currency),
        badge=STATUS_BADGES[payout.status],
        created_at=payout.created_at,
        account=account_text(payout.last_four),
        who=who,
    )


def money_page(
    held: Sequence[SellerBalance],
    settings: PayoutSettings,
    *,
    base: str,
    kept_back: Mapping[str, int],
    plans: Mapping[str, PayoutPlan],
    may_ask: bool,
    default_currency: str,
    asked: str = "",
) -> MoneyPageView:
    """A shop's money; one that never sold anything has zero of the market's currency. A currency
    without a plan can't be paid out."""
    balances = tuple(
        _balance(
            one,
            base=base,
            kept_minor=kept_back.get(one.currency, 0),
            plan=plans.get(one.currency, _NOTHING),
        )
        for one in held or [SellerBalance(currency=default_currency)]
    )
    return MoneyPageView(
        balances=balances,
        next_payout=_next_payout(settings),
        destination="",
        hold_reason=settings.hold_reason or "" if settings.held_at else "",
        asked=asked,
        identity_href=f"{base}/tax-identity",
        may_ask=may_ask,
        payout_action=f"{base}/payouts",
        settings_href=f"{base}/payout-settings",
        transactions_href=f"{base}/transactions",
        debts_href=f"{base}/debts",
    )


def _balance(held: SellerBalance, *, base: str, kept_minor: int, plan: PayoutPlan) -> BalanceView:
    def money(minor: int) -> Money:
        return Money(minor, held.currency)

    return BalanceView(
        currency=held.currency,
        pending=money(held.pending_minor),
        available=money(held.available_minor),
        kept_back=money(kept_minor),
        frozen=money(held.reserved_minor - kept_minor),
        owed=money(held.receivable_minor),
        in_transit=money(held.in_transit_minor),
        paid_out=money(held.paid_out_minor),
        upcoming=tuple(_upcoming(one) for one in held.upcoming),
        kept_until=_kept_until(held, kept_minor),
        on_their_way=tuple(row(one, base=f"{base}/payouts") for one in held.on_their_way),
        payout_key=new_secret(),
        payable=money(plan.amount_minor),
        owed_first=money(plan.recovered_minor) if plan.recovered_minor else None,
        left=money(plan.left_minor) if plan.left_minor else None,
    )


def _kept_until(held: SellerBalance, kept_minor: int) -> tuple[UpcomingView, ...]:
    """The next days on which something is free; what comes later has no day of its own here."""
    days = [one for one in held.coming if one.source == "reserve" and one.day is not None]
    shown = [
        UpcomingView(date.fromisoformat(one.day or ""), Money(one.amount_minor, one.currency))
        for one in days[:_RESERVE_DAYS_SHOWN]
    ]
    later_minor = kept_minor - sum(one.amount.amount for one in shown)
    if later_minor > 0:
        shown.append(UpcomingView(None, Money(later_minor, held.currency)))
    return tuple(shown)


def _upcoming(one: UpcomingRelease) -> UpcomingView:
    day = None if one.day is None else date.fromisoformat(one.day)
    return UpcomingView(day, Money(one.amount_minor, one.currency))


def _next_payout(settings: PayoutSettings) -> str:
    if settings.held_at is not None:
        return "On hold"
    if settings.schedule.kind is ScheduleKind.MANUAL:
        return "When you ask for it"
    if settings.next_due_at is None:
        return "Once you have said where to"
    return format_when(settings.next_due_at.date(), "date")


def payout(
    found: Payout,
    entries: Sequence[ClaimedEntry],
    *,
    path: str,
    orders: str,
    booked: Sequence[BookedTransaction] = (),
    can: frozenset[str] = frozenset(),
    form: FormView | None = None,
    settings: PayoutSettings | None = None,
    recall: RecallView | None = None,
    seller: tuple[str, str] = ("", ""),
    pager: PagerView | None = None,
) -> PayoutView:
    """A payout with what it pays out; pages of orders are below `orders`.

    `seller` is a name and an address where one is shown.
    """
    name, href = seller
    return PayoutView(
        id=str(found.id),
        path=path,
        amount=Money(found.amount_minor, found.currency),
        badge=STATUS_BADGES[found.status],
        facts=_facts(found, name=name),
        moves=tuple(_move(one, orders=orders) for one in entries),
        booked=tuple(map(transaction, booked)),
        failure=_failure(found),
        can=can,
        recall=recall or RecallView(),
        retry_key=new_secret() if "retry" in can else "",
        seller_href=href,
        is_held=settings is not None and settings.held_at is not None,
        hold_reason="" if settings is None else settings.hold_reason or "",
        tax_hold_href=request_href(found.seller_id)
        if settings is not None and settings.hold_reason == TAX_HOLD_REASON
        else "",
        form=form or FormView(),
        pager=pager or PagerView(),
    )


def recall(asked: PayoutRecall | None, found: Payout, *, key: str, is_asked: bool) -> RecallView:
    """What became of calling a payout back the last time, and the form that asks for it.

    `is_asked` says that somebody wants to see what it would do.
    """
    moves: tuple[tuple[str, Money], ...] = ()
    if is_asked:
        amount = Money(found.amount_minor, found.currency)
        moves = (
            (f"Taken from the seller's account at {found.provider}", amount),
            ("Ready to be paid out to the seller again", amount),
        )
    if asked is None:
        return RecallView(key=key, moves=moves)
    told = f"{format_when(asked.asked_at, 'full')}: {asked.reason}"
    if asked.finished_at is None:
        return RecallView("It is being called back", told, key=key)
    if asked.refusal is None:
        return RecallView("It was called back", told, key=key)
    refusal = asked.refusal.replace("_", " ")
    return RecallView(
        f"It couldn't be called back: {refusal}", told, kind="warn", key=key, moves=moves
    )


def _failure(found: Payout) -> str:
    if found.status not in {PayoutStatus.FAILED, PayoutStatus.CANCELLED}:
        return ""
    return (found.failure_reason or "").replace("_", " ")


def _facts(found: Payout, *, name: str) -> tuple[AttributeView, ...]:
    told: list[tuple[str, str | datetime | None]] = [
        ("Seller", name),
        ("To", account_text(found.last_four)),
        ("By", found.provider),
        ("Begun", _ORIGINS.get(found.origin, found.origin)),
        ("Opened", found.created_at),
        ("Approved", found.approved_at),
        ("Paid", found.paid_at),
        ("Movements", str(found.entry_count)),
        ("Provider's reference", found.provider_reference),
    ]
    return tuple(
        AttributeView(
            label, format_when(value, "full") if isinstance(value, datetime) else str(value)
        )
        for label, value in told
        if value
    )


def _move(entry: ClaimedEntry, *, orders: str) -> MoveView:
    number = None if entry.order_number is None else order_number(entry.order_number)
    label = describe(
        kind=entry.kind, account="seller_available", is_credit=entry.direction == "credit"
    )
    return MoveView(
        at=entry.booked_at,
        label=label,
        amount=Money(entry.change_minor, entry.currency),
        link=None if number is None else LinkView(number, f"{orders}/{number}"),
    )


def transaction(found: BookedTransaction) -> BookedView:
    """A transaction in words, with its entries."""
    return BookedView(
        at=found.effective_at,
        kind=found.kind,
        words=explain(found.kind, found.entries),
        entries=tuple(
            (one.account, one.direction.value, Money(one.amount_minor, one.currency))
            for one in found.entries
        ),
    )


def settings_page(
    settings: PayoutSettings,
    destination: PayoutDestination | None,
    *,
    path: str,
    key: str,
    methods: Mapping[str, AccountKind],
    currency: str,
    may_change: bool,
    sees_account: bool,
    change_hold: timedelta,
    now: datetime,
    form: FormView | None = None,
    version: int | None = None,
    account_form: FormView | None = None,
    let_go_form: FormView | None = None,
) -> PayoutSettingsView:
    """When and where a shop is paid; with the forms that came back, where they did.

    `version` is the one that a form which came back was written about, `key` what they bear.
    """
    typed = form or _saved(settings, currency)
    return PayoutSettingsView(
        path=path,
        key=key,
        version=version or settings.version,
        schedules=_choices(((kind.value, text) for kind, text in _SCHEDULES.items()), typed,
                           "schedule"),
        weekdays=_choices(((str(day), name) for day, name in enumerate(WEEKDAYS, start=1)), typed,
                          "weekday"),
        days=_choices(((str(day), str(day)) for day in range(1, 32)), typed, "day_of_month"),
        form=typed,
        account_form=account_form or FormView(),
        methods=tuple(ChoiceView(name, name.capitalize()) for name in sorted(methods)),
        wants=frozenset(kind.value for kind in methods.values()),
        destination=() if destination is None else _destination(destination, now=now),
        hold_reason=settings.hold_reason or "" if settings.held_at else "",
        may_change=may_change,
        sees_account=sees_account,
        currency=currency,
        # Whoever waits is told no less than it takes.
        change_hold_hours=-(-change_hold // timedelta(hours=1)),
        may_let_go=may_change
        and settings.held_at is not None
        and settings.hold_reason == WITHDRAWN_HOLD_REASON,
        let_go_form=let_go_form or FormView(),
    )  # fmt: skip


def _saved(settings: PayoutSettings, currency: str) -> FormView:
    schedule, minimum = settings.schedule, settings.minimums.get(currency, 0)
    return FormView(
        {
            "schedule": schedule.kind.value,
            "weekday": str(schedule.weekday or 1),
            "day_of_month": str(schedule.day_of_month or 1),
            "minimum": to_decimal_string(minimum, currency) if minimum else "",
        }
    )


def _choices(known: Iterable[tuple[str, str]], form: FormView, name: str) -> tuple[ChoiceView, ...]:
    return tuple(ChoiceView(value, text, value == form.value(name)) for value, text in known)


def _destination(found: PayoutDestination, *, now: datetime) -> tuple[AttributeView, ...]:
    facts = [
        AttributeView("Account", account_text(found.last_four)),
        AttributeView("By", found.method),
        AttributeView("Since", format_when(found.created_at, "full")),
    ]
    if found.usable_from > now:
        facts.append(AttributeView("Paid to from", format_when(found.usable_from, "full")))
    return tuple(facts)
