"""Payouts by PayPal: sent once, found again, and what each state means."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.flows.found_transfers import if_it_is_this, status_of
from gosellr.integrations.payouts.paypal import PayPalPayouts
from gosellr.integrations.payouts.port import (
    AccountKind,
    TransferOutcome,
    TransferRequest,
    TransferResult,
)
from gosellr.models.payout_values import PayoutInstruction
from gosellr.utils.payouts import PayoutStatus
from tests.integrations.conftest import NOON
from tests.integrations.paypal_api.account import Document
from tests.integrations.paypal_api.server import (
    GIBBERISH,
    LOST_ANSWER,
    LOST_REQUEST,
    NO_CONNECTION,
    FakePayPal,
    make_payouts,
)

# Made at noon: identifiers tell when they were.
TRANSFER = str(UUID(int=(int(NOON.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | 5))


@pytest.fixture
def payouts(paypal_server: FakePayPal, clock: ManualClock) -> PayPalPayouts:
    return make_payouts(paypal_server, clock)


def order_of(**more: Any) -> TransferRequest:
    return TransferRequest(
        **{
            "transfer_id": TRANSFER, "amount_minor": 12_345, "currency": "EUR",
            "holder": "Lampo GmbH", "account": "shop@example.com", "reference": "GoSellr 1",
            **more,
        }
    )  # fmt: skip


def the_batch(server: FakePayPal) -> Document:
    [batch] = server.account.batches.values()
    return batch


def paid(server: FakePayPal, **more: Any) -> TransferResult:
    return TransferResult(
        **{
            "outcome": TransferOutcome.ACCEPTED, "transfer_id": TRANSFER, "amount_minor": 12_345,
            "currency": "EUR", "account": "shop@example.com",
            "provider_reference": the_batch(server)["batch_header"]["payout_batch_id"], **more,
        }
    )  # fmt: skip


async def test_a_payout_is_a_batch_of_one(
    payouts: PayPalPayouts, paypal_server: FakePayPal
) -> None:
    result = await payouts.send(order_of())
    assert result == paid(paypal_server)
    assert paypal_server.sent[0] == (
        "post /v1/payments/payouts",
        {
            "sender_batch_header": {
                "sender_batch_id": f"gosellr.{TRANSFER}", "email_subject": "You have been paid",
            },
            "items": [
                {
                    "recipient_type": "EMAIL", "receiver": "shop@example.com",
                    "amount": {"value": "123.45", "currency": "EUR"}, "note": "GoSellr 1",
                    "sender_item_id": f"gosellr.{TRANSFER}",
                }
            ],
        },
    )  # fmt: skip
    assert (payouts.name, payouts.paid_from) == ("paypal", "paypal")
    assert payouts.account_kind is AccountKind.EMAIL


async def test_sending_again_finds_what_was_sent_and_moves_nothing(
    payouts: PayPalPayouts, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    first = await payouts.send(order_of())
    assert await payouts.send(order_of()) == first
    # Another process, and weeks later.
    clock.advance(timedelta(days=24))
    assert await make_payouts(paypal_server, clock).send(order_of()) == first
    assert len(paypal_server.account.batches) == 1


@pytest.mark.parametrize(
    "other", [{"amount_minor": 1}, {"currency": "USD"}, {"account": "mallory@example.com"}]
)
async def test_a_key_that_comes_with_another_instruction_is_refused(
    payouts: PayPalPayouts, paypal_server: FakePayPal, other: dict[str, Any]
) -> None:
    await payouts.send(order_of())
    refused = await payouts.send(order_of(**other))
    assert (refused.outcome, refused.reason) == (TransferOutcome.REFUSED, "idempotency_key_reused")
    assert await payouts.lookup(transfer_id=TRANSFER) == paid(paypal_server)
    assert len(paypal_server.account.batches) == 1


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, GIBBERISH, 500, 503, 429, 403])
async def test_a_lost_answer_is_found_by_sending_again(
    payouts: PayPalPayouts, paypal_server: FakePayPal, clock: ManualClock, fault: Any
) -> None:
    paypal_server.faults.append(fault)
    lost = await payouts.send(order_of())
    assert lost == TransferResult(outcome=TransferOutcome.UNKNOWN, transfer_id=TRANSFER)
    clock.advance(timedelta(minutes=1))
    assert (await payouts.lookup(transfer_id=TRANSFER)).outcome is TransferOutcome.NOT_FOUND
    assert await payouts.send(order_of()) == paid(paypal_server)
    assert len(paypal_server.account.batches) == 1


async def test_a_batch_that_can_t_be_read_yet_is_asked_for_by_its_name(
    payouts: PayPalPayouts, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    paypal_server.faults.extend([None, LOST_ANSWER, LOST_ANSWER])
    sent = await payouts.send(order_of())
    batch_id = the_batch(paypal_server)["batch_header"]["payout_batch_id"]
    assert (sent.outcome, sent.provider_reference) == (TransferOutcome.UNKNOWN, batch_id)
    other = make_payouts(paypal_server, clock)
    found = await other.lookup(transfer_id=TRANSFER, provider_reference=batch_id)
    assert found == paid(paypal_server)
    stranger = await other.lookup(transfer_id="another", provider_reference=batch_id)
    assert stranger.outcome is TransferOutcome.UNKNOWN
    gone = await other.lookup(transfer_id=TRANSFER, provider_reference="NOBODY")
    assert gone.outcome is TransferOutcome.UNKNOWN


async def test_what_paypal_may_have_forgotten_isn_t_sent_again(
    payouts: PayPalPayouts, paypal_server: FakePayPal, clock: ManualClock
) -> None:
    paypal_server.faults.append(LOST_ANSWER)
    await payouts.send(order_of())
    clock.advance(timedelta(days=25, seconds=1))
    assert (await payouts.send(order_of())).outcome is TransferOutcome.UNKNOWN
    assert len(paypal_server.sent) == 1


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [
        ("SUCCESS", TransferOutcome.ACCEPTED, None),
        ("PENDING", TransferOutcome.PENDING, "pending"),
        ("UNCLAIMED", TransferOutcome.PENDING, "unclaimed"),
        ("ONHOLD", TransferOutcome.PENDING, "onhold"),
        ("FAILED", TransferOutcome.DECLINED, "failed"),
        ("BLOCKED", TransferOutcome.DECLINED, "blocked"),
        ("RETURNED", TransferOutcome.DECLINED, "returned"),
        ("REFUNDED", TransferOutcome.DECLINED, "refunded"),
        ("REVERSED", TransferOutcome.DECLINED, "reversed"),
    ],
)
async def test_each_state_is_one_of_three(
    payouts: PayPalPayouts, paypal_server: FakePayPal, status: str, outcome: Any, reason: Any
) -> None:
    paypal_server.account.transfer_status = status
    expected = (outcome, 12_345, reason)
    sent = await payouts.send(order_of())
    assert (sent.outcome, sent.amount_minor, sent.reason) == expected
    found = await payouts.lookup(transfer_id=TRANSFER)
    assert (found.outcome, found.amount_minor, found.reason) == expected


async def test_a_no_may_follow_a_yes(payouts: PayPalPayouts, paypal_server: FakePayPal) -> None:
    await payouts.send(order_of())
    paypal_server.account.change_transfer(
        the_batch(paypal_server), "RETURNED", error="RECEIVER_UNREGISTERED"
    )
    back = await payouts.lookup(transfer_id=TRANSFER)
    assert (back.outcome, back.reason) == (TransferOutcome.DECLINED, "receiver_unregistered")


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"currency": "KWD"}, "amount_not_expressible"),
        ({"currency": "HUF", "amount_minor": 150}, "amount_not_expressible"),
        ({"account": "nobody"}, "receiver is invalid or does not match with type"),
    ],
)
async def test_what_paypal_won_t_take_is_declined(
    payouts: PayPalPayouts, paypal_server: FakePayPal, other: dict[str, Any], reason: str
) -> None:
    declined = await payouts.send(order_of(**other))
    assert (declined.outcome, declined.reason) == (TransferOutcome.DECLINED, reason)
    assert paypal_server.account.batches == {}


async def test_while_paypal_can_t_be_reached_nothing_is_known(
    payouts: PayPalPayouts, paypal_server: FakePayPal
) -> None:
    paypal_server.down = NO_CONNECTION
    assert (await payouts.send(order_of())).outcome is TransferOutcome.UNKNOWN


async def test_a_batch_without_its_item_is_open(
    payouts: PayPalPayouts, paypal_server: FakePayPal
) -> None:
    await payouts.send(order_of())
    batch = the_batch(paypal_server)
    item = batch["items"].pop()
    assert (await payouts.lookup(transfer_id=TRANSFER)).outcome is TransferOutcome.UNKNOWN
    batch["batch_header"]["batch_status"] = "DENIED"
    assert (await payouts.lookup(transfer_id=TRANSFER)).outcome is TransferOutcome.DECLINED
    batch["items"].append(item | {"payout_item": {"amount": {"currency": "EUR", "value": 1.5}}})
    paypal_server.contract.check_answer = lambda *_: None  # type: ignore[method-assign]
    assert (await payouts.lookup(transfer_id=TRANSFER)).outcome is TransferOutcome.UNKNOWN


@pytest.mark.parametrize(
    ("asked", "is_it"),
    [
        ({}, True),
        # PayPal may write an address in its own way.
        ({"account": "Shop@Example.com"}, True),
        ({"account": "mallory@example.com"}, False),
        ({"amount_minor": 12_344}, False),
        ({"currency": "USD"}, False),
    ],
)
async def test_what_is_found_is_held_against_the_payout(
    payouts: PayPalPayouts, asked: dict[str, Any], is_it: bool
) -> None:
    """Whoever sent it under our name: amount, currency and receiver have to be ours."""
    await payouts.send(order_of(**asked))
    told = PayoutInstruction(
        payout_id=UUID(TRANSFER),
        status=PayoutStatus.UNKNOWN,
        provider="paypal",
        amount_minor=12_345,
        currency="EUR",
        destination_id=UUID(int=1),
        account_encrypted=b"",
        provider_reference=None,
        is_denied=False,
    )
    found = if_it_is_this(
        told,
        await payouts.lookup(transfer_id=TRANSFER),
        account="shop@example.com",
        kind=payouts.account_kind,
    )
    assert status_of(found, told) is (PayoutStatus.PAID if is_it else PayoutStatus.UNKNOWN)
    assert (found.provider_reference is not None) is is_it
