"""What the tests believe of Stripe is what Stripe's own documents say.

Each request is held against an excerpt of Stripe's OpenAPI document, which is of an older version
than the one that we speak (`openapi.json` names both of its sources), and once more against
Stripe's own library, which is made from the document of just that version. The examples that are
read are Stripe's fixtures of October 2025. So lengths are checked by the older document alone, and
nothing here proves what Stripe's servers answer today.
"""

import json
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import stripe

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    DisputeEvidence,
    DisputeState,
    EventKind,
    EvidenceFile,
    GatewayEvent,
    Outcome,
    RefundRequest,
)
from gosellr.integrations.payments.stripe_answers import (
    Unreadable,
    read_intent,
    read_refund,
    read_session,
)
from gosellr.integrations.payments.stripe_api import API_VERSION
from gosellr.integrations.payments.stripe_connect import PAYOUT
from gosellr.integrations.payments.stripe_disputes import read_dispute
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from gosellr.integrations.payments.stripe_reports import read_movement
from gosellr.integrations.payments.stripe_webhooks import EVENTS_USED, read_event
from gosellr.integrations.payouts.port import AccountRequest, TransferOutcome, TransferRequest
from gosellr.integrations.payouts.stripe_accounts import read_account, read_transfer
from tests.house.source import ROOT
from tests.integrations.stripe_api import excerpt, spoken
from tests.integrations.stripe_api.account import GOOD, Account
from tests.integrations.stripe_api.contract import Contract, ContractBroken, kept_contract
from tests.integrations.stripe_api.server import FakeStripe, make_gateway, make_payouts

OLDEST = "2026-05-27"


def the_whole_document() -> dict[str, Any]:
    """Stripe's own document, where somebody has named one that is new enough."""
    named = os.environ.get("STRIPE_OPENAPI", "")
    if not Path(named).is_file():
        pytest.skip("STRIPE_OPENAPI names no file with Stripe's whole OpenAPI document")
    document: dict[str, Any] = json.loads(Path(named).read_text())
    version = document["info"]["version"]
    if not re.match(r"\d{4}-", version) or version < OLDEST:
        pytest.skip(f"Stripe's document of {version} is older than what we speak ({OLDEST})")
    return document


async def a_life(gateway: StripeGateway, server: FakeStripe) -> None:
    """Every kind of request once."""
    for number, token in enumerate(("", GOOD)):
        attempt_id = f"attempt-{number}"
        await gateway.charge(
            ChargeRequest(
                attempt_id=attempt_id, amount_minor=10_000, currency="EUR", token=token,
                reference="order-1", capture=not token,
            )
        )  # fmt: skip
    [page] = server.account.sessions.values()
    server.account.pay_page(page)
    taken = await gateway.capture(
        CaptureRequest(capture_id="c", attempt_id="attempt-1", amount_minor=1, currency="EUR")
    )
    back = await gateway.refund(
        RefundRequest(refund_id="r", attempt_id="attempt-0", amount_minor=1, currency="EUR")
    )
    assert (taken.outcome, back.outcome) == (Outcome.ACCEPTED, Outcome.ACCEPTED)
    for attempt_id, capture, token in (("attempt-2", True, ""), ("attempt-3", False, GOOD)):
        await gateway.charge(
            ChargeRequest(
                attempt_id=attempt_id, amount_minor=10_000, currency="EUR", token=token,
                reference="order-1", capture=capture,
            )
        )  # fmt: skip
        assert (await gateway.void(attempt_id=attempt_id)).outcome is Outcome.ACCEPTED
    server.account.multicapture = True
    await gateway.charge(
        ChargeRequest(
            attempt_id="attempt-4", amount_minor=10_000, currency="EUR", token=GOOD,
            reference="order-1", capture=False,
        )
    )  # fmt: skip
    for number in range(2):
        piece = await gateway.capture(
            CaptureRequest(
                capture_id=f"piece-{number}", attempt_id="attempt-4", amount_minor=2_000,
                currency="EUR", final=False,
            )
        )  # fmt: skip
        assert (piece.outcome, piece.amount_minor) == (Outcome.ACCEPTED, 2_000)
    disputed = next(iter(server.account.intents.values()))
    server.account.dispute(disputed)
    [dispute] = await gateway.disputes_of(attempt_id="attempt-1") or ()
    evidence = DisputeEvidence(
        evidence_id="e", reference=dispute.reference, statement="It arrived", carrier="dhl",
        tracking_number="JD1",
        files=(EvidenceFile(name="a.pdf", content_type="application/pdf", content=b"%PDF-1.7"),),
    )  # fmt: skip
    assert await gateway.submit_evidence(evidence) is Outcome.ACCEPTED
    assert (await gateway.lookup(attempt_id="nobody")).outcome is Outcome.NOT_FOUND
    [given] = await gateway.given_back(attempt_id="attempt-0") or ()
    assert (given.refund_id, given.amount_minor) == ("r", 1)
    begun = server.account.clock.now() - timedelta(days=1)
    assert [one.reference for one in await gateway.disputed_since(begun) or ()] == [
        dispute.reference
    ]
    first = (await gateway.journal(limit=1))[0]
    await gateway.journal(after_reference=first.gateway_reference, limit=1)
    moved = await gateway.movements(limit=1)
    assert await gateway.movements(after=moved[-1].cursor, limit=1)
    await a_life_of_sellers(server)


