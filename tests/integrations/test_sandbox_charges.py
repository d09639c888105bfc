"""The sandbox gateway's answers: exact values for each token, key and movement."""

import asyncio
from pathlib import Path

import pytest

from gosellr.integrations.payments import sandbox
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    ChargeResult,
    InvalidAmount,
    MovementResult,
    Outcome,
    PaymentState,
    RefundRequest,
)
from gosellr.integrations.payments.sandbox import SandboxForbidden, SandboxGateway
from gosellr.integrations.payments.sandbox_disputes import NothingToDispute
from gosellr.integrations.payments.sandbox_script import SandboxScript
from gosellr.integrations.payments.sandbox_store import CurrencyTotal, reference_of


def ask(
    token: str = "tok_ok",
    *,
    attempt_id: str = "attempt-1",
    amount_minor: int = 10_000,
    currency: str = "EUR",
    capture: bool = True,
) -> ChargeRequest:
    return ChargeRequest(
        attempt_id=attempt_id,
        amount_minor=amount_minor,
        currency=currency,
        token=token,
        reference="order-1",
        capture=capture,
    )


def give_back(
    amount_minor: int, *, refund_id: str = "refund-1", currency: str = "EUR"
) -> RefundRequest:
    return RefundRequest(
        refund_id=refund_id, attempt_id="attempt-1", amount_minor=amount_minor, currency=currency
    )


def take(amount_minor: int, *, capture_id: str = "capture-1", final: bool = True) -> CaptureRequest:
    return CaptureRequest(
        capture_id=capture_id,
        attempt_id="attempt-1",
        amount_minor=amount_minor,
        currency="EUR",
        final=final,
    )


async def test_an_accepted_charge_is_captured_whole(gateway: SandboxGateway) -> None:
    assert await gateway.charge(ask()) == ChargeResult(
        outcome=Outcome.ACCEPTED,
        state=PaymentState.CAPTURED,
        attempt_id="attempt-1",
        gateway_reference=reference_of("attempt-1"),
        amount_minor=10_000,
        captured_minor=10_000,
        refunded_minor=0,
        currency="EUR",
        fee_minor=0,
    )


@pytest.mark.parametrize(
    ("token", "answer", "later", "state", "captured_minor", "code"),
    [
        ("tok_ok", "accepted", "accepted", "captured", 10_000, None),
        ("tok_declined", "declined", "declined", "declined", 0, "card_declined"),
        ("tok_timeout_then_ok", "unknown", "accepted", "captured", 10_000, None),
        ("tok_timeout_then_declined", "unknown", "declined", "declined", 0, "card_declined"),
        ("tok_timeout_before", "unknown", "not_found", "absent", 0, None),
        ("tok_captures_half", "accepted", "accepted", "captured", 5_000, None),
        ("4242424242424242", "declined", "declined", "declined", 0, "invalid_token"),
    ],
)
@pytest.mark.case(21)
async def test_case_21_each_token_answers_and_a_lookup_tells_the_truth(
    *,
    gateway: SandboxGateway,
    token: str,
    answer: str,
    later: str,
    state: str,
    captured_minor: int,
    code: str | None,
) -> None:
    first = await gateway.charge(ask(token))
    found = await gateway.lookup(attempt_id="attempt-1")
    assert (first.outcome, found.outcome, found.state) == (answer, later, state)
    assert (found.captured_minor, found.decline_code) == (captured_minor, code)
    if first.outcome is Outcome.UNKNOWN:
        assert (first.state, first.gateway_reference) == (PaymentState.UNKNOWN, None)
        assert (first.amount_minor, first.captured_minor, first.currency) == (10_000, 0, "EUR")
    # Asking a second time under the same key gives what is on record, and takes nothing more.
    again = await gateway.charge(ask(token))
    assert again == (found if later != "not_found" else first)


