"""What the tests believe of PayPal is what PayPal's own documents say."""

import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.paypal_answers import (
    Unreadable,
    read_authorization,
    read_capture,
    read_order,
    read_refund,
)
from gosellr.integrations.payments.paypal_webhooks import EVENTS_USED
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    DisputeEvidence,
    EvidenceFile,
    Outcome,
    RefundRequest,
)
from gosellr.integrations.payouts.port import TransferOutcome, TransferRequest
from tests.house.source import ROOT
from tests.integrations.paypal_api import excerpt
from tests.integrations.paypal_api.account import Account
from tests.integrations.paypal_api.contract import Contract, ContractBroken, kept_contract
from tests.integrations.paypal_api.quarrels import quarrel
from tests.integrations.paypal_api.server import FakePayPal, make_gateway, make_payouts


async def a_life(server: FakePayPal, clock: ManualClock) -> None:
    """Every kind of request once."""
    gateway, account = make_gateway(server, clock), server.account
    for number, capture in enumerate((True, False, True, False)):
        attempt_id = f"attempt-{number}"
        await gateway.charge(
            ChargeRequest(
                attempt_id=attempt_id, amount_minor=10_000, currency="EUR", token="",
                reference="order-1", capture=capture,
            )
        )  # fmt: skip
        account.approve(list(account.orders.values())[-1])
        await gateway.lookup(attempt_id=attempt_id)
    for number in (0, 1):
        taken = await gateway.capture(
            CaptureRequest(
                capture_id=f"attempt-{number}", attempt_id=f"attempt-{number}",
                amount_minor=10_000, currency="EUR",
            )
        )  # fmt: skip
        assert taken.outcome is Outcome.ACCEPTED
    back = await gateway.refund(
        RefundRequest(refund_id="r", attempt_id="attempt-0", amount_minor=1, currency="EUR")
    )
    assert back.outcome is Outcome.ACCEPTED
    server.account.clock.advance(timedelta(days=5))  # type: ignore[attr-defined]
    longer = await gateway.reauthorize(attempt_id="attempt-3")
    assert longer.authorized_until == clock.now() + timedelta(days=7)
    for number in (2, 3):
        voided = await gateway.void(attempt_id=f"attempt-{number}")
        assert voided.outcome is Outcome.ACCEPTED
    sent = await make_payouts(server, clock).send(
        TransferRequest(
            transfer_id="t", amount_minor=1, currency="EUR", holder="Lampo",
            account="shop@example.com", reference="GoSellr 1",
        )
    )  # fmt: skip
    assert sent.outcome is TransferOutcome.ACCEPTED
    disputes = [quarrel(account, one) for one in account.captures()]
    assert await gateway.disputed_since(clock.now()) is not None
    assert await gateway.attempt_of(gateway_reference=disputes[0]["dispute_id"]) == "attempt-0"
    said = DisputeEvidence(
        evidence_id="e", reference=disputes[0]["dispute_id"], statement="x" * 5_000,
        carrier="dhl", tracking_number="JD1",
        files=(EvidenceFile(name="Ada.pdf", content_type="application/pdf", content=b"x"),),
    )  # fmt: skip
    assert await gateway.submit_evidence(said) is Outcome.ACCEPTED
    accepted = await gateway.accept_claim(reference=disputes[1]["dispute_id"])
    assert accepted is Outcome.ACCEPTED


def test_the_manual_names_every_report_that_is_used() -> None:
    manual = (ROOT / "docs" / "operations" / "paypal.md").read_text()
    assert [kind for kind in EVENTS_USED if f"`{kind}`" not in manual] == []


async def test_every_kind_of_request_is_used(clock: ManualClock) -> None:
    server = FakePayPal(Account(clock))
    await a_life(server, clock)
    assert {f"{method} {path}" for _, method, path, _ in excerpt.USED} == set(server.operations)


def the_whole_documents() -> dict[str, Any]:
    """PayPal's own documents, where somebody has named their folder."""
    named = os.environ.get("PAYPAL_OPENAPI", "")
    if not Path(named, excerpt.ORDERS).is_file():
        pytest.skip("PAYPAL_OPENAPI names no folder with PayPal's whole OpenAPI documents")
    return excerpt.operations_of(Path(named))


async def test_the_whole_documents_allow_every_request(clock: ManualClock) -> None:
    whole = the_whole_documents()
    assert json.loads(excerpt.OPENAPI.read_text())["operations"] == whole
    server = FakePayPal(Account(clock), contract=Contract(whole))
    await a_life(server, clock)
    assert server.sent


GOOD: dict[str, Any] = {
    "intent": "CAPTURE", "purchase_units": [{"amount": {"currency_code": "EUR", "value": "1.00"}}],
}  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"intent": "TAKE"},
        {"purchase_units": []},
        {"purchase_units": [{"amount": {"currency_code": "EUR", "value": 1}}]},
        {"purchase_units": [{"amount": {"currency_code": "EURO", "value": "1"}}]},
        {"purchase_units": [{"amount": {"currency_code": "EUR", "value": "1,00"}}]},
        {"purchase_units": [{**GOOD["purchase_units"][0], "custom_id": "x" * 128}]},
        {"purchase_units": [{**GOOD["purchase_units"][0], "colour": "red"}]},
        {"colour": "red"},
        {"payment_source": {"paypal": {"experience_context": {"user_action": "HURRY"}}}},
        {"payment_source": {"paypal": {"experience_context": {"colour": "red"}}}},
    ],
)
def test_a_request_that_paypal_wouldn_t_take_is_seen(change: dict[str, Any]) -> None:
    url = "https://api-m.paypal.com/v2/checkout/orders"
    kept_contract().check(httpx2.Request("POST", url, json=GOOD))
    with pytest.raises(ContractBroken):
        kept_contract().check(httpx2.Request("POST", url, json=GOOD | change))


def test_a_float_or_a_key_that_is_too_long_is_seen() -> None:
    url = "https://api-m.paypal.com/v2/checkout/orders"
    floating = json.dumps(GOOD).replace('"1.00"', "1.00").encode()
    with pytest.raises(ContractBroken, match="float"):
        kept_contract().check(httpx2.Request("POST", url, content=floating))
    long = {"PayPal-Request-Id": "x" * 109}
    with pytest.raises(ContractBroken, match="PayPal-Request-Id"):
        kept_contract().check(httpx2.Request("POST", url, json=GOOD, headers=long))
    with pytest.raises(ContractBroken, match="there is no"):
        kept_contract().check(httpx2.Request("DELETE", url))


@pytest.mark.parametrize("read", [read_order, read_authorization, read_capture, read_refund])
@pytest.mark.parametrize(
    "document",
    [
        {}, {"id": 1}, {"id": "X", "status": "CREATED", "amount": {"value": "1.00"}},
        {"id": "X", "status": "CREATED", "purchase_units": []},
        {"id": "X", "status": "CREATED", "purchase_units": [{}, {}]},
        {"id": "", "status": "", "amount": {"currency_code": "EUR", "value": "1.00"}},
    ],
)  # fmt: skip
def test_what_can_t_be_read_is_said_to_be(read: Any, document: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        read(document)
