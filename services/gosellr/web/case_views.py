"""What the pages about cases are told: the complaint, the conversation, what is due, the award."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import AmountRowView, BadgeView, RefundView, TimelineStepView
from gosellr.web.views import AttributeView, ChoiceView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class CaseRowView:
    """A case in a list. `due_at` is until when whoever it waits for has time."""

    href: str
    title: str
    order_number: str
    badge: BadgeView
    amount: Money
    opened_at: datetime
    due_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class CaseListView:
    cases: tuple[CaseRowView, ...]
    chips: tuple[LinkView, ...] = ()
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class SaidView:
    """A message. `side` is whose it is: buyer, seller, operator or support."""

    side: str
    who: str
    at: datetime
    body: str
    mine: bool = False


@dataclass(frozen=True, slots=True)
class FileView:
    name: str
    href: str
    who: str
    at: datetime
    size: str


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case as one side sees it. `can` names what this reader may do now; `path` is where the
    forms go, `key` makes one wish of each, and `due` says what happens when `due_at` passes. What
    the `preview` shows is proposed where it `takes_two`."""

    id: str
    path: str
    key: str
    title: str
    badge: BadgeView
    order_number: str
    amount: Money
    facts: tuple[AttributeView, ...]
    said: tuple[SaidView, ...]
    files: tuple[FileView, ...]
    steps: tuple[TimelineStepView, ...]
    order_href: str = ""
    due: str = ""
    due_at: datetime | None = None
    outcome: str = ""
    decision: str = ""
    refunds: tuple[RefundView, ...] = ()
    frozen: Money | None = None
    bank: tuple[AttributeView, ...] = ()
    can: frozenset[str] = frozenset()
    is_chargeback: bool = False
    accept_label: str = ""
    accept_note: str = ""
    escalate_label: str = ""
    currency: str = ""
    form: FormView = field(default_factory=FormView)
    preview: tuple[AmountRowView, ...] = ()
    takes_two: bool = False


@dataclass(frozen=True, slots=True)
class ReportLineView:
    """A line that may be complained of; `note` says why not where it can't be."""

    id: str
    title: str
    note: str
    open: bool
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class ReportView:
    """The form that opens a case."""

    number: str
    order_href: str
    action: str
    lines: tuple[ReportLineView, ...]
    reasons: tuple[ChoiceView, ...]
    wishes: tuple[ChoiceView, ...]
    key: str
    form: FormView
