"""Answers that are the same of every gateway: of movements, and where there is no charge."""

from collections.abc import Mapping
from typing import Final, Protocol

from gosellr.integrations.payments.port import (
    ChargeRequest,
    ChargeResult,
    MovementResult,
    Outcome,
    PaymentState,
)

_STATES = {
    Outcome.NOT_FOUND: PaymentState.ABSENT,
    Outcome.DECLINED: PaymentState.DECLINED,
}
_KEY_REUSED = "idempotency_key_reused"

OUTCOMES: Final[Mapping[PaymentState, Outcome]] = {
    PaymentState.ACTION_REQUIRED: Outcome.ACTION_REQUIRED,
    PaymentState.AUTHORIZED: Outcome.ACCEPTED,
    PaymentState.CAPTURED: Outcome.ACCEPTED,
    PaymentState.DECLINED: Outcome.DECLINED,
    PaymentState.VOIDED: Outcome.DECLINED,
    PaymentState.UNKNOWN: Outcome.UNKNOWN,
}
"""What it means to whoever asked for a charge that it stands so."""


def without_charge(
    outcome: Outcome,
    attempt_id: str,
    *,
    request: ChargeRequest | None = None,
    code: str | None = None,
) -> ChargeResult:
    """The answer where there is no charge to speak of."""
    return ChargeResult(
        outcome=outcome,
        state=_STATES.get(outcome, PaymentState.UNKNOWN),
        attempt_id=attempt_id,
        gateway_reference=None,
        amount_minor=0 if request is None else request.amount_minor,
        captured_minor=0,
        refunded_minor=0,
        currency=None if request is None else request.currency,
        fee_minor=0,
        decline_code=_KEY_REUSED if outcome is Outcome.REFUSED else code,
    )


def without_movement(
    outcome: Outcome, movement_id: str, currency: str | None = None
) -> MovementResult:
    """The answer where there is no charge to speak of."""
    return MovementResult(
        outcome=outcome,
        state=_STATES.get(outcome, PaymentState.UNKNOWN),
        movement_id=movement_id,
        gateway_reference=None,
        amount_minor=0,
        currency=currency,
        decline_code=_KEY_REUSED if outcome is Outcome.REFUSED else None,
    )


class Standing(Protocol):
    """A charge as its gateway was found to have it."""

    @property
    def state(self) -> PaymentState:
        """Where it stands."""

    @property
    def reference(self) -> str:
        """The gateway's own name of it."""

    @property
    def currency(self) -> str:
        """In which currency it is."""


def moved(
    movement_id: str,
    charge: Standing,
    *,
    amount_minor: int,
    fee_minor: int = 0,
    fee_total_minor: int | None = None,
) -> MovementResult:
    """A movement that came about."""
    return MovementResult(
        outcome=Outcome.ACCEPTED,
        state=charge.state,
        movement_id=movement_id,
        gateway_reference=charge.reference,
        amount_minor=amount_minor,
        currency=charge.currency,
        fee_minor=fee_minor,
        fee_total_minor=fee_total_minor,
    )


def declined_movement(movement_id: str, charge: Standing, *, code: str) -> MovementResult:
    """A movement that didn't, and why; where the charge couldn't be told, that stays open."""
    unknown = charge.state is PaymentState.UNKNOWN
    return MovementResult(
        outcome=Outcome.UNKNOWN if unknown else Outcome.DECLINED,
        state=charge.state,
        movement_id=movement_id,
        gateway_reference=charge.reference,
        amount_minor=0,
        currency=charge.currency,
        decline_code=None if unknown else code,
    )
