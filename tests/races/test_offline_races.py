"""Money that people tell of, from several sides at once: each transfer and parcel counts once."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import DomainError
from gosellr.core.identity import new_id
from gosellr.core.transact import transact
from gosellr.flows.payments import advance
from gosellr.jobs import upkeep
from gosellr.jobs.audit import audit_market
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import (
    cash_terms_service,
    door_service,
    expiry_service,
    receipt_decisions,
    receipt_service,
    reconciliation_service,
)
from gosellr.services.basket_service import Tender
from gosellr.services.receipt_service import Arrived
from gosellr.utils.bank_lines import BankLine
from gosellr.utils.receipts import ReceiptOutcome
from gosellr.utils.reconciliation import Resolution
from gosellr.utils.viewer import Viewer
from tests.factories.reductions import call_off
from tests.factories.sales import Shop, buy, make_commission, make_shop, part_of, read, ship, stock
from tests.factories.stored_value import by_card, left_on, make_card, operator
from tests.factories.transfers import BY_TRANSFER, VALUE_DATE, arrive, offline, transfer_of
from tests.races.test_card_races import meet


@pytest.fixture
async def market(live: Resources) -> Resources:
    await transact(live.db, make_commission)
    return offline(live)


async def booked(market: Resources) -> dict[str, int]:
    async with market.db.connection() as looking:
        rows = await looking.fetch(
            "SELECT split_part(account, ':', 1) AS account, sum(CASE direction WHEN 'debit' THEN"
            " amount_minor ELSE -amount_minor END)::bigint AS net FROM ledger_entry GROUP BY 1"
        )
    return {row["account"]: row["net"] for row in rows if row["net"]}


async def is_sound(market: Resources) -> bool:
    return await audit_market(market.db, gateways=market.gateways, now=market.clock.now()) == []


async def taken_in(
    connection: Connection, market: Resources, order: Order, *, name: str, amount_minor: int
) -> Any:
    """A receipt in a transaction that isn't committed yet."""
    now = market.clock.now()
    return await receipt_service.take(
        connection,
        arrived=Arrived(
            id=new_id(),
            line=BankLine(
                transaction_id=name,
                amount_minor=amount_minor,
                currency="EUR",
                value_date=VALUE_DATE,
                text=transfer_of(order).gateway_reference or "",
            ),
        ),
        statement_id=await receipt_service.open_statement(
            connection, source="document", count=1, imported_by=None, now=now
        ),
        taken_by=None,
        policy=market.policy,
        now=now,
    )


async def test_one_transfer_that_many_tell_pays_once(market: Resources) -> None:
    shop = await transact(market.db, make_shop)
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    viewer = await operator(market)
    reference = transfer_of(order).gateway_reference or ""
    told = await asyncio.gather(
        *(arrive(market, 5000, text=reference, name="IN-1", viewer=viewer) for _ in range(6))
    )
    assert sorted(one.known for one in told) == [False, True, True, True, True, True]
    assert {one.outcome for one in told} == {ReceiptOutcome.PAID}
    assert (await booked(market))["gateway_clearing"] == 5000
    assert (await read(market, order)).status == "paid"
    assert await is_sound(market)


async def test_two_transfers_for_one_order_pay_it_once(market: Resources) -> None:
    shop = await transact(market.db, make_shop)
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    reference = transfer_of(order).gateway_reference or ""
    late: list[Any] = []

    async def rival() -> None:
        late.append(await arrive(market, 5000, text=reference, name="IN-2"))

    await meet(
        market,
        lambda connection: taken_in(connection, market, order, name="IN-1", amount_minor=5000),
        rival(),
    )
    assert [(one.outcome, one.suspended_minor) for one in late] == [
        (ReceiptOutcome.UNMATCHED, 5000)
    ]
    assert (await read(market, order)).captured_minor == 5000
    after = await booked(market)
    assert (after["gateway_clearing"], after["suspense"]) == (10_000, -5000)
    assert await is_sound(market)


