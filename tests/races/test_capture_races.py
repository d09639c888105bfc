"""Money taken as goods leave, many at once: each share once, and never for what is called off."""

import pytest

from gosellr.core.transact import transact
from gosellr.flows import captures
from gosellr.jobs.audit import audit_market
from gosellr.resources import Resources
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.captures import at_shipment, standing
from tests.factories.reductions import call_off
from tests.factories.sales import buy, cancel, make_shop, part_of, read, ship, stock
from tests.races.test_refund_races import outcomes

OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
ROUNDS = 6


async def sound(market: Resources) -> None:
    found = await audit_market(market.db, gateways=market.gateways, now=market.clock.now())
    assert found == []


async def test_sellers_who_ship_at_once_are_each_paid_once(live: Resources) -> None:
    market = at_shipment(live)
    shops = [await transact(live.db, make_shop, price_minor=price) for price in (1000, 700, 300)]
    for _ in range(ROUNDS):
        order = await buy(market, *((shop, 1) for shop in shops))
        assert await outcomes(*(ship(market, order, shop) for shop in shops)) == {"done": 3}
        after = await read(market, order)
        assert (after.status, after.payment_status) == ("shipped", "paid")
        assert await standing(market, order) == ("captured", 2000)
    await sound(market)


async def test_one_parcel_shipped_by_many_is_taken_once(live: Resources) -> None:
    market = at_shipment(live)
    shop = await transact(live.db, make_shop, price_minor=1000)
    for _ in range(ROUNDS):
        order = await buy(market, (shop, 1))
        seen = await outcomes(*(ship(market, order, shop) for _ in range(4)))
        assert seen["done"] == 1
        assert set(seen) <= {"done", "capture_pending", "nothing_left_to_ship"}
        assert await standing(market, order) == ("captured", 1000)
    await sound(market)


@pytest.mark.case(57)
async def test_case_57_ship_and_cancel_before_anything_is_taken(live: Resources) -> None:
    market = at_shipment(live)
    shop = await transact(live.db, make_shop, price_minor=1000, stock=2 * ROUNDS)
    other = await transact(live.db, make_shop, price_minor=500)
    shipped = 0
    for turn in range(2 * ROUNDS):
        order = await buy(market, (shop, 1), (other, 1))
        rivals = [ship(market, order, shop), cancel(market, order, viewer=OPERATOR, shop=shop)]
        if turn % 2:
            rivals.reverse()
        seen = await outcomes(*rivals)
        after = await read(market, order)
        part = part_of(after, shop)
        left = part.lines[0].shipped_quantity
        # Whoever comes second learns so; what was taken and called off goes back.
        assert seen["done"] in (1, 2)
        assert part.status == ("shipped" if left else "cancelled")
        assert after.captured_minor - after.refunded_minor == 1000 * left
        state, taken = await standing(market, order)
        assert (state, taken) == ("authorized", after.captured_minor)
        shipped += left
    async with live.db.connection() as connection:
        assert await stock(connection, shop) == (2 * ROUNDS - shipped, 0)
    await sound(market)


async def test_the_end_of_an_authorisation_and_a_parcel_at_once(live: Resources) -> None:
    market = at_shipment(live)
    shop = await transact(live.db, make_shop, price_minor=1000)
    for _ in range(ROUNDS):
        order = await buy(market, (shop, 1))
        async with live.db.connection() as connection:
            await connection.execute("UPDATE payment SET watch_at = $1", market.clock.now())
        seen = await outcomes(
            ship(market, order, shop),
            *(captures.watch_authorizations(market.captures) for _ in range(3)),
        )
        assert seen == {"done": 4}
        after = await read(market, order)
        assert (after.status, after.payment_status) == ("shipped", "paid")
    await sound(market)


async def test_units_called_off_by_many_as_their_parcel_leaves(live: Resources) -> None:
    """Each unit is taken and shipped, or called off and back on sale: never both, never neither."""
    market = at_shipment(live)
    shop = await transact(live.db, make_shop, price_minor=1000, stock=4 * ROUNDS)
    shipped = 0
    for turn in range(ROUNDS):
        order = await buy(market, (shop, 4))
        rivals = [call_off(market, order, shop) for _ in range(4)]
        rivals.insert(turn % 5, ship(market, order, shop))  # type: ignore[arg-type]
        seen = await outcomes(*rivals)
        assert set(seen) <= {"done", "money_taken", "capture_pending", "nothing_left",
                             "transition_not_allowed"}  # fmt: skip
        after = await read(market, order)
        line = part_of(after, shop).lines[0]
        if part_of(after, shop).captured_at is None:
            await ship(market, order, shop)
            after = await read(market, order)
            line = part_of(after, shop).lines[0]
        assert 1 <= line.quantity == line.shipped_quantity
        assert line.quantity + line.called_off_quantity == 4
        assert after.captured_minor == after.total_minor == 1000 * line.quantity
        assert await standing(market, order) == ("captured", after.captured_minor)
        shipped += line.quantity
    async with live.db.connection() as connection:
        assert await stock(connection, shop) == (4 * ROUNDS - shipped, 0)
    await sound(market)
