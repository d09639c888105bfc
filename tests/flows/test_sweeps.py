"""What fails again and again is put off: whatever is due behind it has its turn."""

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

import gosellr
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import hot_stock, payouts, reserves, sandbox_post
from gosellr.flows.one_by_one import NoAnswer, Sweep, one_by_one
from gosellr.integrations.payments.sandbox_webhooks import WebhookDelivery
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.jobs import upkeep
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.resources import Resources
from gosellr.services import sweep_service
from gosellr.utils.order_states import OrderStatus
from tests.factories.balances import make_rule
from tests.factories.buckets import Bucket, buckets, spread
from tests.factories.captures import sandbox_of
from tests.factories.payouts import earn, pay, reread, set_account, wrong_with
from tests.factories.sales import Shop, buy, make_shop, seller_owes, ship, step

FIRST = timedelta(seconds=5)
LONGEST = timedelta(minutes=15)
DUE = f"""
SELECT number FROM generate_series(1, 6) AS due (number)
WHERE number <> ALL($2::int[]) AND {has_its_turn("tests", "number")} ORDER BY number LIMIT 2
"""


async def delays(connection: Connection) -> dict[str, int]:
    rows = await connection.fetch("SELECT sweep, failures FROM sweep_delay")
    return {row["sweep"]: row["failures"] for row in rows}


@pytest.mark.parametrize("is_silent", [False, True])
async def test_however_many_fail_the_others_have_their_turn(
    connection: Connection, resources: Resources, clock: ManualClock, is_silent: bool
) -> None:
    finished: list[int] = []
    tried: list[int] = []

    async def work(number: int) -> bool:
        tried.append(number)
        if number <= 4:
            if is_silent:
                return True
            raise ValueError("always")
        finished.append(number)
        return True

    async def run() -> None:
        now = clock.now()

        async def due() -> Sequence[int]:
            rows = await connection.fetch(DUE, now, finished)
            return [row["number"] for row in rows]

        sweep = Sweep(name="tests", db=resources.db, now=now, due=due)
        await sweep.run(work, story="testing")

    for _ in range(4):
        await run()
    assert tried == [1, 2, 3, 4, 5, 6]
    pauses = []
    for _ in range(12):
        # Until it is due again: twice as long each time.
        until = await connection.fetchval("SELECT until FROM sweep_delay WHERE item = '1'")
        pauses.append(until - clock.now())
        clock.advance(pauses[-1])
        tried.clear()
        await run()
        assert tried == [1, 2]
        await run()
    assert pauses == [min(FIRST * 2**count, LONGEST) for count in range(12)]
    assert await transact(resources.db, sweep_service.forget, now=clock.now()) == 0
    clock.advance(timedelta(hours=3))
    await run()
    assert await connection.fetchval("SELECT failures FROM sweep_delay WHERE item = '1'") == 1
    clock.advance(timedelta(hours=3))
    await upkeep.sweep_job_failures(resources)
    assert await delays(connection) == {}


async def test_silence_out_there_is_told_in_one_line_and_a_defect_with_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def work(error: Exception) -> bool:
        raise error

    errors = [NoAnswer("stripe doesn't list its disputes"), ValueError("a defect")]
    assert await one_by_one(errors, work, story="looking") == 0
    silence, defect = caplog.records
    assert (silence.levelname, silence.exc_info) == ("WARNING", None)
    assert silence.getMessage() == (
        f"looking failed for {errors[0]}: stripe doesn't list its disputes"
    )
    assert defect.levelname == "ERROR"
    assert defect.exc_info
    assert defect.exc_info[1] is errors[1]


def test_each_sweep_is_put_off_by_the_name_that_its_query_knows() -> None:
    root = Path(gosellr.__file__).parent
    sweeps = re.findall(
        r'Sweep\(\s*name="(\w+)"', "".join(one.read_text() for one in root.glob("flows/*.py"))
    )
    queries = re.findall(
        r'has_its_turn\("(\w+)"', "".join(one.read_text() for one in root.glob("queries/*.py"))
    )
    assert len(sweeps) == len(set(sweeps))
    assert set(queries) == set(sweeps)


async def two_shops(connection: Connection, resources: Resources) -> tuple[Shop, Shop]:
    first, second = [await make_shop(connection, price_minor=1000) for _ in range(2)]
    for shop in (first, second):
        await set_account(resources, shop, Behaviour.LOSE_ANSWER)
    return first, second


