"""What the tests believe of PayPal is what PayPal's own documents say.

Requests and the fake's answers are held against an excerpt of PayPal's OpenAPI documents (Orders
2.13, Payments 2.5, Payouts 1.9, Disputes 1.10), and PayPal's own examples against that excerpt and
our readers. Of a token the documents name the address and the flow, and no answer; of payments,
refunds, payouts and disputes they have no example of an answer.
"""

import json
import os
import re
from datetime import UTC, datetime, timedelta
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
from gosellr.integrations.payments.paypal_webhooks import EVENTS_USED, read_event
from gosellr.integrations.payments.port import (
    CaptureRequest,
    ChargeRequest,
    DisputeEvidence,
    EventKind,
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
    [given] = await gateway.given_back(attempt_id="attempt-0") or ()
    assert (given.refund_id, given.amount_minor) == ("r", 1)
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
    server.movements.append(
        {
            "transaction_id": "T1", "transaction_event_code": "T0006", "transaction_status": "S",
            "transaction_initiation_date": clock.now().isoformat(),
            "transaction_amount": {"currency_code": "EUR", "value": "1.00"},
        }
    )  # fmt: skip
    assert [one.reference for one in await gateway.movements()] == ["T1"]


def test_the_manual_names_every_report_that_is_used() -> None:
    manual = (ROOT / "docs" / "operations" / "paypal.md").read_text()
    assert [kind for kind in EVENTS_USED if f"`{kind}`" not in manual] == []


async def test_every_kind_of_request_is_used(clock: ManualClock) -> None:
    server = FakePayPal(Account(clock))
    await a_life(server, clock)
    used = (*excerpt.USED, *excerpt.USED_REPORTS)
    assert {f"{method} {path}" for _, method, path, _ in used} == set(server.operations)


def the_whole_documents() -> dict[str, Any]:
    """PayPal's own documents, where somebody has named their folder."""
    named = os.environ.get("PAYPAL_OPENAPI", "")
    if not Path(named, excerpt.ORDERS).is_file():
        pytest.skip("PAYPAL_OPENAPI names no folder with PayPal's whole OpenAPI documents")
    return excerpt.operations_of(Path(named))


async def test_the_whole_documents_allow_every_request(clock: ManualClock) -> None:
    whole = the_whole_documents()
    examples = {name: one for name, one in EXAMPLES.items() if name != "source"}
    assert examples == excerpt.examples_of(Path(os.environ["PAYPAL_OPENAPI"]))
    assert json.loads(excerpt.OPENAPI.read_text())["operations"] == whole
    reports = json.loads(excerpt.KEPT_REPORTS.read_text())["operations"]
    folder = Path(os.environ["PAYPAL_OPENAPI"])
    if (folder / excerpt.REPORTS).is_file():
        assert reports == excerpt.operations_of(folder, used=excerpt.USED_REPORTS)
    server = FakePayPal(Account(clock), contract=Contract(whole | reports))
    await a_life(server, clock)
    assert server.sent


EXAMPLES: dict[str, Any] = json.loads(excerpt.EXAMPLES.read_text())
# What PayPal's examples say besides: the first isn't in PayPal's own document either, the others
# are never sent, and so aren't in the excerpt.
UNKNOWN = {
    "post /v2/checkout/orders": "payment_method_selected",
    "post /v2/payments/authorizations/{authorization_id}/capture": None,
    "post /v2/payments/authorizations/{authorization_id}/reauthorize": None,
    "post /v2/payments/captures/{capture_id}/refund": "payment_instruction",
    "post /v1/payments/payouts": "alternate_notification_method",
}


def sent_as(name: str, body: Any) -> httpx2.Request:
    method, path = name.split(" ")
    return httpx2.Request(
        method.upper(), "https://api-m.paypal.com" + re.sub(r"{\w+}", "2GG279541U471931P", path),
        json=body,
    )  # fmt: skip


def without(body: Any, name: str | None) -> Any:
    if isinstance(body, list):
        return [without(one, name) for one in body]
    if isinstance(body, dict):
        return {key: without(one, name) for key, one in body.items() if key != name}
    return body


@pytest.mark.parametrize("name", UNKNOWN)
def test_paypal_s_own_examples_of_requests_are_allowed(name: str) -> None:
    assert EXAMPLES["requests"].keys() == UNKNOWN.keys()
    body, unknown = EXAMPLES["requests"][name], UNKNOWN[name]
    known = without(body, unknown)
    assert kept_contract().check(sent_as(name, known)) == (name, known)
    if unknown is not None:
        with pytest.raises(ContractBroken, match=f"'{unknown}' was unexpected"):
            kept_contract().check(sent_as(name, body))


def test_paypal_s_own_example_of_an_order_can_be_read() -> None:
    assert EXAMPLES["answers"].keys() == {"post /v2/checkout/orders"}
    answer = EXAMPLES["answers"]["post /v2/checkout/orders"]
    with pytest.raises(Unreadable):  # It has no name and no status.
        read_order(answer)
    order = read_order(answer | {"id": "5O190127TN364715T", "status": "CREATED"})
    assert (order.amount_minor, order.currency, order.intent) == (10_000, "USD", "CAPTURE")
    assert (order.attempt_id, order.captures, order.refunds) == ("", [], [])


def test_paypal_s_own_example_of_a_report_can_be_read() -> None:
    report = EXAMPLES["report"]
    # An interface before ours, and a payment of somebody else's.
    assert read_event(json.dumps(report).encode()) is None
    ours = {"custom_id": "gosellr.attempt", "amount": {"currency_code": "USD", "value": "7.47"}}
    read = read_event(json.dumps(report | {"resource": report["resource"] | ours}).encode())
    assert read is not None
    assert (read.event_id, read.kind) == (
        "8PT597110X687430LKGECATA", EventKind.PAYMENT_AUTHORIZED
    )  # fmt: skip
    assert (read.attempt_id, read.amount_minor, read.currency) == ("attempt", 747, "USD")
    assert read.occurred_at == datetime(2013, 6, 25, 21, 41, 28, tzinfo=UTC)


@pytest.mark.parametrize("status", [500, 503])
async def test_paypal_s_own_examples_of_failures_leave_it_open(
    clock: ManualClock, status: int
) -> None:
    assert EXAMPLES["refusals"][str(status)]["debug_id"] == "90957fca61718"
    server = FakePayPal(Account(clock), down=None)
    server.faults.append(status)
    asked = await make_gateway(server, clock).charge(
        ChargeRequest(
            attempt_id="a", amount_minor=1, currency="EUR", token="", reference="order-1",
            capture=True,
        )
    )  # fmt: skip
    assert asked.outcome is Outcome.UNKNOWN


async def test_a_token_is_asked_for_as_the_documents_say(clock: ManualClock) -> None:
    assert EXAMPLES["token"] == {"flow": "clientCredentials", "url": "/v1/oauth2/token"}
    server = FakePayPal(Account(clock))
    assert await make_gateway(server, clock).disputed_since(clock.now()) == []
    assert len(server.tokens) == 1


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
