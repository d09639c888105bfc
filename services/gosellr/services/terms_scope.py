"""Whose terms a caller may read and change: the market's own are the operator's."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.core.pagination import Page, decode_cursor, encode_cursor
from gosellr.services.seller_scope import require_in_seller, seller_acted_for
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

T = TypeVar("T")


class TooMany(Conflict):
    """Every price would have to look at them all, so there is a bound."""

    code = "too_many"
    title = "There are too many of these already"


@dataclass(frozen=True, slots=True)
class Scope:
    """What a list may show: everything, or what belongs to these sellers."""

    everything: bool
    seller_ids: list[UUID]


def scope_of(viewer: Viewer, permission: Permission) -> Scope:
    """The sellers whose terms a caller may read."""
    return Scope(viewer.sees_everything, viewer.seller_ids_with(permission))


def owner_of_new(viewer: Viewer, *, seller_id: UUID | None, permission: Permission) -> UUID | None:
    """Whose a new term will be: an operator's without a seller is the market's own (None).

    Raises:
        InvalidInput, NotFound, NotAllowed: as `seller_acted_for`.
    """
    if viewer.is_operator:
        return seller_id
    return seller_acted_for(viewer, seller_id=seller_id, permission=permission)


def require_owner(viewer: Viewer, *, seller_id: UUID | None, permission: Permission) -> None:
    """Let pass who may change a term of this seller, or of the market's own (None).

    Raises:
        NotFound: for everybody else.
        NotAllowed: for a member without the permission.
    """
    if viewer.is_operator:
        return
    if seller_id is None:
        raise NotFound
    require_in_seller(viewer, seller_id=seller_id, permission=permission)


def after_id(cursor: str | None) -> UUID | None:
    """The last id that a page has shown.

    Raises:
        InvalidInput: when the cursor isn't one of ours.
    """
    if cursor is None:
        return None
    (text,) = decode_cursor(cursor, kinds=(str,))
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours") from None


def page_by_id(found: Sequence[T], *, limit: int, id_of: Callable[[T], UUID]) -> Page[T]:
    """A page of what was found by looking one further than `limit`."""
    items = list(found[:limit])
    more = len(found) > limit
    return Page(items, encode_cursor(str(id_of(items[-1]))) if more else None)
