"""Shapes of sellers and their people."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Country,
    Email,
    LongText,
    Name,
    NoCard,
    PageFilters,
    PageOut,
    Reason,
    RequestModel,
    Version,
    left_out,
    line,
)
from gosellr.utils.permissions import MemberRole
from gosellr.utils.states import SellerStatus

Words = Annotated[LongText, NoCard]


class SellerRegister(RequestModel):
    """An application to sell."""

    name: Name
    legal_name: Name
    email: Email
    country: Country
    description: Words = ""


class SellerPolicies(RequestModel):
    """What a seller promises, in its own words. Policies left out stay."""

    returns: Words = left_out()
    shipping: Words = left_out()
    terms: Words = left_out()


class SellerUpdate(RequestModel):
    """Changes to a seller. Fields left out stay."""

    name: Name = left_out()
    legal_name: Name = left_out()
    email: Email = left_out()
    country: Country = left_out()
    description: Words = left_out()
    policies: SellerPolicies = left_out()
    logo_media_id: UUID | None = left_out()
    version: Version | None = None


class SellerDecision(RequestModel):
    """Why; a seller that is rejected or suspended has to be told."""

    reason: Reason | None = None


class SellerFilters(PageFilters):
    """Which sellers to list; those not on sale are for operators and support."""

    q: Annotated[str, line(100, min_length=0)] | None = None
    status: SellerStatus | None = None


class MemberAdd(RequestModel):
    """Somebody with an account, and what they may do."""

    email: Email
    role: MemberRole


class MemberChange(RequestModel):
    """What a member may do from now on."""

    role: MemberRole


class LogoOut(AnswerModel):
    """A seller's picture."""

    id: UUID
    url: str
    alt: str
    width: int
    height: int
    srcset: str


class RatingOut(AnswerModel):
    """What buyers think: an average from 1 to 5 with two decimals, 0 without a review."""

    average: float
    count: int


class PoliciesOut(AnswerModel):
    """What a seller promises."""

    returns: str | None = None
    shipping: str | None = None
    terms: str | None = None


class SellerOut(AnswerModel):
    """A seller. `email` and `status_reason` are null except to itself, support and operators."""

    id: UUID
    name: str
    slug: str
    status: SellerStatus
    status_reason: str | None
    legal_name: str
    email: str | None
    country: str
    description: str
    logo: LogoOut | None
    rating: RatingOut
    policies: PoliciesOut
    created_at: datetime
    approved_at: datetime | None
    version: int


class SellerListOut(PageOut[SellerOut]):
    """Sellers, newest first."""


class MemberOut(AnswerModel):
    """Somebody who acts for a seller."""

    user_id: UUID
    name: str
    email: str
    role: MemberRole
    created_at: datetime


class MemberListOut(AnswerModel):
    """Everybody who acts for a seller; there are 100 at most."""

    items: list[MemberOut]
    next_cursor: Literal[None] = Field(default=None)
