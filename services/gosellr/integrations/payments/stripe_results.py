"""What was found at Stripe, as the port says it."""

from gosellr.integrations.payments.port import ChargeResult, Outcome, PaymentState
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
        authorized_until=None if intent is None else intent.capture_before,
        captures_many=intent is not None and intent.captures_many,
    )