def test_a_token_that_is_not_ours_never_reaches_the_disk(
    gateway: SandboxGateway, tmp_path: Path
) -> None:
    asyncio.run(gateway.charge(ask("4242424242424242")))
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"order-1" in written
    assert b"4242424242424242" not in written


async def test_a_lost_answer_waits_as_the_script_says(tmp_path: Path) -> None:
    waits: list[str] = []

    async def lose() -> None:
        waits.append("lost")

    gateway = SandboxGateway(tmp_path, production=False, script=SandboxScript(lose_answer=lose))
    assert (await gateway.charge(ask("tok_timeout_then_ok"))).outcome is Outcome.UNKNOWN
    assert (await gateway.charge(ask("tok_ok", attempt_id="2"))).outcome is Outcome.ACCEPTED
    assert waits == ["lost"]
    gateway.close()


@pytest.mark.parametrize(
    "other",
    [
        ask(amount_minor=9_999),
        ask(currency="USD"),
        ask("tok_declined"),
        ask(capture=False),
    ],
)
@pytest.mark.case(23)
async def test_case_23_a_key_with_another_body_is_refused_and_changes_nothing(
    gateway: SandboxGateway, other: ChargeRequest
) -> None:
    first = await gateway.charge(ask())
    refusal = await gateway.charge(other)
    assert (refusal.outcome, refusal.decline_code) == ("refused", "idempotency_key_reused")
    assert (refusal.state, refusal.gateway_reference) == (PaymentState.UNKNOWN, None)
    assert await gateway.lookup(attempt_id="attempt-1") == first
    assert len(await gateway.journal()) == 1


@pytest.mark.parametrize("approve", [True, False])
async def test_the_buyer_decides_on_the_action_page_once(
    gateway: SandboxGateway, approve: bool
) -> None:
    waiting = await gateway.charge(ask("tok_requires_action", attempt_id="a/1"))
    assert (waiting.outcome, waiting.state) == ("action_required", "action_required")
    assert waiting.action_url == "/sandbox/pay/a%2F1"
    assert waiting.captured_minor == 0
    done = await gateway.complete_action(attempt_id="a/1", approve=approve)
    assert (done.outcome, done.captured_minor, done.decline_code, done.action_url) == (
        ("accepted", 10_000, None, None)
        if approve
        else ("declined", 0, "authentication_failed", None)
    )
    assert await gateway.complete_action(attempt_id="a/1", approve=not approve) == done
    absent = await gateway.complete_action(attempt_id="nobody", approve=True)
    assert absent.outcome is Outcome.NOT_FOUND


async def test_an_abandoned_action_can_be_voided_and_then_never_approved(
    gateway: SandboxGateway,
) -> None:
    await gateway.charge(ask("tok_requires_action"))
    assert (await gateway.void(attempt_id="attempt-1")).outcome is Outcome.ACCEPTED
    late = await gateway.complete_action(attempt_id="attempt-1", approve=True)
    assert (late.outcome, late.state, late.captured_minor) == ("declined", "voided", 0)
    assert late.decline_code == "voided"


async def test_an_authorisation_is_captured_in_parts_and_the_rest_given_back(
    gateway: SandboxGateway,
) -> None:
    authorized = await gateway.charge(ask(capture=False))
    assert (authorized.outcome, authorized.state) == ("accepted", "authorized")
    assert authorized.captured_minor == 0
    first = await gateway.capture(take(2_500, final=False))
    assert (first.outcome, first.state, first.amount_minor) == ("accepted", "authorized", 2_500)
    too_much = await gateway.capture(take(7_501, capture_id="capture-2"))
    assert (too_much.outcome, too_much.amount_minor) == ("declined", 0)
    assert too_much.decline_code == "amount_exceeds_authorized"
    assert await gateway.capture(take(7_501, capture_id="capture-2")) == too_much
    assert await gateway.capture(take(2_500, final=False)) == first
    reused = await gateway.capture(take(2_500, final=True))
    assert reused.outcome is Outcome.REFUSED
    released = await gateway.void(attempt_id="attempt-1")
    assert (released.outcome, released.state) == ("accepted", "captured")
    assert released.amount_minor == 7_500
    assert await gateway.void(attempt_id="attempt-1") == released
    found = await gateway.lookup(attempt_id="attempt-1")
    assert (found.state, found.captured_minor) == ("captured", 2_500)
    late = await gateway.capture(take(1, capture_id="capture-3"))
    assert late.decline_code == "not_authorized"


