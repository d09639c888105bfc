"""Payouts as they are asked for and answered: when, where to, how much, and of what."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, SecretStr, StringConstraints, model_validator

from gosellr.api.schemas.common import (
    AnswerModel,
    Currency,
    Email,
    MoneyIn,
    MoneyOut,
    Name,
    PageFilters,
    PageOut,
    Reason,
    RequestModel,
    Version,
    left_out,
    line,
)
from gosellr.flows.payout_accounts import TypedAccount
from gosellr.flows.payout_runs import Batch
from gosellr.models.payout_values import (
    ClaimedEntry,
    Payout,
    PayoutDestination,
    PayoutSettings,
    PayoutTotal,
)
from gosellr.services.payout_forecast import Forecast
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money
from gosellr.utils.payouts import PayoutStatus, ScheduleKind
from gosellr.utils.statements import describe

Document = dict[str, Any]
MINIMUMS_MAX = 20


class PayoutCreate(RequestModel):
    """Pay all that is available in a currency. Without a seller: the caller's only one."""

    currency: Currency
    seller_id: UUID | None = None


class PayoutRun(RequestModel):
    """Pay every seller who may be paid, in one currency or in all."""

    currency: Currency | None = None


class PayoutReason(RequestModel):
    """Why."""

    reason: Reason


class PayoutListFilters(PageFilters):
    """Which payouts."""

    seller_id: UUID | None = None
    status: PayoutStatus | None = None
    currency: Currency | None = None
    batch_id: UUID | None = None


class PayoutDestinationName(AnswerModel):
    """Where the money goes, as far as anybody may see it."""

    id: UUID
    method: str
    last_four: str = Field(examples=["3000"])


class PayoutOut(AnswerModel):
    """A payout. `sent`: the provider is still at work; `unknown` resolves itself."""

    id: UUID
    seller_id: UUID
    status: PayoutStatus
    amount: MoneyOut
    destination: PayoutDestinationName
    origin: Literal["requested", "scheduled", "batch"]
    batch_id: UUID | None
    entry_count: Annotated[int, Field(description="How many movements it pays out")]
    provider_reference: str | None
    failure_reason: str | None
    requested_by: UUID | None
    approved_by: UUID | None
    created_at: datetime
    approved_at: datetime | None
    paid_at: datetime | None
    finished_at: datetime | None


class PayoutPageOut(PageOut[PayoutOut]):
    """Payouts, newest first."""


class PayoutEntryOut(AnswerModel):
    """A movement that a payout pays out; debits are negative."""

    id: int
    transaction_id: UUID
    kind: str
    description: str
    amount: MoneyOut
    order_id: UUID | None
    order_number: str | None
    seller_order_id: UUID | None
    refund_id: UUID | None
    booked_at: datetime


class PayoutEntryPageOut(PageOut[PayoutEntryOut]):
    """Movements in the order of booking: they sum to the payout's amount."""


class SkippedSellerOut(AnswerModel):
    """A seller who wasn't paid, and why."""

    seller_id: UUID
    currency: str | None
    code: str = Field(examples=["payouts_held"])


class BatchTotalOut(AnswerModel):
    """What a batch pays in one currency."""

    count: int
    amount: MoneyOut


class PayoutBatchOut(AnswerModel):
    """What was opened and whom it passed over; the payouts are sent in the next seconds.

    With `more`, there are sellers left for another batch.
    """

    batch_id: UUID
    totals: list[BatchTotalOut]
    skipped: list[SkippedSellerOut]
    more: bool


class PayoutRunFilters(RequestModel):
    """In one currency, or in all."""

    currency: Currency | None = None


class ForeseenOut(AnswerModel):
    """What a run would do with a seller's money in one currency.

    `available` is `amount`, which would be paid out, `recovered`, which its debt would take, and
    `left`, which would stay. `outcome` is `paid`, `awaits_approval`, or the code of the refusal.
    """

    seller_id: UUID
    currency: str
    outcome: str = Field(examples=["awaits_approval", "below_payout_minimum"])
    detail: str
    available: MoneyOut
    recovered: MoneyOut
    amount: MoneyOut
    left: MoneyOut


class PayoutForecastOut(AnswerModel):
    """What a run would open, as its answer would tell it, and seller by seller."""

    totals: list[BatchTotalOut]
    sellers: list[ForeseenOut]
    more: bool


class PayoutSettingsUpdate(RequestModel):
    """When a seller is paid, at midnight UTC. A schedule replaces the one before as a whole."""

    schedule: ScheduleKind = left_out()
    weekday: Annotated[
        int, Field(strict=True, ge=1, le=7, description="With `weekly`: Monday is 1")
    ] = left_out()
    day_of_month: Annotated[
        int,
        Field(strict=True, ge=1, le=31, description="With `monthly`; else the month's last day"),
    ] = left_out()
    minimums: Annotated[
        tuple[MoneyIn, ...],
        Field(max_length=MINIMUMS_MAX, description="Less isn't sent; one amount per currency"),
    ] = left_out()
    version: Version | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        days = {"weekday", "day_of_month"} & self.model_fields_set
        if days and "schedule" not in self.model_fields_set:
            raise ValueError("a day belongs to a schedule: send both")
        codes = [one.currency for one in self.minimums or ()]
        if len(set(codes)) != len(codes):
            raise ValueError("one minimum per currency")
        return self

    def schedule_changes(self) -> dict[str, object]:
        """What was sent of the schedule."""
        return self.model_dump(exclude_unset=True, exclude={"version", "minimums"}, mode="json")

    def minimums_by_currency(self) -> dict[str, int] | None:
        """The minimums, if any were sent."""
        if "minimums" not in self.model_fields_set:
            return None
        return {one.currency: one.amount for one in self.minimums}


