"""The simulator over real sales and refunds: nothing for the rules as they are, and exact cents."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.api.schemas.commission_simulation import SimulationOut
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.resources import Resources
from gosellr.utils.refunds import CommissionReversal
from tests.factories.accounts import bearer, make_operator
from tests.factories.captures import at_shipment
from tests.factories.reductions import call_off
from tests.factories.sales import (
    Shop,
    buy,
    cancel,
    make_commission,
    make_shop,
    part_of,
    read,
    refund,
    ship,
)
from tests.factories.terms import make_coupon, make_delivery, make_tax

Simulate = Callable[..., Awaitable[dict[str, Any]]]
PATH = "/api/v1/commission-rules/simulate"


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


async def books(connection: Connection) -> tuple[int, ...]:
    """What a question must leave alone."""
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM ledger_entry), (SELECT count(*) FROM commission_rule),"
        " (SELECT sum(version) FROM commission_rule), (SELECT sum(commission_minor)"
        " FROM order_line), (SELECT count(*) FROM outbox_event)"
    )
    assert row is not None
    return tuple(row)


async def earned(connection: Connection, shop: Shop) -> int:
    """What the books have as commission on a shop's sales, in minor units."""
    earned_minor: int = await connection.fetchval(
        "SELECT sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END)::bigint"
        " FROM ledger_entry AS entry JOIN seller_order AS part ON part.id = entry.seller_order_id"
        " WHERE account = 'commission' AND part.seller_id = $1",
        shop.seller.id,
    )
    return earned_minor


@pytest.fixture
async def rule_id(connection: Connection) -> UUID:
    """10 % with its VAT and 0.30 a line, on delivery too."""
    await make_tax(connection, rate_bps=2000)
    await make_delivery(connection)
    await make_commission(connection, fixed_minor=30, currency="EUR", on_shipping=True)
    rule_id: UUID = await connection.fetchval("SELECT id FROM commission_rule")
    return rule_id


@pytest.fixture
async def shops(connection: Connection, resources: Resources, rule_id: UUID) -> list[Shop]:
    """Two shops with orders of both: one refunded in part, one with a coupon and in full."""
    assert rule_id
    lamps = await make_shop(connection, price_minor=12_000)
    chairs = await make_shop(connection, price_minor=3_333)
    coupon = await make_coupon(connection)
    first = await buy(resources, (lamps, 3), (chairs, 7))
    await refund(resources, first, lamps, units=1)
    await refund(resources, first, chairs, units=2)
    await refund(resources, first, chairs, units=3)
    await refund(resources, first, chairs, amount_minor=1_001)
    second = await buy(resources, (lamps, 1), (chairs, 2), coupons=(coupon,))
    await refund(
        resources, second, lamps, items=((part_of(second, lamps).lines[0].id, 1),), shipping=True
    )
    return [lamps, chairs]


@pytest.fixture
async def simulate(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    shops: list[Shop],
) -> Simulate:
    """Ask as an operator; whatever is asked, nothing changes."""
    assert shops
    headers = await bearer(resources, await make_operator(connection, now=clock.now()))
    day = {"from": clock.now().isoformat(), "to": (clock.now() + timedelta(days=1)).isoformat()}

    async def ask(*, status: int = 200, **body: Any) -> dict[str, Any]:
        before = await books(connection)
        response = await client.post(PATH, json=day | body, headers=headers)
        assert response.status_code == status, response.text
        assert await books(connection) == before
        told: dict[str, Any] = response.json()
        if status == 200:
            SimulationOut.model_validate(told)
        return told

    return ask


async def test_the_rules_as_they_are_make_no_difference(
    connection: Connection, simulate: Simulate, shops: list[Shop]
) -> None:
    for body in ({}, {"commission_on_refunds": CommissionReversal.FULL.value}):
        told = await simulate(**body)
        assert (told["orders"], told["sellers_left_out"]) == (2, 0)
        by_id = {one["seller"]["id"]: one for one in told["sellers"]}
        assert by_id.keys() == {str(shop.seller.id) for shop in shops}
        for shop in shops:
            one = by_id[str(shop.seller.id)]
            assert one["commission_booked"] == euros(await earned(connection, shop))
            assert one["commission_simulated"] == one["commission_booked"]
            assert one["vat_simulated"] == one["vat_booked"]
            assert one["difference"] == euros(0)
            assert (one["lines"], one["lines_touched"], one["deliveries_touched"]) == (2, 0, 0)
        [total] = told["totals"]
        assert total["difference"] == euros(0)
        assert (total["lines"], total["lines_touched"]) == (4, 0)


