"""Tax returns that were handed in, each month of a jurisdiction and currency once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.tax_return_values import FiledReturn

_FILED = """
SELECT filed.id, filed.period, filed.jurisdiction, filed.currency::text, filed.due_minor,
       filed.reference, filed.filed_by, filed.filed_at, filed.adjustment_id, adjustment.status
FROM tax_return AS filed LEFT JOIN adjustment ON adjustment.id = filed.adjustment_id
"""
FIND = f"{_FILED} WHERE filed.id = $1"
# All that touch the period: a quarter's months, and the quarter of a month.
OF_PERIOD = f"""{_FILED}
WHERE filed.since < $2 AND filed.until > $1
ORDER BY filed.jurisdiction, filed.currency, filed.since, filed.id
"""
LOCK = "SELECT id FROM tax_return WHERE id = $1 FOR UPDATE"

ADD = """
INSERT INTO tax_return (id, period, jurisdiction, currency, since, until, due_minor, figures,
                        reference, filed_by, filed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
# Months of a period in UTC, whatever the session's time zone is.
ADD_MONTHS = """
INSERT INTO tax_return_month (jurisdiction, currency, month, tax_return_id)
SELECT $1, $2, month AT TIME ZONE 'UTC', $5
FROM generate_series($3::timestamptz AT TIME ZONE 'UTC',
                     ($4::timestamptz AT TIME ZONE 'UTC') - interval '1 month',
                     interval '1 month') AS month
ON CONFLICT DO NOTHING
RETURNING month
"""
PAY_BY = "UPDATE tax_return SET adjustment_id = $2 WHERE id = $1"


async def find(connection: Connection, *, tax_return_id: UUID) -> FiledReturn | None:
    """A return as it stands."""
    row = await connection.fetchrow(FIND, tax_return_id)
    return None if row is None else FiledReturn(*row)


async def lock(connection: Connection, *, tax_return_id: UUID) -> None:
    """Keep others from paying it until the commit."""
    await connection.execute(LOCK, tax_return_id)


async def of_period(
    connection: Connection, *, since: datetime, until: datetime
) -> list[FiledReturn]:
    """All returns that touch a period."""
    return [FiledReturn(*row) for row in await connection.fetch(OF_PERIOD, since, until)]


async def add(
    connection: Connection,
    *,
    tax_return_id: UUID,
    period: str,
    jurisdiction: str,
    currency: str,
    since: datetime,
    until: datetime,
    due_minor: int,
    figures: Mapping[str, Any],
    reference: str,
    user_id: UUID,
    now: datetime,
) -> int:
    """Write a return down; gives how many of its months hadn't been handed in before."""
    await connection.execute(
        ADD,
        tax_return_id,
        period,
        jurisdiction,
        currency,
        since,
        until,
        due_minor,
        dict(figures),
        reference,
        user_id,
        now,
    )
    taken = await connection.fetch(ADD_MONTHS, jurisdiction, currency, since, until, tax_return_id)
    return len(taken)


async def pay_by(connection: Connection, *, tax_return_id: UUID, adjustment_id: UUID) -> None:
    """Remember what pays a return once a second person agrees."""
    await connection.execute(PAY_BY, tax_return_id, adjustment_id)