async def test_halves_that_arrive_at_once_make_up_the_whole(market: Resources) -> None:
    shop = await transact(market.db, make_shop)
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    viewer = await operator(market)
    reference = transfer_of(order).gateway_reference or ""
    told = await asyncio.gather(
        *(arrive(market, 1000, text=reference, name=f"IN-{n}", viewer=viewer) for n in range(5))
    )
    assert sorted(one.outcome for one in told) == ["paid", "part", "part", "part", "part"]
    assert (await read(market, order)).status == "paid"
    assert "suspense" not in await booked(market)
    assert await is_sound(market)


async def test_what_pays_while_somebody_explains_it_leaves_suspense_once(
    market: Resources,
) -> None:
    shop = await transact(market.db, make_shop)
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    lost = await arrive(market, 7000, text="?", name="IN-1")
    await meet(
        market,
        lambda writing: receipt_decisions.assign(
            writing,
            receipt_id=lost.id,
            reference=transfer_of(order).gateway_reference or "",
            policy=market.policy,
            now=market.clock.now(),
        ),
        transact(
            market.db,
            reconciliation_service.clear_suspense,
            viewer=await operator(market),
            movement_id=lost.id,
            resolution=Resolution.INCOME,
            now=market.clock.now(),
        ),
    )
    after = await booked(market)
    assert (after["fee_income"], after.get("suspense")) == (-2000, None)
    assert await is_sound(market)


@pytest.mark.case(14)
@pytest.mark.parametrize("first", ["expiry", "transfer"])
async def test_case_14_a_transfer_meets_the_expiry_of_its_order(
    market: Resources, clock: ManualClock, first: str
) -> None:
    shop = await transact(market.db, make_shop)
    order = await buy(market, (shop, 1), tenders=BY_TRANSFER)
    reference = transfer_of(order).gateway_reference or ""
    clock.advance(timedelta(days=5, seconds=1))
    if first == "transfer":
        await meet(
            market,
            lambda connection: taken_in(connection, market, order, name="IN-1", amount_minor=5000),
            upkeep.expire_holds(market),
        )
        assert (await read(market, order)).status == "paid"
        async with market.db.connection() as looking:
            assert await stock(looking, shop) == (100, 1)
    else:
        # The attempt is called back first; its order is being ended when the money is told.
        await call_back(market, order)
        await meet(
            market,
            lambda connection: expiry_service.expire(
                connection, order_id=order.id, now=clock.now()
            ),
            arrive(market, 5000, text=reference, name="IN-1"),
        )
        after = await read(market, order)
        assert (after.status, after.captured_minor) == ("cancelled", 0)
        assert await booked(market) == {"gateway_clearing": 5000, "suspense": -5000}
        async with market.db.connection() as looking:
            assert await stock(looking, shop) == (100, 0)
            assert await looking.fetchval("SELECT reason FROM payment_return") == "order_closed"
    assert await is_sound(market)


async def call_back(market: Resources, order: Order) -> None:
    """What the sweeper does before it ends an order."""
    await advance(
        db=market.db,
        gateways=market.gateways,
        clock=market.clock,
        policy=market.policy,
        order_id=order.id,
        waiting_is_over=True,
    )


async def cash_order(market: Resources) -> tuple[Shop, Order]:
    shop = await transact(market.db, make_shop)
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
        limits_minor={"EUR": 40_000},
        now=market.clock.now(),
    )
    order = await buy(
        market, (shop, 1), tenders=(replace(BY_TRANSFER[0], method="cash_on_delivery"),)
    )
    await ship(market, order, shop)
    return shop, order


