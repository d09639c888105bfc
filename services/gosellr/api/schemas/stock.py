"""Shapes of stock, its journal and its places."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Filters,
    Flag,
    Moment,
    Name,
    PageOut,
    Reason,
    RequestModel,
)

UNITS_MAX = 1_000_000_000


class StockAdjust(RequestModel):
    """Units that came or went, and why."""

    delta: (
        Annotated[int, Field(strict=True, ge=-UNITS_MAX, le=-1)]
        | Annotated[int, Field(strict=True, ge=1, le=UNITS_MAX)]
    ) = Field(examples=[-2])
    reason: Reason
    location_id: UUID | None = None


class PlaceOut(AnswerModel):
    """What lies at one place."""

    location_id: UUID
    name: str
    on_hand: int
    reserved: int
    available: int


class StockOut(AnswerModel):
    """The stock of a variant, altogether and by place."""

    variant_id: UUID
    product_id: UUID
    sku: str
    on_hand: int
    reserved: int
    available: int
    low_stock_at: int
    low_stock: bool
    locations: list[PlaceOut]


class CauseOut(AnswerModel):
    """What moved stock."""

    type: str
    id: UUID | None


class MovementOut(AnswerModel):
    """One line of the journal."""

    id: int
    at: Moment
    location_id: UUID
    kind: Literal["received", "adjusted", "shipped", "returned", "written_off", "moved"]
    delta: int
    reason: str
    cause: CauseOut


class MovementListOut(PageOut[MovementOut]):
    """The journal of a variant, newest first."""


class LocationCreate(RequestModel):
    """A place to keep goods at; operators say for which seller."""

    name: Name
    is_default: Flag = False
    seller_id: UUID | None = None


class LocationFilters(Filters):
    """Whose places."""

    seller_id: UUID | None = None


class LocationOut(AnswerModel):
    """A place where goods are kept."""

    id: UUID
    seller_id: UUID
    name: str
    is_default: bool
    position: int
    created_at: Moment


class LocationListOut(PageOut[LocationOut]):
    """A seller's places, in their order."""
