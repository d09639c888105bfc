"""How far each provider's list of movements has been read."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Connection

# Before the first payment here, nothing in a provider's list is ours.
FIND = """
SELECT COALESCE((SELECT read_until FROM provider_cursor WHERE gateway = $1),
                (SELECT min(created_at) FROM payment WHERE method = $1))
"""
MOVE = """
INSERT INTO provider_cursor (gateway, read_until, read_at) VALUES ($1, $2, $3)
ON CONFLICT (gateway) DO UPDATE
SET read_until = GREATEST(provider_cursor.read_until, EXCLUDED.read_until),
    read_at = EXCLUDED.read_at
"""
UNHEARD = """
SELECT count(*) FROM unnest($2::text[]) AS told (reference)
WHERE NOT EXISTS (SELECT FROM provider_movement AS known
                  WHERE known.gateway = $1 AND known.reference = told.reference)
"""


async def find(connection: Connection, *, gateway: str) -> datetime | None:
    """Until when a provider's list was read, or from when on it is to be; None where nothing in
    it can be ours yet."""
    moment: datetime | None = await connection.fetchval(FIND, gateway)
    return moment


async def move(
    connection: Connection, *, gateway: str, read_until: datetime, now: datetime
) -> None:
    """Remember how far a provider's list was read; never back."""
    await connection.execute(MOVE, gateway, read_until, now)


async def count_unheard(connection: Connection, *, gateway: str, references: Sequence[str]) -> int:
    """Of how many movements a provider hasn't told before."""
    count: int = await connection.fetchval(UNHEARD, gateway, list(references))
    return count
