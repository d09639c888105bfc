"""What PayPal reports: its signature over the raw bytes, and the few kinds of events we use.

A report is believed only as a hint, so each is read no further than to know whom it is about.
"""

import base64
import binascii
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from gosellr.integrations.payments.paypal_amounts import from_money, from_paypal
from gosellr.integrations.payments.paypal_certificates import (
    CERTIFICATE_HEADER,
    ReportKey,
    header,
)
from gosellr.integrations.payments.paypal_dispute_answers import read_dispute
from gosellr.integrations.payments.port import (
    BadSignature,
    EventKind,
    GatewayEvent,
    MalformedEvent,
)
from gosellr.utils.paypal_movements import read_our_id

# PayPal sends a report again for three days, and may leave it the time it had first. A replay
# within them finds its id taken; older ones are refused.
OLDEST = timedelta(days=3, hours=1)
CLOCKS_APART = timedelta(minutes=5)
LARGEST_BODY_BYTES = 256 * 1024
ALGORITHM = "SHA256withRSA"

_ABOUT_ORDERS = {"CHECKOUT.ORDER.APPROVED": EventKind.PAYMENT_AUTHORIZED}
_ABOUT_MONEY = {
    "PAYMENT.AUTHORIZATION.CREATED": EventKind.PAYMENT_AUTHORIZED,
    "PAYMENT.AUTHORIZATION.VOIDED": EventKind.PAYMENT_VOIDED,
    "PAYMENT.CAPTURE.COMPLETED": EventKind.PAYMENT_CAPTURED,
    "PAYMENT.CAPTURE.DECLINED": EventKind.PAYMENT_DECLINED,
    "PAYMENT.CAPTURE.DENIED": EventKind.PAYMENT_DECLINED,
}
_ABOUT_REFUNDS = {
    "PAYMENT.CAPTURE.REFUNDED": EventKind.REFUND_SUCCEEDED,
    "PAYMENT.REFUND.FAILED": EventKind.REFUND_FAILED,
}
_ABOUT_TRANSFERS = frozenset(
    f"PAYMENT.PAYOUTS-ITEM.{what}"
    for what in (
        "BLOCKED", "CANCELED", "DENIED", "FAILED", "HELD", "REFUNDED", "RETURNED", "SUCCEEDED",
        "UNCLAIMED",
    )
)  # fmt: skip
_ABOUT_DISPUTES = frozenset(
    f"CUSTOMER.DISPUTE.{what}" for what in ("CREATED", "RESOLVED", "UPDATED")
)

EVENTS_USED = (
    *_ABOUT_ORDERS,
    *_ABOUT_MONEY,
    *_ABOUT_REFUNDS,
    *sorted(_ABOUT_TRANSFERS),
    *sorted(_ABOUT_DISPUTES),
)
"""What the webhook has to be subscribed to at PayPal."""


