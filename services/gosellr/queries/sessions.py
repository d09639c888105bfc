"""Sign-ins: opening, refreshing and ending them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.queries.accounts import account_columns, account_of, session_state
from gosellr.utils.accounts import Session, SpentToken

_SIGNING_KID = """
    (SELECT kid FROM signing_key WHERE retired_at IS NULL AND revoked_at IS NULL
     ORDER BY created_at DESC, kid LIMIT 1) AS signing_kid
"""

# Only while the account is open and its password still the one that was just checked.
OPEN_SESSION = f"""
WITH account AS (
    SELECT * FROM user_account
    WHERE id = $2 AND status = 'active' AND password_hash IS NOT DISTINCT FROM $9::text
    FOR SHARE
), renewed AS (
    UPDATE user_account SET password_hash = $8::text
    WHERE $8::text IS NOT NULL AND id = (SELECT id FROM account)
), session AS (
    INSERT INTO user_session (id, user_id, kind, user_agent, ip_address,
                              created_at, last_used_at, expires_at)
    SELECT $3::uuid, account.id, $4::text, $5::text, $6::text,
           $1::timestamptz, $1::timestamptz, $7::timestamptz
    FROM account
    RETURNING *
), token AS (
    INSERT INTO refresh_token (token_hash, session_id, created_at)
    SELECT $10::bytea, session.id, $1::timestamptz FROM session
)
SELECT {account_columns}, {session_state}, {_SIGNING_KID}, session.expires_at,
       $1::timestamptz AS issued_at
FROM session JOIN account ON account.id = session.user_id
"""

# Of any number at once, one finds `rotated_at` empty; the others wait for it and find it set.
ROTATE_TOKEN = f"""
WITH rotated AS (
    UPDATE refresh_token AS token
    SET rotated_at = $1::timestamptz
    FROM user_session AS session
    JOIN user_account AS account ON account.id = session.user_id
    WHERE token.token_hash = $2 AND token.rotated_at IS NULL
      AND session.id = token.session_id AND session.kind = 'api'
      AND session.revoked_at IS NULL AND session.expires_at > $1
      AND account.status = 'active'
    RETURNING token.session_id
), successor AS (
    INSERT INTO refresh_token (token_hash, session_id, created_at)
    SELECT $3::bytea, rotated.session_id, $1::timestamptz FROM rotated
    ON CONFLICT (token_hash) DO NOTHING
), used AS (
    UPDATE user_session SET last_used_at = $1
    WHERE id = (SELECT session_id FROM rotated)
)
SELECT {account_columns}, {session_state}, {_SIGNING_KID}, session.expires_at,
       $1::timestamptz AS issued_at
FROM rotated
JOIN user_session AS session ON session.id = rotated.session_id
JOIN user_account AS account ON account.id = session.user_id
"""

FIND_SPENT_TOKEN = f"""
SELECT {account_columns}, {session_state}, {_SIGNING_KID}, session.expires_at,
       token.rotated_at AS issued_at
FROM refresh_token AS token
JOIN user_session AS session ON session.id = token.session_id AND session.kind = 'api'
JOIN user_account AS account ON account.id = session.user_id
WHERE token.token_hash = $2
"""

REVOKE_SESSION = """
UPDATE user_session SET revoked_at = $1, revoked_reason = $4
WHERE id = $2 AND user_id = $3 AND revoked_at IS NULL
RETURNING id
"""

REVOKE_ALL_SESSIONS = """
WITH account AS (
    UPDATE user_account
    SET token_version = token_version + 1, version = version + 1, updated_at = $1
    WHERE id = $2
    RETURNING id
)
UPDATE user_session SET revoked_at = $1, revoked_reason = $3
WHERE user_id = (SELECT id FROM account) AND revoked_at IS NULL
"""

FORGET_SESSIONS = """
WITH gone AS (
    SELECT id FROM user_session WHERE expires_at < $1 ORDER BY expires_at LIMIT $2
), tokens AS (
    DELETE FROM refresh_token WHERE session_id IN (SELECT id FROM gone) RETURNING session_id
)
SELECT array_agg(id) AS ids, (SELECT count(*) FROM tokens) AS tokens FROM gone
"""

DELETE_SESSIONS = "DELETE FROM user_session WHERE id = ANY ($1::uuid[])"


def _session(row: Record | None) -> Session | None:
    if row is None:
        return None
    return Session(
        id=row["session_id"],
        account=account_of(row),
        token_version=row["token_version"],
        expires_at=row["expires_at"],
        issued_at=row["issued_at"],
        signing_kid=row["signing_kid"],
    )


async def open_session(
    connection: Connection,
    *,
    user_id: UUID,
    session_id: UUID,
    kind: str,
    token_hash: bytes,
    expires_at: datetime,
    checked_hash: str | None,
    renewed_hash: str | None,
    user_agent: str | None,
    ip_address: str | None,
    now: datetime,
) -> Session | None:
    """Open a session; None when the account or its password has changed meanwhile."""
    return _session(
        await connection.fetchrow(
            OPEN_SESSION, now, user_id, session_id, kind, user_agent, ip_address, expires_at,
            renewed_hash, checked_hash, token_hash,
        )
    )  # fmt: skip


async def rotate_token(
    connection: Connection, *, token_hash: bytes, successor_hash: bytes, now: datetime
) -> Session | None:
    """Replace a refresh token by its successor; None when it isn't for this caller to do."""
    return _session(await connection.fetchrow(ROTATE_TOKEN, now, token_hash, successor_hash))


async def find_spent_token(
    connection: Connection, *, token_hash: bytes, now: datetime
) -> SpentToken | None:
    """What became of a refresh token that can't be rotated; None when there never was one."""
    row = await connection.fetchrow(FIND_SPENT_TOKEN, now, token_hash)
    if row is None:
        return None
    is_open = row["session_is_open"] and row["status"] == "active"
    rotated_at = row["issued_at"]
    return SpentToken(
        session_id=row["session_id"],
        user_id=row["user_id"],
        rotated_at=rotated_at,
        session=_session(row) if is_open and rotated_at is not None else None,
    )


async def revoke_session(
    connection: Connection, *, session_id: UUID, user_id: UUID, reason: str, now: datetime
) -> bool:
    """End one session; tells whether it was open."""
    values = (now, session_id, user_id, reason)
    return await connection.fetchval(REVOKE_SESSION, *values) is not None


async def revoke_all_sessions(
    connection: Connection, *, user_id: UUID, reason: str, now: datetime
) -> None:
    """End every session of a person and make every token of theirs worthless."""
    await connection.execute(REVOKE_ALL_SESSIONS, now, user_id, reason)


async def forget_sessions(connection: Connection, *, now: datetime, limit: int) -> int:
    """Delete sessions that expired before `now`, with their tokens; tells how many."""
    row: Any = await connection.fetchrow(FORGET_SESSIONS, now, limit)
    ids = row["ids"] or []
    if ids:
        await connection.execute(DELETE_SESSIONS, ids)
    return len(ids)
