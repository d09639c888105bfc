"""Store credit: granted by operators, given by shops, read by whom it belongs to."""

from typing import Annotated
from uuid import UUID

from fastapi import Request, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.proposals import (
    PROPOSED,
    ProposalOut,
    proposal_document,
    proposal_document_of_shop,
)
from gosellr.api.schemas.stored_value import (
    SellerCreditCreate,
    StoreCreditGrantCreate,
    StoreCreditGrantOut,
    StoreCreditOut,
    credit_document,
    grant_document,
)
from gosellr.core.errors import NotAuthenticated
from gosellr.core.transact import ask, transact
from gosellr.models.proposal_values import Proposal
from gosellr.services import (
    idempotency_service,
    seller_credit_service,
    stored_value_service,
    value_requests,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["store credit"])


@router.get(
    "/me/store-credit",
    operation_id="get_my_store_credit",
    responses={200: {"model": StoreCreditOut}, **problems(401, 403)},
)
async def get_my_store_credit(
    viewer: Annotated[Viewer, allow(Permission.ACCOUNT_READ)], market: Market
) -> Response:
    """What the caller may spend, and what was granted of late."""
    if viewer.user_id is None:
        raise NotAuthenticated
    credit = await ask(market.db, stored_value_service.credit_of, user_id=viewer.user_id)
    return answer(credit_document(credit, in_full=False))


@router.get(
    "/users/{user_id}/store-credit",
    operation_id="get_store_credit",
    responses={200: {"model": StoreCreditOut}, **problems(401, 403, 404, 422)},
)
async def get_store_credit(
    user_id: UUID,
    _viewer: Annotated[Viewer, allow(Permission.STORE_CREDIT_READ)],
    market: Market,
) -> Response:
    """A buyer's credit, for operators and support."""
    credit = await ask(market.db, stored_value_service.credit_of, user_id=user_id)
    return answer(credit_document(credit, in_full=True))


@router.post(
    "/users/{user_id}/store-credit",
    operation_id="grant_store_credit",
    status_code=201,
    responses={
        201: {"model": StoreCreditGrantOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def grant_store_credit(
    *,
    user_id: UUID,
    body: StoreCreditGrantCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.STORE_CREDIT_GRANT)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Give a buyer credit at the marketplace's cost, and say why.

    Above `GOSELLR_GIFT_APPROVAL_OVER`, with all that the caller gave away within 24 hours, it is
    proposed (202). Once another operator approves that, the grant bears the proposal's id.
    """
    made = await transact(
        market.db,
        value_requests.grant,
        viewer=viewer,
        user_id=user_id,
        amount_minor=body.amount.amount,
        currency=body.amount.currency,
        reason=body.reason,
        key=idempotency_service.request_key(
            caller=caller_of(viewer),
            route=f"grant_store_credit:{user_id}",
            key=idempotency_key,
            body=await request.body(),
        ),
        policy=market.policy,
        now=market.clock.now(),
    )
    if isinstance(made, Proposal):
        return answer(proposal_document(made), status=202)
    replayed = {"Idempotency-Replayed": "true"} if made.existed else {}
    return answer(grant_document(made.value, in_full=True), status=201, headers=replayed)


@router.post(
    "/orders/{order_id}/store-credit",
    operation_id="give_store_credit",
    status_code=201,
    responses={
        201: {"model": StoreCreditGrantOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def give_store_credit(
    *,
    order_id: UUID,
    body: SellerCreditCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.STORE_CREDIT_GIVE)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Give the buyer of a part credit at the cost of the shop that sold it, and say why.

    It is taken from what is available to the shop, once its debts are; what holds its payouts holds
    this. Above `GOSELLR_PAYOUT_APPROVAL_OVER`, with what left the shop within 24 hours on one
    person's word, it is proposed (202), and given under the proposal's id when the marketplace
    agrees.
    """
    made = await transact(
        market.db,
        seller_credit_service.give,
        viewer=viewer,
        order_id=order_id,
        seller_order_id=body.seller_order_id,
        amount_minor=body.amount.amount,
        currency=body.amount.currency,
        reason=body.reason,
        key=idempotency_service.request_key(
            caller=caller_of(viewer),
            route=f"give_store_credit:{order_id}",
            key=idempotency_key,
            body=await request.body(),
        ),
        policy=market.policy,
        now=market.clock.now(),
    )
    if isinstance(made, Proposal):
        return answer(proposal_document_of_shop(made), status=202)
    replayed = {"Idempotency-Replayed": "true"} if made.existed else {}
    return answer(grant_document(made.value, in_full=True), status=201, headers=replayed)