async def a_life_of_sellers(server: FakeStripe) -> None:
    """Every kind of request about sellers once."""
    payouts = make_payouts(server, server.account.clock)
    request = AccountRequest(
        account_id="a", asked_at=server.account.clock.now(), country="DE", email="a@example.com",
        name="Lampo",
    )  # fmt: skip
    account = (await payouts.open_account(request)).account
    assert account is not None
    await payouts.onboarding_link(
        reference=account.reference, return_url="https://market.test/r",
        refresh_url="https://market.test/o",
    )  # fmt: skip
    server.sellers.tell(server.sellers.accounts[account.reference])
    assert (await payouts.find_account(reference=account.reference)).account is not None
    sent = await payouts.send(
        TransferRequest(
            transfer_id="t", amount_minor=100, currency="EUR", holder="Lampo",
            account=account.reference, reference="GoSellr t",
        )
    )  # fmt: skip
    assert sent.outcome is TransferOutcome.ACCEPTED
    back = await payouts.call_back(transfer_id="t", recall_id="r")
    assert back.outcome is TransferOutcome.DECLINED


def test_the_manual_names_every_report_that_is_used() -> None:
    manual = (ROOT / "docs" / "operations" / "stripe.md").read_text()
    assert [kind for kind in EVENTS_USED if f"`{kind}`" not in manual] == []


async def test_every_kind_of_request_is_used(clock: ManualClock) -> None:
    server = FakeStripe(Account(clock))
    await a_life(make_gateway(server, clock), server)
    assert {f"{method} {path}" for method, path in excerpt.USED} == set(server.operations)


async def test_the_whole_document_allows_every_request(clock: ManualClock) -> None:
    contract = Contract(excerpt.amended(excerpt.requests_of(the_whole_document())))
    server = FakeStripe(Account(clock), contract=contract)
    await a_life(make_gateway(server, clock, payment_methods=()), server)
    assert server.sent


async def test_the_version_that_we_speak_knows_every_request(clock: ManualClock) -> None:
    assert stripe.api_version == API_VERSION
    assert {f"{method} {path}" for method, path in excerpt.USED} == spoken.FORMS.keys()
    server = FakeStripe(Account(clock))
    await a_life(make_gateway(server, clock), server)
    assert [one for name, form in server.sent for one in spoken.faults(name, form)] == []


def test_what_the_version_that_we_speak_doesn_t_know_is_seen() -> None:
    name = "post /v1/payment_intents"
    good: dict[str, Any] = {
        "amount": 1,
        "currency": "eur",
        "allowed_payment_method_types": ["card"],
    }
    assert spoken.faults(name, good) == []
    said = {
        f"{name}.payment_method_types isn't known": good | {"payment_method_types": ["card"]},
        f"{name}.capture_method is never 'later'": good | {"capture_method": "later"},
        f"{name}.amount isn't int": good | {"amount": "1"},
        f"{name}.allowed_payment_method_types isn't a list": (
            good | {"allowed_payment_method_types": "card"}
        ),
        f"{name}.currency is missing": {"amount": 1},
        f"{name}.payment_method_options isn't an object": good | {"payment_method_options": 1},
    }
    assert {fault: spoken.faults(name, form) for fault, form in said.items()} == {
        fault: [fault] for fault in said
    }


@pytest.mark.parametrize(
    "body",
    [
        b"amount=many&payment_intent=pi_1",
        b"amount=1&payment_intent=pi_1&colour=red",
        b"amount=1&amount=2",
        b"reason=because",
        b"metadata[a][b]=c",
    ],
)
def test_a_request_that_stripe_wouldn_t_take_is_seen(body: bytes) -> None:
    request = httpx2.Request("POST", "https://api.stripe.com/v1/refunds", content=body)
    with pytest.raises(ContractBroken):
        kept_contract().check(request)


def test_stripe_s_own_examples_can_be_read() -> None:
    examples = json.loads(excerpt.FIXTURES.read_text())
    intent = read_intent(examples["payment_intent"])
    assert (intent.amount_minor, intent.captured_minor, intent.currency) == (1_099, 0, "USD")
    charge = examples["charge"] | {"balance_transaction": examples["balance_transaction"]}
    whole = read_intent(examples["payment_intent"] | {"latest_charge": charge})
    assert (whole.fee_minor, whole.refunded_minor) == (0, 0)
    refund = read_refund(examples["refund"])
    assert (refund.amount_minor, refund.status) == (100, "succeeded")
    page = examples["checkout.session"]
    with pytest.raises(Unreadable):  # Its example has no amount.
        read_session(page)
    read = read_session(page | {"amount_total": 5, "currency": "eur"})
    assert (read.amount_minor, read.status) == (5, page["status"])


