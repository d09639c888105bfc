"""The people who act for a seller, and what each of them may do there."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.models.events import Fact, FactType
from gosellr.models.proposal_values import Proposal
from gosellr.queries import accounts, outbox, seller_members, sellers
from gosellr.queries.seller_members import Member
from gosellr.services import proposal_service
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.permissions import MemberRole, Permission, Role, may
from gosellr.utils.proposals import ProposalKind
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
) -> Member | Proposal:
    """Let somebody who has an account act for a seller, from their next request on.

    An owner says where the seller's money goes: an operator can only propose one, for another
    operator to agree to.

    Raises:
        NotFound, NotAllowed: when that isn't for the viewer to do.
        ProposalWaits: another operator has proposed this person.
        InvalidInput: when nobody has an account with this address.
        AlreadyMember, TooManyMembers: when it can't be done.
    """
    require_in_seller(viewer, seller_id=seller_id, permission=Permission.MEMBER_WRITE)
    await _hold(connection, seller_id=seller_id, now=now)
    account = await accounts.find_by_email(connection, email=email)
    if account is None:
        raise InvalidInput.at("email", "account_unknown", "Nobody has registered this address")
    if role is MemberRole.OWNER and not _is_owner(viewer, seller_id):
        return await _propose_owner(
            connection, viewer, seller_id=seller_id, user_id=account.id, now=now
        )
    await _require_room(connection, seller_id=seller_id)
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
) -> Member | Proposal:
    """Give a member another role. An operator can only propose an owner, as in `add_member`.

    Raises:
        NotFound, NotAllowed: when that isn't for the viewer to do, or there is no such member.
        ProposalWaits: another operator has proposed this person.
        LastOwner: when nobody would own the seller any more.
    """
    require_in_seller(viewer, seller_id=seller_id, permission=Permission.MEMBER_WRITE)
    await _hold(connection, seller_id=seller_id, now=now)
    members = await seller_members.list_members(connection, seller_id=seller_id, limit=MEMBERS_MAX)
    member = next((each for each in members if each.user_id == user_id), None)
    if member is None:
        raise NotFound
    if role is MemberRole.OWNER and not _is_owner(viewer, seller_id):
        return await _propose_owner(
            connection, viewer, seller_id=seller_id, user_id=user_id, now=now
        )
    if role is not MemberRole.OWNER:
        _require_other_owner(members, user_id=user_id)
    await seller_members.change_member(connection, seller_id=seller_id, user_id=user_id, role=role)
    await _tell(connection, seller_id=seller_id, user_id=user_id, change="changed", now=now)
    return Member(user_id, member.name, member.email, role, member.created_at)


async def make_owner(
    connection: Connection, held: Proposal, *, viewer: Viewer, now: datetime
) -> None:
    """Let somebody own a seller whom another operator proposed, held by its second person.

    Raises:
        NotAllowed: nobody agrees to themselves.
        TooManyMembers: there is no room by now.
    """
    seller_id, user_id = UUID(held.wish["seller_id"]), UUID(held.wish["user_id"])
    _require_another(viewer, user_id)
    await _hold(connection, seller_id=seller_id, now=now)
    role = MemberRole.OWNER
    members = await seller_members.list_members(connection, seller_id=seller_id, limit=MEMBERS_MAX)
    if any(member.user_id == user_id for member in members):
        await seller_members.change_member(
            connection, seller_id=seller_id, user_id=user_id, role=role
        )
        change = "changed"
    else:
        await _require_room(connection, seller_id=seller_id)
        await seller_members.add_member(
            connection, seller_id=seller_id, user_id=user_id, role=role, now=now
        )
        await accounts.grant_role(connection, user_id=user_id, role=Role.SELLER, now=now)
        change = "added"
    await _tell(connection, seller_id=seller_id, user_id=user_id, change=change, now=now)


async def _propose_owner(
    connection: Connection, viewer: Viewer, *, seller_id: UUID, user_id: UUID, now: datetime
) -> Proposal:
    _require_another(viewer, user_id)
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=ProposalKind.SHOP_OWNER,
        subject=f"shop_owner:{seller_id}:{user_id}",
        wish={"seller_id": str(seller_id), "user_id": str(user_id)},
        seller_ids=[seller_id],
        now=now,
    )


def _is_owner(viewer: Viewer, seller_id: UUID) -> bool:
    return viewer.memberships.get(seller_id) is MemberRole.OWNER


def _require_another(viewer: Viewer, user_id: UUID) -> None:
    if viewer.user_id == user_id:
        raise NotAllowed("Nobody makes themselves the owner of a shop")


async def _require_room(connection: Connection, *, seller_id: UUID) -> None:
    members = await seller_members.list_members(connection, seller_id=seller_id, limit=MEMBERS_MAX)
    if len(members) >= MEMBERS_MAX:
        raise TooManyMembers(f"{MEMBERS_MAX} members are the most")


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
