"""PayPal behind the port: what buyers, captures, refunds and lost answers end in."""

from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.paypal_gateway import PayPalGateway
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    ChargeResult,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from tests.integrations.paypal_api.account import MERCHANT, Document
from tests.integrations.paypal_api.server import (
    GIBBERISH,
    LOST_ANSWER,
    LOST_REQUEST,
    NO_CONNECTION,
    FakePayPal,
    make_gateway,
)

ATTEMPT = "attempt-1"
_A_WHILE = timedelta(minutes=1)
_LONGER_THAN_KEYS_LIVE = timedelta(days=31)


def ask(**more: Any) -> ChargeRequest:
    return ChargeRequest(
        **{
            "attempt_id": ATTEMPT, "amount_minor": 10_000, "currency": "EUR", "token": "",
            "reference": "order-1", **more,
        }
    )  # fmt: skip


def take(amount_minor: int = 10_000, **more: Any) -> CaptureRequest:
    return CaptureRequest(
        **{
            "capture_id": ATTEMPT, "attempt_id": ATTEMPT, "amount_minor": amount_minor,
            "currency": "EUR", **more,
        }
    )  # fmt: skip


def give_back(amount_minor: int, refund_id: str = "refund-1", **more: Any) -> RefundRequest:
    return RefundRequest(
        **{
            "refund_id": refund_id, "attempt_id": ATTEMPT, "amount_minor": amount_minor,
            "currency": "EUR", **more,
        }
    )  # fmt: skip


def told(result: MovementResult) -> tuple[Any, ...]:
    return (result.outcome, result.state, result.amount_minor, result.decline_code)


def the_order(server: FakePayPal) -> Document:
    [order] = server.account.orders.values()
    return order


async def approved(gateway: PayPalGateway, server: FakePayPal, **more: Any) -> Document:
    """An order that its buyer has said yes to."""
    await gateway.charge(ask(**more))
    order = the_order(server)
    server.account.approve(order)
    return order


async def paid(gateway: PayPalGateway, server: FakePayPal) -> Document:
    """An order whose money is here."""
    order = await approved(gateway, server)
    assert (await gateway.capture(take())).outcome is Outcome.ACCEPTED
    return order


