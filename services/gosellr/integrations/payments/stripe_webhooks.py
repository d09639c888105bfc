"""What Stripe reports: its signature over the raw bytes, and the few kinds of events we use.

A report is believed only as a hint, so each is read no further than to know whom it is about.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from gosellr.integrations.payments import stripe_connect as connect
from gosellr.integrations.payments.port import (
    BadSignature,
    DisputeState,
    EventKind,
    GatewayEvent,
    MalformedEvent,
)
from gosellr.integrations.payments.stripe_amounts import from_stripe
from gosellr.integrations.payments.stripe_answers import (
    ATTEMPT,
    CAPTURE,
    HOSTED,
    REFUND,
    WAY,
    Found,
    read_intent,
    read_refund,
    read_session,
)
from gosellr.integrations.payments.stripe_disputes import read_dispute

HEADER = "stripe-signature"
TOLERANCE = timedelta(minutes=5)
LARGEST_BODY_BYTES = 256 * 1024
_MOST_PARTS = 20

_ABOUT_INTENTS = {
    "payment_intent.requires_action": EventKind.PAYMENT_ACTION_REQUIRED,
    "payment_intent.amount_capturable_updated": EventKind.PAYMENT_AUTHORIZED,
    "payment_intent.succeeded": EventKind.PAYMENT_CAPTURED,
    "payment_intent.payment_failed": EventKind.PAYMENT_DECLINED,
    "payment_intent.canceled": EventKind.PAYMENT_VOIDED,
}
_ABOUT_PAGES = {
    "checkout.session.completed": EventKind.PAYMENT_CAPTURED,
    "checkout.session.async_payment_succeeded": EventKind.PAYMENT_CAPTURED,
    "checkout.session.async_payment_failed": EventKind.PAYMENT_DECLINED,
    "checkout.session.expired": EventKind.PAYMENT_VOIDED,
}
_ABOUT_REFUNDS = frozenset(
    {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
)
# Of what isn't ours, only what is done: made in the dashboard, or by another program.
_ABOUT_CHARGES = frozenset({"charge.refunded"})
_REFUND_KINDS = {
    "succeeded": EventKind.REFUND_SUCCEEDED,
    "failed": EventKind.REFUND_FAILED,
    "canceled": EventKind.REFUND_FAILED,
}

_ABOUT_DISPUTES = frozenset(
    f"charge.dispute.{what}"
    for what in ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")
)
_DISPUTE_KINDS = {
    DisputeState.OPEN: EventKind.DISPUTE_OPENED,
    DisputeState.WON: EventKind.DISPUTE_WON,
    DisputeState.LOST: EventKind.DISPUTE_LOST,
}

EVENTS_USED = (
    *_ABOUT_INTENTS,
    *_ABOUT_PAGES,
    *sorted(_ABOUT_REFUNDS),
    *sorted(_ABOUT_CHARGES),
    *sorted(_ABOUT_DISPUTES),
    *connect.EVENTS_USED,
)
"""What the endpoint has to be subscribed to at Stripe."""

# On Stripe's page a declined card or a bank's question is the buyer's affair: the attempt goes on.
_NO_NEWS_OF_PAGES = frozenset({"payment_intent.requires_action", "payment_intent.payment_failed"})


def verify(
    headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], now: datetime
) -> None:
    """Raises `BadSignature` unless the body was signed with one of the secrets, lately."""
    if now.tzinfo is None:
        raise ValueError("now must know its time zone")
    if not secrets:
        raise BadSignature("no webhook secret is set")
    if len(body) > LARGEST_BODY_BYTES:
        raise BadSignature("the body is larger than anything this gateway sends")
    lowered = {name.lower(): value for name, value in headers.items()}
    timestamp, offered = _parts(lowered.get(HEADER, ""))
    if not timestamp or abs(int(timestamp) - now.timestamp()) > TOLERANCE.total_seconds():
        raise BadSignature("the timestamp is missing or stale")
    matches = 0
    # Every secret meets every signature, so that the time taken tells nothing.
    for secret in secrets:
        expected = signature(secret, timestamp, body).encode()
        for one in offered:
            matches += hmac.compare_digest(expected, one)
    if not matches:
        raise BadSignature("no signature fits")


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of version 1: HMAC-SHA256 with the whole printable secret as its key."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def read_event(body: bytes) -> GatewayEvent | None:
    """The event in a proven body; None where it is no business of ours.

    Raises `MalformedEvent` where the body is no event, or one of ours that can't be read.
    """
    try:
        event = orjson.loads(body)
        kind, subject = event["type"], event["data"]["object"]
        moment = datetime.fromtimestamp(event["created"], UTC)
        event_id = event["id"]
        if not isinstance(subject, dict) or not isinstance(event_id, str):
            raise TypeError  # noqa: TRY301
        if connect.is_about_connect(kind):
            return connect.read_event(event, subject, occurred_at=moment)
        metadata = subject.get("metadata") or {}
        # A dispute bears nothing of ours, nor does a refund that somebody else made: whose it is,
        # its payment says.
        if not metadata.get(ATTEMPT) and kind not in _ABOUT_DISPUTES | _ABOUT_REFUNDS:
            # Others may use the same account.
            return None
        facts = _facts(kind, subject, metadata)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise MalformedEvent("the body is no event of Stripe's") from error
    if facts is None:
        return None
    return GatewayEvent(
        event_id=event_id, attempt_id=metadata.get(ATTEMPT, ""), occurred_at=moment, **facts
    )


def _facts(
    kind: str, subject: dict[str, Any], metadata: Mapping[str, str]
) -> dict[str, Any] | None:
    """What else an event says; None for kinds that tell nothing new."""
    if kind in _ABOUT_INTENTS:
        if kind in _NO_NEWS_OF_PAGES and metadata.get(WAY) == HOSTED:
            return None
        return _intent_facts(_ABOUT_INTENTS[kind], subject)
    if kind in _ABOUT_PAGES:
        # Money that takes its time, or that is only set aside, is reported once more.
        if kind == "checkout.session.completed" and subject["payment_status"] == "unpaid":
            return None
        return _page_facts(_ABOUT_PAGES[kind], subject)
    if kind in _ABOUT_DISPUTES:
        return _dispute_facts(subject)
    return _refund_facts(kind, subject) if kind in _ABOUT_REFUNDS | _ABOUT_CHARGES else None


def _dispute_facts(subject: dict[str, Any]) -> dict[str, Any] | None:
    dispute = read_dispute(subject)
    intent_id = subject.get("payment_intent")
    if dispute is None or not isinstance(intent_id, str):
        return None
    return {
        "kind": _DISPUTE_KINDS[dispute.state],
        "movement_id": dispute.reference,
        "gateway_reference": intent_id,
        "amount_minor": dispute.amount_minor,
        "currency": dispute.currency,
        "fee_minor": dispute.fee_minor,
        "decline_code": dispute.reason,
    }


def _intent_facts(kind: EventKind, subject: dict[str, Any]) -> dict[str, Any]:
    intent = read_intent(subject)
    took = kind is EventKind.PAYMENT_CAPTURED
    return {
        "kind": kind,
        "movement_id": intent.metadata.get(CAPTURE) or intent.metadata[ATTEMPT],
        "gateway_reference": intent.id,
        "amount_minor": intent.captured_minor if took else intent.amount_minor,
        "currency": intent.currency,
        "fee_minor": 0,
        "decline_code": Found(intent=intent).decline_code,
    }


def _page_facts(kind: EventKind, subject: dict[str, Any]) -> dict[str, Any]:
    page = read_session(subject)
    return {
        "kind": kind,
        "movement_id": page.metadata[ATTEMPT],
        "gateway_reference": page.intent_id or page.id,
        "amount_minor": page.amount_minor,
        "currency": page.currency,
        "fee_minor": 0,
        "decline_code": None,
    }


def _refund_facts(kind_told: str, subject: dict[str, Any]) -> dict[str, Any] | None:
    if kind_told in _ABOUT_CHARGES:
        # It may be ours: then nothing went back that isn't known.
        return _elsewhere(subject, subject["amount_refunded"])
    refund = read_refund(subject)
    kind = _REFUND_KINDS.get(refund.status)
    intent_id = subject.get("payment_intent")
    if kind is EventKind.REFUND_SUCCEEDED and not refund.metadata.get(REFUND):
        return _elsewhere(subject, subject["amount"])
    if kind is None or not isinstance(intent_id, str) or not refund.metadata.get(REFUND):
        return None
    return {
        "kind": kind,
        "movement_id": refund.metadata[REFUND],
        "gateway_reference": intent_id,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "fee_minor": 0,
        "decline_code": refund.failure_reason,
    }


def _elsewhere(subject: dict[str, Any], amount: int) -> dict[str, Any] | None:
    """Money went back that nobody here sent."""
    intent_id = subject.get("payment_intent")
    if not isinstance(intent_id, str):
        return None
    currency = subject["currency"].upper()
    return {
        "kind": EventKind.REFUND_ELSEWHERE,
        "movement_id": subject["id"],
        "gateway_reference": intent_id,
        "amount_minor": from_stripe(amount, currency),
        "currency": currency,
        "fee_minor": 0,
        "decline_code": None,
    }


def _parts(header: str) -> tuple[str, list[bytes]]:
    """The timestamp and the signatures of version 1 in the header."""
    timestamp, offered = "", []
    for part in header.split(",")[:_MOST_PARTS]:
        name, _, value = part.strip().partition("=")
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= 12:
            timestamp = value
        elif name == "v1":
            offered.append(value.encode(errors="replace"))
    return timestamp, offered
