"""Shapes of categories and of what they ask of products."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import (
    AnswerModel,
    Flag,
    LongText,
    Name,
    OptionalShortText,
    PageFilters,
    PageOut,
    RequestModel,
    ShortText,
    Version,
    line,
)
from gosellr.utils.catalogue import AttributeRule

Slug = Annotated[str, line(80), Field(examples=["table-lamps"])]
Position = Annotated[int, Field(strict=True, ge=0, le=1_000_000)]
AttributeType = Literal["text", "number", "boolean", "enum"]


class AttributeIn(RequestModel):
    """What a category asks of its products and of those below it."""

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$", examples=["material"])]
    label: Name
    type: AttributeType
    required: Flag = False
    options: Annotated[list[ShortText], Field(max_length=200)] = Field(default_factory=list)
    unit: Annotated[str, line(20)] | None = None

    def rule(self) -> AttributeRule:
        """The same, as the business knows it."""
        return AttributeRule(
            key=self.key,
            label=self.label,
            type=self.type,
            required=self.required,
            options=tuple(dict.fromkeys(self.options)),
            unit=self.unit,
        )


Attributes = Annotated[list[AttributeIn], Field(max_length=100)]


class CategoryCreate(RequestModel):
    """A new category; without a parent it stands at the root."""

    name: Name
    parent_id: UUID | None = None
    slug: Slug | None = None
    description: LongText = ""
    picture: OptionalShortText | None = None
    position: Position = 0
    attributes: Attributes = Field(default_factory=list)


class CategoryUpdate(RequestModel):
    """A change to a category: what is left out stays, `attributes` are all of its own."""

    name: Name = Field(default="")
    parent_id: UUID | None = None
    slug: Slug = Field(default="")
    description: LongText = ""
    picture: OptionalShortText | None = None
    position: Position = 0
    attributes: Attributes = Field(default_factory=list)
    version: Version | None = None


class CategoryFilters(PageFilters):
    """Which categories to list."""

    parent_id: UUID | None = None


class CategoryDelete(RequestModel):
    """Where children and products of a category go."""

    move_to: UUID | None = None


class AttributeOut(AnswerModel):
    """A rule of a category, its own or one from above."""

    key: str
    label: str
    type: AttributeType
    required: bool
    options: list[str]
    unit: str | None
    inherited_from: UUID | None


class CategoryOut(AnswerModel):
    """A category; `product_count` is of what is on sale in it and below."""

    id: UUID
    parent_id: UUID | None
    name: str
    slug: str
    path: str
    description: str
    picture: str | None
    position: int
    product_count: int
    attributes: list[AttributeOut]
    version: int


class CategoryListOut(PageOut[CategoryOut]):
    """Categories by path."""
