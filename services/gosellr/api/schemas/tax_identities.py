"""Shapes of who a seller is to the tax authorities."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BeforeValidator, Field, SecretStr

from gosellr.api.schemas.common import (
    AnswerModel,
    Country,
    Flag,
    Name,
    NoCard,
    RequestModel,
    Version,
    line,
)
from gosellr.flows.tax_identities import SaidIdentity
from gosellr.models.tax_identity_values import TaxRequest
from gosellr.utils.tax_identity import (
    TAX_NUMBERS_MAX,
    PrimaryAddress,
    TaxIdentity,
    TaxNumber,
    TaxpayerKind,
    masked,
)

_Number = Annotated[str, line(40), NoCard]


def _only_text(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError("a day is written as YYYY-MM-DD")  # noqa: TRY004  (pydantic's way)
    return value


# Of any century; whether somebody can be so old is asked together with the rest.
_Birthday = Annotated[
    date,
    BeforeValidator(_only_text),
    Field(examples=["1984-05-17"], json_schema_extra={"maxLength": 10}),
]


class PrimaryAddressIn(RequestModel):
    """Where a person mainly lives, or a company's registered office."""

    line1: Name
    line2: Annotated[str, line(200, min_length=0), NoCard] = ""
    city: Annotated[str, line(120), NoCard]
    region: Annotated[str, line(60, min_length=0), NoCard] = ""
    postal_code: Annotated[str, line(16, min_length=0), NoCard] = ""
    country: Country


class TaxNumberIn(RequestModel):
    """A tax identification number and the country that issued it."""

    number: _Number
    country: Country


class TaxIdentityUpdate(RequestModel):
    """Who a seller is, as DAC7 asks it (Council Directive (EU) 2021/514, Annex V), and the caller's
    own password once more. All of it replaces what was said before.

    An individual says first and last name, date of birth, and place of birth where it has no tax
    number; an entity its legal name, its number in the register of companies, and the states of the
    Union in which it has permanent establishments.
    """

    kind: TaxpayerKind
    legal_name: Name | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    address: PrimaryAddressIn
    tax_numbers: Annotated[list[TaxNumberIn], Field(max_length=TAX_NUMBERS_MAX)] = Field(
        default_factory=list
    )
    no_tax_number: Flag = Field(
        default=False, description="The seller's country gives none to somebody like it"
    )
    vat_number: Annotated[str, line(40), NoCard, Field(examples=["DE123456789"])] | None = None
    registration_number: _Number | None = None
    no_registration_number: Flag = Field(
        default=False, description="The seller's country gives none to somebody like it"
    )
    establishments: Annotated[list[Country], Field(max_length=27)] = Field(default_factory=list)
    birth_date: _Birthday | None = None
    birth_city: Annotated[str, line(120), NoCard] | None = None
    birth_country: Country | None = None
    password: Annotated[SecretStr, Field(min_length=1, max_length=128)]
    version: Version | None = None

    def identity(self) -> TaxIdentity:
        """The same as the market knows it."""
        return TaxIdentity(
            kind=self.kind,
            legal_name=self.legal_name or "",
            first_name=self.first_name or "",
            last_name=self.last_name or "",
            address=PrimaryAddress(**self.address.model_dump()),
            tax_numbers=tuple(TaxNumber(**one.model_dump()) for one in self.tax_numbers),
            no_tax_number=self.no_tax_number,
            vat_number=self.vat_number or "",
            registration_number=self.registration_number or "",
            no_registration_number=self.no_registration_number,
            establishments=tuple(self.establishments),
            birth_date=self.birth_date,
            birth_city=self.birth_city or "",
            birth_country=self.birth_country or "",
        )


class MaskedNumberOut(AnswerModel):
    """The end of a number, and the country that issued it."""

    number: str = Field(examples=["…789"])
    country: str


class TaxRequestOut(AnswerModel):
    """When a seller was asked who it is, reminded, and reminded again, and since when its payouts
    wait for it, or an operator lets them go on all the same, and why; null is what didn't happen.
    """

    asked_at: datetime
    reminded_at: datetime | None
    reminded_again_at: datetime | None
    withheld_at: datetime | None
    lifted_at: datetime | None
    lift_reason: str | None


class TaxIdentityOut(AnswerModel):
    """What a seller said of itself: numbers by their end, an address by its town, and no date of
    birth but its year. Before it said anything, `is_complete` is false and the rest null;
    where no key of the market opens what it said, all but the version."""

    seller_id: UUID
    is_complete: bool
    kind: TaxpayerKind | None
    name: str | None
    city: str | None
    country: str | None
    tax_numbers: list[MaskedNumberOut]
    vat_number: str | None
    registration_number: str | None
    establishments: list[str]
    birth_year: int | None
    version: int | None
    updated_at: datetime | None
    request: TaxRequestOut | None = Field(
        description="What the market asks of a seller who hasn't said it yet"
    )


def identity_document(
    said: SaidIdentity | None, *, seller_id: UUID, request: TaxRequest | None = None
) -> dict[str, Any]:
    """What a seller said, as it is answered, or how often it was asked for it."""
    one = None if said is None else said.identity
    if said is None or one is None:
        known = dict.fromkeys(TaxIdentityOut.model_fields)
        empty: dict[str, Any] = {"tax_numbers": [], "establishments": []}
        version = None if said is None else said.kept.version
        return {
            **known, **empty, "seller_id": seller_id, "is_complete": False, "version": version,
            "request": None if request is None else request_document(request),
        }  # fmt: skip
    return {
        "seller_id": seller_id,
        "is_complete": True,
        "kind": one.kind,
        "name": one.name,
        "city": one.address.city,
        "country": one.address.country,
        "tax_numbers": [
            {"number": masked(each.number), "country": each.country} for each in one.tax_numbers
        ],
        "vat_number": masked(one.vat_number) or None,
        "registration_number": masked(one.registration_number) or None,
        "establishments": list(one.establishments),
        "birth_year": None if one.birth_date is None else one.birth_date.year,
        "version": said.kept.version,
        "updated_at": said.kept.updated_at,
        "request": None,
    }


def request_document(request: TaxRequest) -> dict[str, Any]:
    """How often a seller was asked, as it is answered."""
    return {name: getattr(request, name) for name in TaxRequestOut.model_fields}
