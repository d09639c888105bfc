"""What the page of the ways to pay shows."""

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.web.order_views import BadgeView
from gosellr.web.views import AttributeView


@dataclass(frozen=True, slots=True)
class PaymentWayView:
    """A way to pay with its rules; `currencies` are those that it takes, empty for every one."""

    name: str
    badge: BadgeView
    facts: tuple[AttributeView, ...]
    currencies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PaymentWaysView:
    """All that are offered; `capture` is when this market takes money where it may choose."""

    capture: str
    ways: tuple[PaymentWayView, ...]
