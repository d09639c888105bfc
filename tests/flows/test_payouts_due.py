"""Payouts without anybody asking: by schedule, and by an operator's batch."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotAllowed, NotFound, VersionConflict
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_accounts, payout_runs, payouts
from gosellr.flows.payout_accounts import TypedAccount
from gosellr.flows.payout_runs import Batch
from gosellr.flows.payouts import account_place
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.models.payout_values import Payout, PayoutSettings
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import (
    payout_questions,
    payout_settings_service,
    reconciliation_service,
)
from gosellr.services.idempotency_service import EarlierRequest
from gosellr.services.payout_opening import Skipped
from gosellr.services.payout_questions import PayoutFilters
from gosellr.utils.payouts import PayoutStatus, ScheduleKind
from gosellr.utils.permissions import MemberRole
from gosellr.utils.reconciliation import MovementKind
from gosellr.utils.viewer import Viewer
from tests.factories.payouts import (
    ACCOUNTS,
    an_operator,
    earn,
    set_account,
    set_schedule,
    transfers,
    wrong_with,
)
from tests.factories.sales import Shop, a_key, make_shop, seller_owes

PASSWORD = "a long pass phrase"


async def payouts_of(resources: Resources, shop: Shop) -> list[Payout]:
    page = await ask(
        resources.db,
        payout_questions.list_payouts,
        viewer=an_operator(),
        filters=PayoutFilters(seller_id=shop.seller.id),
        cursor=None,
        limit=10,
    )
    return page.items


async def settings_of(resources: Resources, shop: Shop) -> PayoutSettings:
    return await ask(
        resources.db,
        payout_settings_service.find_settings,
        viewer=shop.viewer,
        seller_id=shop.seller.id,
    )


async def due(resources: Resources) -> int:
    return await payouts.pay_scheduled(resources.payouts)


@pytest.fixture
async def shop(connection: Connection, resources: Resources) -> Shop:
    """One that is paid on Fridays; the test begins on a Monday."""
    made = await make_shop(connection, price_minor=1000)
    await set_account(resources, made)
    await set_schedule(resources, made, "weekly", weekday=5)
    return made


async def test_a_seller_is_paid_when_the_schedule_says_so_and_once(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    await earn(resources, shop)
    assert (await settings_of(resources, shop)).next_due_at == datetime(2026, 3, 6, tzinfo=UTC)
    assert [await due(resources) for _ in range(3)] == [1, 0, 0]
    [payout] = await payouts_of(resources, shop)
    assert (payout.status, payout.amount_minor, payout.origin, payout.requested_by) == (
        PayoutStatus.PAID, 1000, "scheduled", None,
    )  # fmt: skip
    assert (await settings_of(resources, shop)).next_due_at == datetime(2026, 3, 13, tzinfo=UTC)
    await earn(resources, shop)
    clock.set(datetime(2026, 3, 19, 23, 59, tzinfo=UTC))
    assert await due(resources) == 1
    clock.set(datetime(2026, 3, 20, tzinfo=UTC))
    assert await due(resources) == 0
    assert await seller_owes(connection, shop) == {}
    assert len(await transfers(resources)) == 2
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("why", ["manual", "held", "minimum", "no account", "new account"])
async def test_whoever_may_not_be_paid_is_passed_over_until_the_next_time(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop, why: str
) -> None:
    if why == "no account":
        shop = await make_shop(connection, price_minor=1000)
        await set_schedule(resources, shop, "daily")
    await earn(resources, shop)
    if why == "manual":
        await set_schedule(resources, shop, "manual")
    if why == "new account":
        await set_account(resources, shop)
    if why == "held":
        await _hold(resources, shop, "papers are missing")
    if why == "minimum":
        await transact(
            resources.db,
            payout_settings_service.change_settings,
            viewer=shop.viewer,
            seller_id=shop.seller.id,
            changes={},
            minimums={"EUR": 1001},
            expected_version=None,
            now=clock.now(),
        )
    assert await due(resources) == 0
    assert await payouts_of(resources, shop) == []
    assert await seller_owes(connection, shop) == {"available": 1000}
    following = (await settings_of(resources, shop)).next_due_at
    assert following is None if why == "manual" else following is not None
    assert following is None or following > clock.now()


async def _hold(resources: Resources, shop: Shop, reason: str | None) -> None:
    await transact(
        resources.db,
        payout_settings_service.hold,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        reason=reason,
        now=resources.clock.now(),
    )


async def test_one_seller_that_breaks_stops_no_other(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    other = await make_shop(connection, price_minor=1000)
    await set_account(resources, other)
    await earn(resources, shop)
    await earn(resources, other)
    # A cent that no entry explains: a broken invariant, and nobody is paid by it.
    await connection.execute(
        "UPDATE ledger_balance SET balance_minor = balance_minor + 1 WHERE account = $1",
        f"seller_available:{shop.seller.id}",
    )
    assert await due(resources) == 1
    assert await payouts_of(resources, shop) == []
    assert [one.amount_minor for one in await payouts_of(resources, other)] == [1000]


@pytest.mark.parametrize("why", ["held", "suspended", "new account", "stopped"])
async def test_what_is_over_soon_costs_no_month(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop, why: str
) -> None:
    """On its day of the month a shop can't be paid: it is the day after that is over."""
    await set_schedule(resources, shop, "monthly", day_of_month=10)
    await earn(resources, shop)
    clock.set(datetime(2026, 3, 10, tzinfo=UTC))
    tells = {"held": _hold, "suspended": _suspend, "new account": _change, "stopped": _doubt}[why]
    await tells(resources, shop, "papers are missing")
    for day in (10, 11, 12):
        clock.set(datetime(2026, 3, day, 1, tzinfo=UTC))
        assert await due(resources) == 0
        next_day = datetime(2026, 3, day + 1, tzinfo=UTC)
        assert (await settings_of(resources, shop)).next_due_at == next_day
    if why != "new account":
        await tells(resources, shop, None)
    clock.set(datetime(2026, 3, 13, tzinfo=UTC))
    assert await due(resources) == 1
    [payout] = await payouts_of(resources, shop)
    assert (payout.amount_minor, payout.origin) == (1000, "scheduled")
    assert (await settings_of(resources, shop)).next_due_at == datetime(2026, 4, 10, tzinfo=UTC)
    assert await wrong_with(connection, resources) == []


