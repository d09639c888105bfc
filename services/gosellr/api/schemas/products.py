"""Shapes of products: a seller's listing, its variants, and the cards of lists."""

from typing import Annotated, Any, Literal, cast
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from gosellr.api.schemas.common import (
    AmountMinor,
    Currency,
    Flag,
    LongText,
    MoneyIn,
    Name,
    OptionalShortText,
    PageFilters,
    Reason,
    RequestModel,
    ShortText,
    Version,
    line,
)
from gosellr.api.schemas.product_answers import ProductStatus
from gosellr.services.product_edit_service import ProductChanges
from gosellr.services.product_list_service import Sort
from gosellr.services.variant_changes import VariantChanges
from gosellr.utils.catalogue import MediaUse, OptionAxis, Price, ProductDraft, VariantDraft

UNITS_MAX = 1_000_000_000

Title = Annotated[str, line(200), Field(examples=["Linen shirt"])]
Sku = Annotated[str, line(64), Field(examples=["SHIRT-S"])]
Gtin = Annotated[str, Field(pattern=r"^[0-9]{8}([0-9]{4,6})?$", examples=["4006381333931"])]
OptionName = Annotated[str, line(40), Field(examples=["Size"])]
OptionValue = Annotated[str, line(80), Field(examples=["S"])]
Options = Annotated[dict[OptionName, OptionValue], Field(max_length=5)]
Units = Annotated[int, Field(strict=True, ge=0, le=UNITS_MAX)]
Millimetres = Annotated[int, Field(strict=True, ge=1, le=100_000)]
Dimensions = Annotated[
    tuple[Millimetres, Millimetres, Millimetres],
    Field(description="Length, width and height"),
]
Grams = Annotated[int, Field(strict=True, ge=0, le=100_000_000)]
ShelfClass = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$", examples=["standard"])]
AttributeKey = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
AttributeNumber = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e15, le=1e15)]
AttributeWhole = Annotated[int, Field(strict=True, ge=-(10**15), le=10**15)]
AttributeIn = Annotated[
    Flag | AttributeWhole | AttributeNumber | ShortText, Field(union_mode="left_to_right")
]
Attributes = Annotated[dict[AttributeKey, AttributeIn | None], Field(max_length=100)]
Slug = Annotated[str, line(80), Field(examples=["linen-shirt"])]


class OptionIn(RequestModel):
    """A choice and its values in their order."""

    name: OptionName
    values: Annotated[list[OptionValue], Field(min_length=1, max_length=100)]

    def axis(self) -> OptionAxis:
        """The same, as the business knows it."""
        return OptionAxis(self.name, tuple(self.values))


class PriceIn(RequestModel):
    """A price in one currency."""

    amount: AmountMinor
    currency: Currency
    compare_at_amount: AmountMinor | None = None

    def price(self) -> Price:
        """The same, as the business knows it."""
        return Price(
            currency=self.currency,
            amount_minor=self.amount,
            compare_at_minor=self.compare_at_amount,
        )


Prices = Annotated[list[PriceIn], Field(min_length=1, max_length=50)]


class MediaUseIn(RequestModel):
    """A picture that was uploaded before, and the words for those who can't see it."""

    id: UUID
    alt: OptionalShortText = ""

    def use(self) -> MediaUse:
        """The same, as the business knows it."""
        return MediaUse(self.id, self.alt)


Media = Annotated[list[MediaUseIn], Field(max_length=50)]


class VariantIn(RequestModel):
    """What is bought. `price` is the main one, `prices` are those in further currencies."""

    sku: Sku
    price: MoneyIn
    stock: Units
    prices: Annotated[list[PriceIn], Field(max_length=50)] = Field(default_factory=list)
    compare_at_price: MoneyIn | None = None
    options: Options = Field(default_factory=dict)
    gtin: Gtin | None = None
    weight_grams: Grams = 0
    dimensions_mm: Dimensions | None = None
    low_stock_at: Units = 3

    @model_validator(mode="after")
    def _one_currency(self) -> "VariantIn":
        _check_compare_at(self.price, self.compare_at_price)
        return self

    def draft(self) -> VariantDraft:
        """The same, as the business knows it."""
        main = _price(self.price, self.compare_at_price)
        further = tuple(price.price() for price in self.prices if price.currency != main.currency)
        return VariantDraft(
            sku=self.sku,
            prices=(main, *further),
            stock=self.stock,
            options=self.options,
            gtin=self.gtin,
            weight_grams=self.weight_grams,
            dimensions_mm=self.dimensions_mm,
            low_stock_at=self.low_stock_at,
        )


class ProductCreate(RequestModel):
    """A listing to be. Operators say for which seller; `item_id` joins equal listings."""

    title: Title
    category_id: UUID
    variants: Annotated[list[VariantIn], Field(min_length=1, max_length=250)]
    description: LongText = ""
    brand: Name | None = None
    options: Annotated[list[OptionIn], Field(max_length=5)] = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=dict)
    media: Media = Field(default_factory=list)
    status: Literal["draft", "active"] = "draft"
    slug: Slug | None = None
    item_id: UUID | None = None
    seller_id: UUID | None = None
    shipping_class: ShelfClass = "standard"
    tax_class: ShelfClass = "standard"

    def draft(self) -> ProductDraft:
        """The same, as the business knows it."""
        return ProductDraft(
            title=self.title,
            category_id=self.category_id,
            variants=tuple(variant.draft() for variant in self.variants),
            description=self.description,
            brand=self.brand,
            options=tuple(option.axis() for option in self.options),
            attributes=self.attributes,
            media=tuple(use.use() for use in self.media),
            active=self.status == "active",
            slug=self.slug,
            item_id=self.item_id,
            shipping_class=self.shipping_class,
            tax_class=self.tax_class,
        )


