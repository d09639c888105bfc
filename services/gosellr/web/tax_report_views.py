"""What the page of the report of sellers (DAC7) is told."""

from dataclasses import field

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class ReportFigureView:
    """What a quarter, or a year, came to."""

    label: str
    consideration: Money
    activities: int
    fees: Money
    taxes: Money


@dataclass(frozen=True, slots=True)
class ReportedSellerView:
    """A seller's year in one currency; `missing` is what the report asks for and isn't known, and
    `stage` how far asking for who it is has come, with the address of its page once it was asked.
    """

    name: str
    about: str
    href: str
    badge: BadgeView
    missing: tuple[str, ...]
    stage: str
    stage_href: str
    year: ReportFigureView
    quarters: tuple[ReportFigureView, ...]


@dataclass(frozen=True, slots=True)
class TaxReportView:
    """A year of all sellers who earned in it, a part of them shown; `sums` are of all, by currency,
    and so is the count of those of whom something isn't known."""

    year: int
    action: str
    form: FormView
    years: tuple[ChoiceView, ...]
    is_over: bool
    sums: tuple[ReportFigureView, ...] = ()
    sellers: tuple[ReportedSellerView, ...] = ()
    seller_count: int = 0
    incomplete_count: int = 0
    chips: tuple[LinkView, ...] = ()
    files: tuple[LinkView, ...] = ()
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class TaxRequestView:
    """A seller who hasn't said who it is: what was done about it, and what may be done."""

    name: str
    path: str
    facts: tuple[AttributeView, ...]
    may_lift: bool
    may_restore: bool
    form: FormView
