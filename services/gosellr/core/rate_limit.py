"""Limits: so many times in so many seconds, counted over a window that slides.

Two fixed windows are kept per subject; the older one counts for the part of it that a sliding
window would still cover. That is exact to a few percent, and costs one row instead of a log.
"""

import hashlib
import ipaddress
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `amount` in any `seconds`."""

    name: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Window:
    """Where a limit of a subject is counted at a moment."""

    limit: RateLimit
    key: str
    previous_key: str
    expires_at: datetime
    seconds_left: int


@dataclass(frozen=True, slots=True)
class Usage:
    """How much of a limit is used."""

    limit: RateLimit
    used: int
    seconds_left: int

    @property
    def is_exceeded(self) -> bool:
        """More than allowed."""
        return self.used > self.limit.amount

    @property
    def remaining(self) -> int:
        """How many more are allowed."""
        return max(0, self.limit.amount - self.used)


def window_at(limit: RateLimit, *, subject: str, now: datetime) -> Window:
    """The window of a subject. Who it is can't be read from the key."""
    index, elapsed = divmod(int(now.timestamp()), limit.seconds)
    digest = hashlib.sha256(subject.encode()).hexdigest()[:24]
    start = datetime.fromtimestamp(index * limit.seconds, UTC)
    return Window(
        limit=limit,
        key=f"{limit.name}:{digest}:{index}",
        previous_key=f"{limit.name}:{digest}:{index - 1}",
        # It is looked at once more while the next one runs.
        expires_at=start + timedelta(seconds=2 * limit.seconds),
        seconds_left=limit.seconds - elapsed,
    )


def usage_of(window: Window, *, hits: int, previous_hits: int) -> Usage:
    """How much is used, by the counts of the window and of the one before."""
    carried = previous_hits * window.seconds_left // window.limit.seconds
    return Usage(window.limit, hits + carried, window.seconds_left)


def headers_of(usages: Sequence[Usage]) -> dict[str, str]:
    """The limits and what is left of them, as the IETF's RateLimit draft writes it."""
    return {
        "RateLimit-Policy": ", ".join(
            f'"{usage.limit.name}";q={usage.limit.amount};w={usage.limit.seconds}'
            for usage in usages
        ),
        "RateLimit": ", ".join(
            f'"{usage.limit.name}";r={usage.remaining};t={usage.seconds_left}' for usage in usages
        ),
    }


# The longest address is shorter, but for names of interfaces and what is none.
_ADDRESS_LENGTH_MAX = 45
_ADDRESSES_KEPT = 4_096


def network_of(ip_address: str | None) -> str:
    """The subject behind an address: itself, or its /64 where one household has so many."""
    text = ip_address or ""
    return _known_network(text) if len(text) <= _ADDRESS_LENGTH_MAX else _network(text)


def _network(text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


# Whoever buys comes more than once from where they are.
_known_network = lru_cache(maxsize=_ADDRESSES_KEPT)(_network)
