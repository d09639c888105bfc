"""What the operator's pages about money that is waited for are told."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class AwaitedRowView:
    """One thing that is waited for; without an address there is nothing to be done about it."""

    title: str
    note: str
    badge: BadgeView
    amount: Money
    href: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AwaitedListView:
    """A list with what it says when nothing is waited for."""

    rows: tuple[AwaitedRowView, ...]
    chips: tuple[LinkView, ...]
    at_label: str
    empty: str
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class AwaitedView:
    """One thing that is waited for, and the forms that this person may send about it."""

    row: AwaitedRowView
    path: str
    back: LinkView
    facts: tuple[AttributeView, ...]
    form: FormView
    can: frozenset[str] = frozenset()
