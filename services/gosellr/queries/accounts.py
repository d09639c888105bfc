"""People, their sessions, and who a token or a cookie belongs to."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.utils.accounts import Account, Credentials, Identity
from gosellr.utils.permissions import MemberRole, Role

_MEMBERSHIPS = """
    coalesce((SELECT jsonb_object_agg(seller_id, role) FROM seller_member
              WHERE user_id = account.id), '{}'::jsonb) AS memberships
"""
account_columns = f"""
    account.id AS user_id, coalesce(account.email::text, '') AS email, account.name,
    account.roles, account.status, account.token_version, {_MEMBERSHIPS}
"""
session_state = """
    session.id AS session_id,
    coalesce(session.revoked_at IS NULL AND session.expires_at > $1::timestamptz, false)
        AS session_is_open
"""
IDENTIFY_LOCAL = f"""
SELECT {account_columns}, {session_state},
       EXISTS (SELECT FROM signing_key WHERE kid = $4 AND revoked_at IS NULL) AS key_is_good
FROM user_account AS account
LEFT JOIN user_session AS session ON session.id = $3 AND session.user_id = account.id
WHERE account.id = $2
"""

IDENTIFY_FOREIGN = f"""
SELECT {account_columns}, NULL::uuid AS session_id, true AS session_is_open, true AS key_is_good
FROM user_account AS account
WHERE account.issuer = $1 AND account.subject = $2
"""

IDENTIFY_COOKIE = f"""
SELECT {account_columns}, {session_state}, true AS key_is_good
FROM refresh_token AS token
JOIN user_session AS session ON session.id = token.session_id AND session.kind = 'web'
JOIN user_account AS account ON account.id = session.user_id
WHERE token.token_hash = $2
"""

FIND_CREDENTIALS = """
SELECT id AS user_id, password_hash
FROM user_account
WHERE email = $1::text::citext AND issuer = 'gosellr' AND status = 'active'
"""

# Whoever the main system vouches for comes first: addresses of our own may be unverified.
FIND_BY_EMAIL = f"""
SELECT {account_columns}
FROM user_account AS account
WHERE account.email = $1::text::citext AND account.status = 'active'
ORDER BY account.issuer = 'gosellr', account.created_at
LIMIT 1
"""

FIND_LOCAL_BY_EMAIL = f"""
SELECT {account_columns}
FROM user_account AS account
WHERE account.email = $1::text::citext AND account.issuer = 'gosellr'
"""

ADDRESS_OF = "SELECT email FROM user_account WHERE id = $1"

CREATE_ACCOUNT = """
INSERT INTO user_account (id, issuer, subject, email, name, password_hash, roles,
                          created_at, updated_at)
VALUES ($1::uuid, 'gosellr', $1::uuid::text, $2::text, $3, $4, $5, $6, $6)
ON CONFLICT (email) WHERE issuer = 'gosellr' DO NOTHING
RETURNING id
"""

PROVISION_ACCOUNT = """
INSERT INTO user_account (id, issuer, subject, email, name, roles, created_at, updated_at)
VALUES ($1, $2, $3, nullif($4, '')::text, $5, $6, $7, $7)
ON CONFLICT (issuer, subject) DO NOTHING
RETURNING id
"""

SET_STATUS = """
UPDATE user_account
SET status = $3, version = version + 1, updated_at = $1
WHERE id = $2 AND status <> $3
RETURNING id
"""

GRANT_ROLE = """
UPDATE user_account
SET roles = array_append(roles, $3::text), version = version + 1, updated_at = $1
WHERE id = $2 AND NOT ($3::text = ANY (roles))
"""

CHANGE_SIGN_IN = """
UPDATE user_account SET password_hash = $3, updated_at = $1 WHERE id = $2
"""

# As long as it is still the one that was just checked.
CHANGE_OWN = """
UPDATE user_account SET password_hash = $4, updated_at = $1
WHERE id = $2 AND password_hash = $3 AND status = 'active'
RETURNING id
"""

DROP_SELLER_ROLE = """
UPDATE user_account
SET roles = array_remove(roles, 'seller'), version = version + 1, updated_at = $1
WHERE id = $2 AND NOT EXISTS (SELECT FROM seller_member WHERE user_id = $2)
"""


def account_of(row: Record) -> Account:
    return Account(
        id=row["user_id"],
        email=row["email"],
        name=row["name"],
        roles=frozenset(Role(role) for role in row["roles"]),
        memberships={UUID(seller): MemberRole(role) for seller, role in row["memberships"].items()},
    )


def _identity(row: Record | None) -> Identity | None:
    if row is None:
        return None
    return Identity(
        account=account_of(row),
        status=row["status"],
        token_version=row["token_version"],
        session_id=row["session_id"],
        session_is_open=row["session_is_open"],
        key_is_good=row["key_is_good"],
    )


async def identify_local(
    connection: Connection, *, user_id: UUID, session_id: UUID, kid: str, now: datetime
) -> Identity | None:
    """Everything that decides about a token of ours, in one read."""
    return _identity(await connection.fetchrow(IDENTIFY_LOCAL, now, user_id, session_id, kid))


async def identify_foreign(connection: Connection, *, issuer: str, subject: str) -> Identity | None:
    """Everything that decides about a token of the main system, in one read."""
    return _identity(await connection.fetchrow(IDENTIFY_FOREIGN, issuer, subject))


async def identify_cookie(
    connection: Connection, *, token_hash: bytes, now: datetime
) -> Identity | None:
    """Everything that decides about a browser's session, in one read."""
    return _identity(await connection.fetchrow(IDENTIFY_COOKIE, now, token_hash))


