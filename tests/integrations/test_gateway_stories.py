"""The same stories told through the port to every gateway: whoever keeps them can be offered."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    MovementResult,
    Outcome,
    PaymentGateway,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.sandbox import SandboxGateway
from tests.integrations.stripe_api import account, server

ATTEMPT = "attempt-1"


@dataclass
class Bench:
    """A gateway, and what has to be done there so that a story takes its turn."""

    gateway: PaymentGateway

    def card(self, kind: str) -> str:
        """The token of a card that behaves like that."""
        return {
            "good": "tok_ok",
            "declined": "tok_declined",
            "asks": "tok_requires_action",
            "answer lost": "tok_timeout_then_ok",
            "request lost": "tok_timeout_before",
            "refund lost": "tok_refund_timeout_then_ok",
        }[kind]

    async def answer(self, *, approve: bool) -> None:
        """The buyer answers the bank."""
        assert isinstance(self.gateway, SandboxGateway)
        await self.gateway.complete_action(attempt_id=ATTEMPT, approve=approve)

    def lose_refund(self) -> None:
        """The next refund's answer gets lost; the sandbox's card knows."""


@dataclass
class StripeBench(Bench):
    """The same at Stripe."""

    server: server.FakeStripe

    def card(self, kind: str) -> str:
        """A test card of Stripe's; what gets lost is lost on the way."""
        if kind in {"answer lost", "request lost"}:
            self.server.faults.append(
                server.LOST_ANSWER if kind == "answer lost" else server.LOST_REQUEST
            )
        return {"declined": account.DECLINED, "asks": account.ASKS_BUYER}.get(kind, account.GOOD)

    async def answer(self, *, approve: bool) -> None:
        """The buyer answers the bank."""
        [intent] = self.server.account.intents.values()
        self.server.account.answer_bank(intent, approve=approve)

    def lose_refund(self) -> None:
        """Found, looked for among the refunds, and then its answer gets lost."""
        self.server.faults.extend([None, None, server.LOST_ANSWER])


@pytest.fixture(params=["sandbox", "stripe"])
async def bench(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock
) -> AsyncIterator[Bench]:
    """Each gateway in turn, with nothing in its books."""
    if request.param == "sandbox":
        made = Bench(SandboxGateway(tmp_path, production=False, clock=clock))
    else:
        stripe = server.FakeStripe(account.Account(clock))
        made = StripeBench(server.make_gateway(stripe, clock), stripe)
    yield made
    await made.gateway.aclose()


def ask(token: str, **more: Any) -> ChargeRequest:
    return ChargeRequest(
        **{
            "attempt_id": ATTEMPT, "amount_minor": 10_000, "currency": "EUR", "token": token,
            "reference": "order-1", **more,
        }
    )  # fmt: skip


