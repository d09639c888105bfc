"""What a shop's and the operator's pages about orders are told."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import AmountRowView, BadgeView
from gosellr.web.views import AttributeView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class SoldRowView:
    """An order in a list; for a shop, its own part of it. `who` sold it."""

    href: str
    number: str
    who: str
    placed_at: datetime
    badge: BadgeView
    total: Money


@dataclass(frozen=True, slots=True)
class SoldListView:
    action: str
    form: FormView
    orders: tuple[SoldRowView, ...]
    chips: tuple[LinkView, ...]
    is_filtered: bool
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class SoldLineView:
    """A sold line; `can_go` is how many of its units may still be called off."""

    id: str
    title: str
    note: str
    quantity: int
    unit_price: Money
    total: Money
    can_go: int = 0


@dataclass(frozen=True, slots=True)
class SoldPartView:
    """A shop's part of an order, and what of its total the shop earns. With an address, units of
    it can be called off there, or refunded, or its buyer given
    store credit."""

    id: str
    title: str
    number: str
    badge: BadgeView
    money_badge: BadgeView | None
    lines: tuple[SoldLineView, ...]
    rows: tuple[AmountRowView, ...]
    total: Money
    earned: tuple[AmountRowView, ...] = ()
    # What whoever sends the rest of it now has to know first.
    warning: str = ""
    call_off_href: str = ""
    refund_href: str = ""
    credit_href: str = ""
    links: tuple[LinkView, ...] = ()


@dataclass(frozen=True, slots=True)
class PaidView:
    """A payment or a refund of an order; with an address, what became of it can be said there."""

    label: str
    badge: BadgeView
    amount: Money
    note: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class SoldOrderView:
    number: str
    back: LinkView
    badge: BadgeView
    facts: tuple[AttributeView, ...]
    parts: tuple[SoldPartView, ...]
    money: tuple[PaidView, ...]
    # What is to be known of its money as a whole, if anything is.
    money_badge: BadgeView | None = None
    links: tuple[LinkView, ...] = ()


@dataclass(frozen=True, slots=True)
class TakenPartView:
    """A shop's part that a capture pays for, and what would be booked of it: from what its buyer
    pays to what the shop earns."""

    title: str
    total: Money
    earned: tuple[AmountRowView, ...]


@dataclass(frozen=True, slots=True)
class CaptureOutcomeView:
    """The form that says whether money was taken as a part leaves; without parts nothing is to be
    said. `asked` is what it comes from, and `capture_id` which one is spoken of."""

    path: str
    back: LinkView
    form: FormView
    capture_id: str = ""
    asked: tuple[AmountRowView, ...] = ()
    parts: tuple[TakenPartView, ...] = ()
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReducedLineView:
    """A line that becomes smaller: units and what it costs, before and after."""

    title: str
    called_off: int
    left: int
    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class ReductionView:
    """What calling units off would change, and the form that does it."""

    lines: tuple[ReducedLineView, ...]
    rows: tuple[AmountRowView, ...]
    total_label: str
    total: Money
    note: str
    sent: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class CallOffView:
    """The form that calls units off; `preview` once it was asked what that changes."""

    part: SoldPartView
    path: str
    back: LinkView
    form: FormView
    key: str
    preview: ReductionView | None = None
