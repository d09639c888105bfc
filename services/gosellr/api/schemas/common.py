"""Shapes that every noun shares: strict numbers, bounded text, money, pages and problems.

Requests refuse what they don't know and never coerce: "1", 1.0 and true are no integers.
"""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from gosellr.core.countries import country_codes
from gosellr.core.email_addresses import normal_email
from gosellr.core.pagination import DEFAULT_LIMIT, MAX_LIMIT
from gosellr.utils.card_numbers import holds_card_number
from gosellr.utils.money import EXPONENTS, MAX_AMOUNT_MINOR

T = TypeVar("T")

# PostgreSQL stores no NUL, and nothing a person types holds the other control characters.
# Bidirectional overrides would let a name read differently from what it is.
_LINE = r"^[^\x00-\x1f\x7f\u2028-\u202e\u2066-\u2069]*$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069]*$"


def line(max_length: int, *, min_length: int = 1) -> StringConstraints:
    """The bounds of a text of one line, for `Annotated[str, line(80)]`."""
    return StringConstraints(
        strip_whitespace=True, min_length=min_length, max_length=max_length, pattern=_LINE
    )


def lines(max_length: int, *, min_length: int = 0) -> StringConstraints:
    """The bounds of a text that may have several lines."""
    return StringConstraints(
        strip_whitespace=True, min_length=min_length, max_length=max_length, pattern=_LINES
    )


def _checked_words(value: str) -> str:
    if holds_card_number(value):
        raise ValueError("this looks like the number of a card, which nobody may send us")
    return value


def _known_country(value: str) -> str:
    if value not in country_codes():
        raise ValueError("this is no country code of ISO 3166-1")
    return value


def _known_currency(value: str) -> str:
    if value not in EXPONENTS:
        raise ValueError("this is no currency code of ISO 4217 that we know")
    return value


# For every text that people write, but for the long ones of the catalogue.
NoCard = AfterValidator(_checked_words)
Name = Annotated[str, line(200), NoCard]
ShortText = Annotated[str, line(500), NoCard]
OptionalShortText = Annotated[str, line(500, min_length=0), NoCard]
LongText = Annotated[str, lines(20_000)]
Reason = Annotated[str, lines(500, min_length=1), NoCard]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254, pattern=_LINE),
    AfterValidator(normal_email),
    Field(json_schema_extra={"format": "email"}, examples=["ada@example.com"]),
]
Country = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{2}$"),
    AfterValidator(_known_country),
    Field(examples=["DE"], description="ISO 3166-1 alpha-2"),
]
Currency = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Z]{3}$"),
    AfterValidator(_known_currency),
    Field(examples=["EUR"], description="ISO 4217"),
]
WholeNumber = Annotated[int, Field(strict=True)]
AmountMinor = Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT_MINOR, examples=[1999])]
Bps = Annotated[int, Field(strict=True, ge=0, le=10_000, description="1/100 of a percent")]
Quantity = Annotated[int, Field(strict=True, ge=1, le=10_000)]
Version = Annotated[
    int, Field(strict=True, ge=1, le=2**31 - 1, description="The version the change is made to")
]
Flag = StrictBool
Moment = Annotated[datetime, Field(description="RFC 3339, UTC")]


def left_out() -> Any:
    """The default of a field that an update may leave out, but not set to null."""
    return Field(default=None)


def _without_null_defaults(schema: dict[str, Any]) -> None:
    """Where null is no value, it must not be shown as the default either."""
    for shape in schema.get("properties", {}).values():
        if shape.get("default", ...) is None:
            del shape["default"]


class AnswerModel(BaseModel):
    """What is answered. Answers are made of plain values, so it is there to be described, and
    what would validate them isn't built before somebody asks for it."""

    model_config = ConfigDict(defer_build=True)


class RequestModel(BaseModel):
    """A body that may hold what it declares and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_without_null_defaults)

    def changes(self) -> dict[str, Any]:
        """What was sent, without the version: fields left out stay as they are."""
        return self.model_dump(exclude_unset=True, exclude={"version"})


class Filters(BaseModel):
    """Query parameters; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageFilters(Filters):
    """Query parameters of every list."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = DEFAULT_LIMIT
    cursor: Annotated[str, line(1000)] | None = None


class MoneyIn(RequestModel):
    """An amount in minor units, as sent to us; never negative."""

    amount: AmountMinor
    currency: Currency


class MoneyOut(AnswerModel):
    """An amount in minor units, as answered; negative where something is owed."""

    amount: int = Field(examples=[1999])
    currency: str = Field(examples=["EUR"])


class PageOut(AnswerModel, Generic[T]):
    """One page of a list; the way to the next is null at the end."""

    items: list[T]
    next_cursor: str | None


class SellerReference(AnswerModel):
    """A seller, as far as others need to name it."""

    id: UUID
    name: str
    slug: str


class FieldProblem(AnswerModel):
    """One thing wrong with one field."""

    field: str
    code: str
    message: str


class Problem(AnswerModel):
    """An error (RFC 9457). `code` is stable; further members depend on it."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[FieldProblem] | None = None


MEANINGS = {
    400: "The request can't be read",
    401: "Nobody is known by what was sent",
    402: "The payment was declined",
    403: "The caller may not do this",
    404: "There is nothing here, or it isn't the caller's",
    409: "The state has changed, or doesn't allow this",
    413: "The body is too large",
    415: "This kind of file isn't taken",
    422: "Some fields need a change",
    429: "Too many requests; Retry-After says when to come back",
    503: "Please try again in a moment",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors a route may answer with, for its `responses`; 503 may always happen.

    That each is a `Problem` is added where the description is made, when it is asked for: as a
    model here it would be analysed for each error of each route whenever a process starts.
    """
    return {status: {"description": MEANINGS[status]} for status in (*statuses, 503)}
