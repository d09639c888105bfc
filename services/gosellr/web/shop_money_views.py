"""What a shop's pages about its debts and its accounts at providers are told."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.money_views import MoveView
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView


@dataclass(frozen=True, slots=True)
class OwedView:
    """What a shop owes in one currency, and by which plan it pays; no facts are no plan."""

    owed: Money
    plan: tuple[AttributeView, ...] = ()


@dataclass(frozen=True, slots=True)
class ShopDebtsView:
    """Debts by currency, and the newest movements of debts and adjustments in each."""

    owed: tuple[OwedView, ...]
    moves: tuple[MoveView, ...]
    adjustments: tuple[MoveView, ...]
    moves_href: str
    adjustments_href: str


@dataclass(frozen=True, slots=True)
class ConnectedView:
    """A shop's account at a provider: its state, and what the provider still wants to be told.

    `onboarding_href` leads to the provider's own page and is good for one visit.
    """

    provider: str
    name: str
    path: str
    badge: BadgeView
    note: str
    facts: tuple[AttributeView, ...] = ()
    missing: tuple[str, ...] = ()
    due_at: datetime | None = None
    is_open: bool = False
    is_ready: bool = False
    onboarding_href: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ConnectedListView:
    accounts: tuple[ConnectedView, ...]
    settings_href: str
    may_change: bool = field(default=False)
