"""More movements than are held against the books at once: each has its turn."""

from datetime import timedelta

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.models.reconciliation_values import ImportedStatement, NewMovement
from gosellr.resources import Resources
from gosellr.services import reconciliation_service
from gosellr.utils.reconciliation import MovementKind
from tests.factories.sales import buy, make_shop, read


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
