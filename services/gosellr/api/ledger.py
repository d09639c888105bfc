"""The books over HTTP: an order's for operators, a seller's own for the seller."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.exports import EXPORTS, history_answer
from gosellr.api.movement_layouts import OF_BUYER, OF_SELLER, journal_layout
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.ledger import (
    BuyerMovementFilters,
    BuyerMovementPageOut,
    JournalFilters,
    JournalPageOut,
    MomentFilters,
    MovementFilters,
    MovementPageOut,
    OrderLedgerOut,
    PayoutLedgerOut,
    SellerBalancesOut,
    SellerLedgerOut,
)
from gosellr.api.schemas.receivables import plan_document
from gosellr.core.pagination import Page
from gosellr.core.transact import ask
from gosellr.services import (
    explanation_service,
    history_service,
    payout_questions,
    statement_service,
)
from gosellr.services.explanation_service import BalanceMade
from gosellr.services.statement_service import POTS, BookedTransaction, Movement, SellerBalance
from gosellr.utils.explanations import explain
from gosellr.utils.money import Money
from gosellr.utils.permissions import Permission
from gosellr.utils.statements import describe
from gosellr.utils.viewer import Viewer

router = Room(tags=["ledger"])

Accept = Annotated[str, Header(include_in_schema=False)]


@router.get(
    "/orders/{order_id}/ledger",
    operation_id="get_order_ledger",
    responses={200: {"model": OrderLedgerOut}, **problems(401, 403, 404, 422)},
)
async def get_order_ledger(
    order_id: UUID,
    wanted: Annotated[MomentFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.LEDGER_READ)],
    market: Market,
) -> Response:
    """Where every cent of an order went, transaction by transaction, each with its meaning."""
    booked = await ask(market.db, statement_service.order_ledger, order_id=order_id, at=wanted.at)
    return answer({"transactions": [_transaction(each) for each in booked]})


@router.get(
    "/payouts/{payout_id}/ledger",
    operation_id="get_payout_ledger",
    responses={200: {"model": PayoutLedgerOut}, **problems(401, 403, 404, 422)},
)
async def get_payout_ledger(
    payout_id: UUID,
    wanted: Annotated[MomentFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.LEDGER_READ)],
    market: Market,
) -> Response:
    """What was booked of a payout, transaction by transaction, each with its meaning."""
    booked = await ask(market.db, payout_questions.payout_ledger, payout_id=payout_id, at=wanted.at)
    return answer({"transactions": [_transaction(each) for each in booked]})


@router.get(
    "/sellers/{seller_id}/ledger",
    operation_id="get_seller_ledger",
    responses={200: {"model": SellerLedgerOut}, **problems(401, 403, 404, 422)},
)
async def get_seller_ledger(
    seller_id: UUID,
    wanted: Annotated[MomentFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.BALANCE_READ)],
    market: Market,
) -> Response:
    """What a seller had and owed at a moment, and what had made it: each kind of movement with its
    meaning and its sum, from the first on."""
    as_of = wanted.at or market.clock.now()
    balances = await ask(
        market.db,
        explanation_service.seller_ledger,
        viewer=viewer,
        seller_id=seller_id,
        at=wanted.at,
    )
    return answer({"as_of": as_of, "balances": [_balance_made(each) for each in balances]})


@router.get(
    "/sellers/{seller_id}/balance",
    operation_id="get_seller_balance",
    responses={200: {"model": SellerBalancesOut}, **problems(401, 403, 404, 422)},
)
async def get_seller_balance(
    seller_id: UUID, viewer: Annotated[Viewer, allow(Permission.BALANCE_READ)], market: Market
) -> Response:
    """What a seller has and owes, by currency, and on which day what comes is free."""
    held = await ask(
        market.db,
        statement_service.seller_balances,
        viewer=viewer,
        seller_id=seller_id,
        policy=market.policy,
        now=market.clock.now(),
    )
    return answer({"balances": [_balance(each, now=market.clock.now()) for each in held]})


@router.get(
    "/sellers/{seller_id}/transactions",
    operation_id="list_seller_transactions",
    responses={200: {"model": MovementPageOut, **EXPORTS}, **problems(401, 403, 404, 422)},
)
async def list_seller_transactions(
    seller_id: UUID,
    filters: Annotated[MovementFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.TRANSACTION_READ)],
    market: Market,
    accept: Accept = "",
) -> Response:
    """What moved, newest first, with the balance after it: what the marketplace owes the seller.

    `Accept` exports all of it: `text/csv`, `application/x-ndjson`, or that of XLSX.
    """

    async def read(cursor: str | None, limit: int) -> Page[Movement]:
        return await ask(
            market.db,
            statement_service.seller_movements,
            viewer=viewer,
            seller_id=seller_id,
            currency=filters.currency,
            pot=filters.account,
            wanted=filters.wanted(),
            cursor=cursor,
            limit=limit,
        )

    return await history_answer(
        market, read, OF_SELLER, accept=accept, cursor=filters.cursor, limit=filters.limit
    )


@router.get(
    "/me/transactions",
    operation_id="list_my_transactions",
    responses={200: {"model": BuyerMovementPageOut, **EXPORTS}, **problems(401, 403, 422)},
)
async def list_my_transactions(
    filters: Annotated[BuyerMovementFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.TRANSACTION_READ)],
    market: Market,
    accept: Accept = "",
) -> Response:
    """What the caller paid for own orders and got back, newest first, with what is paid in all.

    `Accept` exports all of it: `text/csv`, `application/x-ndjson`, or that of XLSX.
    """

    async def read(cursor: str | None, limit: int) -> Page[Movement]:
        return await ask(
            market.db,
            history_service.buyer_movements,
            viewer=viewer,
            currency=filters.currency,
            wanted=filters.wanted(),
            cursor=cursor,
            limit=limit,
        )

    return await history_answer(
        market, read, OF_BUYER, accept=accept, cursor=filters.cursor, limit=filters.limit
    )


@router.get(
    "/transactions",
    operation_id="list_transactions",
    responses={200: {"model": JournalPageOut, **EXPORTS}, **problems(401, 403, 404, 422)},
)
async def list_transactions(
    filters: Annotated[JournalFilters, Query()],
    _viewer: Annotated[Viewer, allow(Permission.LEDGER_READ)],
    market: Market,
    accept: Accept = "",
) -> Response:
    """The journal, entry by entry, newest first; of an account or a seller with its balance.

    `Accept` exports all of it: `text/csv`, `application/x-ndjson`, or that of XLSX.
    """
    asked = filters.asked()

    async def read(cursor: str | None, limit: int) -> Page[Movement]:
        return await ask(
            market.db, history_service.market_movements, asked=asked, cursor=cursor, limit=limit
        )

    layout = journal_layout(has_balance=asked.has_balance, account=asked.account)
    return await history_answer(
        market, read, layout, accept=accept, cursor=filters.cursor, limit=filters.limit
    )


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


def _balance_made(made: BalanceMade) -> dict[str, Any]:
    return {
        "currency": made.currency,
        "owed": Money(made.owed_minor, made.currency),
        "accounts": [
            {
                "account": pot.pot,
                "amount": Money(pot.minor, made.currency),
                "made_of": [
                    {
                        "kind": part.kind,
                        "description": describe(
                            kind=part.kind, account=part.account, is_credit=part.is_credit
                        ),
                        "count": part.count,
                        "amount": Money(part.change_minor, made.currency),
                    }
                    for part in pot.parts
                ],
            }
            for pot in made.pots
        ],
    }


def _balance(held: SellerBalance, *, now: datetime) -> dict[str, Any]:
    pots = {pot: Money(getattr(held, f"{pot}_minor"), held.currency) for pot in (*POTS, "paid_out")}
    upcoming = [
        {"available_on": one.day, "amount": Money(one.amount_minor, one.currency)}
        for one in held.upcoming
    ]
    on_their_way = [
        {
            "payout_id": one.id,
            "status": one.status,
            "amount": Money(one.amount_minor, one.currency),
            "created_at": one.created_at,
        }
        for one in held.on_their_way
    ]
    return {
        "currency": held.currency,
        **pots,
        "upcoming": upcoming,
        "payouts_on_their_way": on_their_way,
        "coming": [
            {
                "available_on": one.day,
                "amount": Money(one.amount_minor, one.currency),
                "source": one.source,
                "is_estimate": one.is_estimate,
            }
            for one in held.coming
        ],
        "next_payout_at": held.next_payout_at,
        "recovery_plan": None if held.plan is None else plan_document(held.plan, now=now),
    }
