"""Sellers paid by Stripe: accounts opened once, transfers made once, taken back or not at all."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.identity import new_id
from gosellr.integrations.payments.port import BadSignature, EventKind
from gosellr.integrations.payments.stripe_gateway import StripeGateway
from gosellr.integrations.payouts.port import (
    AccountRequest,
    ConnectsSellers,
    TransferOutcome,
    TransferRequest,
    TransferResult,
)
from gosellr.integrations.payouts.stripe import StripePayouts
from tests.integrations.conftest import NOON
from tests.integrations.stripe_api.account import Document
from tests.integrations.stripe_api.server import (
    GIBBERISH,
    LOST_ANSWER,
    LOST_REQUEST,
    NO_CONNECTION,
    FakeStripe,
    make_payouts,
)

OUTCOME = TransferOutcome
PAYOUT = str(new_id())


@pytest.fixture
async def payouts(stripe_server: FakeStripe, clock: ManualClock) -> AsyncIterator[StripePayouts]:
    provider = make_payouts(stripe_server, clock)
    yield provider
    await provider.aclose()


def opening(account_id: str = "account-1", country: str = "DE") -> AccountRequest:
    return AccountRequest(
        account_id=account_id, asked_at=NOON, country=country, email="shop@example.com",
        name="Lampo",
    )  # fmt: skip


async def a_seller(payouts: StripePayouts, server: FakeStripe) -> Document:
    """One who has told all."""
    await payouts.open_account(opening())
    [opened] = server.sellers.accounts.values()
    server.sellers.tell(opened)
    return opened


def order_of(seller: Document, **more: Any) -> TransferRequest:
    fields: dict[str, Any] = {
        "transfer_id": PAYOUT, "amount_minor": 12_345, "currency": "EUR", "holder": "Lampo",
        "account": seller["id"], "reference": "GoSellr 1234",
    }  # fmt: skip
    return TransferRequest(**fields | more)


def the_transfer(server: FakeStripe) -> Document:
    [sent] = server.account.transfers.values()
    return sent


def paid(server: FakeStripe) -> TransferResult:
    return TransferResult(
        outcome=OUTCOME.ACCEPTED, transfer_id=PAYOUT, amount_minor=12_345, currency="EUR",
        provider_reference=the_transfer(server)["id"],
        account=the_transfer(server)["destination"],
    )  # fmt: skip


async def test_an_account_tells_what_is_missing_until_its_owner_has_said_it(
    payouts: StripePayouts, stripe_server: FakeStripe
) -> None:
    assert isinstance(payouts, ConnectsSellers)
    answer = await payouts.open_account(opening())
    account = answer.account
    assert account is not None
    assert (account.is_complete, account.may_receive, account.may_pay_out) == (False, False, False)
    assert account.missing == ("external_account", "tos_acceptance.date")
    assert account.due_at == NOON + timedelta(days=1)
    assert (account.account_id, account.disabled_reason) == ("account-1", "requirements.past_due")
    link = await payouts.onboarding_link(
        reference=account.reference, return_url="https://market.test/r",
        refresh_url="https://market.test/o",
    )  # fmt: skip
    assert link.url == f"https://connect.stripe.com/setup/s/{account.reference}/1"
    assert "https" not in repr(link)
    assert stripe_server.sellers.links == [
        {
            "account": account.reference, "type": "account_onboarding",
            "return_url": "https://market.test/r", "refresh_url": "https://market.test/o",
        }
    ]  # fmt: skip
    [opened] = stripe_server.sellers.accounts.values()
    assert opened["country"] == "DE"
    stripe_server.sellers.tell(opened)
    after = (await payouts.find_account(reference=account.reference)).account
    assert after is not None
    assert (after.is_complete, after.may_receive, after.may_pay_out) == (True, True, True)
    assert (after.missing, after.due_at, after.disabled_reason) == ((), None, None)


@pytest.mark.parametrize("fault", [LOST_ANSWER, LOST_REQUEST, GIBBERISH, 500])
async def test_an_account_is_opened_once(
    payouts: StripePayouts, stripe_server: FakeStripe, clock: ManualClock, fault: Any
) -> None:
    stripe_server.faults.extend([None, fault])
    assert (await payouts.open_account(opening())).outcome is OUTCOME.UNKNOWN
    # Past the day for which Stripe remembers a key, and from another process.
    clock.advance(timedelta(days=3))
    again = await make_payouts(stripe_server, clock).open_account(opening())
    [opened] = stripe_server.sellers.accounts.values()
    assert again.account is not None
    assert again.account.reference == opened["id"]
    other = await payouts.open_account(opening("account-2"))
    assert other.account is not None
    assert other.account.reference != opened["id"]


async def test_a_country_that_stripe_doesn_t_serve_is_refused(
    payouts: StripePayouts, stripe_server: FakeStripe
) -> None:
    refused = await payouts.open_account(opening(country="XX"))
    assert (refused.outcome, refused.reason) == (OUTCOME.DECLINED, "country_unsupported")
    assert (await payouts.find_account(reference="acct_nobody")).outcome is OUTCOME.NOT_FOUND
    link = await payouts.onboarding_link(reference="acct_nobody", return_url="a", refresh_url="b")
    assert (link.outcome, link.url) == (OUTCOME.DECLINED, None)
    stripe_server.down = NO_CONNECTION
    assert (await payouts.find_account(reference="acct_nobody")).outcome is OUTCOME.UNKNOWN


async def test_a_transfer_is_made_out_of_the_balance(
    payouts: StripePayouts, stripe_server: FakeStripe
) -> None:
    seller = await a_seller(payouts, stripe_server)
    assert (await payouts.lookup(transfer_id=PAYOUT)).outcome is OUTCOME.NOT_FOUND
    sent = await payouts.send(order_of(seller))
    assert sent == paid(stripe_server)
    transfer = the_transfer(stripe_server)
    assert transfer["transfer_group"] == f"gosellr-payout-{PAYOUT}"
    assert transfer["metadata"] == {"gosellr_payout": PAYOUT}
    assert stripe_server.sellers.balances == {(seller["id"], "eur"): 12_345}
    assert await payouts.lookup(transfer_id=PAYOUT) == sent
    assert await payouts.lookup(transfer_id=PAYOUT, provider_reference=transfer["id"]) == sent
    stranger = await payouts.lookup(transfer_id="another", provider_reference=transfer["id"])
    assert stranger.outcome is OUTCOME.UNKNOWN


@pytest.mark.parametrize("fault", [LOST_REQUEST, LOST_ANSWER, GIBBERISH, 500, 429, 401])
async def test_a_lost_answer_moves_nothing_twice(
    payouts: StripePayouts, stripe_server: FakeStripe, clock: ManualClock, fault: Any
) -> None:
    seller = await a_seller(payouts, stripe_server)
    stripe_server.faults.extend([None, fault])
    lost = await payouts.send(order_of(seller))
    assert lost == TransferResult(outcome=OUTCOME.UNKNOWN, transfer_id=PAYOUT)
    # Stripe has forgotten the key by then; it finds the transfer by its group.
    clock.advance(timedelta(days=2))
    other = make_payouts(stripe_server, clock)
    assert await other.send(order_of(seller)) == paid(stripe_server)
    assert await other.send(order_of(seller)) == paid(stripe_server)
    assert len(stripe_server.account.transfers) == 1


@pytest.mark.parametrize(
    "other", [{"amount_minor": 1}, {"currency": "USD"}, {"account": "acct_other"}]
)
async def test_a_key_that_comes_with_another_instruction_is_refused(
    payouts: StripePayouts, stripe_server: FakeStripe, other: dict[str, Any]
) -> None:
    seller = await a_seller(payouts, stripe_server)
    await payouts.send(order_of(seller))
    refused = await payouts.send(order_of(seller, **other))
    assert (refused.outcome, refused.reason) == (OUTCOME.REFUSED, "idempotency_key_reused")
    assert len(stripe_server.account.transfers) == 1


async def test_what_stripe_won_t_send_is_declined(
    payouts: StripePayouts, stripe_server: FakeStripe
) -> None:
    await payouts.open_account(opening())
    [opened] = stripe_server.sellers.accounts.values()
    cases = [("insufficient_capabilities_for_transfer", {}), ("amount_not_expressible",
             {"currency": "KWD", "amount_minor": 5})]  # fmt: skip
    for number, (code, more) in enumerate(cases):
        said = await payouts.send(order_of(opened, transfer_id=f"t{number}", **more))
        assert (said.outcome, said.reason) == (OUTCOME.DECLINED, code)
    stripe_server.sellers.tell(opened)
    stripe_server.sellers.available = {"eur": 12_344}
    short = await payouts.send(order_of(opened))
    assert (short.outcome, short.reason) == (OUTCOME.DECLINED, "balance_insufficient")
    assert stripe_server.account.transfers == {}
    assert stripe_server.sellers.available == {"eur": 12_344}


@pytest.mark.parametrize("fault", [None, LOST_ANSWER, LOST_REQUEST])
async def test_a_transfer_is_taken_back_whole_and_once(
    payouts: StripePayouts, stripe_server: FakeStripe, clock: ManualClock, fault: Any
) -> None:
    seller = await a_seller(payouts, stripe_server)
    await payouts.send(order_of(seller))
    stripe_server.faults.extend([None, fault])
    first = await payouts.call_back(transfer_id=PAYOUT, recall_id="r1")
    if fault is not None:
        assert first.outcome is OUTCOME.UNKNOWN
        clock.advance(timedelta(days=2))
        first = await make_payouts(stripe_server, clock).call_back(
            transfer_id=PAYOUT, recall_id="r1", provider_reference=the_transfer(stripe_server)["id"]
        )
    assert (first.outcome, first.reason) == (OUTCOME.DECLINED, "called_back")
    assert stripe_server.sellers.balances == {(seller["id"], "eur"): 0}
    again = await payouts.call_back(transfer_id=PAYOUT, recall_id="r1")
    assert (again.outcome, again.reason) == (OUTCOME.DECLINED, "called_back")
    assert len(stripe_server.sellers.reversals) == 1
    assert (await payouts.lookup(transfer_id=PAYOUT)).outcome is OUTCOME.DECLINED


async def test_what_the_account_doesn_t_cover_stands(
    payouts: StripePayouts, stripe_server: FakeStripe
) -> None:
    seller = await a_seller(payouts, stripe_server)
    await payouts.send(order_of(seller))
    stripe_server.sellers.balances[seller["id"], "eur"] = 12_344
    said = await payouts.call_back(transfer_id=PAYOUT, recall_id="r1")
    assert (said.outcome, said.reason) == (OUTCOME.ACCEPTED, "balance_insufficient")
    assert (await payouts.lookup(transfer_id=PAYOUT)) == paid(stripe_server)
    nothing = await payouts.call_back(transfer_id="another", recall_id="r2")
    assert nothing.outcome is OUTCOME.NOT_FOUND
    # Somebody took a part back by hand: nobody else touches it.
    the_transfer(stripe_server)["amount_reversed"] = 5
    partly = await payouts.call_back(transfer_id=PAYOUT, recall_id="r3")
    assert (partly.outcome, partly.reason) == (OUTCOME.ACCEPTED, "partly_taken_back")
    assert stripe_server.sellers.reversals == {}


async def test_what_others_took_back_meanwhile_is_no_refusal(
    payouts: StripePayouts, stripe_server: FakeStripe
) -> None:
    seller = await a_seller(payouts, stripe_server)
    await payouts.send(order_of(seller))
    sent = the_transfer(stripe_server)

    def take_back() -> None:
        sent.update(amount_reversed=sent["amount"], reversed=True)
        stripe_server.sellers.balances[seller["id"], "eur"] = 0

    # Found standing, and gone by the time that it is asked for.
    stripe_server.faults.extend([None, take_back])
    said = await payouts.call_back(transfer_id=PAYOUT, recall_id="r1")
    assert (said.outcome, said.reason) == (OUTCOME.DECLINED, "called_back")
    assert stripe_server.sellers.reversals == {}


async def test_reports_name_the_payout_or_the_account(
    payouts: StripePayouts, stripe_gateway: StripeGateway, stripe_server: FakeStripe
) -> None:
    seller = await a_seller(payouts, stripe_server)
    await payouts.send(order_of(seller))
    await payouts.call_back(transfer_id=PAYOUT, recall_id="r1")
    stripe_server.sellers.bank(seller, 700, failure="account_closed")
    stripe_server.sellers.bank(seller, 700)
    stripe_server.sellers.leave(seller)
    # The market's own account, and somebody else's transfer, are no news.
    stripe_server.account._report("account.updated", {"id": "acct_own"})
    stripe_server.account._report("payout.failed", {"id": "po_own", "amount": 1, "currency": "eur"})
    stripe_server.account._report("transfer.created", {"id": "tr_2", "metadata": {}})
    read = [
        stripe_gateway.parse_webhook(headers, body, NOON)
        for _, headers, body in stripe_server.deliveries()
    ]
    told = [
        (one.kind, one.attempt_id, one.gateway_reference, one.amount_minor, one.decline_code)
        for one in read
        if one is not None
    ]
    name, sent = seller["id"], the_transfer(stripe_server)["id"]
    assert told == [
        (EventKind.ACCOUNT_CHANGED, "", name, 0, None),
        (EventKind.TRANSFER_CHANGED, PAYOUT, sent, 12_345, None),
        (EventKind.TRANSFER_CHANGED, PAYOUT, sent, 12_345, None),
        (EventKind.ACCOUNT_PAYOUT, "", name, 700, "account_closed"),
        (EventKind.ACCOUNT_PAYOUT, "", name, 700, None),
        (EventKind.ACCOUNT_CHANGED, "", name, 0, "deauthorized"),
    ]
    assert len(read) == len(told) + 3
    _, headers, body = stripe_server.deliveries()[0]
    with pytest.raises(BadSignature):
        stripe_gateway.parse_webhook(headers, body.replace(b"acct_", b"acct-"), NOON)
