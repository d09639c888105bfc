"""The frame of the seller's and the operator's pages."""

from typing import Literal

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web.views import LinkView


@dataclass(frozen=True, slots=True)
class NavItemView:
    """A page of a console. `count` is how much waits there; 0 shows none."""

    label: str
    href: str
    icon: str
    current: bool = False
    count: int = 0


@dataclass(frozen=True, slots=True)
class ConsoleView:
    """The frame of the seller's or the operator's pages."""

    face: Literal["sell", "ops"]
    title: str
    home: str
    nav: tuple[NavItemView, ...]
    others: tuple[LinkView, ...] = ()