async def test_a_charge_leads_to_paypal_s_page(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    result = await paypal_gateway.charge(ask())
    order = the_order(paypal_server)
    url = f"https://www.sandbox.paypal.com/checkoutnow?token={order['id']}"
    assert result == ChargeResult(
        outcome=Outcome.ACTION_REQUIRED,
        state=PaymentState.ACTION_REQUIRED,
        attempt_id=ATTEMPT,
        gateway_reference=order["id"],
        amount_minor=10_000,
        captured_minor=0,
        refunded_minor=0,
        currency="EUR",
        fee_minor=0,
        action_url=url,
    )
    assert await paypal_gateway.lookup(attempt_id=ATTEMPT) == result
    back = "https://market.test/payments/return/attempt-1"
    assert paypal_server.sent[0] == (
        "post /v2/checkout/orders",
        {
            "intent": "CAPTURE",
            "purchase_units": [
                {
                    "amount": {"currency_code": "EUR", "value": "100.00"},
                    "custom_id": "gosellr.attempt-1",
                    "invoice_id": "attempt-1",
                    "description": "Order order-1",
                    "payee": {"merchant_id": MERCHANT},
                }
            ],
            "payment_source": {
                "paypal": {
                    "experience_context": {
                        "return_url": back,
                        "cancel_url": back,
                        "user_action": "PAY_NOW",
                        "shipping_preference": "NO_SHIPPING",
                        "payment_method_preference": "IMMEDIATE_PAYMENT_REQUIRED",
                    }
                }
            },
        },
    )
    assert paypal_server.headers[0]["paypal-request-id"] == "gosellr-charge-attempt-1"


async def test_a_yes_is_captured_once(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    order = await approved(paypal_gateway, paypal_server)
    yes = await paypal_gateway.lookup(attempt_id=ATTEMPT)
    assert (yes.outcome, yes.state) == (Outcome.ACCEPTED, PaymentState.AUTHORIZED)
    assert paypal_server.account.captures() == []
    taken = await paypal_gateway.capture(take())
    assert told(taken) == (Outcome.ACCEPTED, PaymentState.CAPTURED, 10_000, None)
    assert taken.fee_minor == 235
    assert await paypal_gateway.capture(take()) == taken
    # Another process, which has only what was written down.
    other = make_gateway(paypal_server, clock)
    again = await other.capture(take(gateway_reference=order["id"]))
    assert again == taken
    found = await other.lookup(attempt_id=ATTEMPT)
    assert (found.state, found.captured_minor, found.fee_minor) == (
        PaymentState.CAPTURED, 10_000, 235,
    )  # fmt: skip
    assert len(paypal_server.account.captures()) == 1


async def test_nothing_is_taken_before_the_buyer_said_yes(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    await paypal_gateway.charge(ask())
    refused = await paypal_gateway.capture(take())
    assert told(refused) == (Outcome.DECLINED, PaymentState.ACTION_REQUIRED, 0, "not_authorized")
    assert paypal_server.account.captures() == []


async def test_money_is_set_aside_when_the_buyer_said_yes_to_that(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    order = await approved(paypal_gateway, paypal_server, capture=False)
    held = await paypal_gateway.lookup(attempt_id=ATTEMPT)
    assert (held.outcome, held.state) == (Outcome.ACCEPTED, PaymentState.AUTHORIZED)
    [authorization] = order["purchase_units"][0]["payments"]["authorizations"]
    assert authorization["status"] == "CREATED"
    part = await paypal_gateway.capture(take(6_000))
    assert told(part) == (Outcome.ACCEPTED, PaymentState.CAPTURED, 6_000, None)
    [_, body] = next(one for one in paypal_server.sent if "authorizations" in one[0])
    assert body == {
        "amount": {"currency_code": "EUR", "value": "60.00"}, "final_capture": True,
    }  # fmt: skip
    other = await paypal_gateway.capture(take(5_000))
    assert other.outcome is Outcome.REFUSED


async def test_money_that_was_set_aside_goes_back(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    order = await approved(paypal_gateway, paypal_server, capture=False)
    await paypal_gateway.lookup(attempt_id=ATTEMPT)
    voided = await paypal_gateway.void(attempt_id=ATTEMPT)
    assert told(voided) == (Outcome.ACCEPTED, PaymentState.VOIDED, 10_000, None)
    assert order["purchase_units"][0]["payments"]["authorizations"][0]["status"] == "VOIDED"
    assert await paypal_gateway.void(attempt_id=ATTEMPT) == voided
    refused = await paypal_gateway.capture(take())
    assert told(refused) == (Outcome.DECLINED, PaymentState.VOIDED, 0, "not_authorized")


@pytest.mark.parametrize("said_yes", [True, False])
async def test_an_order_that_is_given_up_is_never_captured(
    *,
    paypal_gateway: PayPalGateway,
    paypal_server: FakePayPal,
    clock: ManualClock,
    said_yes: bool,
) -> None:
    await paypal_gateway.charge(ask())
    order = the_order(paypal_server)
    if said_yes:
        paypal_server.account.approve(order)
    voided = await paypal_gateway.void(attempt_id=ATTEMPT)
    assert told(voided) == (Outcome.ACCEPTED, PaymentState.VOIDED, 10_000, None)
    known = await paypal_gateway.lookup(attempt_id=ATTEMPT)
    assert (known.state, known.decline_code) == (PaymentState.VOIDED, "voided")
    if not said_yes:
        # PayPal marks no order that waits: a yes that comes late is given up when it is heard of.
        paypal_server.account.approve(order)
        assert (await paypal_gateway.void(attempt_id=ATTEMPT)).outcome is Outcome.ACCEPTED
    assert order["purchase_units"][0]["custom_id"] == "gosellr.attempt-1.voided"
    other = make_gateway(paypal_server, clock)
    refused = await other.capture(take(gateway_reference=order["id"]))
    assert told(refused) == (Outcome.DECLINED, PaymentState.VOIDED, 0, "not_authorized")
    assert paypal_server.account.captures() == []


async def test_what_was_captured_can_t_be_voided(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    await paid(paypal_gateway, paypal_server)
    refused = await paypal_gateway.void(attempt_id=ATTEMPT)
    assert told(refused) == (Outcome.DECLINED, PaymentState.CAPTURED, 0, "already_captured")


@pytest.mark.parametrize(
    ("capture", "state"), [(True, PaymentState.VOIDED), (False, PaymentState.DECLINED)]
)
async def test_a_wallet_that_says_no_ends_the_attempt(
    *,
    paypal_gateway: PayPalGateway,
    paypal_server: FakePayPal,
    clock: ManualClock,
    capture: bool,
    state: PaymentState,
) -> None:
    order = await approved(paypal_gateway, paypal_server, capture=capture)
    paypal_server.account.decline = "INSTRUMENT_DECLINED"
    refused = await paypal_gateway.capture(take())
    assert told(refused) == (Outcome.DECLINED, state, 0, "instrument_declined")
    found = await paypal_gateway.lookup(attempt_id=ATTEMPT)
    assert (found.outcome, found.state) == (Outcome.DECLINED, state)
    assert found.decline_code == "instrument_declined"
    # Also for those who never heard it, and when the wallet is full again.
    paypal_server.account.decline = None
    other = make_gateway(paypal_server, clock)
    found = await other.lookup(attempt_id=ATTEMPT, gateway_reference=order["id"])
    assert (found.state, found.decline_code) == (state, "declined")
    assert (await other.capture(take())).outcome is Outcome.DECLINED
    assert paypal_server.account.captures() == []


@pytest.mark.parametrize(("ends", "state"), [
    ("COMPLETED", PaymentState.CAPTURED), ("DECLINED", PaymentState.VOIDED),
])  # fmt: skip
async def test_a_capture_that_takes_its_time_stays_open(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, ends: str, state: PaymentState
) -> None:
    await approved(paypal_gateway, paypal_server)
    paypal_server.account.pending = True
    open_still = await paypal_gateway.capture(take())
    assert told(open_still) == (Outcome.UNKNOWN, PaymentState.UNKNOWN, 0, None)
    assert (await paypal_gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.UNKNOWN
    assert (await paypal_gateway.void(attempt_id=ATTEMPT)).outcome is Outcome.UNKNOWN
    [capture] = paypal_server.account.captures()
    paypal_server.account.finish_capture(capture, ends)
    assert (await paypal_gateway.lookup(attempt_id=ATTEMPT)).state is state
    assert len(paypal_server.account.captures()) == 1


async def test_refunds_never_exceed_what_was_taken(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    order = await paid(paypal_gateway, paypal_server)
    first = await paypal_gateway.refund(give_back(6_000))
    assert told(first) == (Outcome.ACCEPTED, PaymentState.CAPTURED, 6_000, None)
    assert await paypal_gateway.refund(give_back(6_000)) == first
    too_much = await paypal_gateway.refund(give_back(4_001, "refund-2"))
    assert told(too_much) == (
        Outcome.DECLINED, PaymentState.CAPTURED, 0, "amount_exceeds_captured",
    )  # fmt: skip
    assert (await paypal_gateway.refund(give_back(5_000))).outcome is Outcome.REFUSED
    rest = await paypal_gateway.refund(give_back(4_000, "refund-3"))
    assert rest.outcome is Outcome.ACCEPTED
    other = make_gateway(paypal_server, clock)
    made = await other.lookup_refund(
        refund_id="refund-1", attempt_id=ATTEMPT, gateway_reference=order["id"]
    )
    assert (made.outcome, made.amount_minor, made.currency) == (Outcome.ACCEPTED, 6_000, "EUR")
    none = await other.lookup_refund(refund_id="refund-9", attempt_id=ATTEMPT)
    assert none.outcome is Outcome.NOT_FOUND
    found = await other.lookup(attempt_id=ATTEMPT)
    assert (found.state, found.refunded_minor) == (PaymentState.CAPTURED, 10_000)
    assert len(paypal_server.account.refunds()) == 2


async def test_a_refund_of_another_currency_or_of_nothing_is_declined(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    await approved(paypal_gateway, paypal_server)
    early = await paypal_gateway.refund(give_back(1))
    assert early.decline_code == "amount_exceeds_captured"
    await paypal_gateway.capture(take())
    other = await paypal_gateway.refund(give_back(1, currency="USD"))
    assert (other.outcome, other.decline_code) == (Outcome.DECLINED, "currency_mismatch")
    assert paypal_server.account.refunds() == []


@pytest.mark.parametrize(("ends", "outcome"), [
    ("COMPLETED", Outcome.ACCEPTED), ("FAILED", Outcome.DECLINED),
])  # fmt: skip
async def test_a_refund_that_takes_its_time_stays_open(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, ends: str, outcome: Outcome
) -> None:
    await paid(paypal_gateway, paypal_server)
    paypal_server.account.refund_status = "PENDING"
    assert (await paypal_gateway.refund(give_back(100))).outcome is Outcome.UNKNOWN
    [refund] = paypal_server.account.refunds()
    paypal_server.account.finish_refund(refund, ends)
    made = await paypal_gateway.lookup_refund(refund_id="refund-1", attempt_id=ATTEMPT)
    assert made.outcome is outcome


async def test_without_an_order_s_name_a_refund_stays_open(
    paypal_server: FakePayPal, clock: ManualClock
) -> None:
    other = make_gateway(paypal_server, clock)
    assert (await other.refund(give_back(1))).outcome is Outcome.UNKNOWN
    assert (await other.lookup_refund(refund_id="r", attempt_id="a")).outcome is Outcome.UNKNOWN
    assert (await other.lookup_refund(refund_id="r")).outcome is Outcome.UNKNOWN
    assert paypal_server.sent == []


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, GIBBERISH, 500, 503, 429])
async def test_an_order_whose_name_was_lost_is_made_again_and_paid_once(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock, fault: Any
) -> None:
    paypal_server.faults.append(fault)
    lost = await paypal_gateway.charge(ask())
    assert (lost.outcome, lost.gateway_reference) == (Outcome.UNKNOWN, None)
    # Nobody has its link, so nobody can pay it.
    clock.advance(_A_WHILE)
    assert (await paypal_gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.NOT_FOUND
    again = await paypal_gateway.charge(ask())
    assert again.outcome is Outcome.ACTION_REQUIRED
    # While PayPal knows the key, it is the same order.
    assert len(paypal_server.account.orders) == 1


async def test_after_its_key_is_forgotten_a_lost_order_has_a_twin_that_nobody_can_pay(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    paypal_server.faults.append(LOST_ANSWER)
    await paypal_gateway.charge(ask())
    clock.advance(_LONGER_THAN_KEYS_LIVE)
    again = await paypal_gateway.charge(ask())
    lost, made = paypal_server.account.orders.values()
    assert again.gateway_reference == made["id"]
    paypal_server.account.approve(made)
    await paypal_gateway.capture(take())
    assert lost["status"] == "PAYER_ACTION_REQUIRED"
    assert len(paypal_server.account.captures()) == 1


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, GIBBERISH, 500, 503, 429])
async def test_a_capture_whose_answer_was_lost_takes_the_money_once(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock, fault: Any
) -> None:
    await approved(paypal_gateway, paypal_server)
    paypal_server.faults.extend([None, fault])
    assert (await paypal_gateway.capture(take())).outcome is Outcome.UNKNOWN
    clock.advance(_LONGER_THAN_KEYS_LIVE)
    happened = fault == LOST_ANSWER
    found = await paypal_gateway.lookup(attempt_id=ATTEMPT)
    assert found.state is (PaymentState.CAPTURED if happened else PaymentState.AUTHORIZED)
    assert (await paypal_gateway.capture(take())).outcome is Outcome.ACCEPTED
    assert len(paypal_server.account.captures()) == 1


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, GIBBERISH, 500, 503, 429])
async def test_a_refund_whose_answer_was_lost_is_made_once(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock, fault: Any
) -> None:
    await paid(paypal_gateway, paypal_server)
    paypal_server.faults.extend([None, fault])
    assert (await paypal_gateway.refund(give_back(6_000))).outcome is Outcome.UNKNOWN
    # Longer than PayPal remembers any key.
    clock.advance(2 * _LONGER_THAN_KEYS_LIVE)
    made = await paypal_gateway.lookup_refund(refund_id="refund-1", attempt_id=ATTEMPT)
    happened = fault == LOST_ANSWER
    assert made.outcome is (Outcome.ACCEPTED if happened else Outcome.NOT_FOUND)
    assert (await paypal_gateway.refund(give_back(6_000))).outcome is Outcome.ACCEPTED
    assert len(paypal_server.account.refunds()) == 1


async def test_what_was_never_sent_may_be_given_up_at_once(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    paypal_server.down = NO_CONNECTION
    result = await paypal_gateway.charge(ask())
    assert (result.outcome, result.decline_code) == (Outcome.NOT_FOUND, "gateway_unreachable")
    paypal_server.down = None
    paypal_server.faults.append(LOST_ANSWER)
    await paypal_gateway.charge(ask())
    paypal_server.down = NO_CONNECTION
    # It was sent before, so this says nothing of what became of that.
    assert (await paypal_gateway.charge(ask())).outcome is Outcome.UNKNOWN


async def test_a_key_that_comes_with_another_order_is_refused(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    first = await paypal_gateway.charge(ask())
    for other in ({"amount_minor": 5_000}, {"currency": "USD"}, {"capture": False}):
        refused = await paypal_gateway.charge(ask(**other))
        assert (refused.outcome, refused.decline_code) == (
            Outcome.REFUSED, "idempotency_key_reused",
        )  # fmt: skip
    assert await paypal_gateway.lookup(attempt_id=ATTEMPT) == first
    assert len(paypal_server.account.orders) == 1


async def test_an_order_that_pays_somebody_else_is_never_called_paid(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    order = await paid(paypal_gateway, paypal_server)
    order["purchase_units"][0]["payee"]["merchant_id"] = "SHMEBQDYELSE2"
    assert (await paypal_gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.UNKNOWN
    assert (await paypal_gateway.refund(give_back(1))).outcome is Outcome.UNKNOWN
    del order["purchase_units"][0]["payee"]
    assert (await paypal_gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.UNKNOWN
    assert paypal_server.account.refunds() == []


async def test_an_order_of_another_attempt_isn_t_ours(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    order = await paid(paypal_gateway, paypal_server)
    other = make_gateway(paypal_server, clock)
    found = await other.lookup(attempt_id="attempt-2", gateway_reference=order["id"])
    assert found.outcome is Outcome.NOT_FOUND


async def test_an_order_that_nobody_paid_is_gone_after_hours(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    await paypal_gateway.charge(ask())
    paypal_server.account.forget(the_order(paypal_server))
    assert (await paypal_gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.NOT_FOUND
    assert (await paypal_gateway.void(attempt_id=ATTEMPT)).outcome is Outcome.NOT_FOUND
    assert (await paypal_gateway.capture(take())).outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"currency": "KWD"}, "amount_not_expressible"),
        ({"currency": "HUF", "amount_minor": 101}, "amount_not_expressible"),
        ({"token": "4242424242424242"}, "invalid_token"),
    ],
)
async def test_what_paypal_can_t_take_is_declined_before_it_is_sent(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, more: dict[str, Any], code: str
) -> None:
    declined = await paypal_gateway.charge(ask(**more))
    assert (declined.outcome, declined.decline_code) == (Outcome.DECLINED, code)
    assert paypal_server.sent == []


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"amount_minor": 9_999}, "captured_once_only"),
        ({"amount_minor": 10_001}, "amount_exceeds_authorized"),
        ({"currency": "USD"}, "currency_mismatch"),
    ],
)
async def test_a_capture_takes_what_was_shown(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, more: dict[str, Any], code: str
) -> None:
    await approved(paypal_gateway, paypal_server)
    declined = await paypal_gateway.capture(take(**more))
    assert told(declined) == (Outcome.DECLINED, PaymentState.AUTHORIZED, 0, code)
    assert paypal_server.account.captures() == []


async def test_what_was_paid_elsewhere_is_left_to_a_person(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    await approved(paypal_gateway, paypal_server)
    paypal_server.account.decline = "DUPLICATE_INVOICE_ID"
    assert (await paypal_gateway.capture(take())).outcome is Outcome.UNKNOWN
