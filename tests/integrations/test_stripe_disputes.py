"""Chargebacks at Stripe: reported without a name of ours, found by it, answered in words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.port import (
    ChargeRequest,
    DisputeEvidence,
    DisputeState,
    DisputingGateway,
    EventKind,
    EvidenceFile,
    Outcome,
)
from gosellr.integrations.payments.report_port import TellsDisputes
from gosellr.integrations.payments.stripe_answers import Unreadable
from gosellr.integrations.payments.stripe_disputes import about_payment
from gosellr.integrations.payments.stripe_evidence import chosen_files
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from tests.integrations.conftest import NOON
from tests.integrations.stripe_api.account import GOOD, Document
from tests.integrations.stripe_api.server import LOST_ANSWER, NO_CONNECTION, FakeStripe


async def charged(
    gateway: StripeGateway, server: FakeStripe, *, amount_minor: int = 10_000, currency: str = "EUR"
) -> Document:
    await gateway.charge(
        ChargeRequest(
            attempt_id="attempt-1", amount_minor=amount_minor, currency=currency, token=GOOD,
            reference="order-1",
        )
    )  # fmt: skip
    [intent] = server.account.intents.values()
    return intent


def evidence(reference: str, evidence_id: str = "e") -> DisputeEvidence:
    return DisputeEvidence(
        evidence_id=evidence_id, reference=reference, statement="It arrived", carrier="dhl",
        tracking_number="JD1",
    )  # fmt: skip


async def test_a_report_names_the_payment_and_the_payment_its_attempt(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    assert isinstance(stripe_gateway, DisputingGateway)
    intent = await charged(stripe_gateway, stripe_server)
    dispute = stripe_server.account.dispute(intent)
    stripe_server.account.close_dispute(dispute, "lost")
    told = [
        stripe_gateway.parse_webhook(headers, body, NOON)
        for kind, headers, body in stripe_server.deliveries()
        if kind.startswith("charge.dispute")
    ]
    assert [one and (one.kind, one.attempt_id, one.fee_minor) for one in told] == [
        (EventKind.DISPUTE_OPENED, "", 1500),
        (EventKind.DISPUTE_LOST, "", 1500),
    ]
    assert told[0] is not None
    assert told[0].gateway_reference == intent["id"]
    found = await stripe_gateway.attempt_of(gateway_reference=intent["id"])
    assert found == "attempt-1"


async def test_somebody_elses_payment_is_none_of_ours_and_silence_is_no_answer(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    intent = await charged(stripe_gateway, stripe_server)
    assert await stripe_gateway.attempt_of(gateway_reference="pi_unknown") == ""
    intent["metadata"] = {}
    assert await stripe_gateway.attempt_of(gateway_reference=intent["id"]) == ""
    stripe_server.down = NO_CONNECTION
    assert await stripe_gateway.attempt_of(gateway_reference=intent["id"]) is None
    assert await stripe_gateway.disputes_of(attempt_id="attempt-1") is None


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("needs_response", DisputeState.OPEN),
        ("under_review", DisputeState.OPEN),
        ("won", DisputeState.WON),
        ("lost", DisputeState.LOST),
    ],
)
async def test_a_dispute_as_it_stands(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, status: str, state: DisputeState
) -> None:
    intent = await charged(stripe_gateway, stripe_server)
    stripe_server.account.dispute(intent, status=status)
    [found] = await stripe_gateway.disputes_of(attempt_id="attempt-1") or ()
    assert (found.state, found.amount_minor, found.currency) == (state, 10_000, "EUR")
    assert (found.fee_minor, found.reason) == (1500, "product_not_received")
    assert found.evidence_due_at == NOON + timedelta(days=7)


@pytest.mark.parametrize(
    "status", ["warning_needs_response", "warning_under_review", "warning_closed", "prevented"]
)
async def test_an_inquiry_takes_no_money(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, status: str
) -> None:
    intent = await charged(stripe_gateway, stripe_server)
    stripe_server.account.dispute(intent, status=status)
    assert await stripe_gateway.disputes_of(attempt_id="attempt-1") == []
    *_, (_, headers, body) = stripe_server.deliveries()
    assert stripe_gateway.parse_webhook(headers, body, NOON) is None


async def test_amounts_are_those_of_the_currency(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    intent = await charged(stripe_gateway, stripe_server, amount_minor=12_340, currency="KWD")
    stripe_server.account.dispute(intent)
    [found] = await stripe_gateway.disputes_of(attempt_id="attempt-1") or ()
    assert (found.amount_minor, found.currency) == (12_340, "KWD")


async def test_evidence_is_handed_in_once(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    intent = await charged(stripe_gateway, stripe_server)
    dispute = stripe_server.account.dispute(intent)
    stripe_server.faults.extend([None, LOST_ANSWER])
    assert await stripe_gateway.submit_evidence(evidence(dispute["id"])) is Outcome.UNKNOWN
    assert await stripe_gateway.submit_evidence(evidence(dispute["id"])) is Outcome.ACCEPTED
    assert dispute["evidence_details"]["submission_count"] == 1
    assert dispute["evidence"] == {
        "uncategorized_text": "It arrived",
        "shipping_carrier": "dhl",
        "shipping_tracking_number": "JD1",
    }
    again = await stripe_gateway.submit_evidence(evidence(dispute["id"], "other"))
    assert again is Outcome.DECLINED


def a_file(kind: str = "application/pdf", size: int = 8, name: str = "Ada.pdf") -> EvidenceFile:
    return EvidenceFile(name=name, content_type=kind, content=b"x" * size)


async def test_files_go_with_the_words_and_are_uploaded_once(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    intent = await charged(stripe_gateway, stripe_server)
    dispute = stripe_server.account.dispute(intent)
    files = (a_file(), a_file("image/webp"), a_file("image/png", 9))
    said = replace(evidence(dispute["id"]), files=files)
    # The dispute, the first file, and then silence over the second: nothing is handed in yet.
    stripe_server.faults.extend([None, None, LOST_ANSWER])
    assert await stripe_gateway.submit_evidence(said) is Outcome.UNKNOWN
    assert dispute["evidence"] == {}
    assert await stripe_gateway.submit_evidence(said) is Outcome.ACCEPTED
    first, second = stripe_server.account.files
    assert dispute["evidence"] == {
        "uncategorized_text": "It arrived",
        "shipping_carrier": "dhl",
        "shipping_tracking_number": "JD1",
        "uncategorized_file": first,
        "customer_communication": second,
    }
    assert [one["size"] for one in stripe_server.account.files.values()] == [8, 9]
    uploads = [form for name, form in stripe_server.sent if name == "post /v1/files"]
    assert {form["purpose"] for form in uploads} == {"dispute_evidence"}
    assert await stripe_gateway.submit_evidence(said) is Outcome.ACCEPTED
    assert len(stripe_server.account.files) == 2
    assert dispute["evidence_details"]["submission_count"] == 1


def test_no_more_files_than_there_are_places_and_bytes() -> None:
    assert len(chosen_files([a_file()] * 9)) == 5
    large = a_file("image/jpeg", 4_000_000)
    small = a_file("image/jpeg", 500_000)
    assert chosen_files([large, large, small, a_file()]) == [large, small]


async def test_every_chargeback_since_is_listed(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock
) -> None:
    assert isinstance(stripe_gateway, TellsDisputes)
    intent = await charged(stripe_gateway, stripe_server)
    for _ in range(101):
        dispute = stripe_server.account.dispute(intent)
    stripe_server.account.dispute(intent, status="warning_needs_response")
    listed = await stripe_gateway.disputed_since(NOON)
    assert listed is not None
    assert len(listed) == 101
    assert (listed[0].reference, listed[0].charge_reference, listed[0].state) == (
        dispute["id"], intent["id"], DisputeState.OPEN,
    )  # fmt: skip
    assert await stripe_gateway.disputed_since(NOON + timedelta(seconds=1)) == []
    stripe_server.down = NO_CONNECTION
    assert await stripe_gateway.disputed_since(NOON) is None


async def test_an_answer_in_another_currency_is_no_answer(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    dispute = stripe_server.account.dispute(await charged(stripe_gateway, stripe_server))
    assert await stripe_gateway.disputes_of(attempt_id="attempt-1")
    dispute["currency"] = "usd"
    assert await stripe_gateway.disputes_of(attempt_id="attempt-1") is None


@pytest.mark.parametrize("wrong", [{"payment_intent": "pi_2"}, {"payment_intent": None}])
def test_a_list_with_another_payment_s_dispute_can_t_be_read(wrong: Document) -> None:
    row: Document = {"payment_intent": "pi_1", "currency": "eur"}
    assert list(about_payment([row], intent_id="pi_1", currency="EUR")) == [row]
    with pytest.raises(Unreadable):
        about_payment([row, row | wrong], intent_id="pi_1", currency="EUR")
