"""A debt that was written off is paid after all once what had made it is undone."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.flows import refunds
from gosellr.models.order_values import Order
from gosellr.queries import recoveries
from gosellr.resources import Resources
from gosellr.services import explanation_service
from gosellr.services.basket_service import Tender
from gosellr.utils.explanations import explain
from tests.factories.balances import approve, write_off
from tests.factories.disputes import bank_decides, hear, network, take_back, told_as
from tests.factories.payouts import earn, pay, set_account, wrong_with
from tests.factories.plans import rows_read
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_commission,
    make_shop,
    refund,
    seller_owes,
    ship,
)
from tests.factories.terms import make_tax
from tests.factories.transfers import offline
from tests.flows.test_cash_on_delivery import IN_CASH, collect, hand_back, taking_cash

NET = 10_800


@pytest.fixture
async def shop(connection: Connection, resources: Resources) -> Shop:
    """Each piece that it sells brings it `NET`; it is paid to an account."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=12_000)
    await set_account(resources, shop)
    return shop


async def given_up(resources: Resources, shop: Shop, amount_minor: int) -> None:
    """Two people write so much of its debt off."""
    await approve(resources, (await write_off(resources, shop, amount_minor)).id)


async def lost(resources: Resources, shop: Shop) -> tuple[Order, str]:
    """Sold, paid out, and taken back by the bank for good: all of it is owed."""
    order = await earn(resources, shop)
    await pay(resources, shop)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    return order, reference


async def comes_back(resources: Resources, order: Order, reference: str) -> None:
    """The bank gives it back."""
    await network(resources).disputes.reinstate(reference=reference)
    await hear(resources, order)


