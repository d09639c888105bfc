"""What the operator's pages about debts, adjustments and reserves are told."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class DebtView:
    """What a seller owes in one currency, by age: the four sum to the total."""

    href: str
    who: str
    total: Money
    ages: tuple[tuple[str, Money], ...]
    oldest_at: datetime
    plan: str


@dataclass(frozen=True, slots=True)
class DebtListView:
    debts: tuple[DebtView, ...]
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class PlanView:
    """A plan of recovery in force."""

    currency: str
    facts: tuple[AttributeView, ...]


@dataclass(frozen=True, slots=True)
class DebtorView:
    """A seller that owes something, its plans, and what may be done about it.

    `can` names the forms that this person may send; `key` makes one plan or write-off of each.
    """

    name: str
    path: str
    debts: tuple[DebtView, ...]
    plans: tuple[PlanView, ...]
    kinds: tuple[ChoiceView, ...]
    currencies: tuple[ChoiceView, ...]
    form: FormView
    key: str
    rule_href: str = ""
    history_href: str = ""
    can: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AdjustmentRowView:
    href: str
    what: str
    reason: str
    badge: BadgeView
    prepared_at: datetime
    amounts: tuple[Money, ...]
    by: str


@dataclass(frozen=True, slots=True)
class EntrySumView:
    """What entries sum to in a currency; `open_words` say by how much they don't balance."""

    debit: Money
    credit: Money
    open_words: str = ""


@dataclass(frozen=True, slots=True)
class EntryFormView:
    """The form that prepares an adjustment, in so many rows; `key` makes it one."""

    form: FormView
    key: str
    row_count: int
    rows_max: int
    accounts: tuple[ChoiceView, ...]
    sides: tuple[ChoiceView, ...]
    currencies: tuple[ChoiceView, ...]
    shops: tuple[ChoiceView, ...]
    sums: tuple[EntrySumView, ...] = ()


@dataclass(frozen=True, slots=True)
class AdjustmentListView:
    rows: tuple[AdjustmentRowView, ...]
    chips: tuple[LinkView, ...]
    may_prepare: bool = False
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class AdjustmentView:
    """An adjustment with its entries as account, side and amount; `is_own` can't be decided."""

    row: AdjustmentRowView
    path: str
    entries: tuple[tuple[str, str, Money], ...]
    facts: tuple[AttributeView, ...]
    form: FormView
    is_open: bool
    is_own: bool
    may_decide: bool


@dataclass(frozen=True, slots=True)
class RuleView:
    id: str
    title: str
    about: str
    badge: BadgeView
    rate: str
    days: int
    caps: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class RuleListView:
    rules: tuple[RuleView, ...]
    form: FormView
    key: str = ""
    scopes: tuple[ChoiceView, ...] = ()
    categories: tuple[ChoiceView, ...] = ()
    measures: tuple[ChoiceView, ...] = ()
    currencies: tuple[ChoiceView, ...] = ()
    shops: tuple[ChoiceView, ...] = ()
    may_write: bool = False
    pager: PagerView = field(default_factory=PagerView)
