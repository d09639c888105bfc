"""Coupons: the uses an order takes of them, and what operators and sellers set up."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page
from gosellr.models.term_values import ListedCoupon
from gosellr.queries import coupons as queries
from gosellr.queries import sellers
from gosellr.queries.market_terms import OfferedCoupon
from gosellr.services.seller_scope import require_no_part
from gosellr.services.terms_scope import (
    after_id,
    owner_of_new,
    page_by_id,
    require_owner,
    scope_of,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.money import InvalidAmount
from gosellr.utils.permissions import Permission
from gosellr.utils.promotions import CouponFunding, CouponKind, CouponTerms, InvalidCoupon
from gosellr.utils.viewer import Viewer


class CouponUsedUp(Conflict):
    """Somebody else took the last use, or this customer has had theirs; `coupons` names codes."""

    code = "coupon_used_up"
    title = "This code has been used up"


class CodeTaken(Conflict):
    """A code means one coupon, for good."""

    code = "code_taken"
    title = "This code exists already"


class LimitBelowUse(Conflict):
    """The coupon was used more often already; `used_count` says how often."""

    code = "limit_below_use"
    title = "It was used more often already"


@dataclass(frozen=True, slots=True, kw_only=True)
class CouponDraft:
    """A coupon as its owner writes it. Amounts are minor units of `currency`."""

    code: str
    kind: CouponKind
    funded_by: CouponFunding
    value_bps: int = 0
    amount_minor: int = 0
    minimum_minor: int = 0
    currency: str | None = None
    marketplace_share_bps: int = 0
    limit_total: int | None = None
    limit_per_customer: int | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


def customer_key(*, user_id: UUID | None, email: str | None) -> str | None:
    """Who a use is kept for: the account, or a guest's lower-cased e-mail address. A limit per
    customer counts what is kept for either of the two."""
    if user_id is not None:
        return str(user_id)
    return email.lower() if email else None


async def claim(
    connection: Connection,
    *,
    coupons: Sequence[OfferedCoupon],
    order_id: UUID,
    customer_key: str,
    discounts: Mapping[str, int],
    now: datetime,
) -> None:
    """Take one use of each coupon for an order whose row is written already, all or none.

    `discounts` says by code what each took off, in minor units. No commit happens without the
    row count of the statement that decides.

    Raises:
        CouponUsedUp: naming the codes. The transaction must end with it, which gives back what
            was taken of the others.
    """
    amounts = {code.lower(): amount_minor for code, amount_minor in discounts.items()}
    codes = {coupon.id: coupon.terms.code for coupon in coupons}
    taken = await queries.claim(
        connection,
        discounts={coupon_id: amounts.get(code.lower(), 0) for coupon_id, code in codes.items()},
        order_id=order_id,
        customer_key=customer_key,
        now=now,
    )
    missed = [code for coupon_id, code in codes.items() if coupon_id not in taken]
    if missed:
        raise CouponUsedUp(
            f"{', '.join(missed)} can't be used any more", extras={"coupons": missed}
        )


async def release(connection: Connection, *, order_id: UUID) -> int:
    """Give back the uses of an order that came to nothing, once; gives how many."""
    return await queries.release(connection, order_id=order_id)


async def redeem(connection: Connection, *, order_id: UUID) -> int:
    """Make the uses of a paid order final; gives how many."""
    return await queries.redeem(connection, order_id=order_id)


async def list_coupons(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID | None,
    cursor: str | None,
    limit: int,
) -> Page[ListedCoupon]:
    """The coupons of the viewer's shops; all of them for operator and support."""
    scope = scope_of(viewer, Permission.PROMOTION_READ)
    found = await queries.list_coupons(
        connection,
        everything=scope.everything,
        seller_ids=scope.seller_ids,
        seller_id=seller_id,
        after_id=after_id(cursor),
        limit=limit + 1,
    )
    return page_by_id(found, limit=limit, id_of=lambda coupon: coupon.id)


async def create_coupon(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID | None,
    draft: CouponDraft,
    now: datetime,
) -> ListedCoupon:
    """A new coupon. A seller's is for its own goods and at its own cost.

    Raises:
        InvalidInput: for terms that contradict each other, or that others would pay for.
        CodeTaken: when the code was ever used.
        NotFound, NotAllowed: for a seller that isn't the viewer's to change, or is an operator's
            own, where the market bears a part.
    """
    owner_id = owner_of_new(viewer, seller_id=seller_id, permission=Permission.PROMOTION_WRITE)
    if not viewer.is_operator and draft.funded_by is not CouponFunding.SELLER:
        raise InvalidInput.at(
            "funded_by", "funding_not_yours", "A shop's coupon is at the shop's own cost"
        )
    _require_no_part(viewer, seller_id=owner_id, funded_by=draft.funded_by)
    if owner_id is not None and await sellers.find_state(connection, seller_id=owner_id) is None:
        raise InvalidInput.at("seller_id", "unknown_seller", "There is no such shop")
    coupon = ListedCoupon(
        id=new_id(),
        terms=_terms(draft, owner_id),
        limit_total=draft.limit_total,
        limit_per_customer=draft.limit_per_customer,
        used_count=0,
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
    )
    if not await queries.add(connection, coupon=coupon, now=now):
        raise CodeTaken
    return coupon


