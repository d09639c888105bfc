"""Paying by bank transfer: asked for, arrived in any way, booked to the cent, and sent back."""

from datetime import timedelta
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.core.transact import ask
from gosellr.flows import bank_transfers, checkout
from gosellr.flows.bank_transfers import ToSend, TypedAccount
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import reconciliation_questions
from gosellr.services.basket_service import Tender
from gosellr.services.hand_refund_service import (
    AlreadyDecided,
    RefundAccountUnknown,
    SentTransfer,
)
from gosellr.services.receipt_decisions import ReceiptUsed, TransferNotAsked
from gosellr.services.reconciliation_service import MovementContradicted, MovementNotOpen
from gosellr.utils.creditor_reference import in_groups, parse_reference
from gosellr.utils.payto import read_payto
from gosellr.utils.receipts import ReceiptOutcome
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    a_key,
    balances,
    buy,
    buyer_of,
    cancel,
    make_commission,
    make_shop,
    read,
    refund,
    stock,
)
from tests.factories.stored_value import by_bank, by_card, held_for_orders, make_card, operator
from tests.factories.transfers import (
    BY_TRANSFER,
    IBAN,
    PAYER_IBAN,
    VALUE_DATE,
    arrive,
    offline,
    transfer_of,
)


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, 10 % commission and 20 % tax on that."""
    await make_commission(connection)
    return await make_shop(connection)


def reference_of(order: Order) -> str:
    return transfer_of(order).gateway_reference or ""


def sent(name: str = "OUT-1") -> SentTransfer:
    return SentTransfer(transaction_id=name, sent_at=VALUE_DATE)


async def to_send(market: Resources) -> list[ToSend]:
    return (await bank_transfers.list_to_send(market.transfers, cursor=None, limit=10)).items


async def mark_sent(
    market: Resources,
    hand_refund_id: UUID,
    name: str = "OUT-1",
    account: TypedAccount | None = None,
) -> ToSend:
    done = await bank_transfers.mark_sent(
        market.transfers,
        viewer=await operator(market),
        hand_refund_id=hand_refund_id,
        sent=sent(name),
        account=account,
    )
    assert isinstance(done, ToSend)
    return done


async def test_the_exact_amount_pays_as_a_card_does(
    market: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await buy(market, (shop, 2), tenders=BY_TRANSFER)
    assert (order.status, order.payment_status) == ("pending_payment", "pending")
    assert order.expires_at == clock.now() + timedelta(days=5)
    transfer = read_payto(transfer_of(order).action_url)
    assert transfer is not None
    assert (transfer.iban, transfer.bic, transfer.holder) == (IBAN, "COBADEFF", "Market Halls Ltd")
    assert (transfer.amount.amount, transfer.amount.currency) == (10000, "EUR")
    assert parse_reference(transfer.reference) == reference_of(order)
    assert await balances(connection) == {}
    facts = "SELECT data ->> 'pay_to' FROM outbox_event WHERE type = 'order.transfer_awaited'"
    assert await connection.fetch(facts) == [(transfer_of(order).action_url,)]

    taken = await arrive(
        market, 10000, text=f"for the lamps {in_groups(reference_of(order)).lower()}", name="IN-1"
    )
    assert (taken.outcome, taken.suspended_minor, taken.known) == (ReceiptOutcome.PAID, 0, False)
    paid = await read(market, order)
    assert (paid.status, paid.payment_status, paid.captured_minor) == ("paid", "paid", 10000)
    assert await balances(connection) == {
        "gateway_clearing": 10000,
        "seller_pending": -8800,
        "commission": -1000,
        "tax_payable": -200,
    }
    again = await arrive(market, 10000, text=reference_of(order), name="IN-1")
    assert (again.id, again.known, again.outcome) == (taken.id, True, ReceiptOutcome.PAID)
    with pytest.raises(MovementContradicted):
        await arrive(market, 9999, text=reference_of(order), name="IN-1")
    assert (await balances(connection))["gateway_clearing"] == 10000
    [standing] = await ask(market.db, reconciliation_questions.standing, now=clock.now())
    assert (standing.provider_minor, standing.clearing_minor) == (10000, 10000)
    assert (standing.waiting_count, standing.missing_count) == (0, 0)
    assert await wrong_with(connection, market) == []


async def test_parts_wait_in_suspense_for_the_rest(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    first = await arrive(market, 3000, text=reference_of(order))
    assert (first.outcome, first.suspended_minor) == (ReceiptOutcome.PART, 3000)
    assert await balances(connection) == {"gateway_clearing": 3000, "suspense": -3000}
    waiting = await read(market, order)
    assert waiting.status == "pending_payment"
    [event] = [one for one in waiting.events if one.kind == "transfer_part_arrived"]
    assert event.data["missing"] == {"amount": 2000, "currency": "EUR"}
    assert await wrong_with(connection, market) == []

    rest = await arrive(market, 2600, text=reference_of(order))
    assert (rest.outcome, rest.suspended_minor) == (ReceiptOutcome.SURPLUS, 600)
    assert (await read(market, order)).status == "paid"
    assert await balances(connection) == {
        "gateway_clearing": 5600,
        "suspense": -600,
        "seller_pending": -4400,
        "commission": -500,
        "tax_payable": -100,
    }
    assert await wrong_with(connection, market) == []

    back = await bank_transfers.give_back(
        market.transfers, viewer=await operator(market), receipt_id=rest.id, sent=sent()
    )
    assert back.suspended_minor == 0
    assert (await balances(connection))["gateway_clearing"] == 5000
    assert "suspense" not in await balances(connection)
    with pytest.raises(MovementNotOpen):
        await bank_transfers.give_back(
            market.transfers, viewer=await operator(market), receipt_id=rest.id, sent=sent("OUT-2")
        )
    [standing] = await ask(market.db, reconciliation_questions.standing, now=market.clock.now())
    assert standing.provider_minor == standing.clearing_minor == 5000
    assert standing.suspended_minor == 0
    assert await wrong_with(connection, market) == []


async def test_what_nobody_knows_waits_until_somebody_says_whose_it_is(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    other = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    for text in ("my lamps", f"{reference_of(order)} {reference_of(other)}", "RF00123"):
        lost = await arrive(market, 5000, text=text)
        assert (lost.outcome, lost.order_id) == (ReceiptOutcome.UNMATCHED, None)
    dollars = await arrive(market, 5000, text=reference_of(order), currency="USD")
    assert dollars.outcome is ReceiptOutcome.UNMATCHED
    assert await wrong_with(connection, market) == []
    with pytest.raises(TransferNotAsked):
        await bank_transfers.assign(
            market.transfers, receipt_id=dollars.id, reference=reference_of(order)
        )
    done = await bank_transfers.assign(
        market.transfers, receipt_id=lost.id, reference=reference_of(order)
    )
    assert (done.suspended_minor, done.order_id) == (0, order.id)
    assert (await read(market, order)).status == "paid"
    assert await wrong_with(connection, market) == []
    for _ in range(2):
        # Paid already: what comes once more waits to be given back.
        more = await arrive(market, 5000, text=reference_of(order))
        assert (more.outcome, more.suspended_minor) == (ReceiptOutcome.UNMATCHED, 5000)
    with pytest.raises(TransferNotAsked):
        await bank_transfers.assign(
            market.transfers, receipt_id=more.id, reference=reference_of(order)
        )
    assert await wrong_with(connection, market) == []


async def test_an_assigned_surplus_stays_in_suspense(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    lost = await arrive(market, 7000, text="?")
    done = await bank_transfers.assign(
        market.transfers, receipt_id=lost.id, reference=reference_of(order)
    )
    assert done.suspended_minor == 2000
    assert await balances(connection) == {
        "gateway_clearing": 7000,
        "suspense": -2000,
        "seller_pending": -4400,
        "commission": -500,
        "tax_payable": -100,
    }
    assert await wrong_with(connection, market) == []


async def test_what_is_left_of_a_transfer_that_paid_pays_for_nothing_else(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    first = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    other = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    paid = await arrive(market, 10_000, text=reference_of(first))
    assert (paid.outcome, paid.suspended_minor) == (ReceiptOutcome.SURPLUS, 5000)
    before = await balances(connection)
    with pytest.raises(ReceiptUsed):
        await bank_transfers.assign(
            market.transfers, receipt_id=paid.id, reference=reference_of(other)
        )
    assert await balances(connection) == before
    assert (await read(market, other)).status == "pending_payment"
    assert await wrong_with(connection, market) == []


async def test_what_comes_too_late_goes_back_by_hand(
    market: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    assert await stock(connection, shop) == (100, 1)
    clock.advance(timedelta(days=5, minutes=1))
    await upkeep.expire_holds(market)
    expired = await read(market, order)
    assert (expired.status, transfer_of(expired).status) == ("cancelled", "voided")
    assert await stock(connection, shop) == (100, 0)

    late = await arrive(market, 5000, text=reference_of(order))
    assert late.outcome is ReceiptOutcome.LATE
    assert (await read(market, order)).status == "cancelled"
    assert await balances(connection) == {"gateway_clearing": 5000, "suspense": -5000}
    assert await wrong_with(connection, market) == []
    await upkeep.resume_returns(market)
    [waiting] = await to_send(market)
    assert (waiting.refund.kind, waiting.refund.status) == ("return", "pending")
    assert waiting.account is not None
    assert (waiting.account.iban, waiting.account.holder) == (PAYER_IBAN, "Ada Lovelace")
    clock.advance(timedelta(hours=2))
    # It isn't asked after again and again: nobody but a person knows.
    assert await connection.fetchval("SELECT check_at FROM payment_return") is None
    assert await wrong_with(connection, market) == []
    await mark_sent(market, waiting.refund.id)
    assert await to_send(market) == []
    assert await balances(connection) == {}
    assert await wrong_with(connection, market) == []


async def test_a_refund_is_sent_by_hand_and_its_state_follows(
    market: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await buy(market, (shop, 2), tenders=BY_TRANSFER)
    await arrive(market, 10000, text=reference_of(order), payer_iban=None)
    asked = await refund(market, order, shop, units=1)
    assert asked.status == "pending"
    assert (await balances(connection))["refund_in_transit"] == -5000
    [waiting] = await to_send(market)
    assert (waiting.refund.refund_id, waiting.account) == (asked.id, None)
    before = await balances(connection)
    with pytest.raises(RefundAccountUnknown):
        await mark_sent(market, waiting.refund.id)
    assert await balances(connection) == before
    with pytest.raises(InvalidInput):
        await bank_transfers.mark_sent(
            market.transfers,
            viewer=await operator(market),
            hand_refund_id=waiting.refund.id,
            sent=sent(),
            account=TypedAccount(iban=IBAN.replace("89", "98"), holder="Ada"),
        )
    account = TypedAccount(iban=PAYER_IBAN, holder="Ada")
    done = await mark_sent(market, waiting.refund.id, account=account)
    assert (done.refund.status, done.refund.reference) == ("succeeded", "OUT-1")
    after = await read(market, order)
    assert (after.refunds[0].status, after.payment_status) == ("succeeded", "partially_refunded")
    assert await balances(connection) == {
        "gateway_clearing": 5000,
        "seller_pending": -4400,
        "commission": -500,
        "tax_payable": -100,
    }
    # Said once more it changes nothing; said otherwise it's refused.
    assert (await mark_sent(market, waiting.refund.id)).refund.status == "succeeded"
    with pytest.raises(AlreadyDecided):
        await mark_sent(market, waiting.refund.id, "OUT-2")
    second = await refund(market, order, shop, units=1)
    [waiting] = await to_send(market)
    with pytest.raises(MovementContradicted):
        await mark_sent(market, waiting.refund.id, "OUT-1")
    await bank_transfers.mark_failed(
        market.transfers, hand_refund_id=waiting.refund.id, reason="the account is closed"
    )
    failed = await read(market, order)
    assert [one.status for one in failed.refunds if one.id == second.id] == ["failed"]
    assert (await balances(connection))["gateway_clearing"] == 5000
    assert await wrong_with(connection, market) == []


async def test_beside_a_gift_card_it_pays_what_is_left(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    _, code = await make_card(market, 2000)
    order = await buy(market, (shop, 1), tenders=(by_card(code), *BY_TRANSFER))
    assert transfer_of(order).amount_minor == 3000
    await arrive(market, 3000, text=reference_of(order))
    assert (await read(market, order)).status == "paid"
    assert await held_for_orders(connection) == 0
    assert await wrong_with(connection, market) == []


async def test_a_card_beside_it_is_charged_once_the_transfer_is_there(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    tenders = (Tender(method="bank_transfer", amount_minor=2000), by_bank())
    order = await buy(market, (shop, 1), tenders=tenders)
    assert {one.method: one.status for one in order.payments} == {
        "bank_transfer": "action_required",
        "sandbox": "authorized",
    }
    await arrive(market, 2000, text=reference_of(order))
    paid = await read(market, order)
    assert (paid.status, [one.captured_minor for one in paid.payments]) == ("paid", [2000, 3000])
    assert await wrong_with(connection, market) == []


async def test_whoever_pays_by_card_instead_gets_a_late_transfer_back(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    again = await checkout.pay_again(
        market.checkout,
        viewer=buyer_of(market, order),
        order_id=order.id,
        tenders=(by_bank(),),
        key=a_key(),
    )
    assert again.order is not None
    assert again.order.status == "paid"
    late = await arrive(market, 5000, text=reference_of(order))
    assert late.outcome is ReceiptOutcome.LATE
    await upkeep.resume_returns(market)
    assert [one.refund.kind for one in await to_send(market)] == ["return"]
    assert await wrong_with(connection, market) == []


async def test_after_a_declined_card_the_goods_are_held_for_the_transfer(
    market: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=(by_bank("tok_declined"),))
    again = await checkout.pay_again(
        market.checkout,
        viewer=buyer_of(market, order),
        order_id=order.id,
        tenders=BY_TRANSFER,
        key=a_key(),
    )
    assert again.order is not None
    assert again.order.expires_at == clock.now() + timedelta(days=5)
    clock.advance(timedelta(days=1))
    await upkeep.expire_holds(market)
    assert await wrong_with(connection, market) == []
    await arrive(market, 5000, text=reference_of(again.order))
    assert (await read(market, order)).status == "paid"
    assert await wrong_with(connection, market) == []


async def test_a_cancelled_order_takes_no_transfer(
    market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    cancelled = await cancel(market, order, viewer=await operator(market))
    assert (cancelled.status, transfer_of(cancelled).status) == ("cancelled", "voided")
    part = await arrive(market, 1000, text=reference_of(order))
    assert (part.outcome, part.suspended_minor) == (ReceiptOutcome.PART, 1000)
    rest = await arrive(market, 4000, text=reference_of(order))
    assert rest.outcome is ReceiptOutcome.LATE
    assert await balances(connection) == {"gateway_clearing": 5000, "suspense": -5000}
    assert await wrong_with(connection, market) == []


async def test_in_a_currency_without_an_account_nothing_is_asked_for(
    market: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection, currency="USD")
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER, currency="USD")
    assert (order.payment_status, transfer_of(order).decline_code) == (
        "failed",
        "currency_not_taken",
    )
