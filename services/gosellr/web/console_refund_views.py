"""What a shop's and the operator's page about a refund is told."""

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import AmountRowView
from gosellr.web.views import ChoiceView, FormView, LinkView


@dataclass(frozen=True, slots=True)
class RefundableLineView:
    """A sold line, and how many of its units haven't gone back; `name` is its field."""

    name: str
    title: str
    left: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class RefundWayView:
    """A payment that a refund may be said to go back through, `name` its field, and what can."""

    name: str
    label: str
    left: Money


@dataclass(frozen=True, slots=True)
class RefundPreviewView:
    """What a refund would do: what the buyer gets and of which lines, the tax in that by rate, who
    gives it, and by which way it goes back; `sent` is the form that does it, and with `takes_two`
    proposes it."""

    lines: tuple[AmountRowView, ...]
    total: Money
    taxes: tuple[AmountRowView, ...]
    given_by: tuple[AmountRowView, ...]
    ways: tuple[AmountRowView, ...]
    note: str
    sent: tuple[tuple[str, str], ...]
    takes_two: bool = False


@dataclass(frozen=True, slots=True)
class RefundFormView:
    """The form that refunds a part of an order. `delivery` is what of the delivery can go back,
    `left` of the whole part; the choices are there for who has one. What operators alone give back
    of the whole order ends at `limit`, where there is one."""

    title: str
    number: str
    path: str
    back: LinkView
    lines: tuple[RefundableLineView, ...]
    delivery: Money | None
    left: Money
    payers: tuple[ChoiceView, ...]
    targets: tuple[ChoiceView, ...]
    ways: tuple[RefundWayView, ...]
    form: FormView
    key: str
    preview: RefundPreviewView | None = None
    limit: Money | None = None


@dataclass(frozen=True, slots=True)
class RefundOutcomeView:
    """The form that says what became of a refund; without an amount nothing is to be said. With
    `takes_two` a second person has to agree."""

    path: str
    back: LinkView
    form: FormView
    amount: Money | None = None
    reason: str = ""
    takes_two: bool = False


@dataclass(frozen=True, slots=True)
class GivenCreditView:
    """The form by which a shop gives a buyer store credit; `left` is what is available to it."""

    number: str
    path: str
    back: LinkView
    left: Money
    form: FormView
    key: str
