"""Who a seller is to the tax authorities: said by its owner, shown by its ends."""

from typing import Annotated
from uuid import UUID

from fastapi import Request, Response

from gosellr.api.answers import answer
from gosellr.api.deps import IfMatch, Market, allow
from gosellr.api.payout_settings import count_password
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.payouts import PayoutReason
from gosellr.api.schemas.tax_identities import (
    TaxIdentityOut,
    TaxIdentityUpdate,
    TaxRequestOut,
    identity_document,
    request_document,
)
from gosellr.core.transact import ask, transact
from gosellr.flows import tax_identities
from gosellr.services import tax_request_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

MayHold = Annotated[Viewer, allow(Permission.PAYOUT_APPROVE)]

router = Room(prefix="/sellers/{seller_id}", tags=["sellers"])


@router.get(
    "/tax-identity",
    operation_id="get_tax_identity",
    responses={200: {"model": TaxIdentityOut}, **problems(401, 403, 404, 422)},
)
async def get_tax_identity(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.TAX_IDENTITY_READ)],
    market: Market,
) -> Response:
    """What a seller said of itself for the yearly report (DAC7), numbers by their end alone."""
    said = await tax_identities.find(market.payouts, viewer=viewer, seller_id=seller_id)
    request = await ask(
        market.db, tax_request_service.find_open, viewer=viewer, seller_id=seller_id
    )
    return answer(identity_document(said, seller_id=seller_id, request=request))


@router.put(
    "/tax-identity",
    operation_id="update_tax_identity",
    responses={200: {"model": TaxIdentityOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def update_tax_identity(
    *,
    seller_id: UUID,
    body: TaxIdentityUpdate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.TAX_IDENTITY_WRITE)],
    market: Market,
    if_match: IfMatch,
) -> Response:
    """Say who a seller is, in place of what was said before. Only its owner does, by password.

    A password may be tried here as often as at the sign-in, and both count together.
    """
    await count_password(request, viewer)
    said = await tax_identities.change(
        market.payouts,
        market.passwords,
        viewer=viewer,
        seller_id=seller_id,
        typed=body.identity(),
        password=body.password.get_secret_value(),
        expected_version=body.version or if_match,
    )
    return answer(identity_document(said, seller_id=seller_id))


@router.post(
    "/tax-identity/unhold",
    operation_id="lift_tax_hold",
    responses={200: {"model": TaxRequestOut}, **problems(400, 401, 403, 404, 422)},
)
async def lift_tax_hold(
    seller_id: UUID, body: PayoutReason, viewer: MayHold, market: Market
) -> Response:
    """Let a seller's payouts go on though it hasn't said who it is, for a reason that it may read,
    until that is taken back. 404 where nothing is asked of it."""
    request = await transact(
        market.db,
        tax_request_service.lift,
        viewer=viewer,
        seller_id=seller_id,
        reason=body.reason,
        now=market.clock.now(),
    )
    return answer(request_document(request))


@router.post(
    "/tax-identity/hold",
    operation_id="restore_tax_hold",
    responses={200: {"model": TaxRequestOut}, **problems(401, 403, 404, 422)},
)
async def restore_tax_hold(seller_id: UUID, viewer: MayHold, market: Market) -> Response:
    """Take that back: payouts wait again, where the market withholds and the seller was asked
    often and long enough."""
    request = await transact(
        market.db,
        tax_request_service.restore,
        viewer=viewer,
        seller_id=seller_id,
        withholds=market.settings.tax_identity_requests == "withhold",
        now=market.clock.now(),
    )
    return answer(request_document(request))
