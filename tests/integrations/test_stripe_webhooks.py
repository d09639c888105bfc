"""Stripe's reports: who is believed, what each kind means, and what is no news here."""

import json
from datetime import timedelta
from typing import Any

import pytest
import stripe

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments import stripe_webhooks
from gosellr.integrations.payments.port import (
    BadSignature,
    CaptureRequest,
    ChargeRequest,
    EventKind,
    GatewayEvent,
    MalformedEvent,
    RefundRequest,
)
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from tests.integrations.conftest import NOON
from tests.integrations.stripe_api.account import ASKS_BUYER, DECLINED, GOOD
from tests.integrations.stripe_api.server import SECRET, FakeStripe


def ask(token: str = "", **more: Any) -> ChargeRequest:
    return ChargeRequest(
        attempt_id="attempt-1", amount_minor=1_000, currency="EUR", token=token,
        reference="order-1", **more,
    )  # fmt: skip


def heard(gateway: StripeGateway, server: FakeStripe) -> list[tuple[str, GatewayEvent | None]]:
    return [
        (kind, gateway.parse_webhook(headers, body, NOON))
        for kind, headers, body in server.deliveries()
    ]


def kinds(gateway: StripeGateway, server: FakeStripe) -> list[tuple[str, EventKind | None]]:
    return [(kind, event and event.kind) for kind, event in heard(gateway, server)]


