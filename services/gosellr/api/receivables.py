"""What sellers owe: how old it is, by which plan it is paid back, and what is given up."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import Header, Query, Request, Response
from starlette.responses import StreamingResponse

from gosellr.api.answers import answer, nothing
from gosellr.api.deps import Market, allow
from gosellr.api.exports import CSV, EXPORTED_AT_ONCE, media_type_of
from gosellr.api.orders import IdempotencyKey, caller_of
from gosellr.api.room import Room
from gosellr.api.schemas.adjustments import AdjustmentOut, adjustment_document
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.receivables import (
    DebtFilters,
    RecoveryPlanAgree,
    RecoveryPlanEnd,
    RecoveryPlanOut,
    RecoveryPlansOut,
    SellerDebtPageOut,
    WriteOffCreate,
    debt_document,
    plan_document,
)
from gosellr.core.pagination import DEFAULT_LIMIT, Page
from gosellr.core.transact import ask, transact
from gosellr.models.balance_values import SellerDebt
from gosellr.resources import Resources
from gosellr.services import adjustment_service, idempotency_service, recovery_service
from gosellr.utils.csv_text import csv_rows
from gosellr.utils.money import to_decimal_string
from gosellr.utils.permissions import Permission
from gosellr.utils.recovery import BUCKETS
from gosellr.utils.viewer import Viewer

router = Room(tags=["receivables"])

Accept = Annotated[str, Header(include_in_schema=False)]
MayAgree = Annotated[Viewer, allow(Permission.RECOVERY_WRITE)]

_HEADER = ("seller_id", "seller", "currency", "total", *BUCKETS, "oldest_at", "plan")
_CSV_ANSWER = {"content": {CSV: {"schema": {"type": "string"}}}}


@router.get(
    "/receivables",
    operation_id="list_receivables",
    responses={200: {"model": SellerDebtPageOut, **_CSV_ANSWER}, **problems(401, 403, 422)},
)
async def list_receivables(
    filters: Annotated[DebtFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.RECOVERY_READ)],
    market: Market,
    accept: Accept = "",
) -> Response:
    """What sellers owe, by the age of what made it; the oldest is paid first.

    `Accept: text/csv` exports all of it, amounts as decimals.
    """
    is_csv = media_type_of(accept) == CSV
    limit = filters.limit or (EXPORTED_AT_ONCE if is_csv else DEFAULT_LIMIT)
    page = await _debts(market, filters.seller_id, filters.cursor, limit)
    if not is_csv:
        items = [debt_document(one) for one in page.items]
        document = {"items": items, "next_cursor": page.next_cursor}
        return answer(document, headers={"Vary": "Accept"})
    return StreamingResponse(
        _lines(market, filters, page),
        media_type=CSV,
        headers={
            "Cache-Control": "no-store",
            "Vary": "Accept",
            "Content-Disposition": 'attachment; filename="receivables.csv"',
        },
    )


async def _debts(
    market: Resources, seller_id: UUID | None, cursor: str | None, limit: int
) -> Page[SellerDebt]:
    return await ask(
        market.db,
        recovery_service.ageing_report,
        seller_id=seller_id,
        cursor=cursor,
        limit=limit,
        now=market.clock.now(),
    )


async def _lines(
    market: Resources, filters: DebtFilters, page: Page[SellerDebt]
) -> AsyncIterator[bytes]:
    yield csv_rows([_HEADER]).encode() + csv_rows(map(_row, page.items)).encode()
    while filters.limit is None and page.next_cursor is not None:
        page = await _debts(market, filters.seller_id, page.next_cursor, EXPORTED_AT_ONCE)
        yield csv_rows(map(_row, page.items)).encode()


def _row(debt: SellerDebt) -> list[str | Decimal | None]:
    amounts = (debt.ageing.total_minor, *(getattr(debt.ageing, name) for name in BUCKETS))
    return [
        str(debt.seller_id),
        debt.seller_name,
        debt.currency,
        *(Decimal(to_decimal_string(minor, debt.currency)) for minor in amounts),
        debt.oldest_at.isoformat(),
        debt.plan_kind,
    ]


@router.get(
    "/sellers/{seller_id}/recovery-plans",
    operation_id="list_recovery_plans",
    responses={200: {"model": RecoveryPlansOut}, **problems(401, 403, 404, 422)},
)
async def list_recovery_plans(
    seller_id: UUID, viewer: Annotated[Viewer, allow(Permission.BALANCE_READ)], market: Market
) -> Response:
    """By which plans a seller pays back what it owes. Without one, all that becomes available
    goes to the debt first."""
    kept = await ask(market.db, recovery_service.plans_of, viewer=viewer, seller_id=seller_id)
    return answer({"items": [plan_document(one, now=market.clock.now()) for one in kept]})


@router.put(
    "/sellers/{seller_id}/recovery-plans",
    operation_id="agree_recovery_plan",
    responses={200: {"model": RecoveryPlanOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def agree_recovery_plan(
    seller_id: UUID, body: RecoveryPlanAgree, viewer: MayAgree, market: Market
) -> Response:
    """Let a seller pay its debt in a currency back by a plan, in place of the one before."""
    kept = await transact(
        market.db,
        recovery_service.agree,
        viewer=viewer,
        seller_id=seller_id,
        currency=body.currency,
        terms=body.terms(),
        starts_at=body.starts_at,
        note=body.note,
        now=market.clock.now(),
    )
    return answer(plan_document(kept, now=market.clock.now()))


@router.post(
    "/sellers/{seller_id}/recovery-plans/end",
    operation_id="end_recovery_plan",
    status_code=204,
    responses=problems(400, 401, 403, 404, 422),
)
async def end_recovery_plan(
    seller_id: UUID, body: RecoveryPlanEnd, viewer: MayAgree, market: Market
) -> Response:
    """End a plan: from now on all that becomes available goes to the debt first."""
    await transact(
        market.db,
        recovery_service.end_plan,
        viewer=viewer,
        seller_id=seller_id,
        currency=body.currency,
        now=market.clock.now(),
    )
    return nothing()


@router.post(
    "/sellers/{seller_id}/write-offs",
    operation_id="create_write_off",
    status_code=201,
    responses={201: {"model": AdjustmentOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def create_write_off(
    *,
    seller_id: UUID,
    body: WriteOffCreate,
    request: Request,
    viewer: Annotated[Viewer, allow(Permission.LEDGER_ADJUST)],
    market: Market,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Prepare giving up a part of a debt; it is booked when another operator approves it."""
    prepared = await transact(
        market.db,
        adjustment_service.prepare_write_off,
        viewer=viewer,
        seller_id=seller_id,
        amount_minor=body.amount.amount,
        currency=body.amount.currency,
        reason=body.reason,
        key=idempotency_service.request_key(
            caller=caller_of(viewer),
            route=f"create_write_off:{seller_id}",
            key=idempotency_key,
            body=await request.body(),
        ),
        kept_for=market.policy.idempotency_kept_for,
        now=market.clock.now(),
    )
    replayed = {"Idempotency-Replayed": "true"} if prepared.existed else {}
    return answer(adjustment_document(prepared.value), status=201, headers=replayed)
