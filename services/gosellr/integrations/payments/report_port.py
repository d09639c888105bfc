"""What a payment gateway may tell besides: its movements by time, its chargebacks in a list, and
that nobody answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from gosellr.integrations.payments.port import (
    DisputeState,
    GatewayEvent,
    Outcome,
    PaymentGateway,
    TellsMovements,
)
from gosellr.utils.disputes import ChargebackStage
from gosellr.utils.lazy_dataclasses import dataclass


@runtime_checkable
class ListsByTime(TellsMovements, Protocol):
    """One whose list goes by time, and which may tell late: it is gone over once more."""

    def place_at(self, moment: datetime) -> str:
        """The cursor behind which everything from a moment on comes."""


@runtime_checkable
class HasAccount(Protocol):
    """A gateway over an account that its provider's reports name."""

    @property
    def account(self) -> str:
        """The provider's own name of the market's account."""


@runtime_checkable
class MayBeSilent(Protocol):
    """A gateway behind a fuse, which knows when asking is in vain."""

    @property
    def is_silent(self) -> bool:
        """Whether its provider gave no answer lately, so that nobody is let through just now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputedCharge:
    """A chargeback in a list: what the gateway calls it and its charge, and where it stands; of
    its stage and fee, what the list tells."""

    reference: str
    charge_reference: str
    state: DisputeState
    stage: ChargebackStage | None = None
    fee_minor: int | None = None


@runtime_checkable
class TellsDisputes(PaymentGateway, Protocol):
    """A gateway that lists its chargebacks, so that one whose report was lost is found."""

    async def disputed_since(self, moment: datetime) -> Sequence[DisputedCharge] | None:
        """Every chargeback opened since, the newest first; None for no answer."""

    async def attempt_of(self, *, gateway_reference: str) -> str | None:
        """See `DisputingGateway.attempt_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenBack:
    """What went back of a charge, or is on its way (`is_done` False); `refund_id` is our key of it
    where we asked for it, and `reference` the gateway's own name of it."""

    reference: str
    refund_id: str | None
    amount_minor: int
    currency: str
    is_done: bool


@runtime_checkable
class TellsRefunds(PaymentGateway, Protocol):
    """A gateway at which somebody else may give money back, and which tells of that too."""

    async def given_back(
        self, *, attempt_id: str, gateway_reference: str | None = None
    ) -> Sequence[GivenBack] | None:
        """All that went back of a charge, whoever sent it; None for no answer."""

    def read_again(self, body: bytes) -> GatewayEvent | None:
        """What a report says that was proven when it came in."""


@runtime_checkable
class AcceptsClaims(PaymentGateway, Protocol):
    """A gateway that can be told that nobody will argue, and pays the buyer at once."""

    async def accept_claim(self, *, reference: str) -> Outcome:
        """Gives in to a chargeback. Safe to repeat; declined where it is decided otherwise."""
