"""What the operator's pages of tax rates are told."""

from dataclasses import field

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web.order_views import BadgeView
from gosellr.web.views import ChoiceView, FormView, PagerView


@dataclass(frozen=True, slots=True)
class TaxRateView:
    """A rate in the list; `more` says what else is true of it."""

    path: str
    place: str
    tax_class: str
    badge: BadgeView
    rate: str
    more: str
    days: str
    version: int
    can_end: bool


@dataclass(frozen=True, slots=True)
class TaxRateFormView:
    """The form that adds or changes a rate; `version` is the one that is changed."""

    form: FormView
    countries: tuple[ChoiceView, ...]
    yes_no: tuple[ChoiceView, ...]
    remitters: tuple[ChoiceView, ...]
    key: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class TaxRateListView:
    rates: tuple[TaxRateView, ...]
    fields: TaxRateFormView
    country: str
    countries: tuple[ChoiceView, ...]
    may_write: bool = False
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class TaxRateEditView:
    rate: TaxRateView
    fields: TaxRateFormView
    may_write: bool = False
