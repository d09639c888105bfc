"""The requests that change something at PayPal: bodies, keys, and what they tell of us.

A body depends on nothing but its request. PayPal answers a key that it has seen with its first
answer, whatever stands in the body now: so every answer is held against what was asked.
"""

from typing import Any

from gosellr.integrations.payments.paypal_amounts import to_money
from gosellr.integrations.payments.paypal_answers import AUTHORIZE, CAPTURE
from gosellr.integrations.payments.port import CaptureRequest, ChargeRequest, RefundRequest
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.paypal_movements import our_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One request that changes something; `key` is the same for ever."""

    what: str
    path: str
    method: str = "POST"
    body: Any = None
    key: str | None = None


def open_order(request: ChargeRequest, *, back: str, payee: str) -> Deed:
    """An order that waits for its buyer on PayPal's page. Raises `NotExpressible`."""
    unit: dict[str, Any] = {
        "amount": to_money(request.amount_minor, request.currency),
        "custom_id": our_id(request.attempt_id),
        # No two payments of one invoice: a second wall, where the account has it on.
        "invoice_id": request.attempt_id,
        "description": f"Order {request.reference}",
        "payee": {"merchant_id": payee},
    }
    body = {
        "intent": CAPTURE if request.capture else AUTHORIZE,
        "purchase_units": [unit],
        "payment_source": {
            "paypal": {
                "experience_context": {
                    "return_url": back,
                    "cancel_url": back,
                    "user_action": "PAY_NOW",
                    # The market knows where the goods go.
                    "shipping_preference": "NO_SHIPPING",
                    # Money that takes days would leave the order open for as long.
                    "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
                }
            }
        },
    }
    return Deed(
        what="new order", path="/v2/checkout/orders", body=body,
        key=_key("charge", request.attempt_id),
    )  # fmt: skip


def authorize_order(order_id: str, *, attempt_id: str) -> Deed:
    """Set aside what the buyer has said yes to."""
    return Deed(
        what="authorisation", path=f"/v2/checkout/orders/{order_id}/authorize",
        key=_key("authorize", attempt_id),
    )  # fmt: skip


def capture_order(order_id: str, *, request: CaptureRequest) -> Deed:
    """Take what the buyer has said yes to, all of it."""
    return Deed(
        what="capture", path=f"/v2/checkout/orders/{order_id}/capture",
        key=_key("capture", request.capture_id),
    )  # fmt: skip


def capture_authorization(authorization_id: str, *, request: CaptureRequest) -> Deed:
    """Take what was set aside, or a part; the rest goes back to the buyer.

    One of several bears its key as its invoice: by that it is found again. Raises
    `NotExpressible`.
    """
    body: dict[str, Any] = {
        "amount": to_money(request.amount_minor, request.currency),
        "final_capture": request.final,
    }
    if request.capture_id != request.attempt_id:
        body["invoice_id"] = request.capture_id
    return Deed(
        what="capture",
        path=f"/v2/payments/authorizations/{authorization_id}/capture",
        body=body,
        key=_key("capture", request.capture_id),
    )


def reauthorize(authorization_id: str, *, amount_minor: int, currency: str) -> Deed:
    """Set money aside anew. Raises `NotExpressible`."""
    return Deed(
        what="reauthorisation",
        path=f"/v2/payments/authorizations/{authorization_id}/reauthorize",
        body={"amount": to_money(amount_minor, currency)},
        # Once of each authorisation: the one that it makes has a name of its own.
        key=_key("reauthorize", authorization_id),
    )


def void_authorization(authorization_id: str) -> Deed:
    """Give back what was set aside. It can't be done twice, and needs no key."""
    return Deed(what="void", path=f"/v2/payments/authorizations/{authorization_id}/void")


def close_order(order_id: str, *, attempt_id: str, word: str) -> Deed:
    """Mark an order that is never to be captured: PayPal has no way to call one back."""
    change = {
        "op": "replace",
        "path": "/purchase_units/@reference_id=='default'/custom_id",
        "value": our_id(attempt_id, word),
    }
    return Deed(
        what="end of an order", path=f"/v2/checkout/orders/{order_id}", method="PATCH",
        body=[change],
    )  # fmt: skip


def refund_capture(capture_id: str, *, request: RefundRequest, nth: int = 0) -> Deed:
    """Give back a part of what was captured; `nth` counts the captures that one refund goes back
    through. Raises `NotExpressible`."""
    return Deed(
        what="refund",
        path=f"/v2/payments/captures/{capture_id}/refund",
        body={
            "amount": to_money(request.amount_minor, request.currency),
            "custom_id": our_id(request.attempt_id, request.refund_id),
        },
        key=_key("refund", f"{request.refund_id}-{nth}" if nth else request.refund_id),
    )


def _key(deed: str, identifier: str) -> str:
    return f"gosellr-{deed}-{identifier}"
