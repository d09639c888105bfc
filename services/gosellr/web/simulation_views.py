"""What the page of the commission simulator is told."""

from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.proposal_views import CommissionFormView
from gosellr.web.views import ChoiceView, FormView


@dataclass(frozen=True, slots=True)
class TriedRuleView:
    """A rule in its place; `is_open` where all of its terms stand below."""

    id: str
    position: int
    title: str
    about: str
    rate: str
    more: str
    is_open: bool
    is_left_out: bool


@dataclass(frozen=True, slots=True)
class SimulatedRowView:
    """What a seller, or all of them, paid in one currency, and would have paid."""

    who: str
    href: str
    booked: Money
    simulated: Money
    difference: Money
    vat_difference: Money
    lines: int
    lines_touched: int
    deliveries_touched: int


@dataclass(frozen=True, slots=True)
class SimulatedView:
    """The answer; `left_out` counts sellers with smaller differences, who are in the totals."""

    since: datetime
    until: datetime
    orders: int
    rows: tuple[SimulatedRowView, ...]
    left_out: int
    totals: tuple[SimulatedRowView, ...]


@dataclass(frozen=True, slots=True)
class SimulationView:
    """The form and, where it was asked, the answer.

    Without `is_whole` there may be more rules, which stay as they are. `opened` is the id of the
    rule whose terms stand in `fields`, or "new"; empty without any.
    """

    form: FormView
    rules: tuple[TriedRuleView, ...]
    is_whole: bool
    reversals: tuple[ChoiceView, ...]
    opened: str
    opened_title: str
    fields: CommissionFormView | None
    told: SimulatedView | None = None
