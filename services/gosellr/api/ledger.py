"""The books over HTTP: an order's for operators, a seller's own for the seller."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.ledger import (
    MovementFilters,
    MovementPageOut,
    OrderLedgerOut,
    PayoutLedgerOut,
    SellerBalancesOut,
)
from gosellr.core.pagination import DEFAULT_LIMIT
from gosellr.core.transact import ask
from gosellr.services import payout_questions, statement_service
from gosellr.services.statement_service import POTS, BookedTransaction, Movement, SellerBalance
from gosellr.utils.csv_text import csv_text
from gosellr.utils.explanations import explain
from gosellr.utils.ids import order_number
from gosellr.utils.ledger import account_kind
from gosellr.utils.money import Money, to_decimal_string
from gosellr.utils.permissions import Permission
from gosellr.utils.statements import describe
from gosellr.utils.viewer import Viewer

router = APIRouter(tags=["ledger"])

CSV_LIMIT = 10_000
_ANY_ID = UUID(int=0)
_POT_OF = {account_kind(account_of(_ANY_ID)).name: pot for pot, account_of in POTS.items()}
_CSV_HEADER = (
    "booked_at", "effective_at", "description", "account", "order_number", "amount", "balance",
    "currency", "transaction_id",
)  # fmt: skip


@router.get(
    "/orders/{order_id}/ledger",
    operation_id="get_order_ledger",
    responses={200: {"model": OrderLedgerOut}, **problems(401, 403, 404, 422)},
)
async def get_order_ledger(
    order_id: UUID, _viewer: Annotated[Viewer, allow(Permission.LEDGER_READ)], market: Market
) -> Response:
    """Where every cent of an order went, transaction by transaction, each with its meaning."""
    booked = await ask(market.db, statement_service.order_ledger, order_id=order_id)
    return answer({"transactions": [_transaction(each) for each in booked]})


@router.get(
    "/payouts/{payout_id}/ledger",
    operation_id="get_payout_ledger",
    responses={200: {"model": PayoutLedgerOut}, **problems(401, 403, 404, 422)},
)
async def get_payout_ledger(
    payout_id: UUID, _viewer: Annotated[Viewer, allow(Permission.LEDGER_READ)], market: Market
) -> Response:
    """What was booked of a payout, transaction by transaction, each with its meaning."""
    booked = await ask(market.db, payout_questions.payout_ledger, payout_id=payout_id)
    return answer({"transactions": [_transaction(each) for each in booked]})


@router.get(
    "/sellers/{seller_id}/balance",
    operation_id="get_seller_balance",
    responses={200: {"model": SellerBalancesOut}, **problems(401, 403, 404, 422)},
)
async def get_seller_balance(
    seller_id: UUID, viewer: Annotated[Viewer, allow(Permission.BALANCE_READ)], market: Market
) -> Response:
    """What a seller has and owes, by currency."""
    held = await ask(
        market.db, statement_service.seller_balances, viewer=viewer, seller_id=seller_id
    )
    return answer({"balances": [_balance(each) for each in held]})


@router.get(
    "/sellers/{seller_id}/transactions",
    operation_id="list_seller_transactions",
    responses={
        200: {
            "model": MovementPageOut,
            "content": {"text/csv": {"schema": {"type": "string"}}},
            "headers": {
                "X-Next-Cursor": {
                    "description": "As CSV: the way to the next page, if there is one.",
                    "schema": {"type": "string"},
                }
            },
        },
        **problems(401, 403, 404, 422),
    },
)
async def list_seller_transactions(
    seller_id: UUID,
    filters: Annotated[MovementFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.TRANSACTION_READ)],
    market: Market,
    accept: Annotated[str, Header(include_in_schema=False)] = "",
) -> Response:
    """What moved, newest first, with the balance after it. `Accept: text/csv` gives a table."""
    as_csv = _wants_csv(accept)
    page = await ask(
        market.db,
        statement_service.seller_movements,
        viewer=viewer,
        seller_id=seller_id,
        currency=filters.currency,
        pot=filters.account,
        cursor=filters.cursor,
        limit=filters.limit or (CSV_LIMIT if as_csv else DEFAULT_LIMIT),
    )
    if as_csv:
        return _table(page.items, next_cursor=page.next_cursor)
    return answer(
        {"items": [_movement(each) for each in page.items], "next_cursor": page.next_cursor},
        headers={"Vary": "Accept"},
    )


def _wants_csv(accept: str) -> bool:
    """Whether CSV is named; a caller who also takes JSON gets that."""
    named = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return "text/csv" in named and "application/json" not in named


def _transaction(booked: BookedTransaction) -> dict[str, Any]:
    return {
        "id": booked.id,
        "kind": booked.kind,
        "cause": {"type": booked.cause_type, "id": booked.cause_id},
        "actor": booked.actor,
        "effective_at": booked.effective_at,
        "booked_at": booked.booked_at,
        "corrects_id": booked.corrects_id,
        "entries": [
            {
                "account": entry.account,
                "direction": entry.direction,
                "amount": entry.amount_minor,
                "currency": entry.currency,
                "seller_order_id": entry.seller_order_id,
                "order_line_id": entry.order_line_id,
                "refund_id": entry.refund_id,
                "payout_id": entry.payout_id,
            }
            for entry in booked.entries
        ],
        "explanation": explain(booked.kind, booked.entries),
    }


def _balance(held: SellerBalance) -> dict[str, Any]:
    figures = asdict(held)
    pots = {pot: Money(figures[f"{pot}_minor"], held.currency) for pot in (*POTS, "paid_out")}
    upcoming = [
        {"available_on": one.day, "amount": Money(one.amount_minor, one.currency)}
        for one in held.upcoming
    ]
    return {"currency": held.currency, **pots, "upcoming": upcoming}


def _movement(movement: Movement) -> dict[str, Any]:
    return {
        "id": movement.id,
        "transaction_id": movement.transaction_id,
        "kind": movement.kind,
        "description": _description(movement),
        "account": _pot(movement),
        "amount": Money(movement.change_minor, movement.currency),
        "balance": Money(movement.balance_minor, movement.currency),
        "order_id": movement.order_id,
        "order_number": _order_number(movement),
        "seller_order_id": movement.seller_order_id,
        "refund_id": movement.refund_id,
        "payout_id": movement.payout_id,
        "effective_at": movement.effective_at,
        "booked_at": movement.booked_at,
    }


def _table(movements: Iterable[Movement], *, next_cursor: str | None) -> Response:
    rows = [
        (
            _instant(each.booked_at),
            _instant(each.effective_at),
            _description(each),
            _pot(each),
            _order_number(each),
            Decimal(to_decimal_string(each.change_minor, each.currency)),
            Decimal(to_decimal_string(each.balance_minor, each.currency)),
            each.currency,
            str(each.transaction_id),
        )
        for each in movements
    ]
    headers = {
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "Content-Disposition": 'attachment; filename="transactions.csv"',
    }
    if next_cursor is not None:
        headers["X-Next-Cursor"] = next_cursor
    return Response(csv_text(_CSV_HEADER, rows), media_type="text/csv", headers=headers)


def _description(movement: Movement) -> str:
    return describe(
        kind=movement.kind, account=movement.account, is_credit=movement.direction == "credit"
    )


def _order_number(movement: Movement) -> str | None:
    return None if movement.order_number is None else order_number(movement.order_number)


def _pot(movement: Movement) -> str:
    return _POT_OF[account_kind(movement.account).name]


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
