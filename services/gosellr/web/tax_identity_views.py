"""What a shop's page about who it is to the tax authorities is told."""

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web.views import AttributeView, ChoiceView, FormView


@dataclass(frozen=True, slots=True)
class TaxIdentityView:
    """What was said, numbers by their end, and the form that says it anew: it begins empty, so that
    nobody who only has the page reads what is kept. `version` is the one that stands there.
    `asked` says how often it was asked for while it isn't there."""

    path: str
    facts: tuple[AttributeView, ...]
    form: FormView
    kinds: tuple[ChoiceView, ...]
    countries: tuple[ChoiceView, ...]
    rows: tuple[int, ...]
    key: str
    version: str
    may_change: bool
    asked: str = ""
