"""What the marketplace owes tax authorities for a period: by rate, and as the ledger has it."""

import asyncio
import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.flows import documents
from gosellr.resources import Resources
from gosellr.services import tax_return_service
from gosellr.utils.tax_periods import parse_tax_period
from tests.factories.accounts import User
from tests.factories.balances import approve, prepare
from tests.factories.disputes import bank_decides, take_back, told_as
from tests.factories.payouts import wrong_with
from tests.factories.sales import Shop, buy, make_buyer, make_commission, make_shop, part_of, refund
from tests.factories.tax_returns import taxed

# What is sold stands in `taxed`: 100.00 of a lamp at 20 %, 5.00 of delivery at 10 %, and 10.00 of
# commission at 20 %.
JULY = datetime(2026, 7, 2, tzinfo=UTC)


@pytest.fixture
async def lamps(connection: Connection) -> Shop:
    return await taxed(connection)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def owed(resources: Resources, period: str) -> dict[str, dict[str, Any]]:
    content: dict[str, Any] = await documents.tax_return(
        resources.documents, period=parse_tax_period(period)
    )
    return {one["jurisdiction"]: one for one in content["jurisdictions"]}


def rates(one: dict[str, Any]) -> list[tuple[str, int, int, int]]:
    return [
        (rate["source"], rate["tax_rate_bps"], rate["base_minor"], rate["tax_minor"])
        for rate in one["rates"]
    ]


def sums(one: dict[str, Any]) -> tuple[int, int, int, int]:
    return one["opening_minor"], one["due_minor"], one["paid_minor"], one["closing_minor"]


async def in_ledger(connection: Connection, account: str) -> int:
    minor: int = await connection.fetchval(
        "SELECT COALESCE(sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END)"
        ", 0)::bigint FROM ledger_entry WHERE account = $1",
        account,
    )
    return minor


