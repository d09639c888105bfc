"""What was found at PayPal, as the port says it."""

from collections.abc import Sequence

from gosellr.integrations.payments.paypal_answers import AUTHORIZE, Order, Refund
from gosellr.integrations.payments.port import (
    ChargeResult,
    MovementResult,
    Outcome,
    PaymentState,
)
from gosellr.integrations.payments.results import OUTCOMES
from gosellr.utils.lazy_dataclasses import replace

_REFUND_OUTCOMES = {
    "COMPLETED": Outcome.ACCEPTED,
    "FAILED": Outcome.DECLINED,
    "CANCELLED": Outcome.DECLINED,
}


def charge_result(attempt_id: str, order: Order, *, code: str | None = None) -> ChargeResult:
    """Where a charge stands; `code` says more of a decline than the order itself."""
    state = order.state
    return ChargeResult(
        outcome=OUTCOMES[state],
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
        authorized_until=order.authorized_until,
        captures_many=order.intent == AUTHORIZE,
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


def refunded_in_parts(refund_id: str, order: Order, made: Sequence[Refund]) -> MovementResult:
    """Where a refund stands that went back through several captures; it is done when all are."""
    worst = next((one for one in made if one.status != "COMPLETED"), made[0])
    told = refunded(refund_id, order, worst)
    if told.outcome is not Outcome.ACCEPTED:
        return told
    return replace(told, amount_minor=sum(one.amount_minor for one in made))