class PayoutSettingsOut(AnswerModel):
    """When a seller is paid, from which amounts on, and whether an operator stopped it."""

    schedule: ScheduleKind
    weekday: int | None
    day_of_month: int | None
    next_due_at: datetime | None
    minimums: list[MoneyOut]
    held_at: datetime | None
    hold_reason: str | None
    version: int


class PayoutDestinationUpdate(RequestModel):
    """A bank account, or an e-mail address where `method` pays to such, and the caller's own
    password once more."""

    method: Annotated[str, line(40), Field(examples=["sandbox"])]
    holder: Name
    iban: (
        Annotated[
            str,
            StringConstraints(min_length=15, max_length=50, pattern=r"^[A-Za-z0-9 \-]+$"),
            Field(examples=["DE89 3704 0044 0532 0130 00"]),
        ]
        | None
    ) = None
    email: Email | None = None
    password: Annotated[SecretStr, Field(min_length=1, max_length=128)]

    def typed(self) -> TypedAccount:
        """The same as the flow reads it."""
        return TypedAccount(
            method=self.method,
            holder=self.holder,
            iban=self.iban,
            email=self.email,
            password=self.password.get_secret_value(),
        )


class PayoutDestinationOut(PayoutDestinationName):
    """Where a seller is paid to; before `usable_from`, nothing is."""

    created_at: datetime
    usable_from: datetime


class UpcomingOut(AnswerModel):
    """Pending money and the day it becomes available; null: it isn't delivered yet."""

    available_on: date | None
    amount: MoneyOut


def payout_document(payout: Payout) -> Document:
    """A payout as it is answered."""
    return {
        "id": payout.id,
        "seller_id": payout.seller_id,
        "status": payout.status,
        "amount": Money(payout.amount_minor, payout.currency),
        "destination": {
            "id": payout.destination_id,
            "method": payout.provider,
            "last_four": payout.last_four,
        },
        "origin": payout.origin,
        "batch_id": payout.batch_id,
        "entry_count": payout.entry_count,
        "provider_reference": payout.provider_reference,
        "failure_reason": payout.failure_reason,
        "requested_by": payout.requested_by,
        "approved_by": payout.approved_by,
        "created_at": payout.created_at,
        "approved_at": payout.approved_at,
        "paid_at": payout.paid_at,
        "finished_at": payout.finished_at,
    }


def entry_document(entry: ClaimedEntry) -> Document:
    """A claimed movement as it is answered."""
    number = entry.order_number
    return {
        "id": entry.id,
        "transaction_id": entry.transaction_id,
        "kind": entry.kind,
        "description": describe(
            kind=entry.kind, account="seller_available", is_credit=entry.direction == "credit"
        ),
        "amount": Money(entry.change_minor, entry.currency),
        "order_id": entry.order_id,
        "order_number": None if number is None else order_number(number),
        "seller_order_id": entry.seller_order_id,
        "refund_id": entry.refund_id,
        "booked_at": entry.booked_at,
    }


def _totals(totals: Iterable[PayoutTotal]) -> list[Document]:
    return [{"count": one.count, "amount": Money(one.amount_minor, one.currency)} for one in totals]


def forecast_document(forecast: Forecast) -> Document:
    """What a run would do, as it is answered."""
    return {
        "totals": _totals(forecast.totals()),
        "sellers": [
            {
                "seller_id": one.seller_id,
                "currency": one.currency,
                "outcome": one.outcome,
                "detail": one.why,
                "available": Money(one.available_minor, one.currency),
                "recovered": Money(one.recovered_minor, one.currency),
                "amount": Money(one.amount_minor, one.currency),
                "left": Money(one.left_minor, one.currency),
            }
            for one in forecast.sellers
        ],
        "more": forecast.more,
    }


def batch_document(batch: Batch) -> Document:
    """A batch as it is answered."""
    return {
        "batch_id": batch.id,
        "totals": _totals(batch.totals),
        "skipped": [
            {"seller_id": one.seller_id, "currency": one.currency, "code": one.code}
            for one in batch.skipped
        ],
        "more": batch.more,
    }


def settings_document(settings: PayoutSettings) -> Document:
    """A seller's settings as they are answered."""
    return {
        "schedule": settings.schedule.kind,
        "weekday": settings.schedule.weekday,
        "day_of_month": settings.schedule.day_of_month,
        "next_due_at": settings.next_due_at,
        "minimums": [Money(minor, code) for code, minor in sorted(settings.minimums.items())],
        "held_at": settings.held_at,
        "hold_reason": settings.hold_reason,
        "version": settings.version,
    }


def destination_document(destination: PayoutDestination) -> Document:
    """A seller's account as it is answered."""
    return {
        "id": destination.id,
        "method": destination.method,
        "last_four": destination.last_four,
        "created_at": destination.created_at,
        "usable_from": destination.usable_from,
    }
