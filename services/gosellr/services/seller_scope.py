"""Acting for a seller: whose things a caller reaches, and what it may do with them."""

from uuid import UUID

from gosellr.core.errors import InvalidInput, NotAllowed, NotFound
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer


def require_in_seller(viewer: Viewer, *, seller_id: UUID, permission: Permission) -> None:
    """Let operators pass, and members of the seller who have the permission there.

    Raises:
        NotFound: for everybody else, as if there were nothing.
        NotAllowed: for a member without the permission.
    """
    if viewer.is_operator:
        return
    if seller_id not in viewer.memberships:
        raise NotFound
    if seller_id not in viewer.seller_ids_with(permission):
        raise NotAllowed("Your role in this shop doesn't allow it")


def require_no_part(viewer: Viewer, *, seller_id: UUID) -> None:
    """Let nobody decide for the market about a seller that they act for. Raises `NotAllowed`."""
    if seller_id in viewer.memberships:
        raise NotAllowed("Nobody decides for the market about their own shop")


def require_of_shop(
    viewer: Viewer,
    *,
    seller_id: UUID,
    permission: Permission = Permission.PAYOUT_ACCOUNT_WRITE,
    says: str = "where its money goes",
) -> None:
    """Let pass who says what a seller alone says, such as where its money goes: those of its own
    people who may, and nobody who only runs the market. Whether there is such a seller, they aren't
    told here.

    Raises:
        NotAllowed: for operators who aren't of the shop, and members without the permission.
        NotFound: for everybody else.
    """
    if viewer.is_operator and seller_id not in viewer.memberships:
        raise NotAllowed(f"Only the shop itself says {says}")
    if seller_id not in viewer.memberships:
        raise NotFound
    if seller_id not in viewer.seller_ids_with(permission):
        raise NotAllowed("Your role in this shop doesn't allow it")


def seller_acted_for(viewer: Viewer, *, seller_id: UUID | None, permission: Permission) -> UUID:
    """The seller a caller means: the one it names, else the only one it is a member of.

    Raises:
        InvalidInput: when it names none and there isn't just one.
        NotFound, NotAllowed: as `require_in_seller`.
    """
    if seller_id is None:
        if not viewer.memberships and not viewer.is_operator:
            raise NotAllowed("Register as a seller first")
        if viewer.is_operator or len(viewer.memberships) != 1:
            raise InvalidInput.at("seller_id", "seller_needed", "Say for which seller")
        seller_id = viewer.seller_ids[0]
    require_in_seller(viewer, seller_id=seller_id, permission=permission)
    return seller_id
