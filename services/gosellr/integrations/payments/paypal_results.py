"""What was found at PayPal, as the port says it."""

from gosellr.integrations.payments.paypal_answers import Order, Refund
from gosellr.integrations.payments.port import (
    ChargeResult,
    MovementResult,
    Outcome,
    PaymentState,
)

_OUTCOMES = {
    PaymentState.ACTION_REQUIRED: Outcome.ACTION_REQUIRED,
    PaymentState.AUTHORIZED: Outcome.ACCEPTED,
    PaymentState.CAPTURED: Outcome.ACCEPTED,
    PaymentState.DECLINED: Outcome.DECLINED,
    PaymentState.VOIDED: Outcome.DECLINED,
    PaymentState.UNKNOWN: Outcome.UNKNOWN,
}
_REFUND_OUTCOMES = {
    "COMPLETED": Outcome.ACCEPTED,
    "FAILED": Outcome.DECLINED,
    "CANCELLED": Outcome.DECLINED,
}


def charge_result(attempt_id: str, order: Order, *, code: str | None = None) -> ChargeResult:
    """Where a charge stands; `code` says more of a decline than the order itself."""
    state = order.state
    return ChargeResult(
        outcome=_OUTCOMES[state],
        state=state,
        attempt_id=attempt_id,
        gateway_reference=order.id,
        amount_minor=order.amount_minor,
        captured_minor=order.captured_minor,
        refunded_minor=order.refunded_minor,
        currency=order.currency,
        fee_minor=order.fee_minor,
        decline_code=order.decline_code and (code or order.decline_code),
        action_url=order.action_url if state is PaymentState.ACTION_REQUIRED else None,
    )


def moved(
    movement_id: str, order: Order, *, amount_minor: int, fee_minor: int = 0
) -> MovementResult:
    """A movement that came about."""
    return MovementResult(
        outcome=Outcome.ACCEPTED,
        state=order.state,
        movement_id=movement_id,
        gateway_reference=order.id,
        amount_minor=amount_minor,
        currency=order.currency,
        fee_minor=fee_minor,
    )


def declined_movement(movement_id: str, order: Order, *, code: str) -> MovementResult:
    """A movement that didn't, and why; where the charge couldn't be told, that stays open."""
    unknown = order.state is PaymentState.UNKNOWN
    return MovementResult(
        outcome=Outcome.UNKNOWN if unknown else Outcome.DECLINED,
        state=order.state,
        movement_id=movement_id,
        gateway_reference=order.id,
        amount_minor=0,
        currency=order.currency,
        decline_code=None if unknown else code,
    )


def refunded(refund_id: str, order: Order, made: Refund) -> MovementResult:
    """Where a refund stands; an eCheck takes its time."""
    outcome = _REFUND_OUTCOMES.get(made.status, Outcome.UNKNOWN)
    declined = outcome is Outcome.DECLINED
    return MovementResult(
        outcome=outcome,
        state=order.state,
        movement_id=refund_id,
        gateway_reference=made.id,
        amount_minor=made.amount_minor if outcome is Outcome.ACCEPTED else 0,
        currency=made.currency,
        decline_code=(made.reason or made.status).lower() if declined else None,
    )
