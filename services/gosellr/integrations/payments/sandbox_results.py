"""What stands in the sandbox gateway's journal, as the port says it."""

from datetime import datetime
from urllib.parse import quote

from gosellr.integrations.payments.port import (
    ChargeResult,
    MovementResult,
    Outcome,
    PaymentState,
)
from gosellr.integrations.payments.results import OUTCOMES
from gosellr.integrations.payments.sandbox_script import TOKENS
from gosellr.integrations.payments.sandbox_store import Charge, Movement


def action_path(attempt_id: str) -> str:
    """The path of the page on which the buyer of this attempt says yes or no."""
    return f"/sandbox/pay/{quote(attempt_id, safe='')}"


def charge_result(charge: Charge, *, until: datetime, now: datetime) -> ChargeResult:
    """Where a charge stands; what was set aside `until` then is void behind that."""
    state = charge.state
    if state is PaymentState.AUTHORIZED and now >= until:
        state = PaymentState.CAPTURED if charge.captured_minor else PaymentState.VOIDED
    needs_action = state is PaymentState.ACTION_REQUIRED
    is_aside = state is PaymentState.AUTHORIZED
    return ChargeResult(
        outcome=OUTCOMES[state],
        state=state,
        attempt_id=charge.attempt_id,
        gateway_reference=charge.gateway_reference,
        amount_minor=charge.amount_minor,
        captured_minor=charge.captured_minor,
        refunded_minor=charge.refunded_minor,
        currency=charge.currency,
        fee_minor=charge.fee_minor,
        decline_code="voided" if state is PaymentState.VOIDED else charge.decline_code,
        action_url=action_path(charge.attempt_id) if needs_action else None,
        authorized_until=until if is_aside else None,
        captures_many=is_aside and TOKENS[charge.token].captures_many,
    )


def movement_result(charge: Charge, movement: Movement) -> MovementResult:
    """What became of a movement."""
    return MovementResult(
        outcome=movement.outcome,
        state=charge.state,
        movement_id=movement.movement_id,
        gateway_reference=charge.gateway_reference,
        amount_minor=movement.amount_minor if movement.outcome is Outcome.ACCEPTED else 0,
        currency=movement.currency,
        fee_minor=movement.fee_minor,
        decline_code=movement.decline_code,
    )
