"""What went back at a provider without us, and couldn't be booked by itself."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.provider_refunds import (
    ProviderRefundOut,
    ProviderRefundResolve,
    ProviderRefundsOut,
    provider_refund_document,
)
from gosellr.core.transact import ask, transact
from gosellr.services import provider_refund_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/reconciliation/provider-refunds", tags=["reconciliation"])

MayRead = Annotated[Viewer, allow(Permission.RECONCILIATION_READ)]
MayDecide = Annotated[Viewer, allow(Permission.RECONCILIATION_DECIDE)]


@router.get(
    "",
    operation_id="list_provider_refunds",
    responses={200: {"model": ProviderRefundsOut}, **problems(401, 403)},
)
async def list_provider_refunds(_viewer: MayRead, market: Market) -> Response:
    """Refunds and reversals made at a provider that wait for a person, each with its reason."""
    found = await ask(market.db, provider_refund_service.waiting)
    return answer({"items": [provider_refund_document(one) for one in found]})


@router.post(
    "/{provider_refund_id}/resolve",
    operation_id="resolve_provider_refund",
    responses={200: {"model": ProviderRefundOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def resolve_provider_refund(
    provider_refund_id: UUID, body: ProviderRefundResolve, viewer: MayDecide, market: Market
) -> Response:
    """Say how one was dealt with: it isn't tried again, and nothing is booked by that."""
    found = await transact(
        market.db,
        provider_refund_service.resolve,
        viewer=viewer,
        told_id=provider_refund_id,
        note=body.note,
        now=market.clock.now(),
    )
    return answer(provider_refund_document(found))
