"""Captures of another amount than was asked for, and those that can't be sent back."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.payment_returns import (
    PaymentReturnCaseOut,
    PaymentReturnCasesOut,
    PaymentReturnResolve,
    payment_return_document,
)
from gosellr.core.transact import ask, transact
from gosellr.services import stray_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/reconciliation/payment-returns", tags=["reconciliation"])

MayRead = Annotated[Viewer, allow(Permission.RECONCILIATION_READ)]
MayDecide = Annotated[Viewer, allow(Permission.RECONCILIATION_DECIDE)]


@router.get(
    "",
    operation_id="list_payment_returns",
    responses={200: {"model": PaymentReturnCasesOut}, **problems(401, 403)},
)
async def list_payment_returns(_viewer: MayRead, market: Market) -> Response:
    """Captures that paid for nothing and wait for a person: of another amount than was asked for,
    or refused on their way back."""
    found = await ask(market.db, stray_service.open_cases)
    return answer({"items": [payment_return_document(one) for one in found]})


@router.post(
    "/{payment_return_id}/resolve",
    operation_id="resolve_payment_return",
    responses={200: {"model": PaymentReturnCaseOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def resolve_payment_return(
    payment_return_id: UUID, body: PaymentReturnResolve, viewer: MayDecide, market: Market
) -> Response:
    """Say how one was dealt with, once its money is back or can't be sent: nothing is booked by
    that."""
    found = await transact(
        market.db,
        stray_service.close_case,
        viewer=viewer,
        return_id=payment_return_id,
        note=body.note,
        now=market.clock.now(),
    )
    return answer(payment_return_document(found))
