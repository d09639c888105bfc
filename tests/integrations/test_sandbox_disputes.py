"""The sandbox's card network: told how to go, remembered on disk, reported once per change."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.port import (
    ChargeRequest,
    DisputeEvidence,
    DisputeState,
    DisputingGateway,
    EvidenceFile,
    Outcome,
)
from gosellr.integrations.payments.report_port import TellsDisputes
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_disputes import EVIDENCE_TIME, NothingToDispute
from gosellr.integrations.payments.sandbox_store import reference_of


@pytest.fixture
def gateway(tmp_path: Path, clock: ManualClock) -> SandboxGateway:
    return SandboxGateway(tmp_path, production=False, clock=clock)


async def charge(gateway: SandboxGateway, attempt_id: str = "a", token: str = "tok_ok") -> None:
    await gateway.charge(
        ChargeRequest(
            attempt_id=attempt_id, amount_minor=5000, currency="JPY", token=token, reference="o"
        )
    )


def evidence(reference: str, evidence_id: str = "e") -> DisputeEvidence:
    return DisputeEvidence(
        evidence_id=evidence_id,
        reference=reference,
        statement="It arrived",
        carrier="dhl",
        tracking_number="JD1",
        files=(EvidenceFile(name="a.pdf", content_type="application/pdf", content=b"%PDF-"),),
    )


async def test_it_is_remembered_by_whoever_opens_the_journal_next(
    gateway: SandboxGateway, tmp_path: Path, clock: ManualClock
) -> None:
    await charge(gateway)
    reference = await gateway.disputes.open(attempt_id="a", amount_minor=3000, fee_minor=15)
    gateway.close()
    other = SandboxGateway(tmp_path, production=False, clock=clock)
    assert isinstance(other, DisputingGateway)
    [found] = await other.disputes_of(attempt_id="a") or ()
    assert (found.reference, found.state) == (reference, DisputeState.OPEN)
    assert (found.amount_minor, found.currency, found.fee_minor) == (3000, "JPY", 15)
    assert found.evidence_due_at == clock.now() + EVIDENCE_TIME
    assert await other.disputes.taken_back() == {"a": 3000}
    await other.disputes.decide(reference=reference, won=True)
    await other.disputes.decide(reference=reference, won=False)
    [found] = await other.disputes_of(attempt_id="a") or ()
    assert found.state is DisputeState.WON
    assert await other.disputes.taken_back() == {}
    [untouched] = await other.journal()
    assert (untouched.captured_minor, untouched.refunded_minor) == (5000, 0)


async def test_each_change_is_reported_once_and_signed(
    gateway: SandboxGateway, clock: ManualClock
) -> None:
    await charge(gateway)
    reference = await gateway.disputes.open(attempt_id="a", fee_minor=15, reason="fraudulent")
    await gateway.disputes.decide(reference=reference, won=False)
    await gateway.disputes.decide(reference=reference, won=False)
    sent = await gateway.pending_webhooks()
    events = [gateway.parse_webhook(one.headers, one.body, clock.now()) for one in sent]
    assert [event.kind.value for event in events] == [
        "payment.captured", "dispute.opened", "dispute.lost",
    ]  # fmt: skip
    assert [(one.movement_id, one.amount_minor, one.fee_minor) for one in events[1:]] == [
        (reference, 5000, 15),
        (reference, 5000, 0),
    ]
    assert json.loads(sent[1].body)["data"]["attempt_id"] == "a"


async def test_nothing_is_disputed_that_was_not_taken(gateway: SandboxGateway) -> None:
    await charge(gateway, "declined", "tok_declined")
    await charge(gateway)
    for attempt_id, amount in (("unknown", None), ("declined", None), ("a", 5001), ("a", 0)):
        with pytest.raises(NothingToDispute):
            await gateway.disputes.open(attempt_id=attempt_id, amount_minor=amount)
    await gateway.disputes.open(attempt_id="a", amount_minor=4000)
    with pytest.raises(NothingToDispute):
        await gateway.disputes.open(attempt_id="a", amount_minor=1001)
    await gateway.disputes.open(attempt_id="a")
    assert await gateway.disputes.taken_back() == {"a": 5000}
    with pytest.raises(NothingToDispute):
        await gateway.disputes.decide(reference="sdp_unknown", won=True)


async def test_evidence_is_taken_once_and_in_time(
    gateway: SandboxGateway, clock: ManualClock
) -> None:
    await charge(gateway)
    reference = await gateway.disputes.open(attempt_id="a", amount_minor=1000)
    late = await gateway.disputes.open(attempt_id="a", amount_minor=1000)
    assert await gateway.submit_evidence(evidence("sdp_unknown")) is Outcome.NOT_FOUND
    for _ in range(2):
        assert await gateway.submit_evidence(evidence(reference)) is Outcome.ACCEPTED
    assert await gateway.submit_evidence(evidence(reference, "other")) is Outcome.REFUSED
    said = await gateway.disputes.evidence(reference=reference)
    assert said is not None
    assert (said["statement"], said["tracking_number"]) == ("It arrived", "JD1")
    clock.advance(EVIDENCE_TIME * 2)
    assert await gateway.submit_evidence(evidence(late)) is Outcome.DECLINED
    await gateway.disputes.decide(reference=late, won=False)
    assert await gateway.submit_evidence(evidence(late)) is Outcome.DECLINED


async def test_it_lists_its_chargebacks_for_whoever_heard_no_report(
    gateway: SandboxGateway, clock: ManualClock
) -> None:
    assert isinstance(gateway, TellsDisputes)
    await charge(gateway)
    await charge(gateway, "b")
    first = await gateway.disputes.open(attempt_id="a", amount_minor=3000)
    clock.advance(timedelta(hours=1))
    later = clock.now()
    second = await gateway.disputes.open(attempt_id="b")
    await gateway.disputes.decide(reference=first, won=False)
    listed = await gateway.disputed_since(later - timedelta(hours=1)) or ()
    assert [(one.reference, one.charge_reference, one.state) for one in listed] == [
        (second, reference_of("b"), DisputeState.OPEN),
        (first, reference_of("a"), DisputeState.LOST),
    ]
    assert [one.reference for one in await gateway.disputed_since(later) or ()] == [second]
    assert await gateway.attempt_of(gateway_reference=reference_of("b")) == "b"
    assert await gateway.attempt_of(gateway_reference="sch_of_others") == ""


async def test_its_movements_tell_what_banks_took_and_gave_back(
    gateway: SandboxGateway, clock: ManualClock
) -> None:
    await charge(gateway)
    clock.advance(timedelta(hours=1))
    won = await gateway.disputes.open(attempt_id="a", amount_minor=3000, fee_minor=15)
    lost = await gateway.disputes.open(attempt_id="a", amount_minor=2000)
    clock.advance(timedelta(hours=1))
    await gateway.disputes.decide(reference=won, won=True)
    await gateway.disputes.decide(reference=lost, won=False)
    told = await gateway.movements()
    assert [(one.kind, one.amount_minor, one.fee_minor, one.occurred_at) for one in told] == [
        ("charge", 5000, 0, clock.now() - timedelta(hours=2)),
        *sorted(
            [
                ("chargeback", -3000, 15, clock.now() - timedelta(hours=1)),
                ("chargeback", -2000, 0, clock.now() - timedelta(hours=1)),
            ],
            reverse=won > lost,
        ),
        ("chargeback", 3000, 0, clock.now()),
    ]
    assert {one.reference: one.gateway_reference for one in told[1:]} == {
        f"chargeback:{won}:taken": won,
        f"chargeback:{lost}:taken": lost,
        f"chargeback:{won}:given_back": won,
    }
    paged, after = [], ""
    while page := await gateway.movements(after=after, limit=1):
        paged += page
        after = page[-1].cursor
    assert paged == told