async def test_a_payout_that_can_t_be_written_down_stops_no_other(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    first, second = await two_shops(connection, resources)
    paid = []
    for shop in (first, second):
        await earn(resources, shop)
        paid.append(await pay(resources, shop))
    assert [one.status for one in paid] == ["unknown", "unknown"]
    clock.advance(timedelta(hours=1))
    # Its account can't be read any more.
    told = await connection.fetchval(
        "UPDATE payout_destination AS new SET account_encrypted = '\\x00'"
        " FROM payout_destination AS old WHERE new.id = old.id AND new.seller_id = $1"
        " RETURNING old.account_encrypted",
        first.seller.id,
    )
    assert await payouts.resume_payouts(resources.payouts, limit=1) == 0
    assert await delays(connection) == {"payouts": 1}
    assert await payouts.resume_payouts(resources.payouts, limit=1) == 1
    assert (await reread(resources, paid[1])).status == "paid"
    await connection.execute(
        "UPDATE payout_destination SET account_encrypted = $2 WHERE seller_id = $1",
        first.seller.id,
        told,
    )
    clock.advance(FIRST)
    assert await payouts.resume_payouts(resources.payouts, limit=1) == 1
    assert (await reread(resources, paid[0])).status == "paid"
    assert await wrong_with(connection, resources) == []


async def test_a_sale_that_can_t_be_released_stops_no_other(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    shops = [await make_shop(connection, price_minor=1000) for _ in range(3)]
    await earn(resources, shops[0])
    orders = []
    for shop in shops:
        order = await buy(resources, (shop, 1))
        await ship(resources, order, shop)
        await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
        orders.append(order)
    clock.advance(timedelta(days=30))
    # More than any account can hold.
    pending = "UPDATE seller_order SET pending_minor = $2 WHERE id = $1"
    await connection.execute(pending, orders[0].parts[0].id, 2**63 - 1)
    await upkeep.release_sales(resources)
    owed = [await seller_owes(connection, shop) for shop in shops]
    assert [sorted(one) for one in owed] == [["available", "pending"], ["available"], ["available"]]
    assert await delays(connection) == {"releases": 1}
    await connection.execute(pending, orders[0].parts[0].id, 1000)
    await upkeep.release_sales(resources)
    assert sorted(await seller_owes(connection, shops[0])) == ["available", "pending"]
    clock.advance(FIRST)
    await upkeep.release_sales(resources)
    assert sorted(await seller_owes(connection, shops[0])) == ["available"]
    assert await wrong_with(connection, resources) == []


async def test_a_reserve_that_can_t_be_released_stops_no_other(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    await make_rule(resources)
    first, second = [await make_shop(connection, price_minor=1000) for _ in range(2)]
    for shop in (first, second):
        await earn(resources, shop)
    clock.advance(timedelta(days=60))
    # More than was kept back.
    await connection.execute(
        "UPDATE reserve_hold SET amount_minor = amount_minor + 5 WHERE seller_id = $1",
        first.seller.id,
    )
    done = [await reserves.release_due(db=resources.db, clock=clock, limit=1) for _ in range(3)]
    assert done == [0, 1, 0]
    assert sorted(await seller_owes(connection, first)) == ["available", "reserve"]
    assert sorted(await seller_owes(connection, second)) == ["available"]
    assert await delays(connection) == {"reserves": 1}


async def test_stock_that_can_t_be_gathered_stops_no_other(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    first, second = sorted(
        [await make_shop(connection, stock=60) for _ in range(2)],
        key=lambda shop: shop.product.variant_id,
    )
    for shop in (first, second):
        await spread(resources, shop)
    clock.advance(timedelta(minutes=3))
    # Together more than a single bucket can hold.
    await connection.execute(
        "UPDATE stock_level SET on_hand = 4611686018427387904 WHERE variant_id = $1",
        first.product.variant_id,
    )
    done = [await hot_stock.gather_idle(db=resources.db, clock=clock, limit=1) for _ in range(3)]
    assert done == [0, 1, 0]
    assert await buckets(resources, second) == [Bucket(0, 60, 0)]
    assert await delays(connection) == {"gathering": 1}


async def test_a_report_that_is_never_taken_holds_up_no_other(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    sandbox = sandbox_of(resources)
    shop = await make_shop(connection, price_minor=1000)
    for _ in range(3):
        await buy(resources, (shop, 1))
    clock.advance(timedelta(minutes=1))
    due = [one.sequence for one in await sandbox.pending_webhooks()]
    assert len(due) >= 3
    brought: list[int] = []

    async def take_in(report: WebhookDelivery) -> None:
        brought.append(report.sequence)
        if report.sequence == due[0]:
            raise ValueError("always")

    assert await sandbox_post.deliver_due(sandbox, take_in) == len(due) - 1
    assert brought == due
    pauses = []
    while len(pauses) < 3:
        assert await sandbox.pending_webhooks() == []
        waited = clock.now()
        while not await sandbox.pending_webhooks():
            clock.advance(FIRST)
        pauses.append(clock.now() - waited)
        assert await sandbox_post.deliver_due(sandbox, take_in) == 0
    # Twice as long each time, as any gateway's.
    assert pauses == [pauses[0], pauses[0] * 2, pauses[0] * 4]