async def _suspend(resources: Resources, shop: Shop, reason: str | None) -> None:
    status = "active" if reason is None else "suspended"
    async with resources.db.connection() as connection:
        await connection.execute(
            "UPDATE seller SET status = $2 WHERE id = $1", shop.seller.id, status
        )


async def _change(resources: Resources, shop: Shop, _reason: str | None) -> None:
    await set_account(resources, shop)


async def _doubt(resources: Resources, _shop: Shop, reason: str | None) -> None:
    """More than the tolerance is unexplained, or is no more."""
    if reason is not None:
        await import_movements(resources, amount_minor=-10_001)
        return
    async with resources.db.connection() as connection:
        await connection.execute("DELETE FROM provider_movement")


async def import_movements(resources: Resources, *, amount_minor: int) -> None:
    """The sandbox tells of a movement that nobody knows."""
    told = NewMovement(
        reference="txn_odd", kind=MovementKind.OTHER, currency="EUR", amount_minor=amount_minor,
        fee_minor=0, related=None, occurred_at=resources.clock.now(),
    )  # fmt: skip
    await transact(
        resources.db, reconciliation_service.import_movements, gateway="sandbox",
        source="document", movements=[told], imported_by=None, now=resources.clock.now(),
    )  # fmt: skip


async def test_one_seller_that_breaks_stops_no_other_of_a_batch(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    others = [await make_shop(connection, price_minor=1000) for _ in range(2)]
    for one in others:
        await set_account(resources, one)
    for one in (shop, *others):
        await set_schedule(resources, one, "manual")
        await earn(resources, one)
    broken, *sound = sorted((shop, *others), key=lambda one: one.seller.id)
    await connection.execute(
        "UPDATE ledger_balance SET balance_minor = balance_minor + 1 WHERE account = $1",
        f"seller_available:{broken.seller.id}",
    )
    run = await batch(resources, an_operator(), "night")
    assert isinstance(run, Batch)
    assert [(one.currency, one.count, one.amount_minor) for one in run.totals] == [("EUR", 2, 2000)]
    assert run.skipped == [Skipped(broken.seller.id, None, "payout_broken")]
    assert await payouts_of(resources, broken) == []
    for one in sound:
        assert [made.amount_minor for made in await payouts_of(resources, one)] == [1000]


async def batch(resources: Resources, viewer: Viewer, key: str) -> Batch | EarlierRequest:
    return await payout_runs.run_batch(
        resources.payouts, viewer=viewer, currency=None, key=a_key(key)
    )


async def test_a_batch_pays_everybody_who_may_be_paid(
    connection: Connection, resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    held, later = [await make_shop(connection, price_minor=1000) for _ in range(2)]
    for one in (held, later):
        await set_account(resources, one)
        await set_schedule(resources, one, "manual")
    await earn(resources, shop, 2)
    for one in (held, later):
        await earn(resources, one)
        await _hold(resources, one, "papers are missing")
    with pytest.raises(NotAllowed):
        await batch(resources, shop.viewer, "night")
    operator = an_operator()
    run = await batch(resources, operator, "night")
    assert isinstance(run, Batch)
    assert [(one.currency, one.count, one.amount_minor) for one in run.totals] == [("EUR", 1, 2000)]
    assert run.skipped == [Skipped(one.seller.id, None, "payouts_held") for one in (held, later)]
    assert not run.more
    [payout] = await payouts_of(resources, shop)
    assert (payout.status, payout.origin, payout.batch_id, payout.requested_by) == (
        PayoutStatus.PENDING, "batch", run.id, operator.user_id,
    )  # fmt: skip
    await payouts.resume_payouts(resources.payouts)
    assert [one.status for one in await payouts_of(resources, shop)] == [PayoutStatus.PAID]
    # Cut off before its answer was kept, the same request goes on with the same batch.
    await _hold(resources, later, None)
    clock.advance(timedelta(seconds=15))
    again = await batch(resources, operator, "night")
    assert isinstance(again, Batch)
    assert again.id == run.id
    assert [(one.count, one.amount_minor) for one in again.totals] == [(2, 3000)]
    await payouts.resume_payouts(resources.payouts)
    assert await wrong_with(connection, resources) == []


async def test_a_batch_ends_somewhere_and_says_so(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    shops = [shop, *[await make_shop(connection, price_minor=1000) for _ in range(2)]]
    for one in shops:
        await set_account(resources, one)
        await set_schedule(resources, one, "manual")
        await earn(resources, one)
    left = []
    for sellers_max in (2, 1, 1):
        run = await payout_runs.run_batch(
            resources.payouts,
            viewer=an_operator(),
            currency="EUR",
            key=a_key(),
            sellers_max=sellers_max,
        )
        assert isinstance(run, Batch)
        left.append((sum(one.count for one in run.totals), run.more))
    assert left == [(2, True), (1, False), (0, False)]


async def test_who_can_t_be_paid_keeps_nobody_behind_from_it(
    connection: Connection, resources: Resources
) -> None:
    """The first has named no account, and stays the first however often all are paid."""
    first, second = [await make_shop(connection, price_minor=1000) for _ in range(2)]
    assert first.seller.id < second.seller.id
    await set_account(resources, second)
    await earn(resources, first)
    await earn(resources, second)
    run = await payout_runs.run_batch(
        resources.payouts, viewer=an_operator(), currency="EUR", key=a_key(), sellers_max=1
    )
    assert isinstance(run, Batch)
    assert [one.seller_id for one in run.skipped] == [first.seller.id]
    assert ([one.amount_minor for one in run.totals], run.more) == ([1000], False)


async def test_settings_change_as_a_whole_and_by_version(
    resources: Resources, clock: ManualClock, shop: Shop
) -> None:
    before = await settings_of(resources, shop)

    async def change(viewer: Viewer, version: int | None, **changes: object) -> PayoutSettings:
        return await transact(
            resources.db,
            payout_settings_service.change_settings,
            viewer=viewer,
            seller_id=shop.seller.id,
            changes=changes,
            minimums=None,
            expected_version=version,
            now=clock.now(),
        )

    with pytest.raises(VersionConflict):
        await change(shop.viewer, before.version + 1, schedule="daily")
    for wrong in ({"schedule": "weekly"}, {"schedule": "daily", "weekday": 1}):
        with pytest.raises(InvalidInput):
            await change(shop.viewer, None, **wrong)
    for role, refusal in ((MemberRole.FINANCE, NotAllowed), (None, NotFound)):
        memberships = {} if role is None else {shop.seller.id: role}
        with pytest.raises(refusal):
            await change(Viewer(memberships=memberships), None, schedule="daily")
    assert await settings_of(resources, shop) == before
    after = await change(shop.viewer, before.version, schedule="monthly", day_of_month=31)
    assert after.schedule.kind is ScheduleKind.MONTHLY
    assert after.next_due_at == datetime(2026, 3, 31, tzinfo=UTC)
    assert after.version == before.version + 1


async def test_an_account_is_changed_by_whoever_knows_the_password(
    connection: Connection, resources: Resources, shop: Shop
) -> None:
    user_id = shop.seller.owner.id
    await connection.execute(
        "UPDATE user_account SET password_hash = $2 WHERE id = $1",
        user_id,
        await resources.passwords.hash(PASSWORD),
    )
    typed = TypedAccount(
        method="sandbox", holder="Ada Lovelace", iban=" de66 9999 9999 0000 0000 02 ",
        password=PASSWORD,
    )  # fmt: skip

    async def change(viewer: Viewer, **changes: str) -> None:
        await payout_accounts.change_destination(
            resources.payouts,
            resources.passwords,
            viewer=viewer,
            seller_id=shop.seller.id,
            typed=replace(typed, **changes),  # type: ignore[arg-type]
        )

    read = (
        "SELECT id, account_encrypted, last_four FROM payout_destination WHERE replaced_at IS NULL"
    )
    before = await connection.fetchrow(read)
    for changes, field in (
        ({"password": "wrong"}, "password"),
        ({"iban": "DE66999999990000000003"}, "iban"),
        ({"method": "pigeon"}, "method"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            await change(shop.viewer, **changes)
        assert refusal.value.errors[0].field == field
    # Who acts for the shop under another account needs that account's password.
    other = replace(shop.viewer, user_id=uuid4())
    with pytest.raises(InvalidInput):
        await change(other)
    with pytest.raises(NotFound):
        await change((await make_shop(connection)).viewer)
    assert await connection.fetchrow(read) == before
    await change(shop.viewer)
    row = await connection.fetchrow(read)
    assert row is not None
    assert row["last_four"] == "0002"
    account = ACCOUNTS[Behaviour.SLOW].encode()
    assert account not in row["account_encrypted"]
    plain = resources.vault.decrypt(row["account_encrypted"], place=account_place(row["id"]))
    assert account in plain
    assert PASSWORD not in repr(typed)
    assert "9999" not in repr(typed)
