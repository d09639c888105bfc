"""Refunds through the gateway: every share from whom it came, whatever the gateway answers."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.core.transact import transact
from gosellr.flows import refunds
from gosellr.resources import Resources
from gosellr.services.checkout_service import Tender
from gosellr.services.refund_plan import AlreadyRefunded, RefundTooLarge
from gosellr.services.release_service import release_due
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    cancel,
    make_commission,
    make_shop,
    part_of,
    pay_out,
    read,
    refund,
    seller_owes,
    ship,
    step,
    stock,
)
from tests.factories.terms import make_coupon, make_delivery, make_tax
from tests.utils.books import CURRENCIES

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """120.00 a piece with 20 % tax inside, 10 % commission and its VAT."""
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection)
    return await make_shop(connection, price_minor=12_000)


async def test_one_unit_takes_each_share_from_whom_it_came(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    coupon = await make_coupon(connection)
    order = await buy(resources, (shop, 2), coupons=(coupon,))
    assert order.total_minor == 21_600
    given = await refund(resources, order, shop, units=1)
    assert (given.status, given.amount_minor) == ("succeeded", 10_800)
    assert given.effects["seller"] == {
        "pending_minor": 10_800,
        "available_minor": 0,
        "reserve_minor": 0,
        "receivable_minor": 0,
    }
    assert given.effects["commission_minor"] == 1000
    assert given.effects["commission_vat_minor"] == 200
    assert given.effects["promotion_minor"] == 1200
    after = await read(resources, order)
    assert (after.refunded_minor, after.payment_status) == (10_800, "partially_refunded")
    assert after.payments[0].refunded_minor == 10_800
    assert part_of(after, shop).pending_minor == 10_800
    assert after.lines[0].refunded_quantity == 1
    assert await balances(connection) == {
        "gateway_clearing": 10_800,
        "promotion_cost": 1200,
        "commission": -1000,
        "tax_payable": -200,
        "seller_pending": -10_800,
    }
    kinds = [event.kind for event in after.events][-2:]
    assert kinds == ["refund_requested", "refunded"]


@pytest.mark.case(54)
async def test_case_54_ten_refunds_of_a_discounted_line_end_at_the_cent(
    connection: Connection, resources: Resources
) -> None:
    await make_tax(connection, rate_bps=2000)
    await make_commission(connection, rate_bps=1234, vat_bps=1900)
    shop = await make_shop(connection, price_minor=2390)
    coupon = await make_coupon(connection, value_bps=2500, funded_by="seller")
    order = await buy(resources, (shop, 10), coupons=(coupon,))
    assert order.total_minor == 17_925
    amounts = [(await refund(resources, order, shop, units=1)).amount_minor for _ in range(10)]
    assert sum(amounts) == 17_925
    assert set(amounts) <= {1792, 1793}
    assert await balances(connection) == {}
    after = await read(resources, order)
    assert (after.status, after.payment_status) == ("cancelled", "refunded")


@pytest.mark.case(38)
async def test_case_38_a_line_goes_back_once_by_quantity_and_by_amount(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    await ship(resources, order, shop)
    await refund(resources, order, shop, amount_minor=5000)
    await refund(resources, order, shop, units=1)
    before = await balances(connection)
    for again in ({"units": 1}, {"amount_minor": 1}):
        with pytest.raises(RefundTooLarge):
            await refund(resources, order, shop, **again)  # type: ignore[arg-type]
    assert await balances(connection) == before == {}
    assert (await read(resources, order)).refunded_minor == 12_000


@pytest.mark.case(36)
async def test_case_36_two_refunds_never_exceed_what_was_paid(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection, price_minor=100)
    order = await buy(resources, (shop, 1))
    await refund(resources, order, shop, amount_minor=99)
    with pytest.raises(RefundTooLarge) as refusal:
        await refund(resources, order, shop, amount_minor=99)
    assert refusal.value.extras == {"left": {"amount": 1, "currency": "EUR"}}
    await refund(resources, order, shop, amount_minor=1)
    assert (await read(resources, order)).refunded_minor == 100


@pytest.mark.case(37)
@pytest.mark.parametrize("amount", [0, -1, 10**30])
async def test_case_37_an_amount_that_is_none_changes_nothing(
    resources: Resources, connection: Connection, shop: Shop, amount: int
) -> None:
    order = await buy(resources, (shop, 1))
    before = await balances(connection)
    with pytest.raises((InvalidInput, RefundTooLarge)):
        await refund(resources, order, shop, amount_minor=amount)
    assert await balances(connection) == before
    assert await connection.fetchval("SELECT count(*) FROM refund") == 0


@pytest.mark.case(42)
async def test_case_42_commission_goes_back_as_it_was_frozen_on_the_line(
    resources: Resources, connection: Connection
) -> None:
    await make_commission(connection, rate_bps=1000, vat_bps=0)
    shop = await make_shop(connection, price_minor=10_000)
    first = await buy(resources, (shop, 1))
    await connection.execute("UPDATE commission_rule SET rate_bps = 1500")
    await buy(resources, (shop, 1))
    given = await refund(resources, first, shop, units=1)
    assert given.effects["commission_minor"] == 1000
    assert (await balances(connection))["commission"] == -1500


@pytest.mark.case(41)
@pytest.mark.parametrize(
    ("asked", "amount_minor", "commission_minor", "vat_minor"),
    [
        ({"units": 2}, 24_000, 2000, 400),
        ({"units": 1}, 12_000, 1000, 200),
        ({"amount_minor": 1200}, 1200, 100, 20),
    ],
)
async def test_case_41_the_seller_gives_exactly_its_share(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    asked: dict[str, Any],
    amount_minor: int,
    commission_minor: int,
    vat_minor: int,
) -> None:
    order = await buy(resources, (shop, 2))
    given = await refund(resources, order, shop, **asked)
    assert given.amount_minor == amount_minor
    taken = amount_minor - commission_minor - vat_minor
    assert given.effects["seller"]["pending_minor"] == taken
    owned = await balances(connection)
    assert owned.get("gateway_clearing", 0) == 24_000 - amount_minor
    assert owned.get("seller_pending", 0) == -(21_600 - taken)
    assert owned.get("commission", 0) == -(2000 - commission_minor)
    assert owned.get("tax_payable", 0) == -(400 - vat_minor)


@pytest.mark.case(45)
async def test_case_45_after_the_payout_the_seller_owes_and_the_next_sale_pays(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    shop = await make_shop(connection, price_minor=10_000)
    order = await buy(resources, (shop, 1))
    await ship(resources, order, shop)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    clock.advance(timedelta(days=7))
    assert await transact(resources.db, release_due, now=clock.now()) == 1
    assert await seller_owes(connection, shop) == {"available": 10_000}
    await pay_out(resources, shop, 9000)
    given = await refund(resources, order, shop, units=1)
    assert given.status == "succeeded"
    assert given.effects["seller"] == {
        "pending_minor": 0,
        "available_minor": 1000,
        "reserve_minor": 0,
        "receivable_minor": 9000,
    }
    assert await seller_owes(connection, shop) == {"receivable": 9000, "payout_in_transit": 9000}
    second = await buy(resources, (shop, 1))
    await ship(resources, second, shop)
    await step(resources, second, OrderStatus.DELIVERED, viewer=shop.viewer)
    clock.advance(timedelta(days=7))
    assert await transact(resources.db, release_due, now=clock.now()) == 1
    assert await seller_owes(connection, shop) == {"available": 1000, "payout_in_transit": 9000}


async def test_tenders_get_back_what_they_gave_the_last_first(
    resources: Resources, connection: Connection
) -> None:
    shop = await make_shop(connection, price_minor=1000)
    two = (
        Tender(method="sandbox", token="tok_ok", amount_minor=3000),
        Tender(method="sandbox", token="tok_ok"),
    )
    order = await buy(resources, (shop, 5), tenders=two)
    assert order.status == "paid"
    await refund(resources, order, shop, units=1)
    assert [one.refunded_minor for one in (await read(resources, order)).payments] == [0, 1000]
    await refund(resources, order, shop, units=3)
    assert [one.refunded_minor for one in (await read(resources, order)).payments] == [2000, 2000]


@pytest.mark.case(43)
async def test_case_43_a_refused_refund_leaves_everything_as_it_was(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(
        resources, (shop, 2), tenders=[Tender(method="sandbox", token="tok_refund_declined")]
    )
    await ship(resources, order, shop)
    before = await balances(connection), await read(resources, order)
    given = await refund(resources, order, shop, units=1)
    assert (given.status, given.failure_reason) == ("failed", "refund_declined")
    after = await read(resources, order)
    assert await balances(connection) == before[0]
    assert (after.refunded_minor, after.payment_status) == (0, "paid")
    assert after.payments[0].refunded_minor == 0
    line, old = after.lines[0], before[1].lines[0]
    assert line == old
    assert part_of(after, shop).pending_minor == part_of(before[1], shop).pending_minor
    assert [event.kind for event in after.events][-2:] == ["refund_requested", "refund_failed"]


async def test_units_whose_refund_failed_are_withdrawn_once(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(
        resources, (shop, 3), tenders=[Tender(method="sandbox", token="tok_refund_declined")]
    )
    await refund(resources, order, shop, units=1)
    await refund(resources, order, shop, units=1)
    assert await stock(connection, shop) == (100, 2)
    assert (await read(resources, order)).lines[0].withdrawn_quantity == 1


@pytest.mark.parametrize(
    ("token", "status", "refunded_minor"),
    [
        ("tok_refund_timeout_then_ok", "succeeded", 12_000),
        ("tok_refund_timeout_then_declined", "failed", 0),
    ],
)
async def test_a_lost_answer_is_asked_after(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    token: str,
    status: str,
    refunded_minor: int,
) -> None:
    order = await buy(resources, (shop, 1), tenders=[Tender(method="sandbox", token=token)])
    await ship(resources, order, shop)
    given = await refund(resources, order, shop, units=1)
    assert given.status == "unknown"
    standing = await read(resources, order)
    assert (standing.refunded_minor, standing.payment_status) == (12_000, "paid")
    assert (await balances(connection))["refund_in_transit"] == -12_000
    assert await refunds.resume_refunds(resources.refunds) == 0
    clock.advance(timedelta(minutes=1))
    assert await refunds.resume_refunds(resources.refunds) == 1
    after = await read(resources, order)
    assert (after.refunds[0].status, after.refunded_minor) == (status, refunded_minor)
    assert "refund_in_transit" not in await balances(connection)
    assert await refunds.resume_refunds(resources.refunds) == 0


@pytest.mark.case(39)
async def test_case_39_answer_and_report_are_booked_once(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(
        resources,
        (shop, 1),
        tenders=[Tender(method="sandbox", token="tok_refund_timeout_then_ok")],
    )
    await refund(resources, order, shop, units=1)
    payment_id = order.payments[0].id
    assert await refunds.hear(resources.refunds, payment_id=payment_id) == 1
    assert await refunds.hear(resources.refunds, payment_id=payment_id) == 0
    [given] = (await read(resources, order)).refunds
    await refunds.send_refund(resources.refunds, refund_id=given.id)
    assert given.status == "succeeded"
    kinds = await connection.fetch("SELECT kind FROM ledger_transaction ORDER BY kind")
    assert [row["kind"] for row in kinds] == ["refund_confirmed", "refund_intent", "sale"]


async def test_goodwill_is_the_marketplaces_and_counts_towards_a_later_refund(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await buy(resources, (shop, 1))
    with pytest.raises(NotAllowed):
        await refund(resources, order, shop, amount_minor=1000, by_marketplace=True)
    given = await refund(
        resources, order, shop, viewer=OPERATOR, amount_minor=1000, by_marketplace=True
    )
    assert (given.borne_by, given.effects["goodwill_minor"]) == ("marketplace", 1000)
    assert (await balances(connection))["goodwill_cost"] == 1000
    assert await seller_owes(connection, shop) == {"pending": 10_800}
    after = await cancel(resources, order, viewer=OPERATOR)
    assert (after.status, after.payment_status) == ("cancelled", "refunded")
    assert after.refunds[-1].amount_minor == 11_000
    assert await balances(connection) == {}


async def test_nobody_refunds_a_siblings_part(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection, price_minor=700)
    order = await buy(resources, (shop, 1), (other, 1))
    before = await balances(connection)
    with pytest.raises(NotFound):
        await refund(resources, order, shop, viewer=other.viewer, units=1)
    with pytest.raises(NotFound):
        await refund(
            resources,
            order,
            other,
            items=((part_of(order, shop).lines[0].id, 1), (part_of(order, other).lines[0].id, 1)),
        )
    assert await balances(connection) == before
    await refund(resources, order, other, units=1)
    assert await seller_owes(connection, shop) == {"pending": 10_800}


async def test_shipping_goes_back_with_its_own_tax(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    await make_delivery(connection, price_minor=600)
    order = await buy(resources, (shop, 1))
    assert order.total_minor == 12_600
    given = await refund(resources, order, shop, shipping=True)
    assert given.amount_minor == 600
    assert part_of(await read(resources, order), shop).shipping_refunded_minor == 600
    with pytest.raises((AlreadyRefunded, RefundTooLarge)):
        await refund(resources, order, shop, shipping=True)


async def test_a_refund_costs_a_fixed_number_of_statements(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    query_count: Callable[[], int],
) -> None:
    order = await buy(resources, (shop, 2))
    await asyncio.sleep(0)  # The driver tells of a statement a turn later.
    query_count()
    await refund(resources, order, shop, units=1)
    await asyncio.sleep(0)
    assert query_count() == 28


async def test_a_tender_that_refuses_keeps_its_part_of_every_share(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    coupon = await make_coupon(connection)
    order = await buy(
        resources,
        (shop, 2),
        coupons=(coupon,),
        tenders=[
            Tender(method="sandbox", token="tok_ok", amount_minor=16_200),
            Tender(method="sandbox", token="tok_refund_declined"),
        ],
    )
    await ship(resources, order, shop)
    given = await refund(resources, order, shop, units=1)
    # 54.00 of 108.00 were to go back through the second tender, which refused.
    assert (given.status, given.amount_minor) == ("succeeded", 5400)
    assert given.failure_reason == "refund_declined"
    assert given.effects["commission_minor"] == 500
    assert given.effects["promotion_minor"] == 600
    after = await read(resources, order)
    assert [one.refunded_minor for one in after.payments] == [5400, 0]
    assert (after.refunded_minor, after.lines[0].refunded_minor) == (5400, 5400)
    assert part_of(after, shop).pending_minor == 21_600 - 5400
    assert await balances(connection) == {
        "gateway_clearing": 16_200,
        "promotion_cost": 1800,
        "commission": -1500,
        "tax_payable": -300,
        "seller_pending": -16_200,
    }
    await refund(resources, order, shop, amount_minor=10_800)
    assert [one.refunded_minor for one in (await read(resources, order)).payments] == [10_800, 0]


async def test_a_refused_refund_returns_to_what_is_available_once_the_sale_was_released(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    order = await buy(
        resources,
        (shop, 1),
        tenders=[Tender(method="sandbox", token="tok_refund_timeout_then_declined")],
    )
    await ship(resources, order, shop)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    given = await refund(resources, order, shop, amount_minor=6000)
    assert given.effects["seller"]["pending_minor"] == 5400
    clock.advance(timedelta(days=7))
    await transact(resources.db, release_due, now=clock.now())
    assert await seller_owes(connection, shop) == {"available": 5400}
    await refunds.resume_refunds(resources.refunds)
    assert await seller_owes(connection, shop) == {"available": 10_800}


# Each example undoes what it did, so that the fixtures are as good as new.
@settings(
    max_examples=10,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
async def test_refunds_in_any_partition_equal_the_whole(
    resources: Resources, connection: Connection, data: st.DataObject
) -> None:
    """Whatever is refunded in whatever order, the books end without a cent of the sale."""
    attempt = connection.transaction()
    await attempt.start()
    currency = data.draw(CURRENCIES, label="currency")
    try:
        await make_tax(connection, rate_bps=data.draw(st.integers(0, 2700)), included=True)
        await make_commission(
            connection,
            rate_bps=data.draw(st.integers(0, 3000)),
            vat_bps=data.draw(st.integers(0, 2700)),
            fixed_minor=data.draw(st.integers(0, 50)),
            currency=currency,
            on_shipping=True,
        )
        price_minor = data.draw(st.integers(0, 999))
        await make_delivery(connection, price_minor=price_minor, currency=currency)
        coupon = await make_coupon(connection, value_bps=data.draw(st.integers(100, 9000)))
        quantity = data.draw(st.integers(1, 5))
        price_minor = data.draw(st.integers(100, 9999))
        shop = await make_shop(connection, price_minor=price_minor, currency=currency)
        order = await buy(resources, (shop, quantity), coupons=(coupon,), currency=currency)
        assert order.currency == currency
        await ship(resources, order, shop)
        for _ in range(quantity):
            paid = part_of(await read(resources, order), shop)
            left = paid.total_minor - paid.refunded_minor
            of_line = paid.lines[0].total_minor - paid.lines[0].refunded_minor
            if data.draw(st.booleans()) and left:
                amount_minor = data.draw(st.integers(1, left))
                await refund(resources, order, shop, amount_minor=amount_minor)
            elif of_line:
                # Free amounts may have eaten what was left of this unit.
                with suppress(AlreadyRefunded):
                    await refund(resources, order, shop, units=1)
        paid = part_of(await read(resources, order), shop)
        left = paid.total_minor - paid.refunded_minor
        if left:
            await refund(resources, order, shop, amount_minor=left)
        after = await read(resources, order)
        assert after.refunded_minor == after.captured_minor == order.total_minor
        assert await balances(connection) == {}
        assert part_of(after, shop).pending_minor == 0
        assert after.payment_status == "refunded"
    finally:
        await attempt.rollback()