async def test_a_final_capture_closes_the_authorisation(gateway: SandboxGateway) -> None:
    await gateway.charge(ask(capture=False))
    done = await gateway.capture(take(9_000))
    assert (done.outcome, done.state, done.amount_minor) == ("accepted", "captured", 9_000)
    nothing_left = await gateway.void(attempt_id="attempt-1")
    assert (nothing_left.outcome, nothing_left.decline_code) == ("declined", "already_captured")


async def test_what_the_gateway_never_heard_of_is_not_found(gateway: SandboxGateway) -> None:
    answers: list[MovementResult] = [
        await gateway.capture(take(1)),
        await gateway.refund(give_back(1)),
        await gateway.void(attempt_id="attempt-1"),
        await gateway.lookup_refund(refund_id="refund-1"),
    ]
    assert {answer.outcome for answer in answers} == {Outcome.NOT_FOUND}
    assert {answer.state for answer in answers} == {PaymentState.ABSENT}
    assert (await gateway.lookup(attempt_id="attempt-1")).outcome is Outcome.NOT_FOUND


@pytest.mark.case(36)
async def test_case_36_refunds_stop_at_what_was_captured(gateway: SandboxGateway) -> None:
    await gateway.charge(ask())
    first = await gateway.refund(give_back(6_000))
    assert (first.outcome, first.amount_minor) == ("accepted", 6_000)
    second = await gateway.refund(give_back(6_000, refund_id="refund-2"))
    assert (second.outcome, second.amount_minor) == ("declined", 0)
    assert second.decline_code == "amount_exceeds_captured"
    assert (await gateway.refund(give_back(4_000, refund_id="refund-3"))).outcome == "accepted"
    assert await gateway.refund(give_back(6_000)) == first
    assert (await gateway.refund(give_back(5_999))).outcome is Outcome.REFUSED
    foreign = await gateway.refund(give_back(1, refund_id="refund-4", currency="USD"))
    assert foreign.decline_code == "currency_mismatch"
    assert (await gateway.lookup(attempt_id="attempt-1")).refunded_minor == 10_000


@pytest.mark.parametrize(
    ("token", "answer", "later", "refunded_minor"),
    [
        ("tok_refund_declined", "declined", "declined", 0),
        ("tok_refund_timeout_then_ok", "unknown", "accepted", 4_000),
        ("tok_refund_timeout_then_declined", "unknown", "declined", 0),
    ],
)
async def test_a_lost_refund_is_found_by_its_key(
    gateway: SandboxGateway, token: str, answer: str, later: str, refunded_minor: int
) -> None:
    await gateway.charge(ask(token))
    assert (await gateway.refund(give_back(4_000))).outcome == answer
    found = await gateway.lookup_refund(refund_id="refund-1")
    assert (found.outcome, found.amount_minor) == (later, refunded_minor)
    assert await gateway.refund(give_back(4_000)) == found
    assert (await gateway.lookup(attempt_id="attempt-1")).refunded_minor == refunded_minor


@pytest.mark.parametrize("amount", [-1, 0, None, float("nan"), 1e30, 12.0, "12", True, 2**63])
@pytest.mark.case(37)
def test_case_37_an_amount_that_is_none_is_no_request(amount: object) -> None:
    with pytest.raises(InvalidAmount):
        give_back(amount)  # type: ignore[arg-type]
    with pytest.raises(InvalidAmount):
        ask(amount_minor=amount)  # type: ignore[arg-type]


