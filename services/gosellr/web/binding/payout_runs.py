"""Runs of payouts in words: what one would do, and what came of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from gosellr.core.identity import new_secret
from gosellr.flows.payout_runs import BROKEN, Batch
from gosellr.services.payout_forecast import AWAITS_APPROVAL, PAID, Forecast, Foreseen
from gosellr.utils.money import EXPONENTS, Money
from gosellr.web.filing_views import ForecastView, ForeseenView, RunView
from gosellr.web.formats import format_money
from gosellr.web.order_views import BadgeView
from gosellr.web.views import ChoiceView, FormView

RUN_CURRENCIES: Final = (
    ChoiceView("", "All currencies"),
    *(ChoiceView(code, code) for code in sorted(EXPONENTS)),
)
_BADGES: Final = {
    PAID: BadgeView("To be paid", "ok", "landmark"),
    AWAITS_APPROVAL: BadgeView("Needs a second person", "warn", "users"),
    "payouts_held": BadgeView("Held", "bad", "pause"),
    "no_payout_destination": BadgeView("No account named", "warn", "landmark"),
    "payout_destination_too_new": BadgeView("Account too new", "warn", "clock"),
    "payout_account_not_ready": BadgeView("Account not ready", "warn", "clock"),
    "below_payout_minimum": BadgeView("Below the minimum", "", "clock"),
    "below_payout_step": BadgeView("Less than can be sent", "", "clock"),
    "nothing_to_pay_out": BadgeView("All of it is owed", "", "scale"),
    "currency_not_paid": BadgeView("Not in this currency", "warn", "circle-x"),
    "payouts_stopped": BadgeView("Stopped", "bad", "circle-alert"),
    BROKEN: BadgeView("Something is wrong with its money", "bad", "circle-alert"),
}


# What the refusal says to the seller, said to whoever runs the market.
_WHY: Final = {
    "no_payout_destination": "The seller hasn't said where to",
    "nothing_to_pay_out": "Its debt is as large; it is settled when something is left to be paid",
    "below_payout_step": "It is paid as soon as there is more",
    "below_payout_minimum": "The seller wants to wait until there is more",
}


def run(batch: Batch, *, names: Mapping[UUID, str]) -> RunView:
    """What came of a run."""
    return RunView(
        totals=tuple((one.count, Money(one.amount_minor, one.currency)) for one in batch.totals),
        skipped=tuple(
            (
                names.get(one.seller_id, str(one.seller_id)),
                one.currency or "",
                _badge(one.code).label,
            )
            for one in batch.skipped
        ),
        more=batch.more,
    )


def forecast(
    found: Forecast, *, shown: Sequence[Foreseen], names: Mapping[UUID, str], currency: str
) -> ForecastView:
    """What a run would do; `shown` are the rows that there is room for."""
    return ForecastView(
        form=FormView({"currency": currency}),
        currencies=RUN_CURRENCIES,
        sums=tuple(
            _sum_of([one for one in found.sellers if one.currency == code], code)
            for code in sorted({one.currency for one in found.sellers})
        ),
        sellers=tuple(_row(one, names) for one in shown),
        key=new_secret(),
        payout_count=sum(one.is_opened for one in found.sellers),
        unlisted=len(found.sellers) - len(shown),
        more=found.more,
    )


def _sum_of(
    found: Sequence[Foreseen], currency: str
) -> tuple[str, tuple[tuple[str, int, Money], ...], Money]:
    """What becomes of all that is available in a currency: the rows sum to it."""
    rows = [
        (label, len(some), Money(sum(minor for minor in some), currency))
        for label, some in _parts(found)
        if some
    ]
    available = sum(one.available_minor for one in found)
    return currency, tuple(rows), Money(available, currency)


def _parts(found: Sequence[Foreseen]) -> Iterable[tuple[str, list[int]]]:
    yield "Would be paid", [one.amount_minor for one in found if one.outcome == PAID]
    awaited = [one.amount_minor for one in found if one.outcome == AWAITS_APPROVAL]
    yield "Would wait for a second person", awaited
    yield "Would settle what is owed", [one.recovered_minor for one in found if one.recovered_minor]
    for code in dict.fromkeys(one.outcome for one in found if not one.is_opened):
        left = [one.left_minor for one in found if one.outcome == code]
        yield f"Stays: {_badge(code).label[:1].lower()}{_badge(code).label[1:]}", left


def _row(one: Foreseen, names: Mapping[UUID, str]) -> ForeseenView:
    owed = format_money(one.recovered_minor, one.currency)
    return ForeseenView(
        who=names.get(one.seller_id, str(one.seller_id)),
        href=f"/operator/explain?subject={one.seller_id}",
        badge=_badge(one.outcome),
        available=Money(one.available_minor, one.currency),
        amount=Money(one.amount_minor, one.currency),
        why=f"{owed} goes to what it owes"
        if one.recovered_minor
        else _WHY.get(one.outcome, one.why),
    )


def _badge(code: str) -> BadgeView:
    return _BADGES.get(code) or BadgeView(code.replace("_", " ").capitalize())