async def test_sales_are_owed_by_rate_and_refunds_lower_the_period_they_are_booked_in(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    order = await buy(resources, (lamps, 3))
    first = await owed(resources, "2026-Q1")
    of_sales = [("sales", 2000, 30_000, 6_000), ("sales", 1000, 500, 50)]
    of_commission = [("commission", 2000, 3_000, 600)]
    assert rates(first["DE"]) == of_sales
    assert sums(first["DE"]) == (0, 6_050, 0, 6_050)
    assert rates(first["marketplace"]) == of_commission
    assert sums(first["marketplace"]) == (0, 600, 0, 600)
    clock.set(JULY)
    await refund(resources, order, lamps, units=1)
    # The quarter that is over stays what it was, and so does the one in which nothing happened.
    assert await owed(resources, "2026-Q1") == first
    second = await owed(resources, "2026-Q2")
    assert (rates(second["DE"]), sums(second["DE"])) == ([], (6_050, 0, 0, 6_050))
    third = await owed(resources, "2026-Q3")
    assert rates(third["DE"]) == [("sales", 2000, -10_000, -2_000)]
    assert sums(third["DE"]) == (6_050, -2_000, 0, 4_050)
    assert rates(third["marketplace"]) == [("commission", 2000, -1_000, -200)]
    assert await owed(resources, "2026-07") == third
    assert await owed(resources, "2025-Q4") == {}
    for name in ("DE", "marketplace"):
        assert third[name]["closing_minor"] == await in_ledger(connection, f"tax_payable:{name}")
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("included", [True, False])
async def test_the_bases_of_all_refunds_of_a_line_come_to_the_whole(
    connection: Connection, resources: Resources, clock: ManualClock, *, included: bool
) -> None:
    shop = await taxed(connection, included=included, price_minor=1_001)
    order = await buy(resources, (shop, 1))
    [line] = part_of(order, shop).lines
    net_minor = 1_001 - line.tax_minor if included else 1_001
    [goods] = [one for one in rates((await owed(resources, "2026-Q1"))["DE"]) if one[1] == 2000]
    assert goods == ("sales", 2000, net_minor, line.tax_minor)
    bases, tax = [], []
    for month, amount_minor in enumerate((7, 333, 250), start=4):
        clock.set(datetime(2026, month, 2, tzinfo=UTC))
        await refund(resources, order, shop, amount_minor=amount_minor)
        found = rates((await owed(resources, f"2026-{month:02}"))["DE"])
        bases += [one[2] for one in found if one[1] == 2000]
        tax += [one[3] for one in found if one[1] == 2000]
    clock.set(JULY)
    await refund(resources, order, shop, units=1)
    [last] = [one for one in rates((await owed(resources, "2026-07"))["DE"]) if one[1] == 2000]
    assert sum(bases) + last[2] == -net_minor
    assert sum(tax) + last[3] == -line.tax_minor
    # Each is about five times its tax; a cent more or less, because both are whole.
    for base_minor, tax_minor in zip(bases, tax, strict=True):
        assert abs(base_minor - 5 * tax_minor) <= 5
    assert await wrong_with(connection, resources) == []


async def test_what_is_paid_and_booked_by_hand_is_told_beside_the_rates(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    clock.set(JULY)
    for account, minor in (("bank", 2_050), ("goodwill_cost", 30)):
        debited = ("tax_payable:DE", "debit", minor)
        await approve(resources, (await prepare(resources, debited, (account, "credit", minor))).id)
    await approve(
        resources,
        (
            await prepare(resources, ("commission", "debit", 70), ("tax_payable:FR", "credit", 70))
        ).id,
    )
    found = await owed(resources, "2026-Q3")
    assert (rates(found["DE"]), found["DE"]["by_hand_minor"]) == ([], -30)
    assert sums(found["DE"]) == (2_050, -30, 2_050, -30)
    assert (rates(found["FR"]), sums(found["FR"])) == ([], (0, 70, 0, 70))
    assert sums(found["marketplace"]) == (200, 0, 0, 200)
    assert sums((await owed(resources, "2026-Q4"))["DE"]) == (-30, 0, 0, -30)


async def test_a_lost_chargeback_lowers_what_is_owed_with_its_base(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop, buyer: User
) -> None:
    order = await buy(resources, (lamps, 1), buyer=buyer)
    clock.set(JULY)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    found = await owed(resources, "2026-Q3")
    assert rates(found["DE"]) == [("sales", 2000, -10_000, -2_000), ("sales", 1000, -500, -50)]
    assert rates(found["marketplace"]) == [("commission", 2000, -1_000, -200)]
    assert "DE" not in await owed(resources, "2026-Q4")
    assert await wrong_with(connection, resources) == []


async def test_what_comes_back_of_a_lost_chargeback_is_owed_by_rate_as_it_was_lost(
    connection: Connection, resources: Resources, clock: ManualClock, lamps: Shop, buyer: User
) -> None:
    order = await buy(resources, (lamps, 1), buyer=buyer)
    clock.set(datetime(2026, 4, 2, tzinfo=UTC))
    assert await told_as(resources, order, "sdp_one", "lost", amount_minor=3_333)
    lost = await owed(resources, "2026-Q2")
    clock.set(JULY)
    assert await told_as(resources, order, "sdp_one", "won", amount_minor=3_333)
    found = await owed(resources, "2026-Q3")
    for name in ("DE", "marketplace"):
        back = [(source, bps, -base, -tax) for source, bps, base, tax in rates(found[name])]
        assert back == rates(lost[name])
        assert sum(one[3] for one in back) < 0
    assert {bps for _, bps, _, _ in rates(found["DE"])} == {1000, 2000}
    assert sums(found["DE"])[3] == 2_050
    assert await wrong_with(connection, resources) == []


async def test_commission_without_vat_is_told_with_its_base(
    connection: Connection, resources: Resources
) -> None:
    await make_commission(connection, vat_bps=0)
    shop = await make_shop(connection, price_minor=10_000)
    await buy(resources, (shop, 1))
    found = await owed(resources, "2026-Q1")
    assert {name: rates(one) for name, one in found.items()} == {
        "marketplace": [("commission", 0, 1_000, 0)]
    }


async def test_the_table_has_every_rate_and_the_sums(
    connection: Connection, resources: Resources, lamps: Shop
) -> None:
    await buy(resources, (lamps, 1))
    content = await documents.tax_return(resources.documents, period=parse_tax_period("2026-Q1"))
    assert content["is_over"] is False
    made = await documents.make_file(resources.documents, content, form="csv", name="tax")
    rows = list(csv.DictReader(io.StringIO(made.content.decode())))
    assert [tuple(row.values()) for row in rows] == [
        ("2026-Q1", "DE", "EUR", "sales", "20", "100.00", "20.00", "", "", "", ""),
        ("2026-Q1", "DE", "EUR", "sales", "10", "5.00", "0.50", "", "", "", ""),
        ("2026-Q1", "DE", "EUR", "total", "", "", "", "0.00", "20.50", "0.00", "20.50"),
        ("2026-Q1", "marketplace", "EUR", "commission", "20", "10.00", "2.00", "", "", "", ""),
        ("2026-Q1", "marketplace", "EUR", "total", "", "", "", "0.00", "2.00", "0.00", "2.00"),
    ]


async def test_a_period_in_which_sales_go_on_is_read_at_one_moment(
    connection: Connection, resources: Resources, lamps: Shop, query_count: Callable[[], int]
) -> None:
    await buy(resources, (lamps, 1))
    # A statement is heard of a turn of the loop later.
    await asyncio.sleep(0)
    query_count()
    found = await ask(
        resources.db,
        tax_return_service.owed,
        period=parse_tax_period("2026-Q1"),
        vat_jurisdiction="marketplace",
    )
    await asyncio.sleep(0)
    assert query_count() == 1
    assert [one.closing_minor for one in found] == [2_050, 200]
