"""Shapes of what stands on a seller's papers."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Email,
    Name,
    NoCard,
    RequestModel,
    Version,
    left_out,
    line,
)
from gosellr.models.letterhead_values import KeptLetterhead
from gosellr.utils.letterhead import (
    ADDRESS_LENGTHS,
    REGISTRATION_NUMBER_LENGTH,
    TAX_ID_LENGTH,
)


class LetterheadAddressIn(RequestModel):
    """Where a seller is, in the country that its shop has."""

    line1: Name
    line2: Annotated[str, line(200, min_length=0), NoCard] = ""
    postal_code: Annotated[str, line(16, min_length=0), NoCard] = ""
    city: Annotated[str, line(120), NoCard]
    region: Annotated[str, line(60, min_length=0), NoCard] = ""


class LetterheadUpdate(RequestModel):
    """What is to stand on the papers that are issued from now on. Fields left out stay; a number or
    an e-mail address that is null is taken off. The first time the address has to be there.

    A `tax_id` with its country's letters is a VAT number, and has to have the shape of one.
    """

    address: LetterheadAddressIn = left_out()
    tax_id: Annotated[str, line(TAX_ID_LENGTH), NoCard, Field(examples=["DE123456789"])] | None = (
        left_out()
    )
    registration_number: (
        Annotated[str, line(REGISTRATION_NUMBER_LENGTH), NoCard, Field(examples=["HRB 12345"])]
        | None
    ) = left_out()
    email: Email | None = left_out()
    version: Version | None = None

    def letterhead_changes(self) -> dict[str, str]:
        """The same by the names that the market has for it."""
        sent = self.changes()
        address = sent.pop("address", None)
        texts = {name: value or "" for name, value in sent.items()}
        return texts if address is None else {**texts, **self.address.model_dump()}


class LetterheadAddressOut(AnswerModel):
    """Where a seller is."""

    line1: str
    line2: str
    postal_code: str
    city: str
    region: str


class LetterheadOut(AnswerModel):
    """A seller as its papers name it from now on; `legal_name` and `country` are its shop's. Before
    it said anything, `address` and all that follows are null."""

    seller_id: UUID
    legal_name: str
    country: str
    address: LetterheadAddressOut | None
    tax_id: str | None
    registration_number: str | None
    email: str | None
    version: int | None
    updated_at: datetime | None


def letterhead_document(kept: KeptLetterhead) -> dict[str, Any]:
    """What stands on a seller's papers, as it is answered."""
    said = {} if kept.letterhead is None else asdict(kept.letterhead)
    return {
        "seller_id": kept.seller_id,
        "legal_name": kept.legal_name,
        "country": kept.country,
        "address": {name: said[name] for name in ADDRESS_LENGTHS} if said else None,
        **{name: said.get(name) or None for name in ("tax_id", "registration_number", "email")},
        "version": kept.version,
        "updated_at": kept.updated_at,
    }
