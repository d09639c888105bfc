"""Shapes of what is owed to tax authorities."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Currency,
    Filters,
    MoneyOut,
    NoCard,
    RequestModel,
    line,
)
from gosellr.api.schemas.documents import with_money
from gosellr.models.tax_return_values import FiledReturn
from gosellr.services.tax_return_service import return_content


class TaxReturnFilters(Filters):
    """How it is wanted: `format`, else what `Accept` names, else JSON."""

    format: Literal["json", "csv", "xlsx"] | None = None


class TaxedAtRateOut(AnswerModel):
    """What was taxed at a rate: `sales` whose tax the marketplace remits, or its `commission`."""

    source: Literal["sales", "commission"]
    tax_rate_bps: int
    base: MoneyOut
    tax: MoneyOut


class TaxReturnFile(RequestModel):
    """Which tax was handed in, and what its authority calls the return."""

    jurisdiction: Annotated[str, line(40), NoCard, Field(examples=["DE"])]
    currency: Currency
    reference: Annotated[str, line(120, min_length=0), NoCard] = ""


class FiledReturnOut(AnswerModel):
    """A return that was handed in: `filed`, `payment_prepared` while a second person has to approve
    the adjustment that pays it, `paid`, or `paid_by_hand` where ordinary adjustments have paid all
    of it. What is `due` is frozen; one of nothing is paid."""

    id: UUID
    period: str = Field(examples=["2026-Q1"])
    jurisdiction: str
    currency: str
    status: Literal["filed", "payment_prepared", "paid", "paid_by_hand"]
    due: MoneyOut
    reference: str
    filed_by: UUID
    filed_at: datetime
    adjustment_id: UUID | None


class OwedTaxOut(AnswerModel):
    """A period of one jurisdiction in one currency. `opening` and `due` less `paid` are `closing`,
    which is what the ledger holds; `due` is the tax by rate and what was booked `by_hand`."""

    jurisdiction: str = Field(examples=["DE"])
    currency: str
    rates: list[TaxedAtRateOut]
    by_hand: MoneyOut
    due: MoneyOut
    opening: MoneyOut
    paid: MoneyOut
    closing: MoneyOut
    filed: list[FiledReturnOut] = Field(description="The returns that touch the period")


class TaxReturnOut(AnswerModel):
    """What the marketplace owes tax authorities for a period that ends before `until`. Until it
    `is_over`, its figures still change, and never afterwards."""

    period: str = Field(examples=["2026-Q1"])
    since: date
    until: date
    is_over: bool
    issued_at: datetime
    jurisdictions: list[OwedTaxOut]


def filed_document(filed: FiledReturn) -> dict[str, Any]:
    """A return as it is answered."""
    document: dict[str, Any] = with_money(return_content(filed))
    return document


def return_document(content: Mapping[str, Any]) -> dict[str, Any]:
    """A period as it is answered."""
    return {
        **{name: content[name] for name in ("period", "since", "until", "is_over", "issued_at")},
        "jurisdictions": [with_money(one) for one in content["jurisdictions"]],
    }
