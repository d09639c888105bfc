"""Sellers' accounts at providers that keep one for each, and payouts that are called back."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.payout_accounts import (
    OnboardingOut,
    PayoutAccountOut,
    PayoutRecallOut,
    RecalledPayoutOut,
    account_document,
    onboarding_document,
    recall_document,
    recalled_document,
)
from gosellr.api.schemas.payouts import PayoutReason
from gosellr.core.errors import NotFound
from gosellr.core.transact import ask
from gosellr.flows import connected_accounts, payout_recalls
from gosellr.flows.connected_accounts import WaysBack
from gosellr.services import (
    connected_account_service,
    idempotency_service,
    payout_recall_service,
)
from gosellr.services.seller_scope import require_of_shop
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["payouts"])

MayRead = Annotated[Viewer, allow(Permission.PAYOUT_ACCOUNT_READ)]
MayWrite = Annotated[Viewer, allow(Permission.PAYOUT_ACCOUNT_WRITE)]
MayRecall = Annotated[Viewer, allow(Permission.PAYOUT_CANCEL)]
Provider = Annotated[str, Path(min_length=1, max_length=40, examples=["stripe"])]

_ACCOUNT = "/sellers/{seller_id}/payout-accounts/{provider}"


@router.get(
    _ACCOUNT,
    operation_id="get_payout_account",
    responses={200: {"model": PayoutAccountOut}, **problems(401, 403, 404, 422)},
)
async def get_payout_account(
    seller_id: UUID, provider: Provider, viewer: MayRead, market: Market
) -> Response:
    """A seller's account at a provider, and what the provider still wants to be told."""
    account = await ask(
        market.db,
        connected_account_service.find_account,
        viewer=viewer,
        seller_id=seller_id,
        provider=provider,
    )
    return answer(account_document(account))


@router.post(
    _ACCOUNT,
    operation_id="connect_payout_account",
    responses={200: {"model": OnboardingOut}, **problems(401, 403, 404, 409, 422, 503)},
)
async def connect_payout_account(
    seller_id: UUID, provider: Provider, viewer: MayWrite, market: Market
) -> Response:
    """Open an account for a seller, once, and get the page on which it tells the provider who it
    is. To be paid there, name the provider as the payout destination's `method`."""
    onboarding = await connected_accounts.connect(
        market.payouts,
        WaysBack(base_url=market.settings.base_url),
        viewer=viewer,
        seller_id=seller_id,
        provider=provider,
    )
    return answer(onboarding_document(onboarding))


@router.post(
    f"{_ACCOUNT}/onboarding",
    operation_id="create_onboarding_link",
    responses={200: {"model": OnboardingOut}, **problems(401, 403, 404, 409, 422, 503)},
)
async def create_onboarding_link(
    seller_id: UUID, provider: Provider, viewer: MayWrite, market: Market
) -> Response:
    """A fresh page for what is missing: each is good for one visit."""
    require_of_shop(viewer, seller_id=seller_id)
    account = await ask(
        market.db,
        connected_account_service.find_account,
        viewer=viewer,
        seller_id=seller_id,
        provider=provider,
    )
    onboarding = await connected_accounts.onboard(
        market.payouts, WaysBack(base_url=market.settings.base_url), account=account
    )
    return answer(onboarding_document(onboarding))


@router.post(
    f"{_ACCOUNT}/refresh",
    operation_id="refresh_payout_account",
    responses={200: {"model": PayoutAccountOut}, **problems(401, 403, 404, 409, 422, 503)},
)
async def refresh_payout_account(
    seller_id: UUID, provider: Provider, viewer: MayRead, market: Market
) -> Response:
    """Ask the provider how the account stands now; its reports say so by themselves, later."""
    account = await ask(
        market.db,
        connected_account_service.find_account,
        viewer=viewer,
        seller_id=seller_id,
        provider=provider,
    )
    account = await connected_accounts.look_again(market.payouts, account=account)
    return answer(account_document(account))


@router.post(
    "/payouts/{payout_id}/recall",
    operation_id="recall_payout",
    responses={200: {"model": RecalledPayoutOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def recall_payout(
    *,
    payout_id: UUID,
    body: PayoutReason,
    request: Request,
    viewer: MayRecall,
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Call a paid payout back, as long as the seller's account at the provider covers all of it.

    What is given back is available to the seller again; what is refused stays paid.
    """
    key = idempotency_service.request_key(
        caller=caller_of(viewer),
        route=f"recall_payout:{payout_id}",
        key=idempotency_key,
        body=await request.body(),
    )
    payout, replayed = await payout_recalls.recall_payout(
        market.payouts, viewer=viewer, payout_id=payout_id, reason=body.reason, key=key
    )
    recall = await ask(market.db, payout_recall_service.latest, viewer=viewer, payout_id=payout_id)
    headers = {"Idempotency-Replayed": "true"} if replayed else None
    return answer(recalled_document(payout, recall), headers=headers)


@router.get(
    "/payouts/{payout_id}/recall",
    operation_id="get_payout_recall",
    responses={200: {"model": PayoutRecallOut}, **problems(401, 403, 404, 422)},
)
async def get_payout_recall(payout_id: UUID, viewer: MayRecall, market: Market) -> Response:
    """What became of the last recall of a payout."""
    recall = await ask(market.db, payout_recall_service.latest, viewer=viewer, payout_id=payout_id)
    if recall is None:
        raise NotFound
    return answer(recall_document(recall))
