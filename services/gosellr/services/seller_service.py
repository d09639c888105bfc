"""Sellers: registered, admitted, changed, suspended and back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound, VersionConflict
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.events import Fact, FactType
from gosellr.queries import letter_subjects, locks, outbox, sellers
from gosellr.queries.sellers import SellerState
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.permissions import MemberRole, Permission
from gosellr.utils.slugs import slugify, with_suffix
from gosellr.utils.states import SELLER_STATES, Actor, SellerStatus
from gosellr.utils.viewer import Viewer

_NUMBERED_SLUGS = 20
_ATTEMPTS_MAX = 5


class SellerStepNotAllowed(Conflict):
    """The seller can't go there from where it is; `extras` name where it is."""

    code = "transition_not_allowed"
    title = "The seller can't take this step"


@dataclass(frozen=True, slots=True)
class _Step:
    sources: frozenset[SellerStatus]
    target: SellerStatus
    fact: FactType
    needs_reason: bool = False


class SellerStep(StrEnum):
    """What an operator may do with a seller."""

    APPROVE = "approve"
    REJECT = "reject"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


_S = SellerStatus
_STEPS = {
    SellerStep.APPROVE: _Step(
        frozenset({_S.APPLIED, _S.IN_REVIEW}), _S.ACTIVE, FactType.SELLER_APPROVED
    ),
    SellerStep.REJECT: _Step(
        frozenset({_S.APPLIED, _S.IN_REVIEW}),
        _S.REJECTED,
        FactType.SELLER_REJECTED,
        needs_reason=True,
    ),
    SellerStep.SUSPEND: _Step(
        frozenset({_S.ACTIVE, _S.ON_HOLIDAY}),
        _S.SUSPENDED,
        FactType.SELLER_SUSPENDED,
        needs_reason=True,
    ),
    SellerStep.REINSTATE: _Step(frozenset({_S.SUSPENDED}), _S.ACTIVE, FactType.SELLER_REINSTATED),
}


async def create_seller(
    connection: Connection,
    *,
    viewer: Viewer,
    name: str,
    legal_name: str,
    email: str,
    country: str,
    description: str,
    approval: Literal["manual", "auto"],
    now: datetime,
) -> UUID:
    """Make a seller whose owner is the viewer, with a default place for its goods.

    With `auto` it may sell at once; otherwise an operator approves it first.
    """
    if viewer.user_id is None:
        raise NotAllowed
    seller_id = new_id()
    status = SellerStatus.ACTIVE if approval == "auto" else SellerStatus.APPLIED
    for _ in range(_ATTEMPTS_MAX):
        created = await sellers.create_seller(
            connection,
            seller_id=seller_id,
            location_id=new_id(),
            owner_id=viewer.user_id,
            name=name,
            slugs=_wanted_slugs(name, seller_id),
            status=status.value,
            legal_name=legal_name,
            email=email,
            country=country,
            description=description,
            now=now,
        )
        if created:
            break
    else:
        raise Conflict("Somebody took this name in the same moment; try again")
    facts = [Fact(FactType.SELLER_REGISTERED, seller_id, {"owner_id": str(viewer.user_id)})]
    if status is SellerStatus.ACTIVE:
        facts.append(Fact(FactType.SELLER_APPROVED, seller_id, {"by": "auto"}))
    await outbox.append(connection, facts, now=now)
    return seller_id


async def register_seller(
    connection: Connection,
    *,
    viewer: Viewer,
    name: str,
    legal_name: str,
    email: str,
    country: str,
    description: str,
    approval: Literal["manual", "auto"],
    now: datetime,
) -> bytes:
    """Make a seller, as `create_seller` does, and give it as its owner sees it."""
    seller_id = await create_seller(
        connection,
        viewer=viewer,
        name=name,
        legal_name=legal_name,
        email=email,
        country=country,
        description=description,
        approval=approval,
        now=now,
    )
    owner = replace(viewer, memberships={**viewer.memberships, seller_id: MemberRole.OWNER})
    return await find_seller(connection, viewer=owner, seller_id=seller_id)


async def find_seller(connection: Connection, *, viewer: Viewer, seller_id: UUID) -> bytes:
    """A seller as JSON, with what only its members, support and operators see where that fits.

    Raises:
        NotFound: when there is none, or none that the viewer may see.
    """
    document = await sellers.find_seller(connection, viewer=viewer, seller_id=seller_id)
    if document is None:
        raise NotFound
    return document


async def find_seller_by_slug(connection: Connection, *, viewer: Viewer, slug: str) -> bytes:
    """A seller as JSON by the address of its shop.

    Raises:
        NotFound: when there is none that the viewer may see.
    """
    if not slug.isprintable():
        raise NotFound
    document = await sellers.find_seller_by_slug(connection, viewer=viewer, slug=slug)
    if document is None:
        raise NotFound
    return document