def test_stripe_s_own_example_of_a_dispute_can_be_read() -> None:
    document = json.loads(excerpt.FIXTURES.read_text())["dispute"]
    # A bank that only asks has taken nothing.
    assert (document["status"], read_dispute(document)) == ("warning_needs_response", None)
    dispute = read_dispute(document | {"status": "needs_response"})
    assert dispute is not None
    assert (dispute.reference, dispute.state) == ("dp_1Pgc71B7WZ01zgkWMevJiAUx", DisputeState.OPEN)
    assert (dispute.amount_minor, dispute.currency, dispute.fee_minor) == (1_000, "USD", 0)
    assert (dispute.reason, dispute.charges) == ("general", ("ch_1PgafuB7WZ01zgkWXYmPNZs8",))
    assert dispute.evidence_due_at == datetime(2024, 8, 14, 23, 59, 59, tzinfo=UTC)
    assert dispute.opened_at == datetime(2009, 2, 13, 23, 31, 30, tzinfo=UTC)


def test_stripe_s_own_examples_of_what_sellers_get_can_be_read() -> None:
    examples = json.loads(excerpt.FIXTURES.read_text())
    account = read_account(examples["account"])
    assert (account.reference, account.account_id) == ("acct_1PgafTB7WZ01zgkW", None)
    assert (account.may_receive, account.may_pay_out, account.is_complete) == (True, False, False)
    assert (account.disabled_reason, account.missing[-1]) == (
        "requirements.past_due", "tos_acceptance.ip"
    )  # fmt: skip
    sent, back = examples["transfer"], examples["transfer_reversal"]
    assert back["transfer"] == sent["id"]
    for reversals in ([], [back]):
        transfer = read_transfer(
            sent
            | {
                "amount_reversed": sum(one["amount"] for one in reversals),
                "reversals": sent["reversals"] | {"data": reversals},
            }
        )
        assert (transfer.id, transfer.destination) == (sent["id"], account.reference)
        assert (transfer.amount_minor, transfer.currency) == (1_100, "USD")
        assert transfer.reversed_minor == (1_100 if reversals else 0)
    # A reversal is told by its movement, which bears it as its source.
    moved = read_movement(
        examples["balance_transaction"]
        | {"type": "transfer_refund", "reporting_category": "transfer_reversal", "source": back}
    )
    assert (moved.kind, moved.gateway_reference) == ("payout", back["id"])
    assert (moved.amount_minor, moved.fee_minor, moved.currency) == (100, 0, "USD")


def told(kind: str, name: str, **more: Any) -> GatewayEvent | None:
    """What is read of Stripe's example of a report, were it of this kind and about this example."""
    examples = json.loads(excerpt.FIXTURES.read_text())
    about = {"data": {"object": examples[name] | more.pop("subject", {})}, "type": kind}
    return read_event(json.dumps(examples["event"] | about | more).encode())


def test_stripe_s_own_example_of_a_report_can_be_read() -> None:
    event = json.loads(excerpt.FIXTURES.read_text())["event"]
    assert (event["type"], read_event(json.dumps(event).encode())) == ("plan.created", None)
    for kind, reason in (("payout.paid", None), ("payout.failed", "failed")):
        # Of the market's own account it is none of ours.
        assert told(kind, "payout") is None
        read = told(kind, "payout", account="acct_1")
        assert read is not None
        assert (read.event_id, read.kind) == (event["id"], EventKind.ACCOUNT_PAYOUT)
        assert (read.gateway_reference, read.movement_id) == (
            "acct_1", "po_1Pgc79B7WZ01zgkWu1KToYf4"
        )  # fmt: skip
        assert (read.amount_minor, read.currency, read.decline_code) == (1_100, "USD", reason)
    read = told("payout.failed", "payout", account="a", subject={"failure_code": "account_closed"})
    assert read is not None
    assert read.decline_code == "account_closed"
    read = told("transfer.reversed", "transfer", subject={"metadata": {PAYOUT: "t"}})
    assert read is not None
    assert (read.kind, read.movement_id, read.amount_minor) == (
        EventKind.TRANSFER_CHANGED, "t", 1_100
    )  # fmt: skip
    # The example's dispute is an inquiry, and names no payment.
    taken: dict[str, Any] = {"status": "lost", "payment_intent": "pi_1"}
    assert told("charge.dispute.closed", "dispute") is None
    read = told("charge.dispute.closed", "dispute", subject=taken)
    assert read is not None
    assert (read.kind, read.gateway_reference, read.amount_minor, read.decline_code) == (
        EventKind.DISPUTE_LOST, "pi_1", 1_000, "general"
    )  # fmt: skip


@pytest.mark.parametrize("read", [read_intent, read_session, read_refund, read_dispute])
@pytest.mark.parametrize("document", [{}, {"currency": None}, {"currency": "eur", "amount": "1"}])
def test_what_can_t_be_read_is_said_to_be(read: Any, document: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(document)
