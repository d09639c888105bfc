"""Shapes of tax rates."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from gosellr.api.schemas.common import (
    AnswerModel,
    Bps,
    Country,
    Flag,
    Moment,
    NoCard,
    PageFilters,
    PageOut,
    RequestModel,
    Version,
    left_out,
    line,
)
from gosellr.api.schemas.terms import MomentIn
from gosellr.models.term_values import ListedTaxRate

TaxClass = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,39}$"),
    Field(
        alias="class",
        description="`standard` stands in for classes without a rate; `shipping` is delivery's",
        examples=["standard"],
    ),
]
Region = Annotated[str, line(60), NoCard]
RemittedBy = Annotated[
    Literal["seller", "marketplace"],
    Field(
        description="Who passes the tax on: each seller that of its own sales, or the marketplace "
        "where the law makes it liable (deemed supplier, marketplace facilitator). What is sold "
        "keeps what its rate said then",
    ),
]


class TaxRateCreate(RequestModel):
    """A new rate. Without `valid_from` it is valid at once."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=False)

    country: Country
    region: Region | None = None
    tax_class: TaxClass
    rate_bps: Bps
    included: Flag = Field(description="Whether prices in this country include their tax")
    remitted_by: RemittedBy = "seller"
    valid_from: MomentIn | None = None
    valid_to: MomentIn | None = None


class TaxRateChange(RequestModel):
    """Changes to a rate; fields left out stay."""

    rate_bps: Bps = left_out()
    included: Flag = left_out()
    remitted_by: RemittedBy = left_out()
    valid_from: MomentIn = left_out()
    valid_to: MomentIn | None = left_out()
    version: Version | None = None


class TaxRateFilters(PageFilters):
    """Which rates to list."""

    country: Country | None = None


class TaxRateOut(AnswerModel):
    """A tax rate; `valid_to` is the first moment without it."""

    id: UUID
    country: str
    region: str | None
    tax_class: str = Field(alias="class")
    rate_bps: int
    included: bool
    remitted_by: Literal["seller", "marketplace"]
    valid_from: Moment
    valid_to: Moment | None
    version: int


TaxRatePage = PageOut[TaxRateOut]


def tax_rate_document(rate: ListedTaxRate) -> dict[str, Any]:
    """A tax rate as it is answered."""
    return {
        "id": rate.id,
        "country": rate.country,
        "region": rate.region,
        "class": rate.tax_class,
        "rate_bps": rate.rate_bps,
        "included": rate.included,
        "remitted_by": rate.remitted_by,
        "valid_from": rate.valid_from,
        "valid_to": rate.valid_to,
        "version": rate.version,
    }
