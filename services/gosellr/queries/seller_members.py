"""The people who act for a seller."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import MemberRole


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who acts for a seller."""

    user_id: UUID
    name: str
    email: str
    role: MemberRole
    created_at: datetime


LIST_MEMBERS = """
SELECT account.id AS user_id, account.name, coalesce(account.email::text, '') AS email,
       member.role, member.created_at
FROM seller_member AS member
JOIN user_account AS account ON account.id = member.user_id
WHERE member.seller_id = $1
ORDER BY member.created_at, account.id
LIMIT $2
"""

# Whoever changes the people of a seller waits here for whoever does it already; only then
# does "another owner is left" stay true until the commit.
TOUCH_SELLER = "UPDATE seller SET updated_at = $2 WHERE id = $1 RETURNING id"

IS_MEMBER = """
SELECT EXISTS (SELECT FROM seller_member WHERE seller_id = $1 AND user_id = $2)
"""

ROLE_OF = "SELECT role FROM seller_member WHERE seller_id = $1 AND user_id = $2"

ADD_MEMBER = """
INSERT INTO seller_member (seller_id, user_id, role, created_at)
VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING
RETURNING user_id
"""

CHANGE_MEMBER = """
UPDATE seller_member SET role = $3 WHERE seller_id = $1 AND user_id = $2 RETURNING user_id
"""

REMOVE_MEMBER = """
DELETE FROM seller_member WHERE seller_id = $1 AND user_id = $2 RETURNING user_id
"""


async def is_member(connection: Connection, *, seller_id: UUID, user_id: UUID) -> bool:
    """Whether somebody is of a seller's people."""
    found: bool = await connection.fetchval(IS_MEMBER, seller_id, user_id)
    return found


async def role_of(connection: Connection, *, seller_id: UUID, user_id: UUID) -> MemberRole | None:
    """As what somebody is of a seller's people, if they are."""
    role = await connection.fetchval(ROLE_OF, seller_id, user_id)
    return None if role is None else MemberRole(role)


async def list_members(connection: Connection, *, seller_id: UUID, limit: int) -> list[Member]:
    """The members, those who came first before the others."""
    rows = await connection.fetch(LIST_MEMBERS, seller_id, limit)
    return [Member(**{**row, "role": MemberRole(row["role"])}) for row in rows]


async def touch_seller(connection: Connection, *, seller_id: UUID, now: datetime) -> bool:
    """Be the only one to change the people of this seller; tells whether there is one."""
    return await connection.fetchval(TOUCH_SELLER, seller_id, now) is not None


async def add_member(
    connection: Connection, *, seller_id: UUID, user_id: UUID, role: MemberRole, now: datetime
) -> bool:
    """Let somebody act for a seller; tells whether they didn't already."""
    added = await connection.fetchval(ADD_MEMBER, seller_id, user_id, role.value, now)
    return added is not None


async def change_member(
    connection: Connection, *, seller_id: UUID, user_id: UUID, role: MemberRole
) -> bool:
    """Give a member another role; tells whether they are one."""
    changed = await connection.fetchval(CHANGE_MEMBER, seller_id, user_id, role.value)
    return changed is not None


async def remove_member(connection: Connection, *, seller_id: UUID, user_id: UUID) -> bool:
    """Let somebody act for a seller no more; tells whether they did."""
    return await connection.fetchval(REMOVE_MEMBER, seller_id, user_id) is not None
