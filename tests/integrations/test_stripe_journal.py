"""What Stripe has, read for whoever holds it against the books."""

from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.integrations.payments.journal_port import JournalCharge, JournalUnread, KeepsJournal
from gosellr.integrations.payments.port import ChargeRequest, RefundRequest
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from tests.integrations.stripe_api.account import DECLINED, GOOD
from tests.integrations.stripe_api.server import GIBBERISH, LOST_ANSWER, FakeStripe


async def charge(gateway: StripeGateway, number: int, **more: Any) -> None:
    await gateway.charge(
        ChargeRequest(
            **{
                "attempt_id": f"attempt-{number}", "amount_minor": 1_000, "currency": "EUR",
                "token": GOOD, "reference": "order-1", **more,
            }
        )
    )  # fmt: skip


async def whole(gateway: StripeGateway, *, limit: int) -> list[JournalCharge]:
    read: list[JournalCharge] = []
    while page := await gateway.journal(
        after_reference=read[-1].gateway_reference if read else "", limit=limit
    ):
        read += page
    return read


@pytest.mark.parametrize("limit", [1, 2, 100, 1_000])
async def test_everything_that_took_money_is_in_the_journal_once(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, limit: int
) -> None:
    await charge(stripe_gateway, 1)
    await charge(stripe_gateway, 2, currency="JPY")
    await charge(stripe_gateway, 3, token=DECLINED)
    await charge(stripe_gateway, 4, capture=False)
    await charge(stripe_gateway, 5)
    await stripe_gateway.refund(
        RefundRequest(refund_id="r", attempt_id="attempt-5", amount_minor=400, currency="EUR")
    )
    # Somebody else uses the same account.
    last = list(stripe_server.account.intents.values())[-1]
    for number in range(3):
        stranger = last | {"id": f"pi_stranger{number}", "metadata": {}}
        stripe_server.account.intents[stranger["id"]] = stranger
    assert isinstance(stripe_gateway, KeepsJournal)
    read = await whole(stripe_gateway, limit=limit)
    assert [
        (one.attempt_id, one.currency, one.captured_minor, one.refunded_minor, one.fee_minor)
        for one in read
    ] == [
        ("attempt-5", "EUR", 1_000, 400, 45),
        ("attempt-2", "JPY", 1_000, 0, 45),
        ("attempt-1", "EUR", 1_000, 0, 45),
    ]


@pytest.mark.parametrize("fault", [LOST_ANSWER, GIBBERISH, 500, 403])
async def test_a_journal_that_can_t_be_read_is_no_empty_one(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock, fault: Any
) -> None:
    await charge(stripe_gateway, 1)
    stripe_server.faults.append(fault)
    with pytest.raises(JournalUnread):
        await stripe_gateway.journal()
    assert len(await stripe_gateway.journal()) == 1