async def test_a_page_that_is_paid_is_reported_twice_over(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    await stripe_gateway.charge(ask())
    [page] = stripe_server.account.sessions.values()
    stripe_server.account.pay_page(page, DECLINED)
    stripe_server.account.pay_page(page)
    assert kinds(stripe_gateway, stripe_server) == [
        # A declined card on the page is the buyer's affair.
        ("payment_intent.payment_failed", None),
        ("payment_intent.succeeded", EventKind.PAYMENT_CAPTURED),
        ("checkout.session.completed", EventKind.PAYMENT_CAPTURED),
    ]
    [intent_id] = stripe_server.account.intents
    _, _, (_, event) = heard(stripe_gateway, stripe_server)
    assert event is not None
    assert event == GatewayEvent(
        event_id=stripe_server.account.events[2]["id"],
        kind=EventKind.PAYMENT_CAPTURED,
        attempt_id="attempt-1",
        movement_id="attempt-1",
        gateway_reference=intent_id,
        amount_minor=1_000,
        currency="EUR",
        fee_minor=0,
        decline_code=None,
        occurred_at=NOON,
    )


async def test_a_report_tells_where_to_look(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock
) -> None:
    await stripe_gateway.charge(ask(GOOD))
    heard(stripe_gateway, stripe_server)
    stripe_server.sent.clear()
    await stripe_gateway.lookup(attempt_id="attempt-1")
    assert stripe_server.operations == ["get /v1/payment_intents/{intent}"]


@pytest.mark.parametrize(
    ("token", "approve", "expected"),
    [
        (DECLINED, None, [EventKind.PAYMENT_DECLINED]),
        (ASKS_BUYER, True, [EventKind.PAYMENT_ACTION_REQUIRED, EventKind.PAYMENT_CAPTURED]),
        (ASKS_BUYER, False, [EventKind.PAYMENT_ACTION_REQUIRED, EventKind.PAYMENT_DECLINED]),
    ],
)
async def test_each_state_of_a_card_is_reported(
    *,
    stripe_gateway: StripeGateway,
    stripe_server: FakeStripe,
    token: str,
    approve: bool | None,
    expected: list[EventKind],
) -> None:
    await stripe_gateway.charge(ask(token))
    if approve is not None:
        [intent] = stripe_server.account.intents.values()
        stripe_server.account.answer_bank(intent, approve=approve)
    assert [kind for _, kind in kinds(stripe_gateway, stripe_server)] == expected


async def test_captures_voids_and_refunds_are_reported_under_their_keys(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    await stripe_gateway.charge(ask(GOOD, capture=False))
    await stripe_gateway.capture(
        CaptureRequest(capture_id="c", attempt_id="attempt-1", amount_minor=900, currency="EUR")
    )
    stripe_server.account.refund_status = "pending"
    await stripe_gateway.refund(
        RefundRequest(refund_id="r", attempt_id="attempt-1", amount_minor=100, currency="EUR")
    )
    [refund] = stripe_server.account.refunds.values()
    stripe_server.account.finish_refund(refund, "failed")
    told = [
        event and (event.kind, event.movement_id, event.amount_minor, event.decline_code)
        for _, event in heard(stripe_gateway, stripe_server)
    ]
    assert told == [
        (EventKind.PAYMENT_AUTHORIZED, "attempt-1", 1_000, None),
        (EventKind.PAYMENT_CAPTURED, "c", 900, None),
        None,
        (EventKind.REFUND_FAILED, "r", 100, "lost_or_stolen_card"),
    ]


def signed(event: Any, *, secrets: tuple[str, ...] = (SECRET,)) -> tuple[dict[str, str], bytes]:
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    timestamp = str(int(NOON.timestamp()))
    proofs = [f"v1={stripe_webhooks.signature(one, timestamp, body)}" for one in secrets]
    return {"stripe-signature": ",".join([f"t={timestamp}", *proofs])}, body


@pytest.mark.parametrize(
    "kind", ["charge.dispute.closing", "payout.paid", "payment_intent.created"]
)
def test_other_kinds_are_taken_and_mean_nothing(stripe_gateway: StripeGateway, kind: str) -> None:
    subject = {"id": "x", "metadata": {"gosellr_attempt": "attempt-1"}}
    event = {"id": "evt_1", "type": kind, "created": 1, "data": {"object": subject}}
    assert stripe_gateway.parse_webhook(*signed(event), NOON) is None


def test_another_shop_s_payments_are_none_of_ours(stripe_gateway: StripeGateway) -> None:
    subject = {"id": "pi_1", "status": "succeeded", "metadata": {"order": "7"}}
    event = {
        "id": "evt_1", "type": "payment_intent.succeeded", "created": 1,
        "data": {"object": subject},
    }  # fmt: skip
    assert stripe_gateway.parse_webhook(*signed(event), NOON) is None


@pytest.mark.parametrize(
    "event",
    [
        b"", b"{", b"[]", b"null", b'"x"', b'{"id": "evt_1"}',
        {"id": "evt_1", "type": "payment_intent.succeeded", "created": 1, "data": {"object": []}},
        {"id": 7, "type": "payment_intent.succeeded", "created": 1, "data": {"object": {}}},
        {"id": "evt_1", "type": "payout.paid", "created": 1e99, "data": {"object": {}}},
        {
            "id": "evt_1", "type": "payment_intent.succeeded", "created": 1,
            "data": {"object": {"metadata": {"gosellr_attempt": "a"}, "amount": "many"}},
        },
    ],
)  # fmt: skip
def test_a_proven_body_that_can_t_be_read_is_malformed(
    stripe_gateway: StripeGateway, event: Any
) -> None:
    with pytest.raises(MalformedEvent):
        stripe_gateway.parse_webhook(*signed(event), NOON)


EVENT = {"id": "evt_1", "type": "payout.paid", "created": 1, "data": {"object": {}}}


@pytest.mark.case(33)
@pytest.mark.parametrize(
    "header",
    [
        "", "t=,v1=", "v1=abc", "t=1772452800", "t=1772452800,v0={right}", "t=x,v1={right}",
        "t=1772452800,v1={wrong}", "t=1772452800,v1=ü", "t=-1,v1={right}",
        "t=1772452800 v1={right}",
    ],
)  # fmt: skip
def test_case_33_without_the_right_signature_nothing_is_read(
    stripe_gateway: StripeGateway, header: str
) -> None:
    headers, body = signed(EVENT)
    right = headers["stripe-signature"].partition("v1=")[2]
    written = header.format(right=right, wrong=right[::-1])
    with pytest.raises(BadSignature):
        stripe_gateway.parse_webhook({"Stripe-Signature": written}, body, NOON)


@pytest.mark.case(33)
def test_case_33_old_future_and_changed_bodies_are_refused(stripe_gateway: StripeGateway) -> None:
    headers, body = signed(EVENT)
    assert int(NOON.timestamp()) == 1_772_452_800
    assert stripe_gateway.parse_webhook(headers, body, NOON + timedelta(minutes=5)) is None
    for now in (NOON + timedelta(seconds=301), NOON - timedelta(seconds=301)):
        with pytest.raises(BadSignature):
            stripe_gateway.parse_webhook(headers, body, now)
    with pytest.raises(BadSignature):
        stripe_gateway.parse_webhook(headers, body + b" ", NOON)
    with pytest.raises(BadSignature):
        stripe_gateway.parse_webhook(*signed(b" " * (256 * 1024 + 1)), NOON)
    with pytest.raises(ValueError, match="time zone"):
        stripe_gateway.parse_webhook(headers, body, NOON.replace(tzinfo=None))


def test_a_secret_is_changed_without_a_gap() -> None:
    old, new, other = "whsec_old", "whsec_new", "whsec_other"
    for secrets, signers, is_proven in [
        ((old, new), (old,), True),
        ((old, new), (new,), True),
        ((new,), (old, new), True),
        ((new,), (old,), False),
        ((old, new), (other,), False),
        ((), (new,), False),
    ]:
        headers, body = signed(EVENT, secrets=signers)
        try:
            stripe_webhooks.verify(headers, body, secrets=secrets, now=NOON)
        except BadSignature:
            assert not is_proven
        else:
            assert is_proven


def test_a_signature_of_stripe_s_own_example_fits() -> None:
    """As Stripe's library signs."""
    body = json.dumps(EVENT)
    timestamp = int(NOON.timestamp())
    theirs = stripe.WebhookSignature._compute_signature(f"{timestamp}.{body}", SECRET)
    assert stripe_webhooks.signature(SECRET, str(timestamp), body.encode()) == theirs


@pytest.mark.parametrize("kind", ["refund.created", "refund.updated", "charge.refunded"])
def test_a_refund_that_somebody_else_made_is_heard(
    stripe_gateway: StripeGateway, kind: str
) -> None:
    subject: dict[str, Any] = {
        "id": "x_1", "object": "refund", "payment_intent": "pi_1", "currency": "eur",
        "amount": 700, "status": "succeeded", "metadata": {},
    }  # fmt: skip
    if kind == "charge.refunded":
        subject |= {
            "amount": 9_000,
            "amount_refunded": 700,
            "metadata": {"gosellr_attempt": "attempt-1"},
        }
    event = {"id": "evt_1", "type": kind, "created": 1, "data": {"object": subject}}
    heard = stripe_gateway.parse_webhook(*signed(event), NOON)
    assert heard is not None
    assert (heard.kind, heard.movement_id, heard.gateway_reference, heard.amount_minor) == (
        EventKind.REFUND_ELSEWHERE, "x_1", "pi_1", 700,
    )  # fmt: skip
    assert heard.attempt_id == ("attempt-1" if kind == "charge.refunded" else "")
    for wrong in ({"payment_intent": None}, {"status": "pending"}):
        if kind != "charge.refunded":
            other = {**event, "data": {"object": subject | wrong}}
            assert stripe_gateway.parse_webhook(*signed(other), NOON) is None
