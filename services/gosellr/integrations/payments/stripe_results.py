"""What was found at Stripe, as the port says it."""

from gosellr.integrations.payments.port import ChargeResult
from gosellr.integrations.payments.results import OUTCOMES
from gosellr.integrations.payments.stripe_answers import Found


def charge_result(attempt_id: str, found: Found) -> ChargeResult:
    """Where a charge stands."""
    intent = found.intent
    return ChargeResult(
        outcome=OUTCOMES[found.state],
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
