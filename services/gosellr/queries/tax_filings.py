"""Tax returns that were handed in, each month of a jurisdiction and currency once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.tax_return_values import FiledReturn, OwedOfReturn
from gosellr.queries.tax_returns import CREDITED, IS_PAYMENT

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
LOCK_ALL_OF = """
SELECT id FROM tax_return WHERE jurisdiction = ANY($1::text[]) ORDER BY id FOR UPDATE
"""
PAID_BY = "SELECT id FROM tax_return WHERE adjustment_id = $1"

# What was paid by ordinary adjustments pays what is owed longest. So what is still to be paid up to
# the end of a return's period is all that came to be owed until then, less that, and less what
# other returns pay or take back. Payments lower an account that is owed, and count as less than
# nothing here; those before the period began weren't for it.
STILL_OWED = f"""
WITH this AS (
    SELECT id, jurisdiction, currency, since, until, due_minor
    FROM tax_return WHERE id = ANY($1::uuid[])
), moved AS (
    SELECT this.id AS tax_return_id, {CREDITED} AS minor, head.booked_at,
           {IS_PAYMENT} AS is_payment,
           EXISTS (SELECT FROM adjustment JOIN tax_return AS other
                                          ON other.adjustment_id = adjustment.id
                   WHERE adjustment.transaction_id = head.id) AS is_of_return
    FROM this
    JOIN ledger_entry AS entry ON entry.account = 'tax_payable:' || this.jurisdiction
                              AND entry.currency = this.currency
    JOIN ledger_transaction AS head ON head.id = entry.transaction_id
), others AS (
    SELECT this.id AS tax_return_id,
           COALESCE(sum(other.due_minor) FILTER (
               WHERE adjustment.status IN ('prepared', 'approved')
                  OR sign(other.due_minor) <> sign(this.due_minor)), 0) AS minor
    FROM this
    LEFT JOIN tax_return AS other ON other.jurisdiction = this.jurisdiction
                            AND other.currency = this.currency AND other.id <> this.id
                            AND other.since < this.until
    LEFT JOIN adjustment ON adjustment.id = other.adjustment_id
    GROUP BY this.id
)
SELECT this.id, this.due_minor, this.currency::text,
       (COALESCE(sum(moved.minor) FILTER (
            WHERE CASE WHEN moved.is_payment THEN NOT moved.is_of_return
                       ELSE moved.booked_at < this.until END), 0) - others.minor)::bigint
           AS owed_minor,
       (-COALESCE(sum(moved.minor) FILTER (
            WHERE moved.is_payment AND NOT moved.is_of_return
              AND moved.booked_at >= this.since), 0))::bigint AS by_hand_minor
FROM this JOIN others ON others.tax_return_id = this.id
LEFT JOIN moved ON moved.tax_return_id = this.id
GROUP BY this.id, this.due_minor, this.currency, others.minor
"""

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


async def lock_all_of(connection: Connection, *, jurisdictions: Collection[str]) -> None:
    """Keep others from paying any return of these jurisdictions until the commit."""
    await connection.execute(LOCK_ALL_OF, list(jurisdictions))


async def paid_by(connection: Connection, *, adjustment_id: UUID) -> UUID | None:
    """The return that an adjustment pays."""
    tax_return_id: UUID | None = await connection.fetchval(PAID_BY, adjustment_id)
    return tax_return_id


async def still_owed(
    connection: Connection, *, tax_return_ids: Sequence[UUID]
) -> dict[UUID, OwedOfReturn]:
    """What is still to be paid of returns, as the ledger has it."""
    rows = await connection.fetch(STILL_OWED, list(tax_return_ids))
    return {row[0]: OwedOfReturn(*row[1:]) for row in rows}


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