@pytest.mark.parametrize("first", ["cash", "refused"])
async def test_a_parcel_is_paid_or_refused_and_never_both(market: Resources, first: str) -> None:
    shop, order = await cash_order(market)
    viewer: Viewer = shop.viewer
    said: dict[str, Any] = {
        "viewer": viewer,
        "order_id": order.id,
        "seller_order_id": part_of(order, shop).id,
        "policy": market.policy,
        "now": market.clock.now(),
    }
    refused: list[DomainError] = []

    async def cash(connection: Connection) -> None:
        await door_service.record_cash(connection, amount_minor=5000, currency="EUR", **said)

    async def refuse(connection: Connection) -> None:
        await door_service.refuse(connection, reason="no", **said)

    begins, late = (cash, refuse) if first == "cash" else (refuse, cash)

    async def rival() -> None:
        try:
            await transact(market.db, late)
        except DomainError as error:
            refused.append(error)

    await meet(market, begins, rival())
    assert [one.code for one in refused] == ["no_cash_awaited"]
    after = await read(market, order)
    if first == "cash":
        assert (after.status, after.captured_minor) == ("delivered", 5000)
        assert await booked(market) == {
            "seller_receivable": 600, "commission": -500, "tax_payable": -100,
        }  # fmt: skip
    else:
        assert (after.status, after.captured_minor) == ("cancelled", 0)
        assert await booked(market) == {}
    async with market.db.connection() as looking:
        left = (99, 0) if first == "cash" else (100, 0)
        assert await stock(looking, shop) == left
    assert await is_sound(market)


async def test_a_unit_called_off_as_the_transfer_arrives(market: Resources) -> None:
    """Paid in full, or for what is left with the rest in suspense; never for something else."""
    shop = await transact(market.db, make_shop, price_minor=1000)
    staff = await operator(market)
    for turn in range(6):
        order = await buy(market, (shop, 3), tenders=BY_TRANSFER)
        reference = transfer_of(order).gateway_reference or ""
        rivals: list[Any] = [
            arrive(market, 3000, text=reference, viewer=staff),
            call_off(market, order, shop, viewer=staff),
        ]
        if turn % 2:
            rivals.reverse()
        results = await asyncio.gather(*rivals, return_exceptions=True)
        after = await read(market, order)
        refused = [one for one in results if isinstance(one, BaseException)]
        assert all(isinstance(one, DomainError) for one in refused)
        assert after.payment_status == "paid"
        assert after.captured_minor == after.total_minor == (3000 if refused else 2000)
    assert await is_sound(market)


async def test_one_part_paid_and_one_refused_at_once_share_one_gift_card(
    market: Resources,
) -> None:
    """What the card pays of a part is spent with its cash or back on the card, once each."""
    shops = [await transact(market.db, make_shop, price_minor=price) for price in (1000, 600)]
    for shop in shops:
        await transact(
            market.db,
            cash_terms_service.change_terms,
            viewer=shop.viewer,
            seller_id=shop.seller.id,
            limits_minor={"EUR": 10_000},
            now=market.clock.now(),
        )
    for turn in range(4):
        card_id, code = await make_card(market, 400)
        tenders = (by_card(code), Tender(method="cash_on_delivery"))
        order = await buy(market, *((shop, 1) for shop in shops), tenders=tenders)
        for shop in shops:
            await ship(market, order, shop)
        paid, refused = shops if turn % 2 else reversed(shops)
        rivals = [
            *(_at_the_door(market, order, refused, door_service.refuse) for _ in range(2)),
            *(_collected(market, order, paid) for _ in range(2)),
        ]
        results = await asyncio.gather(*rivals, return_exceptions=True)
        failed = [one for one in results if isinstance(one, BaseException)]
        assert len(failed) == 2
        assert all(isinstance(one, DomainError) for one in failed)
        after = await read(market, order)
        costs = part_of(order, paid).total_minor
        assert (after.payment_status, after.captured_minor) == ("paid", costs)
        # A quarter of each part was the card's.
        assert await left_on(market, card_id) == part_of(order, refused).total_minor // 4
    assert await is_sound(market)


async def _at_the_door(market: Resources, order: Order, shop: Shop, command: Any) -> None:
    await transact(
        market.db,
        command,
        viewer=shop.viewer,
        order_id=order.id,
        seller_order_id=part_of(order, shop).id,
        reason="not wanted",
        policy=market.policy,
        now=market.clock.now(),
    )


async def _collected(market: Resources, order: Order, shop: Shop) -> None:
    await transact(
        market.db,
        door_service.record_cash,
        viewer=shop.viewer,
        order_id=order.id,
        seller_order_id=part_of(order, shop).id,
        amount_minor=part_of(order, shop).total_minor * 3 // 4,
        currency="EUR",
        policy=market.policy,
        now=market.clock.now(),
    )
