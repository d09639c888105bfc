"""Idempotency keys: who claimed which request, and what it was answered."""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

# Whose time is over is claimed anew.
RECLAIM = """
ON CONFLICT (scope, key) DO UPDATE
    SET request_hash = EXCLUDED.request_hash, resource_id = EXCLUDED.resource_id,
        response_status = NULL, response_body = NULL, finished_at = NULL,
        created_at = EXCLUDED.created_at, expires_at = EXCLUDED.expires_at
    WHERE idempotency_key.expires_at <= EXCLUDED.created_at
"""

CLAIM = f"""
INSERT INTO idempotency_key (scope, key, request_hash, resource_id, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6)
{RECLAIM}
RETURNING key
"""

POINT_AT = "UPDATE idempotency_key SET resource_id = $3 WHERE scope = $1 AND key = $2"

FIND = """
SELECT request_hash, resource_id, response_status, response_body, created_at
FROM idempotency_key WHERE scope = $1 AND key = $2
"""

FINISH = """
UPDATE idempotency_key SET response_status = $3, response_body = $4, finished_at = $5
WHERE scope = $1 AND key = $2 AND finished_at IS NULL
"""

DELETE_EXPIRED = """
DELETE FROM idempotency_key WHERE (scope, key) IN (
    SELECT scope, key FROM idempotency_key WHERE expires_at < $1 LIMIT 5000
)
"""


@dataclass(frozen=True, slots=True)
class StoredClaim:
    """An earlier request under the same key."""

    request_hash: bytes
    resource_id: str | None
    response_status: int | None
    response_body: bytes | None
    created_at: datetime


async def claim(
    connection: Connection,
    *,
    scope: str,
    key: str,
    request_hash: bytes,
    resource_id: str | None,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Take the key, or say that somebody else has it. Rivals wait for each other here."""
    taken = await connection.fetchval(CLAIM, scope, key, request_hash, resource_id, now, expires_at)
    return taken is not None


async def point_at(connection: Connection, *, scope: str, key: str, resource_id: str) -> None:
    """Say that the request turned out to be about something else than it was to make."""
    await connection.execute(POINT_AT, scope, key, resource_id)


async def find(connection: Connection, *, scope: str, key: str) -> StoredClaim | None:
    """The earlier request under this key."""
    row = await connection.fetchrow(FIND, scope, key)
    return None if row is None else StoredClaim(*row)


async def finish(
    connection: Connection, *, scope: str, key: str, status: int, body: bytes, now: datetime
) -> None:
    """Keep the first answer; a second one changes nothing."""
    await connection.execute(FINISH, scope, key, status, body, now)


async def delete_expired(connection: Connection, *, now: datetime) -> int:
    """Forget keys past their time, a bounded number at once; gives how many."""
    status: str = await connection.execute(DELETE_EXPIRED, now)
    return int(status.rsplit(" ", 1)[1])