def take(amount_minor: int = 10_000, **more: Any) -> CaptureRequest:
    return CaptureRequest(
        **{
            "capture_id": "capture-1", "attempt_id": ATTEMPT, "amount_minor": amount_minor,
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


async def test_a_charge_is_captured_whole_and_once(bench: Bench) -> None:
    first = await bench.gateway.charge(ask(bench.card("good")))
    assert (first.outcome, first.state) == ("accepted", "captured")
    assert (first.amount_minor, first.captured_minor, first.refunded_minor) == (10_000, 10_000, 0)
    assert (first.currency, first.decline_code, first.action_url) == ("EUR", None, None)
    assert first.gateway_reference
    assert await bench.gateway.charge(ask(bench.card("good"))) == first
    assert await bench.gateway.lookup(attempt_id=ATTEMPT) == first
    known = await bench.gateway.lookup(
        attempt_id=ATTEMPT, gateway_reference=first.gateway_reference
    )
    assert known == first


async def test_a_declined_card_stays_declined(bench: Bench) -> None:
    first = await bench.gateway.charge(ask(bench.card("declined")))
    assert (first.outcome, first.state, first.captured_minor) == ("declined", "declined", 0)
    assert first.decline_code
    assert await bench.gateway.lookup(attempt_id=ATTEMPT) == first
    voided = await bench.gateway.void(attempt_id=ATTEMPT)
    assert told(voided) == ("declined", "declined", 0, "already_declined")


@pytest.mark.parametrize("approve", [True, False])
async def test_the_bank_asks_the_buyer(bench: Bench, approve: bool) -> None:
    waiting = await bench.gateway.charge(ask(bench.card("asks")))
    assert (waiting.outcome, waiting.state) == ("action_required", "action_required")
    assert waiting.action_url
    assert waiting.captured_minor == 0
    await bench.answer(approve=approve)
    done = await bench.gateway.lookup(attempt_id=ATTEMPT)
    assert (done.outcome, done.captured_minor, done.decline_code, done.action_url) == (
        ("accepted", 10_000, None, None)
        if approve
        else ("declined", 0, "authentication_failed", None)
    )


async def test_a_buyer_who_never_answers_is_called_back(bench: Bench) -> None:
    await bench.gateway.charge(ask(bench.card("asks")))
    assert told(await bench.gateway.void(attempt_id=ATTEMPT)) == (
        "accepted",
        "voided",
        10_000,
        None,
    )
    found = await bench.gateway.lookup(attempt_id=ATTEMPT)
    assert (found.outcome, found.state, found.decline_code) == ("declined", "voided", "voided")


@pytest.mark.parametrize("amount_minor", [10_000, 2_500])
async def test_what_was_set_aside_is_captured_once(bench: Bench, amount_minor: int) -> None:
    authorized = await bench.gateway.charge(ask(bench.card("good"), capture=False))
    assert (authorized.outcome, authorized.state) == ("accepted", "authorized")
    assert authorized.captured_minor == 0
    captured = await bench.gateway.capture(take(amount_minor))
    assert told(captured) == ("accepted", "captured", amount_minor, None)
    assert await bench.gateway.capture(take(amount_minor)) == captured
    assert (await bench.gateway.capture(take(amount_minor - 1))).outcome is Outcome.REFUSED
    late = await bench.gateway.capture(take(1, capture_id="capture-2"))
    assert told(late) == ("declined", "captured", 0, "not_authorized")
    voided = await bench.gateway.void(attempt_id=ATTEMPT)
    assert told(voided) == ("declined", "captured", 0, "already_captured")
    found = await bench.gateway.lookup(attempt_id=ATTEMPT)
    assert (found.state, found.amount_minor, found.captured_minor) == (
        "captured", 10_000, amount_minor,
    )  # fmt: skip


async def test_what_was_set_aside_is_given_back(bench: Bench) -> None:
    await bench.gateway.charge(ask(bench.card("good"), capture=False))
    too_much = await bench.gateway.capture(take(10_001))
    assert told(too_much) == ("declined", "authorized", 0, "amount_exceeds_authorized")
    other = await bench.gateway.capture(take(capture_id="capture-2", currency="USD"))
    assert told(other) == ("declined", "authorized", 0, "currency_mismatch")
    voided = await bench.gateway.void(attempt_id=ATTEMPT)
    assert told(voided) == ("accepted", "voided", 10_000, None)
    assert await bench.gateway.void(attempt_id=ATTEMPT) == voided
    late = await bench.gateway.capture(take(capture_id="capture-3"))
    assert told(late) == ("declined", "voided", 0, "not_authorized")


@pytest.mark.case(36)
async def test_case_36_refunds_never_exceed_what_was_captured(bench: Bench) -> None:
    await bench.gateway.charge(ask(bench.card("good")))
    first = await bench.gateway.refund(give_back(6_000))
    assert told(first) == ("accepted", "captured", 6_000, None)
    assert await bench.gateway.refund(give_back(6_000)) == first
    second = await bench.gateway.refund(give_back(6_000, "refund-2"))
    assert told(second) == ("declined", "captured", 0, "amount_exceeds_captured")
    other = await bench.gateway.refund(give_back(1, "refund-3", currency="USD"))
    assert told(other) == ("declined", "captured", 0, "currency_mismatch")
    assert told(await bench.gateway.refund(give_back(4_000, "refund-4")))[0] is Outcome.ACCEPTED
    assert (await bench.gateway.refund(give_back(5_999))).outcome is Outcome.REFUSED
    made = await bench.gateway.lookup_refund(refund_id="refund-1", attempt_id=ATTEMPT)
    assert told(made) == told(first)
    none = await bench.gateway.lookup_refund(refund_id="refund-9", attempt_id=ATTEMPT)
    assert none.outcome is Outcome.NOT_FOUND
    found = await bench.gateway.lookup(attempt_id=ATTEMPT)
    assert (found.captured_minor, found.refunded_minor) == (10_000, 10_000)


async def test_only_what_was_captured_is_refunded(bench: Bench) -> None:
    await bench.gateway.charge(ask(bench.card("good"), capture=False))
    refused = await bench.gateway.refund(give_back(1))
    assert told(refused) == ("declined", "authorized", 0, "amount_exceeds_captured")


@pytest.mark.case(21)
async def test_case_21_a_lost_answer_is_found_and_never_paid_twice(bench: Bench) -> None:
    lost = await bench.gateway.charge(ask(bench.card("answer lost")))
    assert (lost.outcome, lost.state, lost.gateway_reference) == ("unknown", "unknown", None)
    assert (lost.amount_minor, lost.captured_minor, lost.currency) == (10_000, 0, "EUR")
    found = await bench.gateway.lookup(attempt_id=ATTEMPT)
    assert (found.outcome, found.captured_minor) == ("accepted", 10_000)


async def test_a_lost_request_was_never_there(bench: Bench) -> None:
    lost = await bench.gateway.charge(ask(bench.card("request lost")))
    assert (lost.outcome, lost.state) == ("unknown", "unknown")
    found = await bench.gateway.lookup(attempt_id=ATTEMPT)
    assert (found.outcome, found.state) == ("not_found", "absent")


async def test_a_lost_refund_is_found_and_never_made_twice(bench: Bench) -> None:
    await bench.gateway.charge(ask(bench.card("refund lost")))
    bench.lose_refund()
    assert (await bench.gateway.refund(give_back(6_000))).outcome is Outcome.UNKNOWN
    found = await bench.gateway.lookup_refund(refund_id="refund-1", attempt_id=ATTEMPT)
    assert told(found) == ("accepted", "captured", 6_000, None)
    assert told(await bench.gateway.refund(give_back(6_000))) == told(found)
    assert (await bench.gateway.lookup(attempt_id=ATTEMPT)).refunded_minor == 6_000


async def test_what_the_gateway_never_heard_of_is_not_found(bench: Bench) -> None:
    answers = [
        await bench.gateway.void(attempt_id=ATTEMPT),
        await bench.gateway.capture(take()),
        await bench.gateway.refund(give_back(1)),
        await bench.gateway.lookup_refund(refund_id="refund-1", attempt_id=ATTEMPT),
    ]
    assert {(one.outcome, one.state) for one in answers} == {
        (Outcome.NOT_FOUND, PaymentState.ABSENT)
    }
    assert (await bench.gateway.lookup(attempt_id=ATTEMPT)).outcome is Outcome.NOT_FOUND


@pytest.mark.case(23)
@pytest.mark.parametrize(
    "other", [{"amount_minor": 9_999}, {"currency": "USD"}, {"capture": False}]
)
async def test_case_23_a_key_with_another_body_is_refused(
    bench: Bench, other: dict[str, Any]
) -> None:
    first = await bench.gateway.charge(ask(bench.card("good")))
    refused = await bench.gateway.charge(ask(bench.card("good"), **other))
    assert (refused.outcome, refused.decline_code) == ("refused", "idempotency_key_reused")
    assert await bench.gateway.lookup(attempt_id=ATTEMPT) == first


async def test_a_token_that_is_none_is_declined(bench: Bench) -> None:
    refused = await bench.gateway.charge(ask("4242424242424242"))
    assert (refused.outcome, refused.decline_code) == ("declined", "invalid_token")