def verify(
    headers: Mapping[str, str],
    body: bytes,
    *,
    webhook_id: str,
    keys: Mapping[str, ReportKey],
    now: datetime,
) -> None:
    """Raises `BadSignature` unless PayPal signed these bytes for this webhook, lately."""
    if now.tzinfo is None:
        raise ValueError("now must know its time zone")
    if not webhook_id:
        raise BadSignature("no webhook id is set")
    if len(body) > LARGEST_BODY_BYTES:
        raise BadSignature("the body is larger than anything this gateway sends")
    if header(headers, "paypal-auth-algo") != ALGORITHM:
        raise BadSignature("signed in another way than this gateway signs")
    sent = header(headers, "paypal-transmission-time")
    if not now - OLDEST <= _moment(sent, now) <= now + CLOCKS_APART:
        raise BadSignature("the timestamp is missing or stale")
    known = keys.get(header(headers, CERTIFICATE_HEADER))
    if known is None or now >= known.good_until:
        raise BadSignature("its certificate isn't known to be this gateway's")
    transmission_id = header(headers, "paypal-transmission-id")
    signed = signed_text(transmission_id, sent, webhook_id, body)
    try:
        proof = base64.b64decode(header(headers, "paypal-transmission-sig"), validate=True)
        known.key.verify(proof, signed, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise BadSignature("the signature doesn't fit") from None


def signed_text(transmission_id: str, sent: str, webhook_id: str, body: bytes) -> bytes:
    """What PayPal signs: of the body its checksum, as a number."""
    return f"{transmission_id}|{sent}|{webhook_id}|{zlib.crc32(body)}".encode()


def read_event(body: bytes) -> GatewayEvent | None:
    """The event in a proven body; None where it is no business of ours.

    Raises `MalformedEvent` where the body is no event, or one of ours that can't be read.
    """
    try:
        event = orjson.loads(body)
        kind, subject = event["event_type"], event["resource"]
        moment = datetime.fromisoformat(event["create_time"])
        event_id = event["id"]
        if not isinstance(subject, dict) or not isinstance(event_id, str) or not moment.tzinfo:
            raise TypeError  # noqa: TRY301
        facts = _facts(kind, subject)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise MalformedEvent("the body is no event of PayPal's") from error
    if facts is None:
        # No news, or not ours: others may use the same account.
        return None
    return GatewayEvent(event_id=event_id, occurred_at=moment, **facts)


def _facts(kind: str, subject: dict[str, Any]) -> dict[str, Any] | None:
    """What else an event says; None for kinds that tell nothing that we act on.

    A capture that takes its time is asked after anyway, and what a bank takes back is told
    as a dispute.
    """
    if kind in _ABOUT_ORDERS:
        return _payment(_ABOUT_ORDERS[kind], subject["purchase_units"][0], subject["id"])
    if kind in _ABOUT_MONEY:
        return _payment(_ABOUT_MONEY[kind], subject, _order_id(subject))
    if kind in _ABOUT_REFUNDS:
        return _refund(_ABOUT_REFUNDS[kind], subject)
    if kind in _ABOUT_TRANSFERS:
        return _transfer(subject["payout_item"])
    if kind in _ABOUT_DISPUTES:
        return _dispute(subject)
    return None


def _payment(kind: EventKind, subject: dict[str, Any], order_id: str) -> dict[str, Any] | None:
    attempt_id, _ = read_our_id(subject.get("custom_id"))
    if not attempt_id:
        return None
    facts = _told(kind, attempt_id, attempt_id, money=from_money(subject["amount"]))
    declined = kind is EventKind.PAYMENT_DECLINED
    return facts | {
        "gateway_reference": order_id,
        "decline_code": "declined" if declined else None,
    }


def _refund(kind: EventKind, subject: dict[str, Any]) -> dict[str, Any] | None:
    attempt_id, refund_id = read_our_id(subject.get("custom_id"))
    if not refund_id:
        return None
    facts = _told(kind, attempt_id, refund_id, money=from_money(subject["amount"]))
    return facts | {"gateway_reference": _order_id(subject)}


def _transfer(item: dict[str, Any]) -> dict[str, Any] | None:
    transfer_id, _ = read_our_id(item.get("sender_item_id"))
    if not transfer_id:
        return None
    currency = item["amount"]["currency"]
    money = from_paypal(item["amount"]["value"], currency), currency
    return _told(EventKind.TRANSFER_CHANGED, transfer_id, transfer_id, money=money)


def _dispute(subject: dict[str, Any]) -> dict[str, Any] | None:
    """Whose it is, it says itself; where it doesn't, its own name has to do."""
    dispute = read_dispute(subject)
    if not dispute.took_money:
        return None
    kind = EventKind.DISPUTE_OPENED
    if dispute.lost_minor is not None:
        kind = EventKind.DISPUTE_LOST if dispute.lost_minor else EventKind.DISPUTE_WON
    money = dispute.amount_minor, dispute.currency
    return _told(kind, dispute.attempt_id, dispute.reference, money=money) | {
        "gateway_reference": "" if dispute.attempt_id else dispute.reference,
        "fee_minor": dispute.fee_minor,
        "decline_code": dispute.reason,
    }


def _told(
    kind: EventKind, attempt_id: str, movement_id: str, *, money: tuple[int, str]
) -> dict[str, Any]:
    return {
        "kind": kind,
        "attempt_id": attempt_id,
        "movement_id": movement_id,
        "gateway_reference": "",
        "amount_minor": money[0],
        "currency": money[1],
        "fee_minor": 0,
        "decline_code": None,
    }


def _order_id(subject: dict[str, Any]) -> str:
    related = (subject.get("supplementary_data") or {}).get("related_ids") or {}
    return str(related.get("order_id") or "")


def _moment(text: str, now: datetime) -> datetime:
    """A time as PayPal writes it; one long past where it can't be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        return now - 2 * OLDEST
    return moment
