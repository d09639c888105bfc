"""The requests that change something at Stripe: bodies, keys, and what they tell of us.

A body depends on nothing but its request, so that the same request is the same body whenever and
wherever it is sent: Stripe refuses a key that comes with another.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

import stripe

from gosellr.integrations.payments.port import CaptureRequest, ChargeRequest, RefundRequest
from gosellr.integrations.payments.stripe_answers import (
    ATTEMPT,
    CAPTURE,
    HOSTED,
    ORDER,
    REFUND,
    WAY,
    part_of_capture,
)
from gosellr.integrations.payments.stripe_finder import INTENT_WITH, SESSION_WITH

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCaptureParams, PaymentIntentCreateParams
    from stripe.params.checkout import SessionCreateParams

Send = Callable[[stripe.StripeClient], Awaitable[stripe.StripeObject]]

_LINE = "Your order"


def open_page(
    request: ChargeRequest, *, amount: int, back: str, payment_methods: tuple[str, ...]
) -> Send:
    """A page of Stripe's on which the buyer pays this amount, or sets it aside."""
    metadata = {ATTEMPT: request.attempt_id, ORDER: request.reference, WAY: HOSTED}
    params: SessionCreateParams = {
        "mode": "payment",
        "client_reference_id": request.attempt_id,
        "success_url": back,
        "cancel_url": back,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency.lower(),
                    "unit_amount": amount,
                    "product_data": {"name": _LINE},
                },
            }
        ],
        # Nobody pays in another currency than the order has.
        "adaptive_pricing": {"enabled": False},
        "metadata": metadata,
        "payment_intent_data": {
            "capture_method": _capture_method(request),
            "description": _description(request),
            "metadata": metadata,
        },
        "expand": SESSION_WITH,
    }
    if payment_methods:
        params["allowed_payment_method_types"] = list(payment_methods)
    if not request.capture:
        # Piece by piece, where the card and the account allow it.
        params["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
    key = _key("charge", request.attempt_id)
    return lambda client: client.v1.checkout.sessions.create_async(params, key)


def confirm_intent(
    request: ChargeRequest, *, amount: int, back: str, payment_methods: tuple[str, ...]
) -> Send:
    """A charge of a payment method that the buyer has given to Stripe already."""
    params: PaymentIntentCreateParams = {
        "amount": amount,
        "currency": request.currency.lower(),
        "payment_method": request.token,
        "confirm": True,
        "capture_method": _capture_method(request),
        "return_url": back,
        "description": _description(request),
        "metadata": {ATTEMPT: request.attempt_id, ORDER: request.reference},
        "expand": INTENT_WITH,
    }
    if payment_methods:
        params["allowed_payment_method_types"] = list(payment_methods)
    if not request.capture:
        params["payment_method_options"] = {"card": {"request_multicapture": "if_available"}}
    key = _key("charge", request.attempt_id)
    return lambda client: client.v1.payment_intents.create_async(params, key)


def capture_intent(request: CaptureRequest, *, intent_id: str, amount: int, is_only: bool) -> Send:
    """Take what was set aside; after a final capture the rest goes back to the buyer.

    One of several says what it took beside its key: the payment itself tells but their sum.
    """
    key = _key("capture", request.capture_id)
    params: PaymentIntentCaptureParams = {
        "amount_to_capture": amount,
        "metadata": {CAPTURE: request.capture_id}
        if is_only
        else {part_of_capture(request.capture_id): str(request.amount_minor)},
        "expand": INTENT_WITH,
    }
    if not request.final:
        params["final_capture"] = False
    return lambda client: client.v1.payment_intents.capture_async(intent_id, params, key)


def cancel_intent(intent_id: str, *, attempt_id: str, status: str) -> Send:
    """Give back what was set aside.

    Stripe keeps a no under its key as well: what couldn't be cancelled while it was being
    worked on may be in its next `status`.
    """
    key = _key(f"void-{status}", attempt_id)
    return lambda client: client.v1.payment_intents.cancel_async(
        intent_id, {"cancellation_reason": "abandoned", "expand": INTENT_WITH}, key
    )


def expire_page(session_id: str, *, attempt_id: str) -> Send:
    """Close a page."""
    key = _key("expire", attempt_id)
    return lambda client: client.v1.checkout.sessions.expire_async(
        session_id, {"expand": SESSION_WITH}, key
    )


def refund_intent(request: RefundRequest, *, intent_id: str, amount: int) -> Send:
    """Give back a part of what was captured."""
    key = _key("refund", request.refund_id)
    return lambda client: client.v1.refunds.create_async(
        {
            "payment_intent": intent_id,
            "amount": amount,
            "metadata": {ATTEMPT: request.attempt_id, REFUND: request.refund_id},
        },
        key,
    )


def _capture_method(request: ChargeRequest) -> Literal["automatic", "manual"]:
    # Stripe's default captures a little later, and then its fee isn't in the answer.
    return "automatic" if request.capture else "manual"


def _description(request: ChargeRequest) -> str:
    return f"Order {request.reference}"


def _key(deed: str, identifier: str) -> stripe.RequestOptions:
    return {"idempotency_key": f"gosellr-{deed}-{identifier}"}
