"""PayPal's reports: who is believed, what each kind means, and what is no news here."""

import json
import ssl
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.paypal_certificates import CertificateShelf, roots_of_the_web
from gosellr.integrations.payments.paypal_gateway import PayPalGateway
from gosellr.integrations.payments.port import (
    BadSignature,
    CaptureRequest,
    ChargeRequest,
    EventKind,
    GatewayEvent,
    MalformedEvent,
    RefundRequest,
)
from tests.integrations.conftest import NOON
from tests.integrations.paypal_api.authority import new_signer
from tests.integrations.paypal_api.server import CERTIFICATE, FakePayPal, make_gateway

EVENT = {
    "id": "WH-1", "event_type": "PAYMENT.CAPTURE.COMPLETED", "create_time": "2026-03-02T12:00:00Z",
    "resource": {
        "id": "CAPTURE1", "amount": {"currency_code": "EUR", "value": "10.00"},
        "custom_id": "gosellr.attempt-1",
        "supplementary_data": {"related_ids": {"order_id": "ORDER1"}},
    },
}  # fmt: skip


def ask(**more: Any) -> ChargeRequest:
    return ChargeRequest(
        attempt_id="attempt-1", amount_minor=1_000, currency="EUR", token="", reference="order-1",
        **more,
    )  # fmt: skip


async def hear(
    gateway: PayPalGateway, headers: dict[str, str], body: bytes, now: datetime = NOON
) -> GatewayEvent | None:
    await gateway.prepare_webhook(headers)
    return gateway.parse_webhook(headers, body, now)


async def kinds(
    gateway: PayPalGateway, server: FakePayPal
) -> list[tuple[str, EventKind | None, str | None]]:
    told = []
    for kind, headers, body in server.deliveries():
        event = await hear(gateway, headers, body)
        told.append((kind, event and event.kind, event and event.movement_id))
    return told


