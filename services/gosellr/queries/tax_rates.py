"""Tax rates by country, region, class and time."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.term_values import ListedTaxRate

_COLUMNS = """
id, country, region, class AS tax_class, rate_bps, included, valid_from, valid_to, remitted_by,
version
"""

LIST = f"""
SELECT {_COLUMNS} FROM tax_rate
WHERE ($1::text IS NULL OR country = $1) AND ($2::uuid IS NULL OR id > $2)
ORDER BY id LIMIT $3
"""

FIND = f"SELECT {_COLUMNS} FROM tax_rate WHERE id = $1"

LOCK = f"SELECT {_COLUMNS} FROM tax_rate WHERE id = $1 FOR UPDATE"

# Whoever sets the rates of a country takes turns.
LOCK_COUNTRY = "SELECT pg_advisory_xact_lock(hashtext('tax_rate:' || $1))"

RIVALS = f"""
SELECT {_COLUMNS} FROM tax_rate
WHERE country = $1 AND id <> $2
  AND tstzrange(valid_from, valid_to) && tstzrange($3, $4)
ORDER BY id LIMIT 1000
"""

ADD = """
INSERT INTO tax_rate (id, country, region, class, rate_bps, included, valid_from, valid_to,
                      remitted_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

SET = """
UPDATE tax_rate
SET country = $2, region = $3, class = $4, rate_bps = $5, included = $6, valid_from = $7,
    valid_to = $8, remitted_by = $9, version = version + 1
WHERE id = $1
RETURNING version
"""


def _rate(row: Record) -> ListedTaxRate:
    return ListedTaxRate(**dict(row))


async def list_rates(
    connection: Connection, *, country: str | None, after_id: UUID | None, limit: int
) -> list[ListedTaxRate]:
    """All rates, or those of a country."""
    return [_rate(row) for row in await connection.fetch(LIST, country, after_id, limit)]


async def find(connection: Connection, *, rate_id: UUID) -> ListedTaxRate | None:
    """A rate as it stands."""
    row = await connection.fetchrow(FIND, rate_id)
    return None if row is None else _rate(row)


async def lock(connection: Connection, *, rate_id: UUID) -> ListedTaxRate | None:
    """A rate, held until the transaction ends."""
    row = await connection.fetchrow(LOCK, rate_id)
    return None if row is None else _rate(row)


async def rivals(connection: Connection, *, rate: ListedTaxRate) -> list[ListedTaxRate]:
    """The other rates of its country at any of its moments; nobody adds one meanwhile."""
    await connection.execute(LOCK_COUNTRY, rate.country)
    rows = await connection.fetch(RIVALS, rate.country, rate.id, rate.valid_from, rate.valid_to)
    return [_rate(row) for row in rows]


def _values(
    rate: ListedTaxRate,
) -> tuple[UUID, str, str | None, str, int, bool, datetime, datetime | None, str]:
    return (
        rate.id,
        rate.country,
        rate.region,
        rate.tax_class,
        rate.rate_bps,
        rate.included,
        rate.valid_from,
        rate.valid_to,
        rate.remitted_by,
    )


async def add(connection: Connection, *, rate: ListedTaxRate) -> None:
    """Keep a new rate."""
    await connection.execute(ADD, *_values(rate))


async def set_rate(connection: Connection, *, rate: ListedTaxRate) -> int:
    """Keep a rate as it stands in the value; gives its new version."""
    version: int = await connection.fetchval(SET, *_values(rate))
    return version