async def test_a_changed_rule_gives_exact_cents_per_seller(
    simulate: Simulate, shops: list[Shop], rule_id: UUID
) -> None:
    lamps, chairs = (str(shop.seller.id) for shop in shops)
    told = await simulate(
        rules={
            "change": [{"id": str(rule_id), "rate_bps": 1200}],
            "add": [
                {"position": 1, "match": {"seller_id": chairs}, "rate_bps": 500, "vat_bps": 2000}
            ],
        }
    )
    by_id = {one["seller"]["id"]: one for one in told["sellers"]}
    # Three lamps of 100.00 without tax at 10 % and 0.30, a third of it back; delivery 4.08 at
    # 10 %. The second lamp and its delivery went back whole.
    assert by_id[lamps]["commission_booked"] == euros(3030 - 1010 + 41)
    assert by_id[lamps]["commission_simulated"] == euros(3630 - 1210 + 49)
    assert by_id[lamps]["difference"] == euros(408)
    assert (by_id[lamps]["lines_touched"], by_id[lamps]["deliveries_touched"]) == (1, 1)
    # The rule in front takes nothing of deliveries.
    assert by_id[chairs]["difference"]["amount"] < 0
    assert by_id[chairs]["deliveries_touched"] == 2
    [total] = told["totals"]
    assert total["difference"]["amount"] == sum(
        one["difference"]["amount"] for one in told["sellers"]
    )
    assert told["sellers"] == sorted(
        told["sellers"], key=lambda one: -abs(one["difference"]["amount"])
    )


async def test_without_rules_nothing_is_earned_and_kept_commission_stays(
    connection: Connection, simulate: Simulate, shops: list[Shop], rule_id: UUID
) -> None:
    gone = await simulate(rules={"remove": [str(rule_id)]})
    [total] = gone["totals"]
    booked = sum([await earned(connection, shop) for shop in shops])
    assert total["commission_booked"] == euros(booked)
    assert total["commission_simulated"] == total["vat_simulated"] == euros(0)
    kept = await simulate(commission_on_refunds="none")
    [total] = kept["totals"]
    # 30.30 and 10.30 for lamps, 7 and 2 chairs of 33.33, and four deliveries.
    sold: int = await connection.fetchval("SELECT sum(commission_minor)::bigint FROM seller_order")
    assert total["commission_simulated"] == euros(sold)
    assert sold > booked


async def test_what_makes_no_sense_is_refused(
    simulate: Simulate, clock: ManualClock, rule_id: UUID
) -> None:
    now = clock.now().isoformat()
    nobody = str(UUID(int=7))
    for body, field in (
        ({"to": now}, "to"),
        ({"rules": {"remove": [nobody]}}, "rules.remove"),
        ({"rules": {"change": [{"id": nobody, "rate_bps": 1}]}}, "rules.change"),
        ({"rules": {"add": [{"rate_bps": 1, "match": {"seller_id": nobody}}]}}, "match.seller_id"),
        ({"rules": {"change": [{"id": str(rule_id), "cap": euros(5), "minimum": euros(6)}]}},
         "minimum"),
        ({"rules": {"add": [{"rate_bps": 10_001}]}}, "rules.add.0.rate_bps"),
        ({"commission_on_refunds": "half"}, "commission_on_refunds"),
    ):  # fmt: skip
        told = await simulate(status=422, **body)
        assert [error["field"] for error in told["errors"]] == [field], told
    # Before the first order there is nothing, and last month is what is asked for by itself.
    told = await simulate(**{"from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"})
    assert (told["orders"], told["sellers"], told["totals"]) == (0, [], [])
    told = await simulate(**{"from": None, "to": None})
    assert (told["from"], told["to"]) == ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z")


async def test_what_was_called_off_or_cancelled_before_it_was_paid_makes_no_difference(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    """A line that fell below the band it was ordered in, and a part that was never sold."""
    await connection.execute(
        "INSERT INTO commission_rule (id, position, currency, rate_bps, fixed_minor, vat_bps,"
        " on_shipping, value_from_minor, value_to_minor, created_at, updated_at)"
        " VALUES ($1, 1, 'EUR', 500, 0, 2000, true, 10000, NULL, $3, $3),"
        " ($2, 2, 'EUR', 1500, 20, 2000, false, NULL, 10000, $3, $3)",
        new_id(), new_id(), clock.now(),
    )  # fmt: skip
    await make_delivery(connection)
    market = at_shipment(resources)
    lamps = await make_shop(connection, price_minor=4_000)
    chairs = await make_shop(connection, price_minor=3_333)
    coupon = await make_coupon(connection)
    order = await buy(market, (lamps, 4), (chairs, 7), coupons=(coupon,))
    await cancel(market, order, viewer=chairs.viewer, shop=chairs)
    order = await call_off(market, order, lamps, 2)
    await ship(market, order, lamps)
    await refund(market, await read(market, order), lamps, units=1)
    headers = await bearer(resources, await make_operator(connection, now=clock.now()))
    day = {"from": clock.now().isoformat(), "to": (clock.now() + timedelta(days=1)).isoformat()}
    told = (await client.post(PATH, json=day, headers=headers)).json()
    [one] = told["sellers"]
    assert (told["orders"], one["seller"]["id"]) == (1, str(lamps.seller.id))
    assert one["commission_booked"] == euros(await earned(connection, lamps))
    assert (one["difference"], one["lines"], one["lines_touched"]) == (euros(0), 1, 0)
    assert one["deliveries_touched"] == 0
    # 5 % of the one unit that stays, and of its delivery.
    assert one["commission_booked"]["amount"] > 0
