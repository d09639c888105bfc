"""What a payment gateway may tell besides: its movements by time, and its chargebacks in a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from gosellr.integrations.payments.port import (
    DisputeState,
    Outcome,
    PaymentGateway,
    TellsMovements,
)


@runtime_checkable
class ListsByTime(TellsMovements, Protocol):
    """One whose list goes by time, and which may tell late: it is gone over once more."""

    def place_at(self, moment: datetime) -> str:
        """The cursor behind which everything from a moment on comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedCharge:
    """A chargeback in a list: what the gateway calls it and its charge, and where it stands."""

    reference: str
    charge_reference: str
    state: DisputeState


@runtime_checkable
class TellsDisputes(PaymentGateway, Protocol):
    """A gateway that lists its chargebacks, so that one whose report was lost is found."""

    async def disputed_since(self, moment: datetime) -> Sequence[DisputedCharge] | None:
        """Every chargeback opened since, the newest first; None for no answer."""

    async def attempt_of(self, *, gateway_reference: str) -> str | None:
        """See `DisputingGateway.attempt_of`."""


@runtime_checkable
class AcceptsClaims(PaymentGateway, Protocol):
    """A gateway that can be told that nobody will argue, and pays the buyer at once."""

    async def accept_claim(self, *, reference: str) -> Outcome:
        """Gives in to a chargeback. Safe to repeat; declined where it is decided otherwise."""
