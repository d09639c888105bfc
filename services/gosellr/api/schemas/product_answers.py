"""Shapes of products as they are answered: the whole listing, and the cards of lists."""

from typing import Literal
from uuid import UUID

from gosellr.api.schemas.common import AnswerModel, Moment, MoneyOut, PageOut, SellerReference
from gosellr.api.schemas.media import MediaOut

ProductStatus = Literal["draft", "pending_review", "active", "rejected", "archived"]


class CategoryReference(AnswerModel):
    """A category, as far as a product names it."""

    id: UUID
    name: str
    path: str


class RatingOut(AnswerModel):
    """The mean of all ratings from 1 to 5; zero where there are none."""

    average: float
    count: int


class OptionOut(AnswerModel):
    """A choice and its values."""

    name: str
    values: list[str]


class PriceOut(AnswerModel):
    """A price in one currency."""

    amount: int
    currency: str
    compare_at_amount: int | None


class VariantOut(AnswerModel):
    """What is bought; `available` is live."""

    id: UUID
    sku: str
    gtin: str | None
    options: dict[str, str]
    price: MoneyOut
    prices: list[PriceOut]
    compare_at_price: MoneyOut | None
    weight_grams: int
    dimensions_mm: list[int] | None
    available: int
    low_stock: bool


class OfferOut(AnswerModel):
    """An equal listing, of this or another seller."""

    product_id: UUID
    slug: str
    seller: SellerReference
    price: MoneyOut
    in_stock: bool
    rating: RatingOut


class ProductOut(AnswerModel):
    """A listing with everything a buyer asks of it."""

    id: UUID
    item_id: UUID
    seller: SellerReference
    title: str
    slug: str
    description: str
    description_html: str
    brand: str | None
    category: CategoryReference
    breadcrumb: list[CategoryReference]
    status: ProductStatus
    status_reason: str | None
    currency: str
    options: list[OptionOut]
    variants: list[VariantOut]
    media: list[MediaOut]
    attributes: dict[str, bool | int | float | str]
    rating: RatingOut
    offers: list[OfferOut]
    shipping_class: str
    tax_class: str
    version: int
    created_at: Moment
    updated_at: Moment


class ProductCardOut(AnswerModel):
    """A listing in a list; `variant_id` is there when nothing has to be chosen."""

    id: UUID
    item_id: UUID
    seller: SellerReference
    title: str
    slug: str
    brand: str | None
    category: CategoryReference
    status: ProductStatus
    price: MoneyOut
    price_is_from: bool
    compare_at_price: MoneyOut | None
    media: MediaOut | None
    rating: RatingOut
    in_stock: bool
    availability: Literal["in_stock", "low_stock", "sold_out"]
    variants: int
    variant_id: UUID | None
    created_at: Moment


class ProductListOut(PageOut[ProductCardOut]):
    """Products as cards."""
