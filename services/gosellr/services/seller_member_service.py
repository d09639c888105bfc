"""The people who act for a seller, and what each of them may do there."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.models.events import Fact, FactType
from gosellr.queries import accounts, outbox, seller_members, sellers
from gosellr.queries.seller_members import Member
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.permissions import MemberRole, Permission, Role, may
from gosellr.utils.viewer import Viewer

MEMBERS_MAX = 100


class AlreadyMember(Conflict):
    """The person acts for this seller already."""

    code = "already_member"
    title = "This person is a member already"


class LastOwner(Conflict):
    """A seller always has an owner."""

    code = "last_owner"
    title = "A seller needs an owner"


class TooManyMembers(Conflict):
    """There is no more room."""

    code = "too_many_members"
    title = "A seller has at most so many members"


async def list_members(connection: Connection, *, viewer: Viewer, seller_id: UUID) -> list[Member]:
    """Everybody who acts for a seller.

    Raises:
        NotFound, NotAllowed: when that isn't for the viewer to know.
    """
    is_support = Role.SUPPORT in viewer.roles and may({Role.SUPPORT}, Permission.MEMBER_READ)
    if not is_support:
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.MEMBER_READ)
    members = await seller_members.list_members(connection, seller_id=seller_id, limit=MEMBERS_MAX)
    if not members and await sellers.find_state(connection, seller_id=seller_id) is None:
        raise NotFound
    return members


async def add_member(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    email: str,
    role: MemberRole,
    now: datetime,
) -> Member:
    """Let somebody who has an account act for a seller, from their next request on.

    Raises:
        NotFound, NotAllowed: when that isn't for the viewer to do.
        InvalidInput: when nobody has an account with this address.
        AlreadyMember, TooManyMembers: when it can't be done.
    """
    require_in_seller(viewer, seller_id=seller_id, permission=Permission.MEMBER_WRITE)
    await _hold(connection, seller_id=seller_id, now=now)
    account = await accounts.find_by_email(connection, email=email)
    if account is None:
        raise InvalidInput.at("email", "account_unknown", "Nobody has registered this address")
    members = await seller_members.list_members(connection, seller_id=seller_id, limit=MEMBERS_MAX)
    if len(members) >= MEMBERS_MAX:
        raise TooManyMembers(f"{MEMBERS_MAX} members are the most")
    added = await seller_members.add_member(
        connection, seller_id=seller_id, user_id=account.id, role=role, now=now
    )
    if not added:
        raise AlreadyMember
    await accounts.grant_role(connection, user_id=account.id, role=Role.SELLER, now=now)
    await _tell(connection, seller_id=seller_id, user_id=account.id, change="added", now=now)
    return Member(account.id, account.name, account.email, role, now)


async def change_member(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    user_id: UUID,
    role: MemberRole,
    now: datetime,
) -> Member:
    """Give a member another role.

    Raises:
        NotFound, NotAllowed: when that isn't for the viewer to do, or there is no such member.
        LastOwner: when nobody would own the seller any more.
    """
    require_in_seller(viewer, seller_id=seller_id, permission=Permission.MEMBER_WRITE)
    await _hold(connection, seller_id=seller_id, now=now)
    members = await seller_members.list_members(connection, seller_id=seller_id, limit=MEMBERS_MAX)
    member = next((each for each in members if each.user_id == user_id), None)
    if member is None:
        raise NotFound
    if role is not MemberRole.OWNER:
        _require_other_owner(members, user_id=user_id)
    await seller_members.change_member(connection, seller_id=seller_id, user_id=user_id, role=role)
    await _tell(connection, seller_id=seller_id, user_id=user_id, change="changed", now=now)
    return Member(user_id, member.name, member.email, role, member.created_at)


async def remove_member(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, user_id: UUID, now: datetime
) -> None:
    """Let somebody act for a seller no more, from their next request on. Anybody may leave.

    Raises:
        NotFound, NotAllowed: when that isn't for the viewer to do, or there is no such member.
        LastOwner: when nobody would own the seller any more.
    """
    is_leaving = user_id == viewer.user_id and seller_id in viewer.memberships
    if not is_leaving:
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.MEMBER_WRITE)
    await _hold(connection, seller_id=seller_id, now=now)
    members = await seller_members.list_members(connection, seller_id=seller_id, limit=MEMBERS_MAX)
    if all(member.user_id != user_id for member in members):
        raise NotFound
    _require_other_owner(members, user_id=user_id)
    await seller_members.remove_member(connection, seller_id=seller_id, user_id=user_id)
    await accounts.drop_seller_role(connection, user_id=user_id, now=now)
    await _tell(connection, seller_id=seller_id, user_id=user_id, change="removed", now=now)


def _require_other_owner(members: list[Member], *, user_id: UUID) -> None:
    owners = [member.user_id for member in members if member.role is MemberRole.OWNER]
    if owners == [user_id]:
        raise LastOwner("Make somebody else an owner first")


async def _hold(connection: Connection, *, seller_id: UUID, now: datetime) -> None:
    if not await seller_members.touch_seller(connection, seller_id=seller_id, now=now):
        raise NotFound


async def _tell(
    connection: Connection, *, seller_id: UUID, user_id: UUID, change: str, now: datetime
) -> None:
    data = {"fields": ["members"], "user_id": str(user_id), "member": change}
    await outbox.append(connection, [Fact(FactType.SELLER_UPDATED, seller_id, data)], now=now)
