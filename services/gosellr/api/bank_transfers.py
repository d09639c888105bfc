"""Bank transfers: what arrived, what of it nobody knows yet, and what is sent back by hand."""

from typing import Annotated
from uuid import UUID

from fastapi import File, Query, Response, UploadFile

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.bank_transfers import (
    BankStatementOut,
    HandRefundFailed,
    HandRefundFilters,
    HandRefundOut,
    HandRefundPageOut,
    HandRefundSent,
    NamedAccountOut,
    ReceiptAssign,
    ReceiptIn,
    ReceiptOut,
    RefundAccountIn,
    TransferSent,
    hand_refund_document,
    receipt_document,
    statement_document,
)
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.flows import bank_transfers, told_by_hand, told_files
from gosellr.models.proposal_values import Proposal
from gosellr.services.receipt_service import TakenReceipt
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["bank transfers"])

MayRead = Annotated[Viewer, allow(Permission.RECONCILIATION_READ)]
MayRun = Annotated[Viewer, allow(Permission.RECONCILIATION_RUN)]
MayDecide = Annotated[Viewer, allow(Permission.RECONCILIATION_DECIDE)]


@router.post(
    "/bank-transfers/receipts",
    operation_id="create_receipt",
    status_code=201,
    responses={
        201: {"model": ReceiptOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 409, 422),
    },
)
async def create_receipt(body: ReceiptIn, viewer: MayRun, market: Market) -> Response:
    """Say that a transfer arrived; what it completes is paid with that.

    Above `GOSELLR_TRANSFER_APPROVAL_OVER`, with all else that this person has said of the bank's
    money within 24 hours, it is proposed (202), and taken when another operator approves that.
    """
    taken = await told_by_hand.take_receipt(market.transfers, viewer=viewer, line=body.as_line())
    return _answer(taken, status=201)


@router.post(
    "/bank-transfers/statements",
    operation_id="import_bank_statement",
    status_code=201,
    responses={201: {"model": BankStatementOut}, **problems(400, 401, 403, 409, 413, 422)},
)
async def import_bank_statement(
    file: Annotated[UploadFile, File(description="camt.053, or a table in UTF-8")],
    viewer: MayRun,
    market: Market,
) -> Response:
    """Take every line of a bank statement once: camt.053 (XML), or a table (CSV) with the columns
    `transaction_id, amount, currency, value_date` and where there are any `reference, text,
    payer_name, payer_iban`; amounts in decimals, money that left is negative and skipped.

    A camt.053 has to be about an account of the market's. What it calls reversed waits among the
    movements that nobody has explained, and pays for nothing. What of a table is above
    `GOSELLR_TRANSFER_APPROVAL_OVER` is proposed, for another operator to approve."""
    taken = await told_by_hand.take_statement(
        market.transfers, viewer=viewer, lines=told_files.bank_lines_of(await file.read())
    )
    return answer(statement_document(taken), status=201)


@router.post(
    "/bank-transfers/receipts/{receipt_id}/assign",
    operation_id="assign_receipt",
    responses={
        200: {"model": ReceiptOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def assign_receipt(
    receipt_id: UUID, body: ReceiptAssign, viewer: MayDecide, market: Market
) -> Response:
    """Say which order a transfer in suspense was meant for, and use it; above
    `GOSELLR_TRANSFER_APPROVAL_OVER` that is proposed (202)."""
    taken = await told_by_hand.assign(
        market.transfers, viewer=viewer, receipt_id=receipt_id, reference=body.reference
    )
    return _answer(taken)


@router.post(
    "/bank-transfers/receipts/{receipt_id}/returned",
    operation_id="return_receipt",
    responses={
        200: {"model": ReceiptOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def return_receipt(
    receipt_id: UUID, body: TransferSent, viewer: MayDecide, market: Market
) -> Response:
    """Say that what of a transfer waited in suspense was sent back; above
    `GOSELLR_TRANSFER_APPROVAL_OVER` that is proposed (202)."""
    taken = await told_by_hand.give_back(
        market.transfers, viewer=viewer, receipt_id=receipt_id, sent=body.as_value()
    )
    return _answer(taken)


@router.get(
    "/bank-transfers/refunds",
    operation_id="list_hand_refunds",
    responses={200: {"model": HandRefundPageOut}, **problems(401, 403, 422)},
)
async def list_hand_refunds(
    filters: Annotated[HandRefundFilters, Query()], _viewer: MayRead, market: Market
) -> Response:
    """What has to be sent back by hand, the longest waiting first, and to which account."""
    page = await bank_transfers.list_to_send(
        market.transfers, cursor=filters.cursor, limit=filters.limit
    )
    items = [hand_refund_document(one) for one in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/bank-transfers/refunds/{hand_refund_id}/sent",
    operation_id="send_hand_refund",
    responses={
        200: {"model": HandRefundOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def send_hand_refund(
    hand_refund_id: UUID, body: HandRefundSent, viewer: MayRun, market: Market
) -> Response:
    """Say that money was sent back, under the bank's own name of the transfer; above
    `GOSELLR_TRANSFER_APPROVAL_OVER` that is proposed (202)."""
    sent = await bank_transfers.mark_sent(
        market.transfers,
        viewer=viewer,
        hand_refund_id=hand_refund_id,
        sent=body.as_value(),
        account=None if body.account is None else body.account.as_value(),
    )
    if isinstance(sent, Proposal):
        return answer(proposal_document(sent), status=202)
    return answer(hand_refund_document(sent))


@router.post(
    "/bank-transfers/refunds/{hand_refund_id}/failed",
    operation_id="fail_hand_refund",
    responses={200: {"model": HandRefundOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def fail_hand_refund(
    hand_refund_id: UUID, body: HandRefundFailed, _viewer: MayRun, market: Market
) -> Response:
    """Say that a refund can't be sent; what it had taken goes back."""
    failed = await bank_transfers.mark_failed(
        market.transfers, hand_refund_id=hand_refund_id, reason=body.reason
    )
    return answer(hand_refund_document(failed))


@router.put(
    "/orders/{order_id}/refund-account",
    operation_id="set_refund_account",
    responses={200: {"model": NamedAccountOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def set_refund_account(
    order_id: UUID,
    body: RefundAccountIn,
    viewer: Annotated[Viewer, allow(Permission.ORDER_PAY)],
    market: Market,
) -> Response:
    """Say, as the buyer, to which account money of a bank transfer goes back."""
    shown = await bank_transfers.give_account(
        market.transfers, viewer=viewer, order_id=order_id, account=body.as_value()
    )
    return answer({"last_four": shown})


def _answer(found: TakenReceipt | Proposal, *, status: int = 200) -> Response:
    """What became of a transfer, or the proposal that waits for a second person."""
    if isinstance(found, Proposal):
        return answer(proposal_document(found), status=202)
    return answer(receipt_document(found), status=status)
