"""Files of payouts for the market's bank: made, fetched, and what the bank did with them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Request, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.bank_files import (
    BankFileExecute,
    BankFileFilters,
    BankFileOut,
    BankFilePageOut,
    BankFileReason,
    file_document,
    made_document,
)
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.payouts import PayoutOut, PayoutReason, payout_document
from gosellr.core.errors import InvalidInput
from gosellr.core.transact import ask
from gosellr.flows import bank_files
from gosellr.services import bank_file_service, idempotency_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["bank files"])

MayRead = Annotated[Viewer, allow(Permission.BANK_FILE_READ)]
MayWrite = Annotated[Viewer, allow(Permission.BANK_FILE_WRITE)]
XML = "application/xml"


@router.get(
    "/bank-files",
    operation_id="list_bank_files",
    responses={200: {"model": BankFilePageOut}, **problems(401, 403, 422)},
)
async def list_bank_files(
    filters: Annotated[BankFileFilters, Query()], _viewer: MayRead, market: Market
) -> Response:
    """Files, newest first; `status=made` is what the bank hasn't answered."""
    page = await ask(
        market.db,
        bank_file_service.list_files,
        status=filters.status,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [file_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/bank-files",
    operation_id="create_bank_file",
    status_code=201,
    responses={201: {"model": BankFileOut}, **problems(400, 401, 403, 409, 422)},
)
async def create_bank_file(
    *,
    request: Request,
    viewer: MayWrite,
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Put the payouts that wait for the bank into a file, oldest first, up to a thousand."""
    made = await bank_files.make_file(
        market.payouts,
        viewer=viewer,
        key=idempotency_service.request_key(
            caller=caller_of(viewer),
            route="create_bank_file",
            key=idempotency_key,
            body=await request.body(),
        ),
    )
    replayed = {"Idempotency-Replayed": "true"} if made.existed else {}
    return answer(made_document(made), status=201, headers=replayed)


@router.get(
    "/bank-files/{file_id}",
    operation_id="get_bank_file",
    responses={200: {"model": BankFileOut}, **problems(401, 403, 404, 422)},
)
async def get_bank_file(file_id: UUID, _viewer: MayRead, market: Market) -> Response:
    """A file as it stands."""
    return answer(file_document(await ask(market.db, bank_file_service.find, file_id=file_id)))


@router.get(
    "/bank-files/{file_id}/document",
    operation_id="get_bank_file_document",
    responses={
        200: {"content": {XML: {"schema": {"type": "string", "format": "binary"}}}},
        **problems(401, 403, 404, 422),
    },
)
async def get_bank_file_document(file_id: UUID, _viewer: MayRead, market: Market) -> Response:
    """The file itself, ISO 20022 `pain.001.001.09`: the same bytes each time."""
    content = await bank_files.read_file(market.payouts, file_id=file_id)
    return Response(
        content,
        media_type=XML,
        headers={
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="payouts-{file_id}.xml"',
        },
    )


@router.post(
    "/bank-files/{file_id}/execute",
    operation_id="execute_bank_file",
    responses={200: {"model": BankFileOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def execute_bank_file(
    file_id: UUID, body: BankFileExecute, viewer: MayWrite, market: Market
) -> Response:
    """The bank has carried the file out: its payouts are paid, but for those that failed."""
    failed = {one.payout_id: one.reason for one in body.failed}
    if len(failed) != len(body.failed):
        raise InvalidInput.at("failed", "payment_twice", "Name each payment once")
    file = await bank_files.execute_file(
        market.payouts, viewer=viewer, file_id=file_id, failed=failed
    )
    return answer(file_document(file))


@router.post(
    "/bank-files/{file_id}/reject",
    operation_id="reject_bank_file",
    responses={200: {"model": BankFileOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def reject_bank_file(
    file_id: UUID, body: BankFileReason, viewer: MayWrite, market: Market
) -> Response:
    """The bank took the file not at all: what its payouts hold is available again."""
    file = await bank_files.reject_file(
        market.payouts, viewer=viewer, file_id=file_id, reason=body.reason
    )
    return answer(file_document(file))


@router.post(
    "/payouts/{payout_id}/fail",
    operation_id="fail_payout",
    responses={200: {"model": PayoutOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def fail_payout(
    payout_id: UUID, body: PayoutReason, viewer: MayWrite, market: Market
) -> Response:
    """A payment of an executed file came back, or one that waits can't be sent."""
    payout = await bank_files.fail_payout(
        market.payouts, viewer=viewer, payout_id=payout_id, reason=body.reason
    )
    return answer(payout_document(payout))
