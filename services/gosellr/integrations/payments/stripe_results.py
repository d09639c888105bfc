"""What was found at Stripe, as the port says it."""

from gosellr.integrations.payments.port import (
    ChargeResult,
    MovementResult,
    Outcome,
    PaymentState,
)
from gosellr.integrations.payments.stripe_answers import Found

_OUTCOMES = {
    PaymentState.ACTION_REQUIRED: Outcome.ACTION_REQUIRED,
    PaymentState.AUTHORIZED: Outcome.ACCEPTED,
    PaymentState.CAPTURED: Outcome.ACCEPTED,
    PaymentState.DECLINED: Outcome.DECLINED,
    PaymentState.VOIDED: Outcome.DECLINED,
    PaymentState.UNKNOWN: Outcome.UNKNOWN,
}


def charge_result(attempt_id: str, found: Found) -> ChargeResult:
    """Where a charge stands."""
    intent = found.intent
    return ChargeResult(
        outcome=_OUTCOMES[found.state],
        state=found.state,
        attempt_id=attempt_id,
        gateway_reference=found.reference,
        amount_minor=found.amount_minor,
        captured_minor=0 if intent is None else intent.captured_minor,
        refunded_minor=0 if intent is None else intent.refunded_minor,
        currency=found.currency,
        fee_minor=0 if intent is None else intent.fee_minor,
        decline_code=found.decline_code,
        action_url=found.action_url,
    )


def moved(
    movement_id: str, found: Found, *, amount_minor: int, fee_minor: int = 0
) -> MovementResult:
    """A movement that came about."""
    return MovementResult(
        outcome=Outcome.ACCEPTED,
        state=found.state,
        movement_id=movement_id,
        gateway_reference=found.reference,
        amount_minor=amount_minor,
        currency=found.currency,
        fee_minor=fee_minor,
    )


def declined_movement(movement_id: str, found: Found, *, code: str) -> MovementResult:
    """A movement that didn't, and why; where the charge couldn't be told, that stays open."""
    unknown = found.state is PaymentState.UNKNOWN
    return MovementResult(
        outcome=Outcome.UNKNOWN if unknown else Outcome.DECLINED,
        state=found.state,
        movement_id=movement_id,
        gateway_reference=found.reference,
        amount_minor=0,
        currency=found.currency,
        decline_code=None if unknown else code,
    )