async def test_what_a_bank_gives_back_pays_it(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    order, reference = await lost(resources, shop)
    await given_up(resources, shop, NET)
    await comes_back(resources, order, reference)
    # It has been paid for its sale once, and nobody lost anything.
    assert await seller_owes(connection, shop) == {}
    assert "bad_debt" not in await balances(connection)
    told = await ask(resources.db, explanation_service.explain, subject=str(order.id), limit=50)
    [one] = [one for one in told.transactions if one.kind == "write_off_recovered"]
    assert explain(one.kind, one.entries) == (
        "108.00 EUR of what came back pays a debt that had been written off: the marketplace's loss"
        " is so much smaller."
    )
    assert await wrong_with(connection, resources) == []


async def test_only_what_was_written_off_of_it(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    order, reference = await lost(resources, shop)
    await given_up(resources, shop, 800)
    await earn(resources, shop)
    # The rest was kept back of another sale.
    assert await seller_owes(connection, shop) == {"available": 800}
    await comes_back(resources, order, reference)
    assert await seller_owes(connection, shop) == {"available": NET}
    assert "bad_debt" not in await balances(connection)
    assert await wrong_with(connection, resources) == []


async def test_what_was_written_off_of_another_debt_stays_so(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    """The oldest debt was paid first, so it is the younger one that nobody paid."""
    order, reference = await lost(resources, shop)
    other = await earn(resources, shop)
    assert await seller_owes(connection, shop) == {}
    await refund(resources, other, shop, units=1)
    await given_up(resources, shop, NET)
    await comes_back(resources, order, reference)
    assert await seller_owes(connection, shop) == {"available": NET}
    assert (await balances(connection))["bad_debt"] == NET
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize(("back_minor", "owed_minor"), [(12_000, NET), (2_400, 2_160)])
async def test_another_debt_is_not_paid_by_it(
    connection: Connection, resources: Resources, shop: Shop, back_minor: int, owed_minor: int
) -> None:
    order, reference = await lost(resources, shop)
    await given_up(resources, shop, NET)
    other = await earn(resources, shop)
    await pay(resources, shop)
    await refund(resources, other, shop, amount_minor=back_minor)
    await comes_back(resources, order, reference)
    # It was paid for two sales, of which one stands.
    assert await seller_owes(connection, shop) == {"receivable": owed_minor}
    assert "bad_debt" not in await balances(connection)
    assert await wrong_with(connection, resources) == []


async def test_what_is_still_owed_of_it_is_paid_first(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    failing = (Tender(method="sandbox", token="tok_refund_timeout_then_declined"),)
    order = await earn(resources, shop, tenders=failing)
    other = await earn(resources, shop)
    await pay(resources, shop)
    await refund(resources, order, shop, units=1)
    await given_up(resources, shop, 800)
    await refund(resources, other, shop, units=1)
    clock.advance(timedelta(days=1))
    await refunds.resume_refunds(resources.refunds)
    assert await seller_owes(connection, shop) == {"receivable": NET}
    assert "bad_debt" not in await balances(connection)
    assert await wrong_with(connection, resources) == []


async def test_it_comes_in_parts_and_is_taken_again(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    order, reference = await lost(resources, shop)
    await given_up(resources, shop, NET)
    await told_as(resources, order, reference, "won", kept_minor=8_000)
    assert await seller_owes(connection, shop) == {}
    assert (await balances(connection))["bad_debt"] == 7_200
    await told_as(resources, order, reference, "won", kept_minor=2_000)
    assert await seller_owes(connection, shop) == {}
    assert (await balances(connection))["bad_debt"] == 1_800
    # What a bank takes again is owed again: nobody has written that off.
    await told_as(resources, order, reference, "lost")
    assert await seller_owes(connection, shop) == {"receivable": 9_000}
    assert (await balances(connection))["bad_debt"] == 1_800
    await given_up(resources, shop, 9_000)
    await comes_back(resources, order, reference)
    assert await seller_owes(connection, shop) == {}
    assert "bad_debt" not in await balances(connection)
    assert await wrong_with(connection, resources) == []


async def test_a_case_that_is_decided_for_the_shop_pays_it(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    order = await earn(resources, shop)
    await pay(resources, shop)
    reference = await take_back(resources, order)
    assert await seller_owes(connection, shop) == {"receivable": NET, "reserve": NET}
    await given_up(resources, shop, 10_000)
    await bank_decides(resources, order, reference, won=True)
    assert await seller_owes(connection, shop) == {}
    assert "bad_debt" not in await balances(connection)
    # Lost later, it is taken from the shop once more, and comes back to it as anybody's.
    await told_as(resources, order, reference, "lost")
    assert await seller_owes(connection, shop) == {"receivable": NET}
    await told_as(resources, order, reference, "won")
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


async def test_a_refund_that_fails_pays_it(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    failing = (Tender(method="sandbox", token="tok_refund_timeout_then_declined"),)
    order = await earn(resources, shop, tenders=failing)
    await pay(resources, shop)
    await refund(resources, order, shop, units=1)
    await given_up(resources, shop, NET)
    clock.advance(timedelta(days=1))
    await refunds.resume_refunds(resources.refunds)
    assert await seller_owes(connection, shop) == {}
    assert "bad_debt" not in await balances(connection)
    assert await wrong_with(connection, resources) == []


async def test_cash_that_is_handed_back_pays_it(
    connection: Connection, resources: Resources
) -> None:
    await make_commission(connection)
    market = offline(resources)
    shop = await taking_cash(market, connection)
    order = await buy(market, (shop, 1), tenders=IN_CASH)
    await ship(market, order, shop)
    await collect(market, order, shop, 5_000)
    asked = await refund(market, order, shop, amount_minor=2_500)
    # 10 % of the sale and a fifth of that, and 25.00 less half of those.
    assert await seller_owes(connection, shop) == {"receivable": 600 + 2_200}
    await given_up(market, shop, 2_800)
    await hand_back(market, order, asked.id, viewer=shop.viewer)
    # What was written off of the sale itself stays so.
    assert await seller_owes(connection, shop) == {"available": 300}
    assert (await balances(connection))["bad_debt"] == 600
    assert await wrong_with(connection, market) == []


async def test_where_nothing_was_written_off_no_debts_are_read(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    order, _ = await lost(resources, shop)
    [cause] = await connection.fetch(
        "SELECT DISTINCT head.cause_id FROM ledger_transaction AS head"
        " JOIN ledger_entry AS entry ON entry.transaction_id = head.id"
        " WHERE entry.account = 'seller_receivable:' || $1::uuid AND head.order_id = $2",
        shop.seller.id, order.id,
    )  # fmt: skip
    asked = (shop.seller.id, "EUR", [cause["cause_id"]], order.id)
    # A shop that takes cash has one for each sale.
    assert await rows_read(connection, recoveries.LET_OFF, *asked, of="ledger_entry") == 0
    await given_up(resources, shop, 800)
    assert await rows_read(connection, recoveries.LET_OFF, *asked, of="ledger_entry") > 0
