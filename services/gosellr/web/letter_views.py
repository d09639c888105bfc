"""Letters as the operator's pages show them."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView, ChoiceView, FormView, LinkView, PagerView


@dataclass(frozen=True, slots=True)
class LetterRowView:
    """A letter in a list."""

    href: str
    label: str
    recipient: str
    badge: BadgeView
    created_at: datetime
    note: str = ""


@dataclass(frozen=True, slots=True)
class LetterListView:
    """Letters with the filters that chose them."""

    letters: tuple[LetterRowView, ...]
    chips: tuple[LinkView, ...]
    form: FormView
    kinds: tuple[ChoiceView, ...]
    status: str
    pager: PagerView = field(default_factory=PagerView)


@dataclass(frozen=True, slots=True)
class LetterPageView:
    """A letter as it reads, and what became of it."""

    path: str
    label: str
    badge: BadgeView
    subject: str
    text: str
    facts: tuple[AttributeView, ...]
    error: str = ""
    may_resend: bool = False
