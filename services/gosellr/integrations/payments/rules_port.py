"""What a gateway can do with money that is paid through it, as it says of itself."""

from datetime import timedelta
from enum import StrEnum
from typing import Protocol, runtime_checkable

from gosellr.utils.lazy_dataclasses import dataclass


class InParts(StrEnum):
    """Whether the money of an order may be taken piece by piece, seller by seller."""

    ALWAYS = "always"
    IF_ALLOWED = "if_allowed"
    """As each payment's own way allows: the gateway says so of each."""
    NEVER = "never"


class SendsRefunds(StrEnum):
    """Who sends money back."""

    GATEWAY = "gateway"
    MARKET = "market"
    """A person of the market's, by hand."""
    SELLER = "seller"
    """Whoever collected it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRules:
    """The rules of one way to pay.

    `takes_later` is whether money can be set aside and taken at another time; then `holds_for` is
    how long it is counted on, and None where the gateway says so of each payment. `currencies` are
    those that it takes, None for every one.
    """

    takes_later: bool
    in_parts: InParts
    holds_for: timedelta | None = None
    refunds_parts: bool = True
    sends_refunds: SendsRefunds = SendsRefunds.GATEWAY
    currencies: frozenset[str] | None = None


@runtime_checkable
class HasRules(Protocol):
    """A gateway that says what it can do."""

    @property
    def rules(self) -> GatewayRules:
        """What it can do."""
