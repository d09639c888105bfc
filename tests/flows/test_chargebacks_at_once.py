"""Several chargebacks of one payment that are open at the same time: what each asks of whom."""

import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from gosellr.services.audit_service import audit
from tests.factories.accounts import User
from tests.factories.disputes import (
    asked_in,
    bank_decides,
    cases_of,
    delivered,
    hear,
    network,
    take_back,
    told_as,
)
from tests.factories.sales import (
    Shop,
    balances,
    make_buyer,
    make_commission,
    make_shop,
    seller_owes,
)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    await make_commission(connection)
    return await make_buyer(connection)


@pytest.fixture
async def shops(connection: Connection, buyer: User) -> list[Shop]:
    """Two shops whose orders come to 120.00, of which the market earns a tenth."""
    return [await make_shop(connection, price_minor=minor) for minor in (7_001, 4_999)]


async def owed(connection: Connection, shops: list[Shop]) -> list[dict[str, int]]:
    return [await seller_owes(connection, shop) for shop in shops]


async def test_one_that_is_won_leaves_what_it_asked_for_to_the_next(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    assert await told_as(resources, order, "sdp_one", "open", amount_minor=9_000)
    assert await told_as(resources, order, "sdp_two", "open")
    asked = asked_in(await cases_of(resources, order), "sdp_two")
    assert [amount for amount, _, _ in asked.values()] == [1_750, 1_250]
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=9_000)
    # All of the sale is what the other one is about by now, and out of reach.
    asked = asked_in(await cases_of(resources, order), "sdp_two")
    assert asked == {
        shops[0].seller.id: (7_001, 0, 6_161), shops[1].seller.id: (4_999, 0, 4_399),
    }  # fmt: skip
    assert await owed(connection, shops) == [{"reserve": 6_161}, {"reserve": 4_399}]
    assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == []
    assert await told_as(resources, order, "sdp_two", "lost")
    assert await balances(connection) == {}
    assert await owed(connection, shops) == [{}, {}]
    assert not await told_as(resources, order, "sdp_two", "lost")


async def test_one_that_asked_for_nothing_asks_new_sellers(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    assert await told_as(resources, order, "sdp_one", "open")
    assert await told_as(resources, order, "sdp_two", "open", amount_minor=5_000)
    asked = asked_in(await cases_of(resources, order), "sdp_two")
    assert [amount for amount, _, _ in asked.values()] == [0]
    assert await told_as(resources, order, "sdp_one", "won")
    asked = asked_in(await cases_of(resources, order), "sdp_two")
    assert [amount for amount, _, _ in asked.values()] == [2_917, 2_083]
    assert await told_as(resources, order, "sdp_two", "lost", amount_minor=5_000)
    kept = await balances(connection)
    assert kept["gateway_clearing"] == 7_000
    assert "chargeback_loss" not in kept
    assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == []


@pytest.mark.parametrize("first_minor", range(5_995, 6_005))
async def test_one_that_is_lost_leaves_the_next_what_it_asks_to_the_cent(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User, first_minor: int
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    assert await told_as(resources, order, "sdp_one", "open", amount_minor=first_minor)
    assert await told_as(resources, order, "sdp_two", "open")
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=first_minor)
    asked = asked_in(await cases_of(resources, order), "sdp_two")
    assert sum(amount for amount, _, _ in asked.values()) == 12_000 - first_minor
    frozen = [one.get("reserve", 0) for one in await owed(connection, shops)]
    assert frozen == [minor for _, _, minor in asked.values()]
    assert await told_as(resources, order, "sdp_two", "lost")
    # What both took beyond what was sold is the market's, and no cent besides.
    assert await balances(connection) == {
        "chargeback_loss": first_minor, "gateway_clearing": -first_minor,
    }  # fmt: skip
    assert await owed(connection, shops) == [{}, {}]


async def test_what_had_come_back_is_asked_of_the_next_once_the_first_is_won(
    resources: Resources, connection: Connection, shops: list[Shop], buyer: User
) -> None:
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    await network(resources).disputes.reinstate(reference=reference)
    await hear(resources, order)
    assert await told_as(resources, order, "sdp_one", "open", amount_minor=9_000)
    assert await told_as(resources, order, "sdp_two", "open")
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=9_000)
    asked = asked_in(await cases_of(resources, order), "sdp_two")
    assert asked == {
        shops[0].seller.id: (7_001, 7_001, 6_161), shops[1].seller.id: (4_999, 4_999, 4_399),
    }  # fmt: skip
    assert await owed(connection, shops) == [{"reserve": 6_161}, {"reserve": 4_399}]
    assert await told_as(resources, order, "sdp_two", "lost")
    assert await balances(connection) == {}
    assert await owed(connection, shops) == [{}, {}]
