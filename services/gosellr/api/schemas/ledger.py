"""Shapes of the books: an order's transactions, a seller's balances and movements."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from gosellr.api.schemas.common import Currency, Filters, MoneyOut, line
from gosellr.api.schemas.payouts import UpcomingOut
from gosellr.core.pagination import MAX_LIMIT

Pot = Literal["pending", "available", "reserved", "receivable", "in_transit"]


class EntryOut(BaseModel):
    """One side of a transaction; `amount` is positive, in minor units."""

    account: str
    direction: Literal["debit", "credit"]
    amount: int
    currency: str
    seller_order_id: UUID | None
    order_line_id: UUID | None
    refund_id: UUID | None
    payout_id: UUID | None


class CauseOut(BaseModel):
    """What a transaction was booked for."""

    type: str
    id: UUID


class TransactionOut(BaseModel):
    """One business fact in the books, whose entries sum to zero."""

    id: UUID
    kind: str
    cause: CauseOut
    actor: str
    effective_at: datetime
    booked_at: datetime
    corrects_id: UUID | None
    entries: list[EntryOut]
    explanation: str


class PayoutLedgerOut(BaseModel):
    """Everything booked for a payout, in the order of booking."""

    transactions: list[TransactionOut]


class OrderLedgerOut(BaseModel):
    """Everything booked for an order, in the order of booking."""

    transactions: list[TransactionOut]


class SellerBalanceOut(BaseModel):
    """What a seller has in one currency; `receivable` is what it owes the marketplace.

    Money goes from `pending` to `available`, `in_transit` and `paid_out`; `upcoming` says when
    what is pending becomes available.
    """

    currency: str
    pending: MoneyOut
    available: MoneyOut
    reserved: MoneyOut
    receivable: MoneyOut
    in_transit: MoneyOut
    paid_out: MoneyOut
    upcoming: list[UpcomingOut]


class SellerBalancesOut(BaseModel):
    """One balance per currency that the seller ever sold in."""

    balances: list[SellerBalanceOut]


class MovementFilters(Filters):
    """Which movements. As CSV, a page without a limit holds up to 10,000."""

    currency: Annotated[
        Currency | None, Field(description="Left out: the first in which anything moved.")
    ] = None
    account: Annotated[Pot | None, Field(description="Left out: all of them together.")] = None
    limit: Annotated[int | None, Field(ge=1, le=MAX_LIMIT)] = None
    cursor: Annotated[str, line(1000)] | None = None


class MovementOut(BaseModel):
    """One movement; `balance` is what the marketplace owes the seller after it."""

    id: int
    transaction_id: UUID
    kind: str
    description: str
    account: Pot
    amount: MoneyOut
    balance: MoneyOut
    order_id: UUID | None
    order_number: str | None
    seller_order_id: UUID | None
    refund_id: UUID | None
    payout_id: UUID | None
    effective_at: datetime
    booked_at: datetime


class MovementPageOut(BaseModel):
    """Movements, newest first."""

    items: list[MovementOut]
    next_cursor: str | None
