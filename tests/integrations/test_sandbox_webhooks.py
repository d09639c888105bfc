"""Webhooks of the sandbox: who may send them, what they say, and how they go astray."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments import signatures
from gosellr.integrations.payments.port import (
    BadSignature,
    ChargeRequest,
    EventKind,
    GatewayEvent,
    MalformedEvent,
    RefundRequest,
)
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_script import SandboxScript
from gosellr.integrations.payments.sandbox_store import reference_of
from gosellr.integrations.payments.sandbox_webhooks import WebhookDelivery

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
OLD, NEW, FOREIGN = (signatures.new_secret() for _ in range(3))


def charge_of(
    attempt_id: str,
    token: str = "tok_ok",
    *,
    capture: bool = True,
) -> ChargeRequest:
    return ChargeRequest(
        attempt_id=attempt_id,
        amount_minor=1_999,
        currency="EUR",
        token=token,
        reference="order-1",
        capture=capture,
    )


async def one_delivery(gateway: SandboxGateway) -> WebhookDelivery:
    await gateway.charge(charge_of("attempt-1"))
    (delivery,) = await gateway.pending_webhooks()
    return delivery


def build(
    home: Path,
    *,
    secrets: tuple[str, ...] | None = None,
    script: SandboxScript | None = None,
    clock: ManualClock | None = None,
) -> SandboxGateway:
    return SandboxGateway(
        home,
        production=False,
        webhook_secrets=secrets,
        script=script,
        clock=clock or ManualClock(NOON),
    )


async def test_an_event_says_what_happened(gateway: SandboxGateway) -> None:
    delivery = await one_delivery(gateway)
    assert gateway.parse_webhook(delivery.headers, delivery.body, NOON) == GatewayEvent(
        event_id=delivery.event_id,
        kind=EventKind.PAYMENT_CAPTURED,
        attempt_id="attempt-1",
        movement_id="attempt-1",
        gateway_reference=reference_of("attempt-1"),
        amount_minor=1_999,
        currency="EUR",
        fee_minor=0,
        decline_code=None,
        occurred_at=NOON,
    )


async def test_every_change_is_reported_once_and_repetition_is_silent(
    gateway: SandboxGateway,
) -> None:
    for _ in range(2):
        await gateway.charge(charge_of("a", capture=False))
        await gateway.void(attempt_id="a")
        await gateway.charge(charge_of("b", "tok_timeout_then_declined"))
        await gateway.charge(charge_of("c", "tok_requires_action"))
        await gateway.complete_action(attempt_id="c", approve=True)
        for refund_id, amount_minor in (("r1", 1_999), ("r2", 1)):
            await gateway.refund(
                RefundRequest(
                    refund_id=refund_id, attempt_id="c", amount_minor=amount_minor, currency="EUR"
                )
            )
    events = [
        gateway.parse_webhook(delivery.headers, delivery.body, NOON)
        for delivery in await gateway.pending_webhooks()
    ]
    assert [(event.kind, event.attempt_id, event.movement_id) for event in events] == [
        ("payment.authorized", "a", "a"),
        ("payment.voided", "a", "a"),
        ("payment.declined", "b", "b"),
        ("payment.action_required", "c", "c"),
        ("payment.captured", "c", "c"),
        ("refund.succeeded", "c", "r1"),
        ("refund.failed", "c", "r2"),
    ]
    assert len({event.event_id for event in events}) == 7


@pytest.mark.case(33)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda headers: headers.pop("webhook-signature"),
        lambda headers: headers.pop("webhook-timestamp"),
        lambda headers: headers.pop("webhook-id"),
        lambda headers: headers.update({"webhook-id": "evt_other"}),
        lambda headers: headers.update({"webhook-id": "é"}),
        lambda headers: headers.update({"webhook-timestamp": str(int(NOON.timestamp()) + 1)}),
        lambda headers: headers.update({"webhook-timestamp": "²"}),
        lambda headers: headers.update({"webhook-timestamp": "9" * 400}),
        lambda headers: headers.update({"webhook-signature": "v1,"}),
        lambda headers: headers.update({"webhook-signature": "v1,é"}),
        lambda headers: headers.update({"webhook-signature": "v1,AAAA"}),
        lambda headers: headers.update(
            {"webhook-signature": headers["webhook-signature"].replace("v1,", "v2,")}
        ),
        lambda headers: headers.update(
            {"webhook-signature": " ".join(["v1,AAAA"] * 16 + [headers["webhook-signature"]])}
        ),
    ],
)
async def test_case_33_spoilt_headers_prove_nothing(
    gateway: SandboxGateway, spoil: Callable[[dict[str, str]], object]
) -> None:
    delivery = await one_delivery(gateway)
    headers = dict(delivery.headers)
    spoil(headers)
    with pytest.raises(BadSignature):
        gateway.parse_webhook(headers, delivery.body, NOON)


@pytest.mark.case(33)
async def test_case_33_another_amount_under_a_true_signature_is_refused(
    gateway: SandboxGateway,
) -> None:
    delivery = await one_delivery(gateway)
    assert b"1999" in delivery.body
    for body in (
        delivery.body.replace(b"1999", b"9999"),
        delivery.body + b" ",
        b"",
        delivery.body + b" " * 70_000,
    ):
        with pytest.raises(BadSignature):
            gateway.parse_webhook(delivery.headers, body, NOON)


@pytest.mark.case(33)
@pytest.mark.parametrize(
    ("seconds", "accepted"), [(-301, False), (-300, True), (0, True), (300, True), (301, False)]
)
async def test_case_33_a_signature_lives_five_minutes(
    gateway: SandboxGateway, seconds: int, accepted: bool
) -> None:
    delivery = await one_delivery(gateway)
    now = NOON + timedelta(seconds=seconds)
    if accepted:
        assert gateway.parse_webhook(delivery.headers, delivery.body, now).amount_minor == 1_999
    else:
        with pytest.raises(BadSignature):
            gateway.parse_webhook(delivery.headers, delivery.body, now)


@pytest.mark.case(32)
@pytest.mark.parametrize("secrets", [(), (FOREIGN,)])
async def test_case_32_without_the_secret_nobody_is_believed(
    tmp_path: Path, secrets: tuple[str, ...]
) -> None:
    sender = build(tmp_path / "sender", secrets=(NEW,))
    receiver = build(tmp_path / "receiver", secrets=secrets)
    delivery = await one_delivery(sender)
    with pytest.raises(BadSignature):
        receiver.parse_webhook(delivery.headers, delivery.body, NOON)
    # Nor does a gateway without a secret believe what it signed itself: it signs nothing.
    own = await one_delivery(receiver)
    if not secrets:
        with pytest.raises(BadSignature):
            receiver.parse_webhook(own.headers, own.body, NOON)
    sender.close()
    receiver.close()


@pytest.mark.parametrize(
    ("signed", "known"), [((OLD,), (NEW, OLD)), ((OLD, NEW), (NEW,)), ((NEW,), (NEW, OLD))]
)
async def test_a_secret_changes_without_a_gap(
    tmp_path: Path, signed: tuple[str, ...], known: tuple[str, ...]
) -> None:
    sender = build(tmp_path / "sender", secrets=signed)
    receiver = build(tmp_path / "receiver", secrets=known)
    delivery = await one_delivery(sender)
    upper = {name.upper(): value for name, value in delivery.headers.items()}
    assert receiver.parse_webhook(upper, delivery.body, NOON).event_id == delivery.event_id
    sender.close()
    receiver.close()


async def test_the_journal_s_own_secret_is_shared_by_all_who_open_it_and_by_nobody_else(
    tmp_path: Path,
) -> None:
    worker, web, stranger = build(tmp_path), build(tmp_path), build(tmp_path / "other")
    delivery = await one_delivery(worker)
    assert web.parse_webhook(delivery.headers, delivery.body, NOON).attempt_id == "attempt-1"
    with pytest.raises(BadSignature):
        stranger.parse_webhook(delivery.headers, delivery.body, NOON)
    for gateway in (worker, web, stranger):
        gateway.close()


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_c2hvcnQ=", "not base64 at all"])
def test_a_weak_secret_is_refused_at_start(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ValueError, match="webhook secret"):
        build(tmp_path, secrets=(secret,))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"amount_minor":1999', b'"amount_minor":1999.0'),
        (b'"amount_minor":1999', b'"amount_minor":true'),
        (b'"amount_minor":1999', b'"amount_minor":-1'),
        (b'"amount_minor":1999', b'"amount_minor":1,"amount_minor":1999'),
        (b'"fee_minor":0', b'"fee_minor":-1'),
        (b'"EUR"', b'"eur"'),
        (b"payment.captured", b"payment.invented"),
        (b'"attempt_id":"attempt-1"', b'"attempt_id":7'),
        (b'"attempt_id":"attempt-1",', b""),
        (b"+00:00", b""),
        (b'{"id"', b'[{"id"'),
        (b'"id":"evt_', b'"id":"evt_0'),
    ],
)
async def test_a_proven_body_is_read_strictly(tmp_path: Path, old: bytes, new: bytes) -> None:
    gateway = build(tmp_path, secrets=(NEW,))
    delivery = await one_delivery(gateway)
    assert old in delivery.body
    body = delivery.body.replace(old, new)
    headers = signatures.signed_headers(
        event_id=delivery.event_id, body=body, keys=[signatures.secret_bytes(NEW)], now=NOON
    )
    with pytest.raises(MalformedEvent):
        gateway.parse_webhook(headers, body, NOON)
    gateway.close()


async def test_a_deep_body_is_malformed_and_not_a_crash(tmp_path: Path) -> None:
    gateway = build(tmp_path, secrets=(NEW,))
    body = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    headers = signatures.signed_headers(
        event_id="evt_1", body=body, keys=[signatures.secret_bytes(NEW)], now=NOON
    )
    with pytest.raises(MalformedEvent):
        gateway.parse_webhook(headers, body, NOON)
    gateway.close()


async def test_a_script_repeats_delays_and_reorders(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    script = SandboxScript(seed=7, extra_copies=2, delay_seconds=30, reorder=True)
    gateway = build(tmp_path, script=script, clock=clock)
    for number in range(6):
        await gateway.charge(charge_of(f"attempt-{number}"))
    assert await gateway.pending_webhooks() == []
    clock.advance(timedelta(seconds=30))
    rounds = []
    while batch := await gateway.pending_webhooks():
        rounds.append([delivery.event_id for delivery in batch])
        for delivery in batch:
            await gateway.mark_delivered(sequence=delivery.sequence)
    assert len(rounds) == 3
    assert rounds[0] == rounds[1] == rounds[2] == sorted(rounds[0], key=script.rank)
    bodies = sorted(rounds[0])
    assert len(set(bodies)) == 6
    gateway.close()


async def test_a_dropped_event_is_never_sent_and_still_in_the_journal(tmp_path: Path) -> None:
    gateway = build(tmp_path, script=SandboxScript(seed=1, drop_one_in=2))
    for number in range(40):
        await gateway.charge(charge_of(f"attempt-{number}"))
    sent = {
        orjson.loads(delivery.body)["data"]["attempt_id"]
        for delivery in await gateway.pending_webhooks()
    }
    assert 0 < len(sent) < 40
    assert len(await gateway.journal()) == 40
    gateway.close()


async def test_a_failed_delivery_comes_back_after_a_growing_pause(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    gateway = build(tmp_path, clock=clock)
    delivery = await one_delivery(gateway)
    for pause_seconds in (5, 10, 20):
        await gateway.mark_failed(sequence=delivery.sequence)
        clock.advance(timedelta(seconds=pause_seconds - 1))
        assert await gateway.pending_webhooks() == []
        clock.advance(timedelta(seconds=1))
        (again,) = await gateway.pending_webhooks()
        assert (again.event_id, again.body) == (delivery.event_id, delivery.body)
        # Signed afresh, or a late redelivery would look like a replay.
        assert gateway.parse_webhook(again.headers, again.body, clock.now()).amount_minor == 1_999
    await gateway.mark_delivered(sequence=delivery.sequence)
    await gateway.mark_failed(sequence=delivery.sequence)
    assert await gateway.pending_webhooks() == []
    gateway.close()
