"""A refund that its gateway hasn't answered while a bank takes the same payment back: whoever
answers first, each cent goes back once, or the market alone bears that it went back twice."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import refunds
from gosellr.jobs import upkeep
from gosellr.models.dispute_values import ReportedChargeback
from gosellr.models.order_values import Order
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import chargeback_service, reconciliation_service
from gosellr.services.refund_ways import UnderChargeback
from gosellr.utils.reconciliation import MovementKind
from tests.factories import gift_sales
from tests.factories.accounts import User
from tests.factories.disputes import bank_decides, cases_of, delivered, hear, take_back
from tests.factories.gift_sales import buy_card, offer_cards, purchase_of
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    balances,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
    seller_owes,
)
from tests.factories.stored_value import by_bank

REFUSED = "tok_refund_timeout_then_declined"
ARRIVED = "tok_refund_timeout_then_ok"


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection, rate_bps=0, vat_bps=0)
    return await make_shop(connection, price_minor=1000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def refunding(
    resources: Resources, *items: tuple[Shop, int], buyer: User, token: str, units: int = 3
) -> Order:
    """Delivered, and units of the first shop on their way back without an answer."""
    order = await delivered(resources, *items, buyer=buyer, tenders=(by_bank(token),))
    assert (await refund(resources, order, items[0][0], units=units)).status == "unknown"
    return order


async def answer(resources: Resources, clock: ManualClock) -> None:
    """The gateway says what became of all that it was asked."""
    clock.advance(timedelta(minutes=1))
    assert await refunds.resume_refunds(resources.refunds) == 1


async def amounts_of(resources: Resources, order: Order) -> dict[UUID | None, tuple[int, int]]:
    """What each seller's case is about, and what is frozen under it."""
    return {
        case.dispute.seller_id: (case.dispute.amount_minor, case.dispute.frozen_minor)
        for case in await cases_of(resources, order)
    }


