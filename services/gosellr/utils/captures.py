"""Money taken piece by piece: what pays a share, and what its authorisation's end asks for.

Stored value that was set aside pays first, the gateway what is left of a share. So the buyer's
own bank keeps the most for the longest, and what is never shipped is never taken from it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass

AT_ORDER: Final = "at_order"
AT_SHIPMENT: Final = "at_shipment"

# What a capture is declined for that took another amount than was asked for, and what parts are
# cancelled for then; and for what else, once nothing is set aside for them any more.
SHORT_CAPTURE: Final = "short_capture"
AUTHORIZATION_EXPIRED: Final = "authorization_expired"

# Gateways that don't say until when they keep money aside keep it for so long.
KNOWN_TERM: Final = timedelta(days=7)
# So long before it ends its sellers hear of it.
WARN_BEFORE: Final = timedelta(days=2)


class CaptureMoment(StrEnum):
    """When a buyer's money is taken: frozen on each order as it is placed."""

    AT_ORDER = AT_ORDER
    AT_SHIPMENT = AT_SHIPMENT


class CaptureStatus(StrEnum):
    """One capture at its gateway; a failed one is followed by another, not by a retry."""

    PENDING = "pending"
    UNKNOWN = "unknown"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


def money_came(
    *,
    collected: Sequence[str],
    capture_at: str,
    captured_at: datetime | None,
    paid_at: datetime | None,
) -> bool:
    """Whether a part's money came: in cash, as its goods left, or with the order's.

    `collected` says how it stands with each attempt of its seller to collect it in cash.
    """
    if collected:
        return "captured" in collected
    return (captured_at if capture_at == AT_SHIPMENT else paid_at) is not None


class NotEnoughSetAside(ValueError):
    """A share costs more than what is set aside for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """Money that stands for an order: `used_minor` of it was taken, or is being taken."""

    payment_id: UUID
    amount_minor: int
    used_minor: int = 0

    @property
    def left_minor(self) -> int:
        """What may still be taken."""
        return self.amount_minor - self.used_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOrigin:
    """Where the money of a share comes from; the amounts sum to it."""

    gateway_minor: int
    stored: Mapping[UUID, int]

    @property
    def stored_minor(self) -> int:
        """What stored value pays of it."""
        return sum(self.stored.values())


def origin_of_share(
    share_minor: int, *, stored: Sequence[SetAside], gateway: SetAside | None
) -> ShareOrigin:
    """Take a share from stored value, in its order, then from the gateway.

    Raises:
        NotEnoughSetAside: all of it together holds less, or the share is negative.
    """
    left_minor = share_minor
    taken: dict[UUID, int] = {}
    for source in stored:
        part_minor = min(left_minor, source.left_minor)
        if part_minor > 0:
            taken[source.payment_id] = part_minor
            left_minor -= part_minor
    at_gateway = 0 if gateway is None else gateway.left_minor
    if not 0 <= left_minor <= at_gateway:
        raise NotEnoughSetAside(f"{share_minor} are due, {at_gateway} less than needed is left")
    return ShareOrigin(gateway_minor=left_minor, stored=taken)


class Watch(StrEnum):
    """What the time that an authorisation has left asks for."""

    NOTHING = "nothing"
    WARN = "warn"
    END = "end"


def watch(*, authorized_until: datetime, now: datetime) -> Watch:
    """What to do about money that is set aside until then."""
    if now >= authorized_until:
        return Watch.END
    return Watch.WARN if now >= authorized_until - WARN_BEFORE else Watch.NOTHING
