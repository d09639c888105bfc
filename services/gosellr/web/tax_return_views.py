"""What the page of tax that the marketplace owes is told."""

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.order_views import BadgeView
from gosellr.web.views import ChoiceView, FormView, LinkView


@dataclass(frozen=True, slots=True)
class TaxRateRowView:
    """What was taxed at one rate."""

    what: str
    rate: str
    base: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class FiledReturnView:
    """A return that was handed in; `pay_path` is empty where nobody may prepare its payment now,
    `payment_href` leads to what was prepared."""

    period: str
    about: str
    badge: BadgeView
    due: Money
    pay_path: str
    payment_href: str


@dataclass(frozen=True, slots=True)
class OwedTaxView:
    """A jurisdiction's period in one currency; `by_hand` is None where nothing was. `file_path` is
    empty where there is nothing to be handed in now."""

    name: str
    jurisdiction: str
    file_path: str
    filed: tuple[FiledReturnView, ...]
    href: str
    rows: tuple[TaxRateRowView, ...]
    by_hand: Money | None
    due: Money
    opening: Money
    paid: Money
    closing: Money


@dataclass(frozen=True, slots=True)
class TaxReturnView:
    """A period of all jurisdictions that are owed anything."""

    period: str
    action: str
    form: FormView
    periods: tuple[ChoiceView, ...]
    is_over: bool
    owed: tuple[OwedTaxView, ...]
    files: tuple[LinkView, ...]