async def test_what_is_lost_waits_for_the_refund(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await refunding(resources, (shop, 10), buyer=buyer, token=REFUSED)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    # The bank has its money, and clearing says so; whose loss 30.00 of it are isn't known yet.
    waiting = {"dispute_receivable": 10_000, "refund_in_transit": -3000, "seller_reserve": -7000}
    assert await balances(connection) == waiting
    [case] = await cases_of(resources, order)
    assert case.chargeback is not None
    assert (case.chargeback.status, case.chargeback.lost_later_since) == ("open", clock.now())
    with pytest.raises(UnderChargeback):
        await refund(resources, order, shop, units=1)
    # Nothing is news of it, however often it is told, and the clock's work changes nothing.
    assert await hear(resources, order) == 0
    await upkeep.work_off_disputes(resources)
    assert await balances(connection) == waiting
    assert await wrong_with(connection, resources) == []


async def test_the_movement_of_what_waits_is_matched(
    resources: Resources, connection: Connection, shop: Shop, buyer: User
) -> None:
    order = await refunding(resources, (shop, 10), buyer=buyer, token=REFUSED)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    movement = NewMovement(
        reference="mv_1", related=reference, kind=MovementKind.CHARGEBACK, currency="EUR",
        amount_minor=-10_000, fee_minor=0, occurred_at=NOW,
    )  # fmt: skip
    taken = await transact(
        resources.db, reconciliation_service.import_movements, gateway="sandbox", source="document",
        movements=[movement], imported_by=None, now=NOW,
    )  # fmt: skip
    assert (taken.matched, taken.waiting) == (1, 0)


@pytest.mark.parametrize("answered_first", [True, False])
async def test_lost_and_the_refund_refused(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    clock: ManualClock,
    answered_first: bool,
) -> None:
    order = await refunding(resources, (shop, 10), buyer=buyer, token=REFUSED)
    reference = await take_back(resources, order)
    assert await amounts_of(resources, order) == {shop.seller.id: (7000, 7000)}
    if answered_first:
        await answer(resources, clock)
        assert await amounts_of(resources, order) == {shop.seller.id: (10_000, 10_000)}
        assert await seller_owes(connection, shop) == {"reserve": 10_000}
        assert await wrong_with(connection, resources) == []
    await bank_decides(resources, order, reference, won=False)
    if not answered_first:
        await answer(resources, clock)
    # What the bank took the buyer has once, and the seller has given all of it.
    assert await balances(connection) == {}
    after = await read(resources, order)
    assert (after.payment_status, after.refunded_minor) == ("refunded", 10_000)
    assert sorted((one.status, one.amount_minor) for one in after.refunds) == [
        ("failed", 3000), ("succeeded", 10_000),
    ]  # fmt: skip
    [case] = await cases_of(resources, order)
    assert case.chargeback is not None
    assert (case.chargeback.status, case.chargeback.lost_later_since) == ("lost", None)
    assert (case.dispute.status, case.dispute.award_minor) == ("closed", 10_000)
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("answered_first", [True, False])
async def test_lost_and_the_refund_arrived(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    clock: ManualClock,
    answered_first: bool,
) -> None:
    order = await refunding(resources, (shop, 10), buyer=buyer, token=ARRIVED)
    reference = await take_back(resources, order)
    if answered_first:
        await answer(resources, clock)
    await bank_decides(resources, order, reference, won=False)
    if not answered_first:
        await answer(resources, clock)
    # 30.00 went back twice: nobody can ask the seller for them twice.
    assert await balances(connection) == {"chargeback_loss": 3000, "gateway_clearing": -3000}
    [case] = await cases_of(resources, order)
    assert (case.dispute.amount_minor, case.dispute.award_minor) == (7000, 7000)
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("token", [REFUSED, ARRIVED])
@pytest.mark.parametrize("answered_first", [True, False])
async def test_won_whatever_becomes_of_the_refund(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    clock: ManualClock,
    token: str,
    answered_first: bool,
) -> None:
    order = await refunding(resources, (shop, 10), buyer=buyer, token=token)
    reference = await take_back(resources, order)
    if answered_first:
        await answer(resources, clock)
    await bank_decides(resources, order, reference, won=True)
    if not answered_first:
        await answer(resources, clock)
    left_minor = 10_000 if token == REFUSED else 7000
    assert await seller_owes(connection, shop) == {"pending": left_minor}
    assert await balances(connection) == {
        "gateway_clearing": left_minor, "seller_pending": -left_minor,
    }  # fmt: skip
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("answered_first", [True, False])
async def test_a_part_that_is_lost_is_asked_of_each_seller_as_if_nothing_had_been_on_its_way(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    buyer: User,
    clock: ManualClock,
    answered_first: bool,
) -> None:
    other = await make_shop(connection, price_minor=4000)
    order = await refunding(resources, (shop, 6), (other, 1), buyer=buyer, token=REFUSED)
    reference = await take_back(resources, order, amount_minor=9000)
    assert await amounts_of(resources, order) == {
        shop.seller.id: (3000, 3000), other.seller.id: (4000, 4000),
    }  # fmt: skip
    if answered_first:
        await answer(resources, clock)
        assert await amounts_of(resources, order) == {
            shop.seller.id: (5400, 5400), other.seller.id: (3600, 3600),
        }  # fmt: skip
    await bank_decides(resources, order, reference, won=False)
    if not answered_first:
        await answer(resources, clock)
    assert await seller_owes(connection, shop) == {"pending": 600}
    assert await seller_owes(connection, other) == {"pending": 400}
    assert await balances(connection) == {"gateway_clearing": 1000, "seller_pending": -1000}
    assert await wrong_with(connection, resources) == []


async def test_a_seller_all_of_whose_part_was_on_its_way_gets_a_case_when_it_is_refused(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    other = await make_shop(connection, price_minor=4000)
    order = await refunding(resources, (shop, 6), (other, 1), buyer=buyer, token=REFUSED, units=6)
    reference = await take_back(resources, order)
    assert await amounts_of(resources, order) == {other.seller.id: (4000, 4000)}
    await bank_decides(resources, order, reference, won=False)
    await answer(resources, clock)
    assert await amounts_of(resources, order) == {
        shop.seller.id: (6000, 0), other.seller.id: (4000, 0),
    }  # fmt: skip
    assert await balances(connection) == {}
    assert await wrong_with(connection, resources) == []


async def test_the_bank_looks_at_it_once_more_before_the_books_say_that_it_is_lost(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await refunding(resources, (shop, 10), buyer=buyer, token=REFUSED)
    told = ReportedChargeback(
        payment_id=order.payments[0].id, gateway="sandbox", gateway_reference="dp_1",
        amount_minor=10_000, currency="EUR", fee_minor=0, reason="fraudulent", status="lost",
        evidence_due_at=None, opened_at=clock.now(),
    )  # fmt: skip

    async def hear_of(status: str) -> bool:
        return await transact(
            resources.db, chargeback_service.record, reported=replace(told, status=status),
            policy=resources.policy, now=clock.now(),
        )  # fmt: skip

    assert await hear_of("lost")
    assert await hear_of("open")
    assert not await hear_of("open")
    await answer(resources, clock)
    # It is open, so nothing is lost by that answer.
    assert await seller_owes(connection, shop) == {"reserve": 10_000}
    assert await hear_of("won")
    assert await seller_owes(connection, shop) == {"pending": 10_000}


@pytest.mark.parametrize("token", [REFUSED, ARRIVED])
@pytest.mark.parametrize("answered_first", [True, False])
async def test_a_gift_card_that_is_being_taken_back(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    token: str,
    answered_first: bool,
) -> None:
    await offer_cards(resources)
    order = await buy_card(resources, 5000, tender=by_bank(token))
    assert (await gift_sales.take_back(resources, order)).status == "unknown"
    reference = await take_back(resources, order)
    if answered_first:
        await answer(resources, clock)
    await bank_decides(resources, order, reference, won=False)
    if not answered_first:
        assert await balances(connection) == {
            "dispute_receivable": 5000, "refund_in_transit": -5000,
        }  # fmt: skip
        await answer(resources, clock)
    twice = {"chargeback_loss": 5000, "gateway_clearing": -5000}
    assert await balances(connection) == ({} if token == REFUSED else twice)
    card = (await purchase_of(resources, order)).card
    assert card is not None
    status = "frozen" if token == REFUSED else "deactivated"
    assert (card.status_at(clock.now()), card.balance_minor) == (status, 0)
    [case] = await cases_of(resources, order)
    assert (case.dispute.status, case.dispute.award_minor) == ("closed", 5000)
    assert await wrong_with(connection, resources) == []
