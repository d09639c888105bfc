"""Documents as they are listed and read: what was issued, with amounts as money."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Currency,
    Filters,
    MoneyOut,
    PageFilters,
    PageOut,
)
from gosellr.models.document_values import IssuedDocument
from gosellr.utils.documents import DocumentKind
from gosellr.utils.money import Money

Language = Literal["en", "de", "fr", "es"]
FormName = Literal["json", "pdf", "csv", "xlsx"]
_EXAMPLE = "2026-03"
Month = Annotated[
    str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", examples=[_EXAMPLE], description="UTC")
]


class FileFilters(Filters):
    """How a document is wanted: `format`, else what `Accept` names, else JSON."""

    format: FormName | None = None
    language: Annotated[Language | None, Field(description="Left out: the document's own")] = None


class SlipFilters(Filters):
    """How a packing slip is wanted: `format`, else what `Accept` names, else PDF."""

    format: Literal["pdf", "csv", "xlsx"] | None = None
    language: Annotated[Language | None, Field(description="Left out: the order's own")] = None


class StatementFilters(FileFilters):
    """Which of a month's statements."""

    currency: Annotated[Currency | None, Field(description="Left out: the first there is")] = None


class SellerDocumentFilters(PageFilters):
    """Which of a seller's documents."""

    kind: Literal["statement", "commission_invoice"] | None = None
    period: Month | None = None


class ListedDocumentOut(AnswerModel):
    """A document that was issued."""

    id: UUID
    kind: DocumentKind
    number: str = Field(examples=["INV-2026-00007"])
    seller_id: UUID
    order_id: UUID | None
    period: str | None = Field(examples=[_EXAMPLE])
    total: MoneyOut
    issued_at: datetime


class DocumentOut(ListedDocumentOut):
    """A document with all that stands on it, as it was issued."""

    content: dict[str, Any]


class OrderDocumentsOut(AnswerModel):
    """An order's invoices and credit notes, oldest first."""

    items: list[ListedDocumentOut]


class DocumentPageOut(PageOut[ListedDocumentOut]):
    """A seller's statements and commission invoices, newest first."""


class StatementOut(AnswerModel):
    """A seller's month. Until it is closed it is preliminary: without a number, and not kept."""

    id: UUID | None
    number: str | None = Field(examples=["ST-2026-00007"])
    issued_at: datetime | None
    seller_id: UUID
    period: str = Field(examples=[_EXAMPLE])
    currency: str = Field(examples=["EUR"])
    opening: MoneyOut
    closing: MoneyOut
    content: dict[str, Any]


class TaxReportOut(AnswerModel):
    """What sellers earned in a year, by quarter, each with its `identity`: who it is to the tax
    authorities and the account it is paid to, `on file` for whoever may not read them.

    `missing` is what isn't known: of a seller, or of any of them.
    """

    year: int
    issued_at: datetime
    missing: list[str]
    sellers: list[dict[str, Any]]


def listed_document(found: IssuedDocument) -> dict[str, Any]:
    """A document as it is listed."""
    return {
        "id": found.id,
        "kind": found.kind,
        "number": found.number,
        "seller_id": found.seller_id,
        "order_id": found.order_id,
        "period": found.period,
        "total": Money(found.total_minor, found.currency),
        "issued_at": found.issued_at,
    }


def whole_document(found: IssuedDocument) -> dict[str, Any]:
    """A document with its content."""
    return {**listed_document(found), "content": with_money(found.content)}


def statement_document(
    found: IssuedDocument | Mapping[str, Any], *, seller_id: UUID
) -> dict[str, Any]:
    """A statement, issued or as it stands."""
    issued = found if isinstance(found, IssuedDocument) else None
    content = found.content if isinstance(found, IssuedDocument) else found
    currency = content["currency"]
    return {
        "id": None if issued is None else issued.id,
        "number": None if issued is None else issued.number,
        "issued_at": None if issued is None else issued.issued_at,
        "seller_id": seller_id,
        "period": content["period"],
        "currency": currency,
        "opening": Money(content["opening_minor"], currency),
        "closing": Money(content["closing_minor"], currency),
        "content": with_money(content),
    }


def report_document(content: Mapping[str, Any]) -> dict[str, Any]:
    """The report of a year."""
    return {
        "year": content["year"],
        "issued_at": content["issued_at"],
        "missing": content["missing"],
        "sellers": [with_money(seller) for seller in content["sellers"]],
    }


def with_money(value: Any, *, currency: str = "") -> Any:
    """The same with `amount_minor` as the money `amount`, in the currency that stands around it."""
    if isinstance(value, Mapping):
        own = value.get("currency", currency)
        return {
            name.removesuffix("_minor"): Money(each, own)
            if name.endswith("_minor")
            else with_money(each, currency=own)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [with_money(each, currency=currency) for each in value]
    return value
