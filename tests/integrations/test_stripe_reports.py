"""Stripe's movements by time: all of them, oldest first, in the currency they are booked in."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.identity import new_id
from gosellr.integrations.payments.journal_port import JournalUnread, KeepsJournal
from gosellr.integrations.payments.port import ChargeRequest, GatewayMovement, RefundRequest
from gosellr.integrations.payments.report_port import ListsByTime
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from gosellr.integrations.payments.stripe_reports import read_movement
from gosellr.integrations.payouts.port import AccountRequest, TransferRequest
from tests.integrations.conftest import NOON
from tests.integrations.stripe_api.account import GOOD
from tests.integrations.stripe_api.server import GIBBERISH, NO_CONNECTION, FakeStripe, make_payouts


async def charge(
    gateway: StripeGateway, *, amount_minor: int = 10_000, currency: str = "EUR"
) -> str:
    attempt_id = str(new_id())
    await gateway.charge(
        ChargeRequest(
            attempt_id=attempt_id, amount_minor=amount_minor, currency=currency, token=GOOD,
            reference="order-1",
        )
    )  # fmt: skip
    return attempt_id


async def everything(gateway: StripeGateway, *, limit: int = 1000) -> list[GatewayMovement]:
    found: list[GatewayMovement] = []
    after = ""
    while page := await gateway.movements(after=after, limit=limit):
        found += page
        after = page[-1].cursor
    return found


def told(one: GatewayMovement) -> tuple[object, ...]:
    return one.kind, one.movement_id, one.amount_minor, one.fee_minor, one.currency


async def test_every_kind_of_movement_in_the_order_it_happened(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock
) -> None:
    assert isinstance(stripe_gateway, ListsByTime)
    assert isinstance(stripe_gateway, KeepsJournal)
    assert await everything(stripe_gateway) == []
    attempt_id = await charge(stripe_gateway)
    [intent] = stripe_server.account.intents.values()
    clock.advance(timedelta(days=40))
    refund_id = str(new_id())
    await stripe_gateway.refund(
        RefundRequest(
            refund_id=refund_id, attempt_id=attempt_id, amount_minor=1_000, currency="EUR"
        )
    )
    dispute = stripe_server.account.dispute(intent)
    clock.advance(timedelta(days=400))
    stripe_server.account.close_dispute(dispute, "won")
    payouts = make_payouts(stripe_server, clock)
    opened = await payouts.open_account(
        AccountRequest(account_id="a", asked_at=NOON, country="DE", email="a@b.example", name="A")
    )
    assert opened.account is not None
    stripe_server.sellers.tell(stripe_server.sellers.accounts[opened.account.reference])
    payout_id = str(new_id())
    sent = TransferRequest(
        transfer_id=payout_id, amount_minor=500, currency="EUR", holder="A",
        account=opened.account.reference, reference="r",
    )  # fmt: skip
    await payouts.send(sent)
    await payouts.call_back(transfer_id=payout_id, recall_id="r")
    stripe_server.account.keep_movement("payout", -3_000, "eur", None)
    stripe_server.account.keep_movement("stripe_fee", -30, "eur", None, category="fee")
    stripe_server.account.keep_movement("topup", 70, "eur", None)
    found = await everything(stripe_gateway)
    assert [told(one) for one in found] == [
        ("charge", attempt_id, 10_000, 225, "EUR"),
        ("refund", refund_id, -1_000, 0, "EUR"),
        ("chargeback", None, -10_000, 1_500, "EUR"),
        ("chargeback", None, 10_000, 0, "EUR"),
        ("payout", payout_id, -500, 0, "EUR"),
        ("payout", payout_id, 500, 0, "EUR"),
        ("settlement", None, -3_000, 0, "EUR"),
        ("fee", None, -30, 0, "EUR"),
        ("other", None, 70, 0, "EUR"),
    ]
    assert found[0].occurred_at == NOON
    [refund] = stripe_server.account.refunds
    [transfer] = stripe_server.account.transfers
    assert [one.gateway_reference for one in found] == [
        intent["id"], refund, dispute["id"], dispute["id"], transfer, transfer, None, None, None,
    ]  # fmt: skip
    net = sum(one.amount_minor - one.fee_minor for one in found)
    assert net == sum(row["net"] for row in stripe_server.account.movements.values())


async def test_pages_neither_miss_nor_repeat(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, clock: ManualClock
) -> None:
    for number in range(250):
        # A hundred and more within one second, and one in a window of its own now and then.
        stripe_server.account.keep_movement("topup", number + 1, "eur", None)
        if number % 40 == 39 and number > 120:
            clock.advance(timedelta(days=3))
    for limit in (1000, 100, 7):
        found = await everything(stripe_gateway, limit=limit)
        assert [one.amount_minor for one in found] == list(range(1, 251))
    last = found[-1].cursor
    assert await stripe_gateway.movements(after=last) == []
    stripe_server.account.keep_movement("topup", 251, "eur", None)
    assert [one.amount_minor for one in await stripe_gateway.movements(after=last)] == [251]
    day = stripe_gateway.place_at(clock.now())
    assert [one.amount_minor for one in await stripe_gateway.movements(after=day)][-1] == 251
    beyond = stripe_gateway.place_at(clock.now() + timedelta(seconds=1))
    assert await stripe_gateway.movements(after=beyond) == []


@pytest.mark.parametrize(
    ("settles_in", "currency", "amount_minor", "expected"),
    [
        # 100.00 EUR are 108.00 USD, of which 2.41 are kept: 2.23 of what the buyer paid.
        (("usd", 108), "EUR", 10_000, ("charge", 10_000, 223, "EUR")),
        (("eur", 1), "JPY", 12_000, ("charge", 12_000, 2700, "JPY")),
        (None, "JPY", 12_000, ("charge", 12_000, 265, "JPY")),
        (None, "KWD", 12_340, ("charge", 12_340, 271, "KWD")),
    ],
)
async def test_amounts_are_the_buyer_s(
    stripe_gateway: StripeGateway,
    stripe_server: FakeStripe,
    settles_in: tuple[str, int] | None,
    currency: str,
    amount_minor: int,
    expected: tuple[object, ...],
) -> None:
    stripe_server.account.settles_in = settles_in
    attempt_id = await charge(stripe_gateway, amount_minor=amount_minor, currency=currency)
    [one] = await everything(stripe_gateway)
    kind, *rest = expected
    assert told(one) == (kind, attempt_id, *rest)
    # The same fee as the one that is booked with the charge.
    charged = await stripe_gateway.lookup(attempt_id=attempt_id)
    assert charged.fee_minor == one.fee_minor


async def test_money_that_no_ledger_has_stops_nothing_behind_it(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe, caplog: pytest.LogCaptureFixture
) -> None:
    stripe_server.account.keep_movement("topup", 70, "eur", None)
    coin = stripe_server.account.keep_movement("topup", 1_000_000, "usdc", None)
    stripe_server.account.keep_movement("topup", 71, "eur", None)
    found = await everything(stripe_gateway)
    assert [(one.amount_minor, one.currency) for one in found] == [(70, "EUR"), (71, "EUR")]
    assert f"{coin['id']} moved USDC" in caplog.text


async def test_parts_of_the_smallest_unit_are_rounded_as_they_are_booked(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    """Stripe counts krónur and shillings with hundredths, and keeps a fee to the hundredth."""
    keep = stripe_server.account.keep_movement
    keep("charge", 150_000, "isk", None, fee=1_234)
    keep("stripe_fee", -2_550, "ugx", None, category="fee")
    keep("stripe_fee", -49, "ugx", None, category="fee")
    keep("topup", 70, "eur", None)
    found = await everything(stripe_gateway)
    assert [(one.amount_minor, one.fee_minor, one.currency) for one in found] == [
        (1_500, 12, "ISK"), (-26, 0, "UGX"), (70, 0, "EUR"),
    ]  # fmt: skip


def test_a_fee_that_was_given_back_is_part_of_the_amount() -> None:
    row = {
        "id": "txn_1", "amount": 10_000, "fee": -1_500, "currency": "eur", "created": 1,
        "reporting_category": "dispute_reversal", "source": None, "type": "adjustment",
    }  # fmt: skip
    one = read_movement(row)
    assert (one.kind, one.amount_minor, one.fee_minor) == ("chargeback", 11_500, 0)


def test_a_fee_that_came_back_with_a_refund_stands_by_itself() -> None:
    row = {
        "id": "txn_1", "amount": -10_800, "fee": -241, "currency": "usd", "created": 1,
        "reporting_category": "refund", "type": "refund",
        "source": {"id": "re_1", "amount": 10_000, "currency": "eur"},
    }  # fmt: skip
    one = read_movement(row)
    assert (one.kind, one.currency, one.amount_minor, one.fee_minor) == (
        "refund", "EUR", -10_000, -223,
    )  # fmt: skip
    row |= {"source": {"id": "re_1", "amount": 10_800, "currency": "usd"}}
    one = read_movement(row)
    assert (one.amount_minor, one.fee_minor) == (-10_800, -241)


async def test_silence_and_nonsense_are_said_to_be(
    stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    stripe_server.faults.append(GIBBERISH)
    with pytest.raises(JournalUnread):
        await stripe_gateway.movements()
    await charge(stripe_gateway)
    for wrong in ("yesterday", "x/1"):
        with pytest.raises(JournalUnread):
            await stripe_gateway.movements(after=wrong)
    for row in stripe_server.account.movements.values():
        row["currency"] = None
    with pytest.raises(JournalUnread):
        await stripe_gateway.movements()
    stripe_server.down = NO_CONNECTION
    with pytest.raises(JournalUnread):
        await stripe_gateway.movements()