@pytest.mark.parametrize("currency", ["eur", "EURO", "", "E1R", "ÉUR"])
def test_a_currency_that_is_none_is_no_request(currency: str) -> None:
    with pytest.raises(InvalidAmount):
        ask(currency=currency)


@pytest.mark.parametrize(
    ("currency", "amount_minor"),
    [
        ("JPY", 80),
        ("KRW", 1),
        ("BHD", 1_234),
        ("HUF", 99_999),
        ("TWD", 100),
        ("UGX", 5_000),
        ("KWD", 18_600),
        ("USD", 1),
        ("EUR", 2**63 - 1),
    ],
)
@pytest.mark.case(51)
@pytest.mark.case(52)
async def test_case_51_case_52_minor_units_pass_unchanged(
    gateway: SandboxGateway, currency: str, amount_minor: int
) -> None:
    charged = await gateway.charge(ask(amount_minor=amount_minor, currency=currency))
    assert (charged.amount_minor, charged.captured_minor) == (amount_minor, amount_minor)
    assert charged.currency == currency
    refunded = await gateway.refund(give_back(amount_minor, currency=currency))
    assert (refunded.amount_minor, refunded.currency) == (amount_minor, currency)
    assert await gateway.totals() == [
        CurrencyTotal(
            currency=currency,
            charges=1,
            captured_minor=amount_minor,
            refunded_minor=amount_minor,
            fee_minor=0,
        )
    ]
    for delivery in await gateway.pending_webhooks():
        assert f'"amount_minor":{amount_minor},'.encode() in delivery.body


@pytest.mark.parametrize(
    ("amount_minor", "fee_minor"), [(10_000, 165), (1_250, 43), (1_249, 42), (30, 25), (20, 20)]
)
async def test_the_fee_is_rounded_half_up_and_never_exceeds_the_capture(
    tmp_path: Path, amount_minor: int, fee_minor: int
) -> None:
    gateway = SandboxGateway(tmp_path, production=False, fee_bps=140, fee_fixed_minor=25)
    assert (await gateway.charge(ask(amount_minor=amount_minor))).fee_minor == fee_minor
    gateway.close()


async def test_the_journal_is_read_page_by_page(gateway: SandboxGateway) -> None:
    for number in range(5):
        await gateway.charge(ask(attempt_id=f"attempt-{number}"))
    seen: list[str] = []
    while page := await gateway.journal(after_reference=seen[-1] if seen else "", limit=2):
        assert len(page) <= 2
        seen += [charge.gateway_reference for charge in page]
    assert seen == sorted(reference_of(f"attempt-{number}") for number in range(5))


@pytest.mark.case(32)
def test_case_32_production_has_no_sandbox_unless_allowed_by_name(tmp_path: Path) -> None:
    with pytest.raises(SandboxForbidden):
        SandboxGateway(tmp_path, production=True)
    assert list(tmp_path.iterdir()) == []
    SandboxGateway(tmp_path, production=True, allowed_in_production=True).close()


async def test_a_slow_bank_is_waited_for(
    gateway: SandboxGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(sandbox, "sleep", sleep)
    first = await gateway.charge(ask("tok_slow"))
    assert (first.outcome, first.captured_minor, slept) == (Outcome.ACCEPTED, 10_000, [3])
    # What is on record already is told at once.
    again = await gateway.charge(ask("tok_slow"))
    assert (again.outcome, again.captured_minor, slept) == (Outcome.ACCEPTED, 10_000, [3])


async def test_a_journal_says_which_charge_it_does_not_have(gateway: SandboxGateway) -> None:
    await gateway.charge(ask("tok_declined"))
    for attempt, words in (
        ("attempt-1", "attempt-1 took no money"),
        ("attempt-2", "the journal has no charge attempt-2"),
    ):
        with pytest.raises(NothingToDispute, match=words):
            await gateway.disputes.open(attempt_id=attempt)