async def change_coupon(
    connection: Connection, *, viewer: Viewer, coupon_id: UUID, changes: Mapping[str, Any]
) -> ListedCoupon:
    """Change figures, limits and dates of a draft; what is left out stays.

    Code, kind, shop and who bears it are what the coupon is: for those make another one.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to change.
        InvalidInput: for terms that contradict each other.
        LimitBelowUse: for a limit that was passed already.
    """
    coupon = await _own(connection, viewer=viewer, coupon_id=coupon_id)
    terms = coupon.terms
    draft = CouponDraft(
        code=terms.code,
        kind=terms.kind,
        funded_by=terms.funded_by,
        value_bps=terms.value_bps,
        amount_minor=terms.amount_minor,
        minimum_minor=terms.minimum_minor,
        currency=terms.currency,
        marketplace_share_bps=terms.marketplace_share_bps,
        limit_total=coupon.limit_total,
        limit_per_customer=coupon.limit_per_customer,
        valid_from=coupon.valid_from,
        valid_to=coupon.valid_to,
    )
    draft = replace(draft, **changes)
    coupon = replace(
        coupon,
        terms=_terms(draft, terms.seller_id),
        limit_total=draft.limit_total,
        limit_per_customer=draft.limit_per_customer,
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
    )
    if coupon.limit_total is not None and coupon.limit_total < coupon.used_count:
        raise LimitBelowUse(extras={"used_count": coupon.used_count})
    await queries.set_coupon(connection, coupon=coupon)
    return coupon


async def archive_coupon(
    connection: Connection, *, viewer: Viewer, coupon_id: UUID, now: datetime
) -> None:
    """End a coupon; orders that used it keep what it took off.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to change.
    """
    coupon = await _own(connection, viewer=viewer, coupon_id=coupon_id)
    await queries.archive(connection, coupon_id=coupon.id, now=now)


async def _own(connection: Connection, *, viewer: Viewer, coupon_id: UUID) -> ListedCoupon:
    coupon = await queries.lock(connection, coupon_id=coupon_id)
    if coupon is None:
        raise NotFound
    require_owner(viewer, seller_id=coupon.terms.seller_id, permission=Permission.PROMOTION_WRITE)
    if not viewer.is_operator and coupon.terms.funded_by is not CouponFunding.SELLER:
        raise NotAllowed("The market bears a part of it, so the market changes it")
    _require_no_part(viewer, seller_id=coupon.terms.seller_id, funded_by=coupon.terms.funded_by)
    return coupon


def _require_no_part(viewer: Viewer, *, seller_id: UUID | None, funded_by: CouponFunding) -> None:
    """No operator lets the market pay for what their own shop sells. Raises `NotAllowed`."""
    if viewer.is_operator and seller_id is not None and funded_by is not CouponFunding.SELLER:
        require_no_part(viewer, seller_id=seller_id)


def _terms(draft: CouponDraft, seller_id: UUID | None) -> CouponTerms:
    if draft.valid_from and draft.valid_to and draft.valid_to <= draft.valid_from:
        raise InvalidInput.at("valid_to", "ends_too_early", "It has to end after it begins")
    if (draft.marketplace_share_bps > 0) is not (draft.funded_by is CouponFunding.SHARED):
        raise InvalidInput.at(
            "marketplace_share_bps",
            "share_contradicts_funding",
            "A shared coupon says which part the market bears, others don't",
        )
    try:
        return CouponTerms(
            code=draft.code,
            kind=draft.kind,
            value_bps=draft.value_bps,
            amount_minor=draft.amount_minor,
            minimum_minor=draft.minimum_minor,
            currency=draft.currency,
            seller_id=seller_id,
            funded_by=draft.funded_by,
            marketplace_share_bps=draft.marketplace_share_bps,
        )
    except (InvalidCoupon, InvalidAmount) as error:
        field = "value_bps" if draft.kind is CouponKind.PERCENT else "amount"
        raise InvalidInput.at(field, "coupon_contradicts_itself", str(error)) from error
