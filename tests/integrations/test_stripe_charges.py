"""Stripe's own ways: the hosted page, keys, failures, and how a lost attempt is found again."""

import asyncio
import logging
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.stripe_api import API_VERSION
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from gosellr.utils.ids import uuid7
from tests.integrations.conftest import NOON
from tests.integrations.stripe_api.account import DECLINED, GOOD, Document
from tests.integrations.stripe_api.server import (
    GIBBERISH,
    LOST_ANSWER,
    LOST_REQUEST,
    NO_CONNECTION,
    FakeStripe,
    make_gateway,
)

ATTEMPT = str(uuid7(unix_ms=int(NOON.timestamp() * 1000), random_bits=1))


def ask(token: str = "", **more: Any) -> ChargeRequest:
    return ChargeRequest(
        **{
            "attempt_id": ATTEMPT, "amount_minor": 10_000, "currency": "EUR", "token": token,
            "reference": "order-1", **more,
        }
    )  # fmt: skip


def the_page(server: FakeStripe) -> Document:
    [page] = server.account.sessions.values()
    return page


async def test_without_a_token_the_buyer_pays_on_stripe_s_page(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    waiting = await stripe_gateway.charge(ask())
    assert (waiting.outcome, waiting.state) == ("action_required", "action_required")
    assert waiting.action_url == the_page(stripe_server)["url"]
    assert waiting.gateway_reference == the_page(stripe_server)["id"]
    [(name, sent)] = stripe_server.sent
    assert name == "post /v1/checkout/sessions"
    back = f"https://market.test/payments/return/{ATTEMPT}"
    assert (sent["success_url"], sent["cancel_url"]) == (back, back)
    assert sent["allowed_payment_method_types"] == ["card"]
    ours = {"gosellr_attempt": ATTEMPT, "gosellr_order": "order-1", "gosellr_way": "hosted"}
    assert sent["metadata"] == sent["payment_intent_data"]["metadata"] == ours
    stripe_server.account.pay_page(the_page(stripe_server))
    paid = await stripe_gateway.lookup(attempt_id=ATTEMPT)
    assert (paid.outcome, paid.state, paid.captured_minor) == ("accepted", "captured", 10_000)
    assert (paid.fee_minor, paid.action_url) == (225, None)
    assert str(paid.gateway_reference).startswith("pi_")
    # The same key tells how it stands now, and makes no second page.
    assert await stripe_gateway.charge(ask()) == paid
    assert len(stripe_server.account.sessions) == 1


async def test_each_write_bears_its_key_and_the_version(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    await stripe_gateway.charge(ask(GOOD, capture=False))
    await stripe_gateway.capture(
        CaptureRequest(capture_id="c", attempt_id=ATTEMPT, amount_minor=9_000, currency="EUR")
    )
    await stripe_gateway.refund(
        RefundRequest(refund_id="r", attempt_id=ATTEMPT, amount_minor=1, currency="EUR")
    )
    await stripe_gateway.charge(ask(attempt_id="other"))
    await stripe_gateway.void(attempt_id="other")
    keys = [
        headers["idempotency-key"]
        for (name, _), headers in zip(stripe_server.sent, stripe_server.headers, strict=True)
        if name.startswith("post")
    ]
    assert keys == [
        f"gosellr-charge-{ATTEMPT}", "gosellr-capture-c", "gosellr-refund-r",
        "gosellr-charge-other", "gosellr-expire-other",
    ]  # fmt: skip
    assert {headers["stripe-version"] for headers in stripe_server.headers} == {API_VERSION}
    assert all("x-stripe-client-telemetry" not in headers for headers in stripe_server.headers)


async def test_a_declined_card_on_the_page_may_be_followed_by_a_good_one(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock
) -> None:
    url = (await stripe_gateway.charge(ask())).action_url
    stripe_server.account.pay_page(the_page(stripe_server), DECLINED)
    clock.advance(timedelta(minutes=2))
    # Another process finds the payment first, and its page by it.
    other = make_gateway(stripe_server, clock)
    still = await other.lookup(attempt_id=ATTEMPT)
    assert (still.state, still.action_url) == (PaymentState.ACTION_REQUIRED, url)
    stripe_server.account.pay_page(the_page(stripe_server))
    assert (await other.lookup(attempt_id=ATTEMPT)).state is PaymentState.CAPTURED


@pytest.mark.parametrize("tried", [True, False])
async def test_a_page_that_is_closed_can_t_be_paid_any_more(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, tried: bool
) -> None:
    await stripe_gateway.charge(ask())
    if tried:
        stripe_server.account.pay_page(the_page(stripe_server), DECLINED)
    voided = await stripe_gateway.void(attempt_id=ATTEMPT)
    assert (voided.outcome, voided.state, voided.amount_minor) == ("accepted", "voided", 10_000)
    assert the_page(stripe_server)["status"] == "expired"
    assert await stripe_gateway.void(attempt_id=ATTEMPT) == voided
    found = await stripe_gateway.lookup(attempt_id=ATTEMPT)
    assert (found.outcome, found.decline_code) == ("declined", "voided")


async def test_a_buyer_who_was_quicker_than_the_void_has_paid(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    await stripe_gateway.charge(ask())
    session = the_page(stripe_server)
    expire = stripe_server.account.expire_session

    def pay_first(page: Document) -> Document:
        stripe_server.account.pay_page(page)
        return expire(page)

    stripe_server.account.expire_session = pay_first  # type: ignore[method-assign]
    refused = await stripe_gateway.void(attempt_id=ATTEMPT)
    assert (refused.outcome, refused.decline_code) == ("declined", "already_captured")
    assert session["status"] == "complete"


async def test_a_page_may_set_aside_what_is_captured_later(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    page = await stripe_gateway.charge(ask(capture=False))
    stripe_server.account.pay_page(the_page(stripe_server))
    found = await stripe_gateway.lookup(
        attempt_id=ATTEMPT, gateway_reference=page.gateway_reference
    )
    assert (found.state, found.captured_minor) == (PaymentState.AUTHORIZED, 0)
    taken = await stripe_gateway.capture(
        CaptureRequest(
            capture_id=ATTEMPT, attempt_id=ATTEMPT, amount_minor=10_000, currency="EUR",
            gateway_reference=page.gateway_reference,
        )
    )  # fmt: skip
    assert (taken.outcome, taken.amount_minor, taken.fee_minor) == ("accepted", 10_000, 225)


async def test_half_of_it_now_and_half_later_isn_t_offered(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    await stripe_gateway.charge(ask(GOOD, capture=False))
    refused = await stripe_gateway.capture(
        CaptureRequest(
            capture_id="c", attempt_id=ATTEMPT, amount_minor=1, currency="EUR", final=False
        )
    )
    assert (refused.outcome, refused.decline_code) == ("declined", "captured_once_only")
    assert "capture" not in " ".join(stripe_server.operations)


@pytest.mark.case(21)
@pytest.mark.parametrize("searchable", [True, False])
@pytest.mark.parametrize("token", ["", GOOD])
@pytest.mark.parametrize("later", [timedelta(seconds=2), timedelta(minutes=10)])
async def test_case_21_a_lost_answer_is_found_by_any_process(
    *,
    stripe_gateway: StripeGateway,
    stripe_server: FakeStripe,
    clock: ManualClock,
    searchable: bool,
    token: str,
    later: timedelta,
) -> None:
    stripe_server.searchable = searchable
    for number in range(120):
        await stripe_gateway.charge(ask(token, attempt_id=str(uuid4()), reference=f"{number}"))
    stripe_server.faults.append(LOST_ANSWER)
    assert (await stripe_gateway.charge(ask(token))).outcome is Outcome.UNKNOWN
    for number in range(120):
        await stripe_gateway.charge(ask(token, attempt_id=str(uuid4()), reference=f"{number}"))
    clock.advance(later)
    other = make_gateway(stripe_server, clock)
    found = await other.lookup(attempt_id=ATTEMPT)
    assert found.state is (PaymentState.CAPTURED if token else PaymentState.ACTION_REQUIRED)
    absent = await other.lookup(
        attempt_id=str(uuid7(unix_ms=int(NOON.timestamp() * 1000), random_bits=2))
    )
    assert absent.outcome is Outcome.NOT_FOUND


async def test_a_list_that_is_too_long_proves_nothing(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    for _ in range(2_001):
        stripe_server.account.create_intent(
            {"amount": 1, "currency": "eur", "payment_method": GOOD, "metadata": {}}
        )
    assert (await stripe_gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.UNKNOWN


async def test_an_attempt_of_unknown_age_is_never_surely_absent_without_a_search(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    stripe_server.searchable = False
    assert (await stripe_gateway.lookup(attempt_id="attempt-1")).outcome is Outcome.UNKNOWN


async def test_another_attempt_s_reference_isn_t_believed(
    stripe_gateway: StripeGateway,
) -> None:
    other = await stripe_gateway.charge(ask(GOOD, attempt_id="other"))
    found = await stripe_gateway.lookup(
        attempt_id=ATTEMPT, gateway_reference=other.gateway_reference
    )
    assert found.outcome is Outcome.NOT_FOUND


@pytest.mark.parametrize("fault", [LOST_REQUEST, GIBBERISH, 500, 503, 429, 409, 401, 403])
async def test_whatever_leaves_it_open_is_unknown(
    stripe_gateway: StripeGateway,
    stripe_server: FakeStripe,
    caplog: pytest.LogCaptureFixture,
    fault: str | int,
) -> None:
    stripe_server.faults.append(fault)
    with caplog.at_level(logging.DEBUG):
        result = await stripe_gateway.charge(ask(GOOD))
    assert (result.outcome, result.state) == ("unknown", "unknown")
    stripe_server.down = fault
    assert (await stripe_gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.UNKNOWN
    moved = [
        await stripe_gateway.void(attempt_id=ATTEMPT),
        await stripe_gateway.refund(
            RefundRequest(refund_id="r", attempt_id=ATTEMPT, amount_minor=1, currency="EUR")
        ),
        await stripe_gateway.lookup_refund(refund_id="r", attempt_id=ATTEMPT),
    ]
    assert {one.outcome for one in moved} == {Outcome.UNKNOWN}
    ours = [record for record in caplog.records if record.name.startswith("gosellr")]
    assert bool(ours) is (fault != 409)
    said = " ".join(record.getMessage() for record in ours)
    assert "sk_test" not in said
    assert GOOD not in said


async def test_a_server_that_never_answers_has_its_time(clock: ManualClock) -> None:
    asked: list[str] = []

    async def say_nothing(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        await asyncio.Event().wait()
        return httpx2.Response(200)

    gateway = StripeGateway(
        "sk_test_of_the_tests",
        webhook_secrets=(),
        return_url="https://market.test/",
        payment_methods=(),
        clock=clock,
        transport=httpx2.MockTransport(say_nothing),
        timeout_seconds=0.05,
    )
    assert (await gateway.charge(ask(GOOD))).outcome is Outcome.UNKNOWN
    # Sent once: nobody tries again behind our back.
    assert asked == ["/v1/payment_intents"]
    await gateway.aclose()


async def test_what_surely_wasn_t_sent_may_be_given_up_at_once(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    stripe_server.faults.append(NO_CONNECTION)
    result = await stripe_gateway.charge(ask(GOOD))
    assert (result.outcome, result.state) == ("not_found", "absent")
    assert result.decline_code == "gateway_unreachable"
    stripe_server.faults.append(NO_CONNECTION)
    assert (await stripe_gateway.void(attempt_id=ATTEMPT)).outcome is Outcome.UNKNOWN


async def test_what_was_sent_before_isn_t_given_up(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    stripe_server.faults.extend([LOST_ANSWER, NO_CONNECTION])
    for _ in range(2):
        assert (await stripe_gateway.charge(ask(GOOD))).outcome is Outcome.UNKNOWN
    # The key is known at Stripe, and then the question how it stands gets lost.
    for token, attempt_id in ((GOOD, ATTEMPT), ("", "other")):
        await stripe_gateway.charge(ask(token, attempt_id=attempt_id))
        for fault in (NO_CONNECTION, 404, LOST_REQUEST):
            stripe_server.faults.extend([None, fault])
            again = await stripe_gateway.charge(ask(token, attempt_id=attempt_id))
            assert again.outcome is Outcome.UNKNOWN


async def test_a_provider_that_is_down_is_left_alone_for_a_while(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock
) -> None:
    async def outcome() -> Outcome:
        return (await stripe_gateway.charge(ask(GOOD, attempt_id=str(uuid4())))).outcome

    stripe_server.down = 503
    assert [await outcome() for _ in range(7)] == [Outcome.UNKNOWN] * 5 + [Outcome.NOT_FOUND] * 2
    assert (await stripe_gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.UNKNOWN
    assert len(stripe_server.sent) == 5
    clock.advance(timedelta(seconds=11))
    # One tries, in vain; the others go on waiting.
    assert [await outcome() for _ in range(3)] == [Outcome.UNKNOWN] + [Outcome.NOT_FOUND] * 2
    stripe_server.down = None
    clock.advance(timedelta(seconds=11))
    assert [await outcome() for _ in range(3)] == [Outcome.ACCEPTED] * 3


async def test_a_refund_may_take_its_time_and_may_fail(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    await stripe_gateway.charge(ask(GOOD))
    stripe_server.account.refund_status = "pending"
    asked = RefundRequest(refund_id="r", attempt_id=ATTEMPT, amount_minor=400, currency="EUR")
    pending = await stripe_gateway.refund(asked)
    assert (pending.outcome, pending.amount_minor) == (Outcome.UNKNOWN, 0)
    [refund] = stripe_server.account.refunds.values()
    stripe_server.account.finish_refund(refund, "failed")
    failed = await stripe_gateway.lookup_refund(refund_id="r", attempt_id=ATTEMPT)
    assert (failed.outcome, failed.decline_code) == (Outcome.DECLINED, "lost_or_stolen_card")
    unknown = await stripe_gateway.lookup_refund(refund_id="r")
    assert unknown.outcome is Outcome.UNKNOWN


async def test_a_refund_is_made_once_though_stripe_has_forgotten_its_key(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock
) -> None:
    await stripe_gateway.charge(ask(GOOD))
    asked = RefundRequest(refund_id="r", attempt_id=ATTEMPT, amount_minor=400, currency="EUR")
    first = await stripe_gateway.refund(asked)
    clock.advance(timedelta(days=3))
    assert await make_gateway(stripe_server, clock).refund(asked) == first
    assert len(stripe_server.account.refunds) == 1
