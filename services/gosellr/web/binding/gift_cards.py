"""Gift cards as those who run the market see them: never by their codes."""

from collections.abc import Mapping
from datetime import datetime

from gosellr.models.stored_value_values import GiftCard
from gosellr.utils.money import Money
from gosellr.web.formats import format_money
from gosellr.web.money_views import CardView
from gosellr.web.order_views import BadgeView

_BADGES = {
    "active": BadgeView("Good", "ok", "check"),
    "expired": BadgeView("Over", "", "clock"),
    "frozen": BadgeView("Frozen", "bad", "clock"),
    "deactivated": BadgeView("Stopped", "bad", "ban"),
}


def alone_at_most(limits: Mapping[str, int]) -> str:
    """How much one person alone gives away within a day, by currency; empty without a limit."""
    return ", ".join(format_money(minor, code) for code, minor in sorted(limits.items()))


def badge_of(found: GiftCard, *, now: datetime) -> BadgeView:
    """Whether a card can be spent, at a glance."""
    return _BADGES[found.status_at(now)]


def card(found: GiftCard, *, base: str, now: datetime) -> CardView:
    """A card with what is left on it."""
    return CardView(
        id=str(found.id),
        href=f"{base}/{found.id}",
        last_four=found.last_four,
        badge=badge_of(found, now=now),
        amount=Money(found.amount_minor, found.currency),
        balance=Money(found.balance_minor, found.currency),
        created_at=found.created_at,
        expires_at=found.expires_at,
        note=found.note or "",
    )
