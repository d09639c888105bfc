"""When and where a seller is paid, and an operator's hold on it."""

from typing import Annotated
from uuid import UUID

from fastapi import Request, Response

from gosellr.api.answers import answer
from gosellr.api.deps import IfMatch, Market, allow
from gosellr.api.limits import address_of, count_attempt
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.payout_changes import PayoutConfirmation
from gosellr.api.schemas.payouts import (
    PayoutDestinationOut,
    PayoutDestinationUpdate,
    PayoutReason,
    PayoutSettingsOut,
    PayoutSettingsUpdate,
    destination_document,
    settings_document,
)
from gosellr.core.transact import ask, transact
from gosellr.flows import payout_accounts, payout_withdrawals
from gosellr.flows.limits import (
    EVERYBODY,
    LOGIN_ALTOGETHER,
    LOGIN_PER_ACCOUNT,
    LOGIN_PER_ADDRESS,
)
from gosellr.services import payout_settings_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/sellers/{seller_id}", tags=["payouts"])

MayWrite = Annotated[Viewer, allow(Permission.PAYOUT_ACCOUNT_WRITE)]
MayHold = Annotated[Viewer, allow(Permission.PAYOUT_APPROVE)]


@router.get(
    "/payout-settings",
    operation_id="get_payout_settings",
    responses={200: {"model": PayoutSettingsOut}, **problems(401, 403, 404, 422)},
)
async def get_payout_settings(
    seller_id: UUID, viewer: Annotated[Viewer, allow(Permission.PAYOUT_READ)], market: Market
) -> Response:
    """When a seller is paid, and whether somebody stopped it, and why."""
    settings = await ask(
        market.db, payout_settings_service.find_settings, viewer=viewer, seller_id=seller_id
    )
    return answer(settings_document(settings))


@router.put(
    "/payout-settings",
    operation_id="update_payout_settings",
    responses={200: {"model": PayoutSettingsOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def update_payout_settings(
    seller_id: UUID,
    body: PayoutSettingsUpdate,
    viewer: MayWrite,
    market: Market,
    if_match: IfMatch,
) -> Response:
    """Change when a seller is paid. Fields left out stay."""
    settings = await transact(
        market.db,
        payout_settings_service.change_settings,
        viewer=viewer,
        seller_id=seller_id,
        changes=body.schedule_changes(),
        minimums=body.minimums_by_currency(),
        expected_version=body.version or if_match,
        now=market.clock.now(),
    )
    return answer(settings_document(settings))


@router.post(
    "/payout-settings/hold",
    operation_id="hold_payouts",
    responses={200: {"model": PayoutSettingsOut}, **problems(400, 401, 403, 404, 422)},
)
async def hold_payouts(
    seller_id: UUID, body: PayoutReason, viewer: MayHold, market: Market
) -> Response:
    """Stop a seller's payouts for a reason that the seller may read."""
    settings = await transact(
        market.db,
        payout_settings_service.hold,
        viewer=viewer,
        seller_id=seller_id,
        reason=body.reason,
        now=market.clock.now(),
    )
    return answer(settings_document(settings))


@router.post(
    "/payout-settings/unhold",
    operation_id="unhold_payouts",
    responses={200: {"model": PayoutSettingsOut}, **problems(401, 403, 404, 409, 422)},
)
async def unhold_payouts(seller_id: UUID, viewer: MayHold, market: Market) -> Response:
    """Let a seller's payouts go on; 409 where they wait until it says who it is."""
    settings = await transact(
        market.db,
        payout_settings_service.hold,
        viewer=viewer,
        seller_id=seller_id,
        reason=None,
        now=market.clock.now(),
    )
    return answer(settings_document(settings))


@router.post(
    "/payout-settings/confirm",
    operation_id="confirm_payouts",
    responses={200: {"model": PayoutSettingsOut}, **problems(400, 401, 403, 404, 409, 422, 429)},
)
async def confirm_payouts(
    seller_id: UUID,
    body: PayoutConfirmation,
    request: Request,
    viewer: MayWrite,
    market: Market,
) -> Response:
    """Let payouts go on that are held since a change of the account was withdrawn.

    A password may be tried here as often as at the sign-in, and both count together.
    """
    await count_password(request, viewer)
    await payout_withdrawals.let_go(
        market.payouts,
        market.passwords,
        viewer=viewer,
        seller_id=seller_id,
        password=body.password,
    )
    settings = await ask(
        market.db, payout_settings_service.find_settings, viewer=viewer, seller_id=seller_id
    )
    return answer(settings_document(settings))


@router.get(
    "/payout-destination",
    operation_id="get_payout_destination",
    responses={200: {"model": PayoutDestinationOut}, **problems(401, 403, 404, 422)},
)
async def get_payout_destination(
    seller_id: UUID,
    viewer: Annotated[Viewer, allow(Permission.PAYOUT_ACCOUNT_READ)],
    market: Market,
) -> Response:
    """Where a seller is paid to: the end of the account's number, and no more."""
    destination = await ask(
        market.db, payout_settings_service.find_destination, viewer=viewer, seller_id=seller_id
    )
    return answer(destination_document(destination))


@router.put(
    "/payout-destination",
    operation_id="update_payout_destination",
    responses={200: {"model": PayoutDestinationOut}, **problems(400, 401, 403, 404, 422, 429)},
)
async def update_payout_destination(
    seller_id: UUID,
    body: PayoutDestinationUpdate,
    request: Request,
    viewer: MayWrite,
    market: Market,
) -> Response:
    """Pay a seller to another account, which has to wait where it takes the place of one.

    A password may be tried here as often as at the sign-in, and both count together.
    """
    await count_password(request, viewer)
    destination = await payout_accounts.change_destination(
        market.payouts,
        market.passwords,
        viewer=viewer,
        seller_id=seller_id,
        typed=body.typed(),
    )
    return answer(destination_document(destination))


async def count_password(request: Request, viewer: Viewer) -> None:
    """Count a password that is tried beside the sign-in together with those tried there.

    Raises:
        TooManyRequests: there were too many of them.
    """
    await count_attempt(
        request,
        (LOGIN_PER_ADDRESS, address_of(request)),
        (LOGIN_PER_ACCOUNT, viewer.email.strip().casefold()),
        (LOGIN_ALTOGETHER, EVERYBODY),
    )