async def find_credentials(connection: Connection, *, email: str) -> Credentials | None:
    """What a password of this e-mail address is checked against."""
    row = await connection.fetchrow(FIND_CREDENTIALS, email)
    return None if row is None else Credentials(row["user_id"], row["password_hash"])


async def find_by_email(connection: Connection, *, email: str) -> Account | None:
    """The open account of an e-mail address."""
    row = await connection.fetchrow(FIND_BY_EMAIL, email)
    return None if row is None else account_of(row)


async def address_of(connection: Connection, *, user_id: UUID) -> str | None:
    """The address of an account."""
    address: str | None = await connection.fetchval(ADDRESS_OF, user_id)
    return address


async def find_local_by_email(connection: Connection, *, email: str) -> Account | None:
    """The account that signs in here with an e-mail address."""
    row = await connection.fetchrow(FIND_LOCAL_BY_EMAIL, email)
    return None if row is None else account_of(row)


async def create_account(
    connection: Connection,
    *,
    user_id: UUID,
    email: str,
    name: str,
    password_hash: str,
    roles: Sequence[Role],
    now: datetime,
) -> bool:
    """Make an account; tells whether the address was free."""
    values = (user_id, email, name, password_hash, [role.value for role in roles], now)
    return await connection.fetchval(CREATE_ACCOUNT, *values) is not None


async def provision_account(
    connection: Connection,
    *,
    user_id: UUID,
    issuer: str,
    subject: str,
    email: str,
    name: str,
    roles: Sequence[Role],
    now: datetime,
) -> bool:
    """Make the account of somebody the main system vouches for, unless there is one."""
    values = (user_id, issuer, subject, email, name, [role.value for role in roles], now)
    return await connection.fetchval(PROVISION_ACCOUNT, *values) is not None


async def set_status(connection: Connection, *, user_id: UUID, status: str, now: datetime) -> bool:
    """Open or close an account; tells whether that changed anything."""
    return await connection.fetchval(SET_STATUS, now, user_id, status) is not None


async def grant_role(connection: Connection, *, user_id: UUID, role: Role, now: datetime) -> None:
    """Give a person a role, unless they have it."""
    await connection.execute(GRANT_ROLE, now, user_id, role.value)


async def set_password(
    connection: Connection, *, user_id: UUID, password_hash: str, now: datetime
) -> None:
    """Replace a person's password."""
    await connection.execute(CHANGE_SIGN_IN, now, user_id, password_hash)


async def change_own_password(
    connection: Connection, *, user_id: UUID, checked_hash: str, password_hash: str, now: datetime
) -> bool:
    """Replace a person's password; False where it isn't the one that was checked any more."""
    changed = await connection.fetchval(CHANGE_OWN, now, user_id, checked_hash, password_hash)
    return changed is not None


async def drop_seller_role(connection: Connection, *, user_id: UUID, now: datetime) -> None:
    """Take the seller's role from somebody who acts for no seller any more."""
    await connection.execute(DROP_SELLER_ROLE, now, user_id)
