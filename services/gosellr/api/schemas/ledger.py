"""Shapes of the books: an order's transactions, a seller's balances and movements."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, Currency, Filters, MoneyOut, line
from gosellr.api.schemas.payouts import UpcomingOut
from gosellr.api.schemas.receivables import RecoveryPlanOut
from gosellr.api.schemas.terms import MomentIn
from gosellr.core.pagination import MAX_LIMIT
from gosellr.services.history_service import JournalFilter
from gosellr.services.statement_service import MovementFilter
from gosellr.utils.ledger import TransactionKind
from gosellr.utils.payouts import PayoutStatus

Pot = Literal["pending", "available", "reserved", "receivable", "in_transit"]


class EntryOut(AnswerModel):
    """One side of a transaction; `amount` is positive, in minor units."""

    account: str
    direction: Literal["debit", "credit"]
    amount: int
    currency: str
    seller_order_id: UUID | None
    order_line_id: UUID | None
    refund_id: UUID | None
    payout_id: UUID | None


class CauseOut(AnswerModel):
    """What a transaction was booked for."""

    type: str
    id: UUID


class TransactionOut(AnswerModel):
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


class MomentFilters(Filters):
    """As of when."""

    at: Annotated[
        MomentIn | None,
        Field(description="Only what was booked by then. Left out: all there is by now."),
    ] = None


class PayoutLedgerOut(AnswerModel):
    """Everything booked for a payout, in the order of booking."""

    transactions: list[TransactionOut]


class OrderLedgerOut(AnswerModel):
    """Everything booked for an order, in the order of booking."""

    transactions: list[TransactionOut]


class PayoutOnItsWayOut(AnswerModel):
    """A payout that left what is available and didn't arrive yet."""

    payout_id: UUID
    status: PayoutStatus
    amount: MoneyOut
    created_at: datetime


class ComingMoneyOut(AnswerModel):
    """Money that is free on a day, before debts; an estimate while it isn't delivered yet."""

    available_on: date | None
    amount: MoneyOut
    source: Literal["pending", "reserve"]
    is_estimate: bool


class SellerBalanceOut(AnswerModel):
    """What a seller has in one currency; `receivable` is what it owes the marketplace.

    Money goes from `pending` to `available`, `in_transit` and `paid_out`; `upcoming` says when
    what is pending becomes available, `payouts_on_their_way` what is in transit. `coming` dates all
    of `pending` and what rules keep back in `reserved`: estimates say that they are such.
    """

    currency: str
    pending: MoneyOut
    available: MoneyOut
    reserved: MoneyOut
    receivable: MoneyOut
    in_transit: MoneyOut
    paid_out: MoneyOut
    upcoming: list[UpcomingOut]
    payouts_on_their_way: list[PayoutOnItsWayOut]
    coming: list[ComingMoneyOut]
    next_payout_at: datetime | None
    recovery_plan: RecoveryPlanOut | None


class SellerBalancesOut(AnswerModel):
    """One balance per currency that the seller ever sold in."""

    balances: list[SellerBalanceOut]


class MadeOfOut(AnswerModel):
    """What one kind of movement did to an account, in sum: negative where it took from it."""

    kind: str
    description: str
    count: int
    amount: MoneyOut


class AccountMadeOut(AnswerModel):
    """What an account held: `made_of` sums to it. What the seller owes is negative."""

    account: Pot
    amount: MoneyOut
    made_of: list[MadeOfOut]


class BalanceMadeOut(AnswerModel):
    """A seller's accounts in one currency; `owed` is what the marketplace owes over all of them."""

    currency: str
    owed: MoneyOut
    accounts: list[AccountMadeOut]


class SellerLedgerOut(AnswerModel):
    """What a seller had and owed as of a moment, and what had made it."""

    as_of: datetime
    balances: list[BalanceMadeOut]


class HistoryFilters(Filters):
    """Which movements. An export without a limit holds all there are."""

    currency: Annotated[
        Currency | None, Field(description="Left out: the first in which anything moved.")
    ] = None
    kind: TransactionKind | None = None
    order_id: UUID | None = None
    from_: Annotated[MomentIn | None, Field(alias="from", description="Booked then or later")] = (
        None
    )
    to: Annotated[MomentIn | None, Field(description="Booked before")] = None
    limit: Annotated[int | None, Field(ge=1, le=MAX_LIMIT)] = None
    cursor: Annotated[str, line(1000)] | None = None

    def wanted(self) -> MovementFilter:
        """The same as the question takes it."""
        return MovementFilter(
            kind=None if self.kind is None else self.kind.value,
            order_id=self.order_id,
            since=self.from_,
            until=self.to,
        )


class MovementFilters(HistoryFilters):
    """Which of a seller's movements."""

    account: Annotated[Pot | None, Field(description="Left out: all of them together.")] = None


class BuyerMovementFilters(HistoryFilters):
    """Which of a buyer's payments and refunds."""


class JournalFilters(HistoryFilters):
    """Which entries of the journal: of an account, of a seller, or of all."""

    currency: Annotated[
        Currency | None,
        Field(description="Left out: all, and of an account or seller the first that moved."),
    ] = None
    account: Annotated[str, line(120), Field(examples=["commission"])] | None = None
    seller: UUID | None = None

    def asked(self) -> JournalFilter:
        """The same as the question takes it."""
        return JournalFilter(
            account=self.account,
            seller_id=self.seller,
            currency=self.currency,
            wanted=self.wanted(),
        )


class MovementOut(AnswerModel):
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


class MovementPageOut(AnswerModel):
    """Movements, newest first."""

    items: list[MovementOut]
    next_cursor: str | None


class BuyerMovementOut(AnswerModel):
    """A payment, or with a negative amount a refund; `paid` is what was paid in all after it."""

    id: int
    transaction_id: UUID
    kind: TransactionKind
    description: str
    method: str
    amount: MoneyOut
    paid: MoneyOut
    order_id: UUID
    order_number: str
    refund_id: UUID | None
    booked_at: datetime


class BuyerMovementPageOut(AnswerModel):
    """Payments and refunds, newest first."""

    items: list[BuyerMovementOut]
    next_cursor: str | None


class JournalEntryOut(AnswerModel):
    """One entry. `change` is by how much its own account grew, `balance` what that, or the seller
    who was asked for, held after it."""

    id: int
    transaction_id: UUID
    kind: str
    description: str
    account: str
    direction: Literal["debit", "credit"]
    change: MoneyOut
    balance: MoneyOut | None
    order_id: UUID | None
    order_number: str | None
    seller_order_id: UUID | None
    refund_id: UUID | None
    payout_id: UUID | None
    effective_at: datetime
    booked_at: datetime


class JournalPageOut(AnswerModel):
    """Entries of the journal, newest first."""

    items: list[JournalEntryOut]
    next_cursor: str | None
