"""Disputes at PayPal: whose they are, how they stand, and what is said to them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gosellr.integrations.payments.paypal_gateway import PayPalGateway
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    DisputeEvidence,
    DisputeState,
    DisputingGateway,
    EventKind,
    EvidenceFile,
    Outcome,
)
from gosellr.integrations.payments.report_port import AcceptsClaims, TellsDisputes
from tests.integrations.conftest import NOON
from tests.integrations.paypal_api.account import Document, money
from tests.integrations.paypal_api.quarrels import SELF, decide, quarrel
from tests.integrations.paypal_api.server import LOST_ANSWER, NO_CONNECTION, FakePayPal

REASON = "merchandise_or_service_not_received"


async def taken(gateway: PayPalGateway, server: FakePayPal) -> Document:
    """A capture of 100.00."""
    await gateway.charge(
        ChargeRequest(
            attempt_id="attempt-1", amount_minor=10_000, currency="EUR", token="",
            reference="order-1",
        )
    )  # fmt: skip
    [order] = server.account.orders.values()
    server.account.approve(order)
    await gateway.capture(
        CaptureRequest(
            capture_id="attempt-1", attempt_id="attempt-1", amount_minor=10_000, currency="EUR"
        )
    )
    [capture] = server.account.captures()
    return capture


def evidence(reference: str, evidence_id: str = "e") -> DisputeEvidence:
    return DisputeEvidence(
        evidence_id=evidence_id, reference=reference, statement="It arrived", carrier="Hermes",
        tracking_number="H1",
    )  # fmt: skip


async def told(gateway: PayPalGateway, server: FakePayPal) -> list[Any]:
    found = []
    for kind, headers, body in server.deliveries():
        if kind.startswith("CUSTOMER.DISPUTE"):
            await gateway.prepare_webhook(headers)
            found.append(gateway.parse_webhook(headers, body, NOON))
    return found


async def test_a_report_names_the_attempt_or_the_dispute(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    assert isinstance(paypal_gateway, DisputingGateway)
    capture = await taken(paypal_gateway, paypal_server)
    dispute = quarrel(paypal_server.account, capture)
    del dispute["disputed_transactions"][0]["custom"]
    decide(paypal_server.account, dispute, "RESOLVED_BUYER_FAVOUR")
    assert [
        (one.kind, one.attempt_id, one.gateway_reference, one.movement_id, one.fee_minor)
        for one in await told(paypal_gateway, paypal_server)
    ] == [
        (EventKind.DISPUTE_OPENED, "attempt-1", "", "PP-D-1", 1_500),
        (EventKind.DISPUTE_LOST, "", "PP-D-1", "PP-D-1", 1_500),
    ]
    assert await paypal_gateway.attempt_of(gateway_reference="PP-D-1") == "attempt-1"
    assert await paypal_gateway.attempt_of(gateway_reference="PP-D-9") == ""
    paypal_server.account.disputes["PP-D-2"] = dispute
    assert await paypal_gateway.attempt_of(gateway_reference="PP-D-2") is None
    del paypal_server.account.disputes["PP-D-2"]
    capture["custom_id"] = "theirs"
    assert await paypal_gateway.attempt_of(gateway_reference="PP-D-1") == ""
    paypal_server.down = NO_CONNECTION
    assert await paypal_gateway.attempt_of(gateway_reference="PP-D-1") is None


@pytest.mark.parametrize("by_dispute", [False, True])
async def test_a_dispute_as_it_stands(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, by_dispute: bool
) -> None:
    dispute = quarrel(paypal_server.account, await taken(paypal_gateway, paypal_server))
    [order] = paypal_server.account.orders.values()
    [found] = (
        await paypal_gateway.disputes_of(
            attempt_id="attempt-1",
            gateway_reference=dispute["dispute_id"] if by_dispute else order["id"],
        )
        or ()
    )
    assert (found.reference, found.state, found.attempt_id) == (
        "PP-D-1", DisputeState.OPEN, "attempt-1",
    )  # fmt: skip
    assert (found.amount_minor, found.currency, found.fee_minor) == (10_000, "EUR", 1_500)
    assert (found.reason, found.opened_at) == (REASON, NOON)
    assert found.evidence_due_at == datetime(2026, 3, 12, 12, tzinfo=UTC)
    paypal_server.down = NO_CONNECTION
    assert await paypal_gateway.disputes_of(attempt_id="attempt-1") is None


@pytest.mark.parametrize(
    ("outcome", "refunded", "expected"),
    [
        ("RESOLVED_SELLER_FAVOUR", None, [("PP-D-1", "won", 10_000, 1_500)]),
        ("CANCELED_BY_BUYER", None, [("PP-D-1", "won", 10_000, 1_500)]),
        ("RESOLVED_WITH_PAYOUT", 10_000, [("PP-D-1", "won", 10_000, 1_500)]),
        ("RESOLVED_BUYER_FAVOUR", None, [("PP-D-1", "lost", 10_000, 1_500)]),
        ("ACCEPTED", 10_000, [("PP-D-1", "lost", 10_000, 1_500)]),
        (
            "RESOLVED_BUYER_FAVOUR", 2_501,
            [("PP-D-1", "won", 10_000, 1_500), ("PP-D-1/awarded", "lost", 2_501, 0)],
        ),
        ("RESOLVED_BUYER_FAVOUR", 10_001, None),
        ("NONE", None, None),
    ],
)  # fmt: skip
async def test_what_was_decided(
    paypal_gateway: PayPalGateway,
    paypal_server: FakePayPal,
    outcome: str,
    refunded: int | None,
    expected: list[tuple[str, str, int, int]] | None,
) -> None:
    dispute = quarrel(paypal_server.account, await taken(paypal_gateway, paypal_server))
    back = None if refunded is None else money(refunded, "EUR")
    dispute |= {
        "status": "RESOLVED", "dispute_outcome": {"outcome_code": outcome}, "links": SELF,
    }  # fmt: skip
    if back is not None:
        dispute["dispute_outcome"]["amount_refunded"] = back
    found = await paypal_gateway.disputes_of(attempt_id="attempt-1")
    listed = await paypal_gateway.disputed_since(NOON)
    if expected is None:
        assert (found, listed) == (None, [])
        return
    assert found is not None
    assert listed is not None
    assert [
        (one.reference, one.state.value, one.amount_minor, one.fee_minor) for one in found
    ] == expected
    assert [(one.reference, one.state.value, one.charge_reference) for one in listed] == [
        (reference, state, "PP-D-1") for reference, state, _, _ in expected
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"dispute_amount": money(10_001, "EUR")},
        {"dispute_amount": money(10_000, "USD"), "money_movements": []},
        {"dispute_amount": money(0, "EUR")},
        {"disputed_transactions": []},
        {"disputed_transactions": [{"seller_transaction_id": "OTHER1"}]},
        {"seller": {"merchant_id": "SOMEBODY"}},
        {"create_time": "2026-03-02T12:00:00"},
    ],
)
async def test_an_answer_about_something_else_is_no_answer(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal, wrong: Document
) -> None:
    capture = await taken(paypal_gateway, paypal_server)
    dispute = quarrel(paypal_server.account, capture)
    paypal_server.contract = Lenient(paypal_server.contract)  # type: ignore[assignment]
    assert await paypal_gateway.disputes_of(attempt_id="attempt-1")
    if "seller" in wrong:
        dispute["disputed_transactions"][0] |= wrong
    else:
        dispute |= wrong
    assert await paypal_gateway.disputes_of(attempt_id="attempt-1") in (None, [])


class Lenient:
    """A contract whose answers may be anything."""

    def __init__(self, contract: Any) -> None:
        self.check = contract.check

    def check_answer(self, name: str, status: int, body: Any) -> None:
        """Nothing is asked of it."""


async def test_talk_takes_no_money(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    capture = await taken(paypal_gateway, paypal_server)
    dispute = quarrel(paypal_server.account, capture, dispute_life_cycle_stage="INQUIRY")
    assert await paypal_gateway.disputes_of(attempt_id="attempt-1") == []
    assert await paypal_gateway.disputed_since(NOON) == []
    decide(paypal_server.account, dispute, "CANCELED_BY_BUYER")
    assert await paypal_gateway.disputes_of(attempt_id="attempt-1") == []
    assert await told(paypal_gateway, paypal_server) == [None, None]
    decide(paypal_server.account, dispute, "ACCEPTED", refunded=money(700, "EUR"))
    found = await paypal_gateway.disputes_of(attempt_id="attempt-1") or ()
    assert [(one.state.value, one.amount_minor) for one in found] == [
        ("won", 10_000), ("lost", 700),
    ]  # fmt: skip


async def test_evidence_is_handed_in_once(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    dispute = quarrel(paypal_server.account, await taken(paypal_gateway, paypal_server))
    files = tuple(
        EvidenceFile(name="Ada.x", content_type=kind, content=content)
        for kind, content in (
            ("application/pdf", b"one"), ("image/webp", b"two"), ("image/png", b"th\r\nree\n"),
        )
    )  # fmt: skip
    said = replace(evidence("PP-D-1"), statement="It arrived. " * 300, files=files)
    paypal_server.faults.extend([None, LOST_ANSWER])
    assert await paypal_gateway.submit_evidence(said) is Outcome.UNKNOWN
    assert await paypal_gateway.submit_evidence(said) is Outcome.ACCEPTED
    [sent] = [body for name, body in paypal_server.sent if name.endswith("provide-evidence")]
    assert sent["files"] == [
        ("evidence-1.pdf", "application/pdf", b"one"),
        ("evidence-2.png", "image/png", b"th\r\nree\n"),
    ]
    rows = sent["input"]["evidences"]
    assert "".join(one["notes"] for one in rows) == f"Reference e\n{said.statement}"
    assert rows[0]["evidence_info"]["tracking_info"] == [
        {"carrier_name": "OTHER", "carrier_name_other": "Hermes", "tracking_number": "H1"}
    ]
    other = evidence(dispute["dispute_id"], "other")
    assert await paypal_gateway.submit_evidence(other) is Outcome.DECLINED


async def test_evidence_waits_where_it_isn_t_asked_for_yet(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    capture = await taken(paypal_gateway, paypal_server)
    dispute = quarrel(paypal_server.account, capture, status="OPEN", links=SELF)
    assert await paypal_gateway.submit_evidence(evidence("PP-D-1")) is Outcome.UNKNOWN
    assert await paypal_gateway.accept_claim(reference="PP-D-1") is Outcome.UNKNOWN
    dispute["status"] = "UNDER_REVIEW"
    assert await paypal_gateway.submit_evidence(evidence("PP-D-1")) is Outcome.DECLINED
    assert await paypal_gateway.accept_claim(reference="PP-D-1") is Outcome.DECLINED


async def test_a_claim_is_accepted_once(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    assert isinstance(paypal_gateway, AcceptsClaims)
    quarrel(paypal_server.account, await taken(paypal_gateway, paypal_server))
    paypal_server.faults.extend([None, LOST_ANSWER])
    assert await paypal_gateway.accept_claim(reference="PP-D-1") is Outcome.UNKNOWN
    assert await paypal_gateway.accept_claim(reference="PP-D-1") is Outcome.ACCEPTED
    assert sum(name.endswith("accept-claim") for name in paypal_server.operations) == 1
    [found] = await paypal_gateway.disputes_of(attempt_id="attempt-1") or ()
    assert found.state is DisputeState.LOST


async def test_every_dispute_since_is_listed(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    assert isinstance(paypal_gateway, TellsDisputes)
    capture = await taken(paypal_gateway, paypal_server)
    for _ in range(5):
        quarrel(paypal_server.account, capture)
    listed = await paypal_gateway.disputed_since(NOON) or ()
    assert [one.reference for one in listed] == [f"PP-D-{number}" for number in range(1, 6)]
    assert await paypal_gateway.disputed_since(NOON + timedelta(seconds=1)) == []
    paypal_server.down = NO_CONNECTION
    assert await paypal_gateway.disputed_since(NOON) is None


async def test_one_that_is_also_about_others_money_is_no_answer(
    paypal_gateway: PayPalGateway, paypal_server: FakePayPal
) -> None:
    dispute = quarrel(paypal_server.account, await taken(paypal_gateway, paypal_server))
    dispute["disputed_transactions"].append({"seller_transaction_id": "OTHER1"})
    assert await paypal_gateway.disputes_of(attempt_id="attempt-1") is None
