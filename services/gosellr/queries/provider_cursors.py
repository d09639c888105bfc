"""How far each provider's list of movements has been read."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Connection

FIND = "SELECT cursor FROM provider_cursor WHERE gateway = $1"
# Whoever reads a list twice at once moves it on to the later place, or to where it stands.
MOVE = """
INSERT INTO provider_cursor (gateway, cursor, read_at) VALUES ($1, $2, $3)
ON CONFLICT (gateway) DO UPDATE SET cursor = EXCLUDED.cursor, read_at = EXCLUDED.read_at
"""
UNHEARD = """
SELECT count(*) FROM unnest($2::text[]) AS told (reference)
WHERE NOT EXISTS (SELECT FROM provider_movement AS known
                  WHERE known.gateway = $1 AND known.reference = told.reference)
"""


async def find(connection: Connection, *, gateway: str) -> str:
    """Where a provider's list goes on; empty before it was read at all."""
    cursor: str | None = await connection.fetchval(FIND, gateway)
    return cursor or ""


async def move(connection: Connection, *, gateway: str, cursor: str, now: datetime) -> None:
    """Remember how far a provider's list was read."""
    await connection.execute(MOVE, gateway, cursor, now)


async def count_unheard(connection: Connection, *, gateway: str, references: Sequence[str]) -> int:
    """Of how many movements a provider hasn't told before."""
    count: int = await connection.fetchval(UNHEARD, gateway, list(references))
    return count
