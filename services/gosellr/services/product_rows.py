"""Listings taken apart into the rows of their tables: clean words in, plain JSON out."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any
from uuid import UUID

from gosellr.core.rich_text import clean_source, to_html
from gosellr.queries.products import ProductRows
from gosellr.utils.catalogue import (
    MediaUse,
    OptionAxis,
    Price,
    ProductDraft,
    VariantDraft,
    axes_of,
    one_line,
    option_key,
)
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.slugs import slugify

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class CreatedProduct:
    """A new listing and its variants, in the order of the draft."""

    id: UUID
    item_id: UUID
    status: str
    variant_ids: tuple[UUID, ...]


def rows_of(
    drafts: Sequence[ProductDraft],
    created: Sequence[CreatedProduct],
    *,
    seller_id: UUID,
    location_id: UUID,
) -> ProductRows:
    """The rows of new listings, whose first stock lies at one place."""
    products: list[Row] = []
    variants: list[Row] = []
    prices: list[Row] = []
    media: list[Row] = []
    slugs: set[str] = set()
    for draft, product in zip(drafts, created, strict=True):
        row = _product_row(draft, product, seller_id=seller_id)
        if row["slug"] in slugs:
            row["slug"] = _own_slug(row)
        slugs.add(row["slug"])
        products.append(row)
        for position, (variant, variant_id) in enumerate(
            zip(draft.variants, product.variant_ids, strict=True)
        ):
            variants.append(
                variant_row(variant, variant_id=variant_id, position=position)
                | {"product_id": product.id, "location_id": location_id, "stock": variant.stock}
            )
            prices += price_rows(variant.prices, variant_id=variant_id)
        media += [{**row, "product_id": product.id} for row in media_rows(draft.media)]
    return ProductRows(products=products, variants=variants, prices=prices, media=media)


def with_own_slugs(rows: ProductRows, product_ids: Set[UUID]) -> ProductRows:
    """The rows of these products only, with slugs that nobody else can have."""
    variants = [row for row in rows.variants if row["product_id"] in product_ids]
    variant_ids = {row["id"] for row in variants}
    return ProductRows(
        products=[
            {**row, "slug": _own_slug(row)} for row in rows.products if row["id"] in product_ids
        ],
        variants=variants,
        prices=[row for row in rows.prices if row["variant_id"] in variant_ids],
        media=[row for row in rows.media if row["product_id"] in product_ids],
    )


def variant_row(variant: VariantDraft, *, variant_id: UUID, position: int) -> Row:
    """The row of a variant, without the product it belongs to."""
    return {
        "id": variant_id,
        "sku": variant.sku,
        "gtin": variant.gtin,
        "options": dict(variant.options),
        "option_key": option_key(variant.options),
        "position": position,
        "weight_grams": variant.weight_grams,
        "dimensions_mm": variant.dimensions_mm,
        "low_stock_at": variant.low_stock_at,
    }


def price_rows(prices: Iterable[Price], *, variant_id: UUID) -> list[Row]:
    """The rows of a variant's price list."""
    return [
        {
            "variant_id": variant_id,
            "currency": price.currency,
            "amount_minor": price.amount_minor,
            "compare_at_minor": price.compare_at_minor,
        }
        for price in prices
    ]


def media_rows(media: Iterable[MediaUse]) -> list[Row]:
    """The rows of a listing's pictures, without the listing."""
    return [
        {"media_id": use.media_id, "position": position, "alt": one_line(use.alt)}
        for position, use in enumerate(media)
    ]


def option_rows(axes: Iterable[OptionAxis]) -> list[Row]:
    """Option axes as they are kept and answered."""
    return [{"name": axis.name, "values": list(axis.values)} for axis in axes]


def words_of(*, title: str, description: str, brand: str | None) -> Row:
    """The words of a listing as they are kept."""
    source = clean_source(description)
    return {
        "title": one_line(title),
        "description": source,
        "description_html": to_html(source),
        "brand": one_line(brand or "") or None,
    }


def _product_row(draft: ProductDraft, product: CreatedProduct, *, seller_id: UUID) -> Row:
    return {
        "id": product.id,
        "item_id": product.item_id,
        "seller_id": seller_id,
        "category_id": draft.category_id,
        "slug": slugify(draft.slug or draft.title, fallback=f"product {str(product.id)[-8:]}"),
        **words_of(title=draft.title, description=draft.description, brand=draft.brand),
        "currency": draft.currency,
        "status": product.status,
        "options": option_rows(draft.options or axes_of(draft.variants)),
        "attributes": {key: value for key, value in draft.attributes.items() if value is not None},
        "shipping_class": draft.shipping_class,
        "tax_class": draft.tax_class,
        "source_key": draft.source_key,
        "source_hash": draft.source_hash.hex() if draft.source_hash else None,
    }


def _own_slug(row: Mapping[str, Any]) -> str:
    return f"{row['slug']}-{str(row['id'])[-8:]}"
