"""When and where to sellers are paid: their settings, and the accounts they named."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.payout_values import PayoutDestination, PayoutSettings
from gosellr.queries.sweep_delays import has_its_turn
from gosellr.utils.payouts import Schedule, ScheduleKind

_COLUMNS = """
SELECT seller_id, schedule, weekday, day_of_month, minimums, next_due_at, held_at, hold_reason,
       version
FROM payout_settings
"""
FIND = f"{_COLUMNS} WHERE seller_id = $1"
# Payouts of one seller at once don't wait for each other here, but for whoever changes this.
KEEP = f"{_COLUMNS} WHERE seller_id = $1 FOR SHARE"
LOCK = f"{_COLUMNS} WHERE seller_id = $1 FOR UPDATE"
# Whoever comes second finds the seller taken, or due no more.
TAKE_DUE = f"{_COLUMNS} WHERE seller_id = $1 AND next_due_at <= $2 FOR UPDATE SKIP LOCKED"

ENSURE = """
INSERT INTO payout_settings (seller_id, schedule, weekday, day_of_month, next_due_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (seller_id) DO NOTHING
"""
DUE_SELLERS = f"""
SELECT seller_id FROM payout_settings
WHERE next_due_at <= $1 AND {has_its_turn("schedules", "payout_settings.seller_id")}
ORDER BY next_due_at LIMIT $2
"""
MOVE_ON = "UPDATE payout_settings SET next_due_at = $2 WHERE seller_id = $1"
CHANGE = """
UPDATE payout_settings
SET schedule = $2, weekday = $3, day_of_month = $4, minimums = $5, next_due_at = $6,
    updated_at = $7, version = version + 1
WHERE seller_id = $1
"""
HOLD = """
UPDATE payout_settings
SET held_at = $2, hold_reason = $3, held_by = $4, updated_at = $5, version = version + 1
WHERE seller_id = $1
"""

_DESTINATION = """
SELECT id, seller_id, method, last_four, created_at, usable_from, created_by
FROM payout_destination
"""
CURRENT_DESTINATION = f"{_DESTINATION} WHERE seller_id = $1 AND replaced_at IS NULL"
RETIRE_DESTINATION = """
UPDATE payout_destination SET replaced_at = $2 WHERE seller_id = $1 AND replaced_at IS NULL
RETURNING id, seller_id, method, last_four, created_at, usable_from, created_by
"""
ADD_DESTINATION = """
INSERT INTO payout_destination (id, seller_id, method, account_encrypted, last_four, created_by,
                                created_at, usable_from)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""


def _settings(row: Record | None) -> PayoutSettings | None:
    if row is None:
        return None
    return PayoutSettings(
        seller_id=row["seller_id"],
        schedule=Schedule(ScheduleKind(row["schedule"]), row["weekday"], row["day_of_month"]),
        minimums=row["minimums"],
        next_due_at=row["next_due_at"],
        held_at=row["held_at"],
        hold_reason=row["hold_reason"],
        version=row["version"],
    )


async def find(connection: Connection, *, seller_id: UUID) -> PayoutSettings | None:
    """A seller's settings, if it has any of its own."""
    return _settings(await connection.fetchrow(FIND, seller_id))


async def keep(connection: Connection, *, seller_id: UUID) -> PayoutSettings | None:
    """The same, kept from changing until the commit."""
    return _settings(await connection.fetchrow(KEEP, seller_id))


async def take_due(
    connection: Connection, *, seller_id: UUID, now: datetime
) -> PayoutSettings | None:
    """The same for whoever pays by schedule; None when nobody has to, or another does."""
    return _settings(await connection.fetchrow(TAKE_DUE, seller_id, now))


async def lock(
    connection: Connection,
    *,
    seller_id: UUID,
    default: Schedule,
    next_due_at: datetime | None,
    now: datetime,
) -> PayoutSettings:
    """The same for whoever changes them; written with the default where there are none yet."""
    await connection.execute(ENSURE, seller_id, *_parts(default), next_due_at, now)
    settings = _settings(await connection.fetchrow(LOCK, seller_id))
    if settings is None:
        raise RuntimeError(f"the settings of seller {seller_id} are gone")
    return settings


def _parts(schedule: Schedule) -> tuple[str, int | None, int | None]:
    return schedule.kind.value, schedule.weekday, schedule.day_of_month


async def due_sellers(connection: Connection, *, now: datetime, limit: int) -> list[UUID]:
    """Sellers whose schedule says that it is time."""
    return [row["seller_id"] for row in await connection.fetch(DUE_SELLERS, now, limit)]


async def move_on(connection: Connection, *, seller_id: UUID, next_due_at: datetime | None) -> None:
    """Remember when a seller is due next."""
    await connection.execute(MOVE_ON, seller_id, next_due_at)


async def change(
    connection: Connection,
    *,
    seller_id: UUID,
    schedule: Schedule,
    minimums: Mapping[str, int],
    next_due_at: datetime | None,
    now: datetime,
) -> None:
    """Write a seller's own wishes."""
    await connection.execute(CHANGE, seller_id, *_parts(schedule), dict(minimums), next_due_at, now)


async def hold(
    connection: Connection,
    *,
    seller_id: UUID,
    reason: str | None,
    user_id: UUID | None,
    now: datetime,
) -> None:
    """Stop a seller's payouts for a reason; without one, let them go on."""
    held_at = None if reason is None else now
    await connection.execute(HOLD, seller_id, held_at, reason, user_id, now)


async def current_destination(
    connection: Connection, *, seller_id: UUID
) -> PayoutDestination | None:
    """Where a seller is paid to."""
    row = await connection.fetchrow(CURRENT_DESTINATION, seller_id)
    return None if row is None else PayoutDestination(*row)


async def retire_destination(
    connection: Connection, *, seller_id: UUID, now: datetime
) -> PayoutDestination | None:
    """End the use of a seller's account; gives the one that it was."""
    row = await connection.fetchrow(RETIRE_DESTINATION, seller_id, now)
    return None if row is None else PayoutDestination(*row)


async def add_destination(
    connection: Connection,
    *,
    destination: PayoutDestination,
    account_encrypted: bytes,
) -> None:
    """Write a seller's new account."""
    await connection.execute(
        ADD_DESTINATION,
        destination.id,
        destination.seller_id,
        destination.method,
        account_encrypted,
        destination.last_four,
        destination.created_by,
        destination.created_at,
        destination.usable_from,
    )
