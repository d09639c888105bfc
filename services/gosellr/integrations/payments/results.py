"""Answers where there is no charge to speak of, the same of every gateway."""

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
