"""What a shop's page about its papers is told."""

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web.views import AttributeView, FormView


@dataclass(frozen=True, slots=True)
class LetterheadView:
    """What stands on the shop's papers from now on, and the form that says it, which begins with
    that. `version` is the one that stands there."""

    path: str
    is_said: bool
    facts: tuple[AttributeView, ...]
    form: FormView
    country: str
    key: str
    version: str
    may_change: bool
