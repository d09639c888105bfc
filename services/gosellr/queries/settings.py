"""What the market remembers about itself, text by key."""

from gosellr.core.db import Connection

FIND_SETTING = "SELECT value FROM setting WHERE key = $1"

KEEP_SETTING = """
INSERT INTO setting (key, value) VALUES ($1, $2)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
"""


async def find(connection: Connection, *, key: str) -> str | None:
    """The text of a setting, if it was ever kept."""
    value: str | None = await connection.fetchval(FIND_SETTING, key)
    return value


async def keep(connection: Connection, *, key: str, value: str) -> None:
    """Keep a text in place of the one before."""
    await connection.execute(KEEP_SETTING, key, value)