async def test_each_step_of_a_payment_is_reported(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    await paypal_gateway.charge(ask())
    [order] = paypal_server.account.orders.values()
    paypal_server.account.approve(order)
    await paypal_gateway.capture(
        CaptureRequest(
            capture_id="attempt-1", attempt_id="attempt-1", amount_minor=1_000, currency="EUR"
        )
    )
    back = RefundRequest(refund_id="r-1", attempt_id="attempt-1", amount_minor=100, currency="EUR")
    await paypal_gateway.refund(back)
    assert await kinds(paypal_gateway, paypal_server) == [
        ("CHECKOUT.ORDER.APPROVED", EventKind.PAYMENT_AUTHORIZED, "attempt-1"),
        ("PAYMENT.CAPTURE.COMPLETED", EventKind.PAYMENT_CAPTURED, "attempt-1"),
        ("PAYMENT.CAPTURE.REFUNDED", EventKind.REFUND_SUCCEEDED, "r-1"),
    ]
    _, headers, body = paypal_server.deliveries()[1]
    assert await hear(paypal_gateway, headers, body) == GatewayEvent(
        event_id=paypal_server.account.events[1]["id"],
        kind=EventKind.PAYMENT_CAPTURED,
        attempt_id="attempt-1",
        movement_id="attempt-1",
        gateway_reference=order["id"],
        amount_minor=1_000,
        currency="EUR",
        fee_minor=0,
        decline_code=None,
        occurred_at=NOON,
    )


async def test_money_set_aside_and_given_back_is_reported(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    await paypal_gateway.charge(ask(capture=False))
    [order] = paypal_server.account.orders.values()
    paypal_server.account.approve(order)
    await paypal_gateway.lookup(attempt_id="attempt-1")
    await paypal_gateway.void(attempt_id="attempt-1")
    assert [kind for _, kind, _ in await kinds(paypal_gateway, paypal_server)] == [
        EventKind.PAYMENT_AUTHORIZED, EventKind.PAYMENT_AUTHORIZED, EventKind.PAYMENT_VOIDED,
    ]  # fmt: skip


async def test_what_takes_its_time_is_reported_when_it_ends(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    account = paypal_server.account
    await paypal_gateway.charge(ask())
    [order] = account.orders.values()
    account.approve(order)
    account.pending, account.refund_status = True, "PENDING"
    taken = CaptureRequest(
        capture_id="attempt-1", attempt_id="attempt-1", amount_minor=1_000, currency="EUR"
    )
    await paypal_gateway.capture(taken)
    [capture] = account.captures()
    account.finish_capture(capture, "DECLINED")
    account.finish_capture(capture, "COMPLETED")
    back = RefundRequest(refund_id="r-1", attempt_id="attempt-1", amount_minor=100, currency="EUR")
    await paypal_gateway.refund(back)
    account.finish_refund(account.refunds()[0], "FAILED")
    assert [(kind, event) for kind, event, _ in await kinds(paypal_gateway, paypal_server)][1:] == [
        ("PAYMENT.CAPTURE.PENDING", None),
        ("PAYMENT.CAPTURE.DENIED", EventKind.PAYMENT_DECLINED),
        ("PAYMENT.CAPTURE.COMPLETED", EventKind.PAYMENT_CAPTURED),
        ("PAYMENT.REFUND.FAILED", EventKind.REFUND_FAILED),
    ]


async def test_a_report_tells_where_to_look(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    await paypal_gateway.charge(ask())
    [order] = paypal_server.account.orders.values()
    paypal_server.account.approve(order)
    other = make_gateway(paypal_server, clock)
    _, headers, body = paypal_server.deliveries()[0]
    await hear(other, headers, body)
    assert (await other.lookup(attempt_id="attempt-1")).gateway_reference == order["id"]


async def test_a_certificate_is_fetched_once(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    for _ in range(3):
        _, headers, body = paypal_server.delivery(EVENT)
        assert await hear(paypal_gateway, headers, body) is not None
    assert paypal_server.certificates_fetched == [CERTIFICATE]


@pytest.mark.parametrize(
    "change",
    [
        {"PAYPAL-TRANSMISSION-ID": "another"},
        {"PAYPAL-TRANSMISSION-TIME": "2026-03-02T12:00:01Z"},
        {"PAYPAL-TRANSMISSION-TIME": ""},
        {"PAYPAL-TRANSMISSION-TIME": "noon"},
        {"PAYPAL-TRANSMISSION-TIME": "2026-03-02T12:00:00"},
        {"PAYPAL-TRANSMISSION-SIG": ""},
        {"PAYPAL-TRANSMISSION-SIG": "!!!"},
        {"PAYPAL-TRANSMISSION-SIG": "AAAA"},
        {"PAYPAL-AUTH-ALGO": "SHA1withRSA"},
        {"PAYPAL-CERT-URL": ""},
    ],
)
async def test_a_changed_header_is_noticed(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, change: dict[str, str]
) -> None:
    _, headers, body = paypal_server.delivery(EVENT)
    with pytest.raises(BadSignature):
        await hear(paypal_gateway, headers | change, body)
    assert await hear(paypal_gateway, headers, body) is not None
    lowered = {name.lower(): value for name, value in headers.items()}
    assert await hear(paypal_gateway, lowered, body) is not None


async def test_a_changed_body_or_another_s_webhook_is_noticed(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    _, headers, body = paypal_server.delivery(EVENT)
    with pytest.raises(BadSignature):
        await hear(paypal_gateway, headers, body.replace(b"10.00", b"99.00"))
    with pytest.raises(BadSignature):
        await hear(paypal_gateway, headers, body + b" " * (256 * 1024))
    _, headers, body = paypal_server.delivery(EVENT, webhook_id="SOMEBODYELSE")
    with pytest.raises(BadSignature):
        await hear(paypal_gateway, headers, body)


@pytest.mark.parametrize(
    ("late_by", "taken"),
    [
        (timedelta(days=3), True), (timedelta(days=3, hours=2), False),
        (timedelta(minutes=-4), True), (timedelta(minutes=-6), False),
    ],
)  # fmt: skip
async def test_a_report_is_good_for_as_long_as_paypal_repeats_it(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, late_by: timedelta, taken: bool
) -> None:
    _, headers, body = paypal_server.delivery(EVENT)
    if taken:
        assert await hear(paypal_gateway, headers, body, NOON + late_by) is not None
    else:
        with pytest.raises(BadSignature):
            await hear(paypal_gateway, headers, body, NOON + late_by)


@pytest.mark.parametrize(
    "address",
    [
        "http://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.sandbox.paypal.com.evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/v1/notifications/certs/CERT-1",
        "https://evil.example/?https://api.paypal.com/v1/notifications/certs/CERT-1",
        "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
        "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/../../redirect/CERT-1",
        "https://api.paypal.com/v1/notifications/certs/CERT-1?next=x",
        "https://api.paypal.com/v1/notifications/certs/CERT-1\n",
        "https://apixpaypal.com/v1/notifications/certs/CERT-1",
        "file:///etc/passwd",
    ],
)
async def test_only_paypal_s_own_hosts_are_asked_for_a_certificate(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, address: str
) -> None:
    _, headers, body = paypal_server.delivery(EVENT, certificate=address)
    with pytest.raises(BadSignature):
        await hear(paypal_gateway, headers, body)
    assert paypal_server.certificates_fetched == []


@pytest.mark.parametrize(
    "forged",
    [
        {"name": "messageverificationcerts.sandbox.paypal.com", "self_signed": True},
        {"name": "messageverificationcerts.paypal.com.evil.example"},
        {"name": "www.paypal.com"},
        {"good_until": datetime(2026, 3, 1, tzinfo=UTC)},
    ],
    ids=["self-signed", "somebody-else", "a-web-server", "expired"],
)
async def test_a_certificate_that_isn_t_paypal_s_proves_nothing(
    paypal_server: FakePayPal, clock: ManualClock, forged: dict[str, Any]
) -> None:
    paypal_server.signer = new_signer(**forged)
    gateway = make_gateway(paypal_server, clock)
    _, headers, body = paypal_server.delivery(EVENT)
    with pytest.raises(BadSignature):
        await hear(gateway, headers, body)
    assert len(paypal_server.certificates_fetched) == 1


async def test_a_certificate_that_no_trusted_authority_vouches_for_proves_nothing(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    # Of the right name, and from another authority than those that the gateway trusts.
    paypal_server.signer = new_signer("messageverificationcerts.paypal.com")
    _, headers, body = paypal_server.delivery(EVENT)
    with pytest.raises(BadSignature):
        await hear(paypal_gateway, headers, body)


async def test_a_certificate_ends(paypal_server: FakePayPal, clock: ManualClock) -> None:
    ends = NOON + timedelta(hours=1)
    paypal_server.signer = new_signer(good_until=ends)
    gateway = make_gateway(paypal_server, clock)
    _, headers, body = paypal_server.delivery(EVENT)
    assert await hear(gateway, headers, body) is not None
    clock.set(ends)
    with pytest.raises(BadSignature):
        await hear(gateway, headers, body, ends)


async def test_a_flood_of_forged_reports_fetches_little(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    paypal_server.signer = new_signer("www.paypal.com")
    for number in range(30):
        _, headers, body = paypal_server.delivery(EVENT, certificate=f"{CERTIFICATE}{number}")
        with pytest.raises(BadSignature):
            await hear(paypal_gateway, headers, body)
    assert len(paypal_server.certificates_fetched) == 6
    clock.advance(timedelta(minutes=1))
    await paypal_gateway.prepare_webhook(headers)
    assert len(paypal_server.certificates_fetched) == 7


async def test_without_being_told_otherwise_the_machine_s_authorities_vouch(
    paypal_server: FakePayPal, clock: ManualClock
) -> None:
    [known, *_] = ssl.create_default_context().get_ca_certs(binary_form=True)
    root = x509.load_der_x509_certificate(known)
    assert root in roots_of_the_web([root])
    shelf = CertificateShelf(clock, transport=paypal_server.transport)
    _, headers, _ = paypal_server.delivery(EVENT)
    await shelf.fetch(headers)
    assert len(paypal_server.certificates_fetched) == 1
    # None of them knows the authority of these tests.
    assert shelf.keys == {}
    await shelf.close()


async def parsed(
    gateway: PayPalGateway, server: FakePayPal, event: dict[str, Any]
) -> GatewayEvent | None:
    _, headers, body = server.delivery(EVENT | event)
    return await hear(gateway, headers, body)


@pytest.mark.parametrize(
    "event",
    [
        {"event_type": "CUSTOMER.ACCOUNT.CREATED"},
        {"event_type": "PAYMENT.CAPTURE.REVERSED"},
        {"event_type": "PAYMENT.CAPTURE.PENDING"},
        {"event_type": "BILLING.PLAN.CREATED"},
        {"resource": {"amount": {"currency_code": "EUR", "value": "1.00"}}},
        {"resource": {"custom_id": "order-17"}},
        {"event_type": "CHECKOUT.ORDER.APPROVED",
         "resource": {"id": "O", "purchase_units": [{"custom_id": "x"}, {}]}},
        {"event_type": "PAYMENT.CAPTURE.REFUNDED", "resource": {"custom_id": "gosellr.attempt-1"}},
        {"event_type": "PAYMENT.PAYOUTS-ITEM.FAILED", "resource": {"payout_item": {}}},
    ],
)  # fmt: skip
async def test_what_is_no_news_here_is_taken_and_means_nothing(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, event: dict[str, Any]
) -> None:
    assert await parsed(paypal_gateway, paypal_server, event) is None


@pytest.mark.parametrize(
    "event",
    [
        {"id": 1},
        {"create_time": "yesterday"},
        {"create_time": "2026-03-02T12:00:00"},
        {"resource": None},
        {"resource": {"custom_id": "gosellr.a", "amount": {"currency_code": "EUR", "value": 1.5}}},
        {"event_type": "CHECKOUT.ORDER.APPROVED", "resource": {"purchase_units": []}},
        {"event_type": "CUSTOMER.DISPUTE.CREATED"},
    ],
)
async def test_a_proven_body_that_is_no_event_is_malformed(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, event: dict[str, Any]
) -> None:
    with pytest.raises(MalformedEvent):
        await parsed(paypal_gateway, paypal_server, event)


async def test_a_payout_s_change_is_told_by_its_key(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    item = {
        "sender_item_id": "gosellr.transfer-1", "receiver": "shop@example.com",
        "amount": {"currency": "EUR", "value": "12.00"},
    }  # fmt: skip
    event = await parsed(
        paypal_gateway, paypal_server,
        {"event_type": "PAYMENT.PAYOUTS-ITEM.RETURNED", "resource": {"payout_item": item}},
    )  # fmt: skip
    assert event is not None
    assert (event.kind, event.attempt_id, event.amount_minor, event.currency) == (
        EventKind.TRANSFER_CHANGED, "transfer-1", 1_200, "EUR",
    )  # fmt: skip


async def test_a_naive_moment_is_a_mistake_of_ours(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    _, headers, body = paypal_server.delivery(json.loads(json.dumps(EVENT)))
    with pytest.raises(ValueError, match="time zone"):
        paypal_gateway.parse_webhook(headers, body, datetime(2026, 3, 2))  # noqa: DTZ001
