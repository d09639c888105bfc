"""The keys that sign our tokens."""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.core.tokens import StoredKey

# Serialises everybody who would make a key, until the end of their transaction.
LOCK_KEYS = "SELECT pg_advisory_xact_lock(7420011)"

LIST_KEYS = """
SELECT kid, algorithm, public_pem, private_pem_encrypted, created_at, retired_at, revoked_at
FROM signing_key
ORDER BY created_at DESC, kid
LIMIT 100
"""

ADD_KEY = """
INSERT INTO signing_key (kid, algorithm, public_pem, private_pem_encrypted, created_at)
VALUES ($1, $2, $3, $4, $5)
"""

RETIRE_OTHERS = """
UPDATE signing_key SET retired_at = $2
WHERE kid <> $1 AND retired_at IS NULL
"""

REVOKE_KEY = """
UPDATE signing_key SET revoked_at = $2, retired_at = coalesce(retired_at, $2)
WHERE kid = $1 AND revoked_at IS NULL
RETURNING kid
"""


async def lock_keys(connection: Connection) -> None:
    """Wait until nobody else makes or ends a key."""
    await connection.execute(LOCK_KEYS)


async def list_keys(connection: Connection) -> list[StoredKey]:
    """All keys, the newest first."""
    return [StoredKey(**row) for row in await connection.fetch(LIST_KEYS)]


async def add_key(connection: Connection, key: StoredKey) -> None:
    """Keep a new key."""
    values = (key.kid, key.algorithm, key.public_pem, key.private_pem_encrypted, key.created_at)
    await connection.execute(ADD_KEY, *values)


async def retire_others(connection: Connection, *, kid: str, now: datetime) -> None:
    """Let every key but this one sign nothing more; what they signed stays valid."""
    await connection.execute(RETIRE_OTHERS, kid, now)


async def revoke_key(connection: Connection, *, kid: str, now: datetime) -> bool:
    """Make everything worthless that a key signed; tells whether there was such a key."""
    return await connection.fetchval(REVOKE_KEY, kid, now) is not None
