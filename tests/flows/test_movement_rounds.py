"""Movements over time: each has its turn to be held against the books, and keeps who said what of
it."""

from dataclasses import replace
from datetime import timedelta

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.models.reconciliation_values import ImportedStatement, NewMovement
from gosellr.resources import Resources
from gosellr.services import reconciliation_service
from gosellr.utils.reconciliation import Clearing, MovementKind, Resolution
from tests.factories.payouts import wrong_with
from tests.factories.sales import balances, buy, make_shop, read
from tests.factories.stored_value import operator


async def test_what_stays_unmatched_keeps_nothing_newer_from_being_matched(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    shop = await make_shop(connection)
    [payment] = (await read(resources, await buy(resources, (shop, 1)))).payments

    async def tell(name: str, kind: MovementKind) -> ImportedStatement:
        clock.advance(timedelta(minutes=1))
        movement = NewMovement(
            reference=name,
            kind=kind,
            currency="EUR",
            amount_minor=5_000,
            key=payment.id,
            fee_minor=fee if kind is MovementKind.CHARGE else 0,
            occurred_at=clock.now(),
        )
        return await transact(
            resources.db,
            reconciliation_service.import_movements,
            gateway="sandbox",
            source="document",
            movements=[movement],
            imported_by=None,
            now=clock.now(),
        )

    fee = await connection.fetchval("SELECT fee_minor FROM payment WHERE id = $1", payment.id)
    for name in ("old_1", "old_2"):
        await tell(name, MovementKind.OTHER)
    told = await tell("charge", MovementKind.CHARGE)
    assert (told.matched, told.waiting) == (1, 2)
    # As if nothing had been held against the books yet.
    await connection.execute(
        "UPDATE provider_movement SET status = 'unmatched', mismatch = 'unknown',"
        " unexplained_minor = amount_minor - fee_minor, subject_id = NULL, judged_at = NULL"
    )
    matched = []
    for _ in range(4):
        clock.advance(timedelta(hours=1))
        matched.append(
            await transact(
                resources.db,
                reconciliation_service.match_again,
                gateway="sandbox",
                now=clock.now(),
                limit=1,
            )
        )
    assert matched == [0, 0, 1, 0]
    rounds = await connection.fetch(
        "SELECT reference, status FROM provider_movement ORDER BY judged_at, reference"
    )
    assert [tuple(row) for row in rounds] == [
        ("old_2", "unmatched"), ("charge", "matched"), ("old_1", "unmatched"),
    ]  # fmt: skip


async def test_who_agreed_to_suspense_and_who_cleared_it_are_two(
    connection: Connection, resources: Resources, clock: ManualClock
) -> None:
    first, second, third = [await operator(resources) for _ in range(3)]
    movement = NewMovement(
        reference="strange", kind=MovementKind.OTHER, currency="EUR", amount_minor=1_000,
        fee_minor=0, occurred_at=clock.now(),
    )  # fmt: skip
    await transact(
        resources.db, reconciliation_service.import_movements, gateway="sandbox",
        source="document", movements=[movement], imported_by=None, now=clock.now(),
    )  # fmt: skip
    movement_id = await connection.fetchval("SELECT id FROM provider_movement")
    await transact(
        resources.db, reconciliation_service.resolve, viewer=first, movement_id=movement_id,
        resolution=Resolution.SUSPENSE, note="asked the provider", now=clock.now(),
        policy=replace(resources.policy, reconciliation_tolerance={"EUR": 999}),
    )  # fmt: skip
    agreed = await transact(
        resources.db, reconciliation_service.approve, viewer=second, movement_id=movement_id,
        now=clock.now(),
    )  # fmt: skip
    assert (agreed.resolved_by, agreed.approved_by) == (first.user_id, second.user_id)
    cleared = await transact(
        resources.db, reconciliation_service.clear_suspense, viewer=third,
        movement_id=movement_id, resolution=Resolution.INCOME, now=clock.now(),
    )  # fmt: skip
    assert (cleared.resolved_by, cleared.approved_by) == (first.user_id, second.user_id)
    assert (cleared.cleared_by, cleared.cleared_as) == (third.user_id, Clearing.INCOME)
    assert await balances(connection) == {"gateway_clearing": 1_000, "fee_income": -1_000}
    assert await wrong_with(connection, resources) == []
