"""Why the market itself cancels, as people say it."""

from collections.abc import Mapping
from typing import Final

from gosellr.utils.captures import AUTHORIZATION_EXPIRED, SHORT_CAPTURE

PAYMENT_EXPIRED: Final = "payment_expired"

_REASONS: Final[Mapping[str, str]] = {
    PAYMENT_EXPIRED: "It wasn't paid in time",
    AUTHORIZATION_EXPIRED: "It wasn't sent while its money was set aside",
    SHORT_CAPTURE: "The payment provider took another amount than its price",
}


def spoken(reason: str | None) -> str:
    """A reason in words; what a person gave stays as it was written."""
    return _REASONS.get(reason or "", reason or "")
