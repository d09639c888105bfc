"""What the operator's pages about commission, and about what takes two people, are told."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class ProposalRowView:
    href: str
    what: str
    about: str
    badge: BadgeView
    prepared_at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class ProposalListView:
    rows: tuple[ProposalRowView, ...]
    chips: tuple[LinkView, ...]
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One thing that approving changes; empty where there was, or will be, nothing."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ProposalView:
    """A proposal as it stands; `is_own` can't be decided."""

    row: ProposalRowView
    path: str
    changes: tuple[ChangeView, ...]
    facts: tuple[AttributeView, ...]
    form: FormView
    is_open: bool
    is_own: bool
    may_decide: bool


@dataclass(frozen=True, slots=True)
class CommissionRuleView:
    """A rule in its place; `waits_href` leads to what is proposed about it."""

    path: str
    position: int
    title: str
    about: str
    badge: BadgeView
    rate: str
    more: str
    waits_href: str = ""


@dataclass(frozen=True, slots=True)
class CommissionFormView:
    """The form that adds or changes a rule; `version` is the one that is changed, and `key` makes
    one wish of however often it is sent."""

    form: FormView
    categories: tuple[ChoiceView, ...]
    currencies: tuple[ChoiceView, ...]
    yes_no: tuple[ChoiceView, ...]
    shops: tuple[ChoiceView, ...]
    takes_two: bool
    key: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class CommissionListView:
    """The rules in their order, and new ones that wait for a second person."""

    rules: tuple[CommissionRuleView, ...]
    waiting: tuple[ProposalRowView, ...]
    fields: CommissionFormView
    may_write: bool = False
    simulate_href: str = ""
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class CommissionEditView:
    rule: CommissionRuleView
    fields: CommissionFormView
    may_write: bool = False
