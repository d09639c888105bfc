"""A change of a payout account, withdrawn by whoever got the letter about it."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.payout_changes import (
    PayoutChangeOut,
    PayoutChangeWithdraw,
    change_document,
)
from gosellr.flows import payout_withdrawals
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/payout-changes", tags=["payouts"])


@router.post(
    "/{destination_id}/withdraw",
    operation_id="withdraw_payout_change",
    responses={200: {"model": PayoutChangeOut}, **problems(401, 403, 404, 409, 422)},
)
async def withdraw_payout_change(
    destination_id: UUID,
    body: PayoutChangeWithdraw,
    _viewer: Annotated[Viewer, allow(Permission.ACCOUNT_RECOVER)],
    market: Market,
) -> Response:
    """Undo the change while the new account waits: once, by the letter's own token.

    The account before is paid to again, and payouts are held until an owner confirms them.
    """
    change = await payout_withdrawals.withdraw(
        market.payouts, market.secret_key, destination_id=destination_id, token=body.token
    )
    return answer(change_document(change))