class VariantUpdate(RequestModel):
    """A change to the variant with this id or SKU, or a new one where the SKU is unknown.

    `price` leaves other currencies alone, `prices` is the whole list. `stock` is what is on hand
    from now on.
    """

    id: UUID = Field(default=UUID(int=0))
    sku: Sku = ""
    price: MoneyIn = Field(default_factory=lambda: MoneyIn(amount=0, currency="EUR"))
    prices: Prices = Field(default_factory=list)
    compare_at_price: MoneyIn | None = None
    stock: Units = 0
    options: Options = Field(default_factory=dict)
    gtin: Gtin | None = None
    weight_grams: Grams = 0
    dimensions_mm: Dimensions | None = None
    low_stock_at: Units = 3
    archived: Flag = False

    @model_validator(mode="after")
    def _says_enough(self) -> "VariantUpdate":
        given = self.model_fields_set
        if not given & {"id", "sku"}:
            raise ValueError("a variant is named by its id or its sku")
        if "compare_at_price" in given and self.compare_at_price and "price" not in given:
            raise ValueError("compare_at_price comes with a price")
        if "price" in given:
            _check_compare_at(self.price, self.compare_at_price)
        return self

    def merged(self) -> VariantChanges:
        """The same, as the business knows it."""
        changes: dict[str, Any] = self.changes()
        changes.pop("compare_at_price", None)
        if "price" in changes:
            changes["price"] = _price(self.price, self.compare_at_price)
        if "prices" in changes:
            changes["prices"] = tuple(price.price() for price in self.prices)
        return cast("VariantChanges", changes)


class ProductUpdate(RequestModel):
    """A change to a listing: what is left out stays, what is given is the whole new value.

    `variants` are merged one by one. `status` asks for being on sale or for not being it.
    """

    title: Title = ""
    slug: Slug = ""
    description: LongText = ""
    brand: Name | None = None
    category_id: UUID = Field(default=UUID(int=0))
    options: Annotated[list[OptionIn], Field(max_length=5)] = Field(default_factory=list)
    attributes: Attributes = Field(default_factory=dict)
    media: Media = Field(default_factory=list)
    status: Literal["draft", "active"] = "draft"
    shipping_class: ShelfClass = "standard"
    tax_class: ShelfClass = "standard"
    variants: Annotated[list[VariantUpdate], Field(max_length=250)] = Field(default_factory=list)
    version: Version | None = None

    def merged(self) -> ProductChanges:
        """The same, as the business knows it."""
        changes: dict[str, Any] = self.changes()
        if "options" in changes:
            changes["options"] = tuple(option.axis() for option in self.options)
        if "media" in changes:
            changes["media"] = tuple(use.use() for use in self.media)
        if "variants" in changes:
            changes["variants"] = tuple(variant.merged() for variant in self.variants)
        if "status" in changes:
            changes["active"] = changes.pop("status") == "active"
        return cast("ProductChanges", changes)


class ProductDecision(RequestModel):
    """Why a listing is turned down."""

    reason: Reason


def _is_word(text: object) -> bool:
    return isinstance(text, str) and len(text) <= 500 and text.isprintable()


def _check_compare_at(price: MoneyIn, compare_at: MoneyIn | None) -> None:
    if compare_at and compare_at.currency != price.currency:
        raise ValueError("compare_at_price is in the currency of price")


def _price(price: MoneyIn, compare_at: MoneyIn | None) -> Price:
    return Price(
        currency=price.currency,
        amount_minor=price.amount,
        compare_at_minor=compare_at.amount if compare_at else None,
    )


class ProductFilters(PageFilters):
    """Filters of product lists; `attributes[material]=linen` narrows by attribute or option.

    `category` and `seller` are ids, paths or slugs; prices are minor units. `status` lists one's
    own products instead of what is on sale.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    q: Annotated[str, Field(max_length=200)] | None = None
    category: Annotated[str, line(500)] | None = None
    seller: Annotated[str, line(100)] | None = None
    brand: Name | None = None
    currency: Currency | None = None
    min_price: Annotated[int, Field(ge=0, le=10**15)] | None = None
    max_price: Annotated[int, Field(ge=0, le=10**15)] | None = None
    in_stock: bool | None = None
    rating_min: Annotated[int, Field(ge=1, le=5)] | None = None
    status: ProductStatus | Literal["all"] | None = None
    sort: Sort | None = None

    @model_validator(mode="after")
    def _only_attributes_besides(self) -> "ProductFilters":
        for key, value in (self.model_extra or {}).items():
            if not (key.startswith("attributes[") and key.endswith("]") and 12 < len(key) <= 60):
                raise ValueError(f"unknown parameter {key[:60]}")
            words = value if isinstance(value, list) else [value]
            if len(words) > 50 or not all(_is_word(word) for word in (key, *words)):
                raise ValueError("an attribute has at most 50 values of 500 printable letters")
        if len(self.model_extra or {}) > 20:
            raise ValueError("at most 20 attributes")
        return self

    @property
    def attributes(self) -> dict[str, list[str]]:
        """Wanted values by attribute."""
        return {
            key.removeprefix("attributes[").removesuffix("]"): (
                value if isinstance(value, list) else [value]
            )
            for key, value in (self.model_extra or {}).items()
        }
