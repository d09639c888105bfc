"""What the page of a shop's papers shows."""

from dataclasses import field
from datetime import datetime

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.money import Money
from gosellr.web.views import LinkView, PagerView


@dataclass(frozen=True, slots=True)
class PaperView:
    """A statement or an invoice, and the files that it may be had as."""

    number: str
    kind: str
    period: str
    total: Money
    issued_at: datetime
    files: tuple[LinkView, ...]


@dataclass(frozen=True, slots=True)
class SoFarView:
    """The month that isn't over, in one currency."""

    currency: str
    files: tuple[LinkView, ...]


@dataclass(frozen=True, slots=True)
class PapersView:
    papers: tuple[PaperView, ...]
    chips: tuple[LinkView, ...]
    this_month: str
    so_far: tuple[SoFarView, ...]
    pager: PagerView = field(default_factory=PagerView)