async def list_sellers(
    connection: Connection,
    *,
    viewer: Viewer,
    status: str | None,
    words: str | None,
    cursor: str | None,
    limit: int,
) -> Page[bytes]:
    """Sellers, newest first: those on sale; for operators and support all, or those of a status.

    Raises:
        NotAllowed: when somebody else asks for what isn't on sale.
    """
    if status not in (None, "active", "on_holiday") and not viewer.sees_everything:
        raise NotAllowed("Only operators see sellers that aren't on sale")
    found = await sellers.list_sellers(
        connection,
        viewer=viewer,
        status=status,
        words=words or None,
        after=after_moment(cursor),
        limit=limit + 1,
    )
    page = page_by_moment(found, limit=limit, key_of=lambda one: (one.created_at, one.id))
    return Page([seller.document for seller in page.items], page.next_cursor)


async def names_of(connection: Connection, *, seller_ids: Sequence[UUID]) -> dict[UUID, str]:
    """What sellers are called, for those who may know that they exist."""
    return await sellers.names_of(connection, seller_ids=seller_ids)


async def update_seller(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    changes: Mapping[str, Any],
    version: int | None,
    now: datetime,
) -> bytes:
    """Change the given fields of a seller and leave the others.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to change.
        VersionConflict: when it was changed since `version`.
    """
    require_in_seller(viewer, seller_id=seller_id, permission=Permission.SELLER_UPDATE)
    logo_id = changes.get("logo_media_id")
    if logo_id is not None and not await sellers.owns_media(
        connection, seller_id=seller_id, media_id=logo_id
    ):
        raise InvalidInput.at("logo_media_id", "media_unknown", "There is no such picture")
    if "email" in changes:
        await letter_subjects.keep_contact(
            connection,
            contact_id=new_id(),
            seller_id=seller_id,
            new_email=changes["email"],
            now=now,
        )
    changed = await sellers.update_seller(
        connection, seller_id=seller_id, version=version, changes=dict(changes), now=now
    )
    if not changed:
        state = await _state(connection, seller_id)
        raise VersionConflict(extras={"version": state.version})
    fact = Fact(FactType.SELLER_UPDATED, seller_id, {"fields": sorted(changes)})
    await outbox.append(connection, [fact], now=now)
    return await find_seller(connection, viewer=viewer, seller_id=seller_id)


async def move_seller(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    step: SellerStep,
    reason: str | None,
    now: datetime,
) -> bytes:
    """Approve, reject, suspend or reinstate a seller; its offers come and go with it.

    Raises:
        NotFound: when there is no such seller.
        InvalidInput: when the seller must be told why, and isn't.
        SellerStepNotAllowed: when that doesn't follow from where the seller is.
    """
    listed = _STEPS[step]
    if listed.needs_reason and not reason:
        raise InvalidInput.at("reason", "reason_needed", "Tell the seller why")
    state = await _state(connection, seller_id)
    current = SellerStatus(state.status)
    moved = current in listed.sources
    if moved:
        SELLER_STATES.check(current, listed.target, Actor.OPERATOR)
        moved = await sellers.move_status(
            connection,
            seller_id=seller_id,
            current=current.value,
            target=listed.target.value,
            reason=reason,
            now=now,
        )
    if not moved:
        raise SellerStepNotAllowed(
            f"A seller that is {current.value} can't take the step {step.value}",
            extras={"status": current.value, "allowed": _allowed_steps(current)},
        )
    await locks.listings_of_sellers(connection, seller_ids=[seller_id])
    await sellers.show_offers(
        connection, seller_id=seller_id, visible=listed.target is _S.ACTIVE, now=now
    )
    data = {"reason": reason, "by": str(viewer.user_id), "from": current.value}
    await outbox.append(connection, [Fact(listed.fact, seller_id, data)], now=now)
    return await find_seller(connection, viewer=viewer, seller_id=seller_id)


def _allowed_steps(current: SellerStatus) -> list[str]:
    return [step.value for step, listed in _STEPS.items() if current in listed.sources]


async def _state(connection: Connection, seller_id: UUID) -> SellerState:
    state = await sellers.find_state(connection, seller_id=seller_id)
    if state is None:
        raise NotFound
    return state


def _wanted_slugs(name: str, seller_id: UUID) -> list[str]:
    """The name as a slug, numbered where it is taken, and in the end one that nobody has."""
    slug = slugify(name, fallback="shop")
    numbered = [with_suffix(slug, number) for number in range(2, _NUMBERED_SLUGS)]
    return [slug, *numbered, f"{slug[:60]}-{seller_id.hex[-12:]}"]
