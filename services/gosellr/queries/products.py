"""Products, their variants, prices and pictures: written set-based, read as a whole."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.utils.catalogue import AttributeRule
from gosellr.utils.lazy_dataclasses import dataclass

RULES_OF_CATEGORY = """coalesce((
    SELECT jsonb_agg(jsonb_build_object(
        'key', rule.key, 'label', rule.label, 'type', rule.type, 'required', rule.required,
        'options', coalesce(rule.options, '[]'), 'unit', rule.unit)
        ORDER BY array_position(category.ancestor_ids, rule.category_id), rule.position, rule.key)
    FROM category_attribute AS rule
    WHERE rule.category_id = ANY(category.ancestor_ids)), '[]')"""

# All that decides about new listings of one seller, in one look. What is asked after by the
# hundred is looked up one by one: of a shop that has just begun to import nobody has counted yet
# how much it has, and its listings would be taken for few enough to be read all.
SELLING_GROUND = f"""
SELECT seller.status AS seller_status,
       (SELECT stock_location.id FROM stock_location
        WHERE stock_location.seller_id = $1 AND is_default) AS location_id,
       (SELECT jsonb_object_agg(category.id, {RULES_OF_CATEGORY}) FROM category
        WHERE category.id = ANY($2::uuid[]) AND category.archived_at IS NULL) AS rules,
       ARRAY(SELECT media.id FROM media
             WHERE media.id = ANY($3::uuid[])
               AND (media.seller_id = $1 OR media.seller_id IS NULL)) AS media_ids,
       ARRAY(SELECT taken.sku FROM unnest($4::text[]) AS asked (sku) CROSS JOIN LATERAL (
                 SELECT variant.sku FROM variant
                 WHERE variant.seller_id = $1 AND variant.sku = asked.sku
                   AND variant.archived_at IS NULL
                 OFFSET 0) AS taken) AS taken_skus,
       ARRAY(SELECT DISTINCT product.item_id FROM product
             WHERE product.item_id = ANY($5::uuid[])) AS item_ids,
       ARRAY(SELECT own.item_id FROM unnest($5::uuid[]) AS asked (id) CROSS JOIN LATERAL (
                 SELECT product.item_id FROM product
                 WHERE product.item_id = asked.id AND product.seller_id = $1
                   AND product.status <> 'archived'
                 OFFSET 0) AS own) AS own_item_ids
FROM seller
WHERE seller.id = $1
"""

# Names the new location, or whichever a rival made first.
ENSURE_LOCATION = """
INSERT INTO stock_location (id, seller_id, name, is_default, created_at)
VALUES ($1, $2, 'Main', true, $3)
ON CONFLICT (seller_id) WHERE is_default DO UPDATE SET is_default = true
RETURNING id
"""

_VARIANT_DRAFT = """jsonb_to_recordset($2::jsonb) AS draft (
        id uuid, product_id uuid, sku text, gtin text, options jsonb, option_key text,
        position int, weight_grams int, dimensions_mm int[], low_stock_at int,
        location_id uuid, stock bigint)"""

_ADD_VARIANTS = f"""
new_variant AS (
    INSERT INTO variant (id, product_id, seller_id, sku, gtin, options, option_key, position,
                         weight_grams, dimensions_mm, low_stock_at, created_at, updated_at)
    SELECT draft.id, owner.id, owner.seller_id, draft.sku, draft.gtin, draft.options,
           draft.option_key, draft.position, draft.weight_grams, draft.dimensions_mm,
           draft.low_stock_at, $4, $4
    FROM {_VARIANT_DRAFT}
    JOIN owner ON owner.id = draft.product_id
    ON CONFLICT (seller_id, sku) WHERE archived_at IS NULL DO NOTHING
    RETURNING id, product_id, sku
),
new_price AS (
    INSERT INTO variant_price (variant_id, currency, amount_minor, compare_at_minor, updated_at)
    SELECT new_variant.id, draft.currency, draft.amount_minor, draft.compare_at_minor, $4
    FROM jsonb_to_recordset($3::jsonb) AS draft (
        variant_id uuid, currency text, amount_minor bigint, compare_at_minor bigint)
    JOIN new_variant ON new_variant.id = draft.variant_id
),
new_level AS (
    INSERT INTO stock_level (variant_id, location_id, on_hand)
    SELECT new_variant.id, draft.location_id, draft.stock
    FROM {_VARIANT_DRAFT}
    JOIN new_variant ON new_variant.id = draft.id
    RETURNING variant_id, location_id, bucket, on_hand
),
new_movement AS (
    INSERT INTO stock_movement (variant_id, location_id, bucket, kind, delta, reason,
                                cause_type, cause_id, actor_id, at)
    SELECT new_level.variant_id, location_id, bucket, 'received', on_hand, 'first delivery',
           'product', new_variant.product_id, $5, $4
    FROM new_level JOIN new_variant ON new_variant.id = new_level.variant_id
    WHERE on_hand > 0
)"""

# A slug that is taken, or that once led somewhere, gets the end of the product's id. `OFFSET 0` has
# each looked up; without it all slugs there are may be read to know those of a few.
INSERT_PRODUCTS = f"""
WITH owner AS (
    INSERT INTO product (id, item_id, seller_id, category_id, title, slug, description,
                         description_html, brand, currency, status, options, attributes,
                         shipping_class, tax_class, source_key, source_hash, created_at,
                         updated_at, published_at)
    SELECT draft.id, draft.item_id, draft.seller_id, draft.category_id, draft.title,
           CASE WHEN EXISTS (SELECT FROM product AS other WHERE other.slug = draft.slug OFFSET 0)
                  OR EXISTS (SELECT FROM product_former_slug AS other
                             WHERE other.slug = draft.slug OFFSET 0)
                THEN draft.slug || '-' || right(draft.id::text, 8) ELSE draft.slug END,
           draft.description, draft.description_html, draft.brand, draft.currency, draft.status,
           draft.options, draft.attributes, draft.shipping_class, draft.tax_class,
           draft.source_key, decode(draft.source_hash, 'hex'), $4, $4,
           CASE WHEN draft.status = 'active' THEN $4::timestamptz END
    FROM jsonb_to_recordset($1::jsonb) AS draft (
        id uuid, item_id uuid, seller_id uuid, category_id uuid, title text, slug text,
        description text, description_html text, brand text, currency text, status text,
        options jsonb, attributes jsonb, shipping_class text, tax_class text,
        source_key text, source_hash text)
    ORDER BY draft.id
    ON CONFLICT DO NOTHING
    RETURNING id, seller_id
),
{_ADD_VARIANTS},
new_media AS (
    INSERT INTO product_media (product_id, media_id, position, alt)
    SELECT owner.id, draft.media_id, draft.position, draft.alt
    FROM jsonb_to_recordset($6::jsonb) AS draft (
        product_id uuid, media_id uuid, position int, alt text)
    JOIN owner ON owner.id = draft.product_id
)
SELECT ARRAY(SELECT id FROM owner) AS product_ids,
       ARRAY(SELECT id FROM new_variant) AS variant_ids
"""

ADD_VARIANTS = f"""
WITH owner AS (SELECT id, seller_id FROM product WHERE id = $1::uuid),
{_ADD_VARIANTS}
SELECT ARRAY(SELECT id FROM new_variant) AS variant_ids
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SellingGround:
    """What is known about a seller before it lists something: `rules` by category, where a
    category that doesn't exist (any more) is missing; `own_item_ids` it lists already."""

    seller_status: str
    location_id: UUID | None
    rules: Mapping[UUID, tuple[AttributeRule, ...]]
    media_ids: frozenset[UUID]
    taken_skus: frozenset[str]
    item_ids: frozenset[UUID]
    own_item_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRows:
    """Listings taken apart into the rows of their tables, each row as plain JSON."""

    products: Sequence[Mapping[str, Any]]
    variants: Sequence[Mapping[str, Any]]
    prices: Sequence[Mapping[str, Any]]
    media: Sequence[Mapping[str, Any]] = ()


def rules_from(documents: Sequence[Mapping[str, Any]]) -> tuple[AttributeRule, ...]:
    """Attribute rules out of their JSON."""
    return tuple(
        AttributeRule(**{**document, "options": tuple(document["options"])})
        for document in documents
    )


async def selling_ground(
    connection: Connection,
    *,
    seller_id: UUID,
    category_ids: Sequence[UUID],
    media_ids: Sequence[UUID],
    skus: Sequence[str],
    item_ids: Sequence[UUID],
) -> SellingGround | None:
    """What decides about new listings, or None where there is no such seller."""
    row = await connection.fetchrow(
        SELLING_GROUND, seller_id, category_ids, media_ids, skus, item_ids
    )
    if row is None:
        return None
    return SellingGround(
        seller_status=row["seller_status"],
        location_id=row["location_id"],
        rules={UUID(key): rules_from(value) for key, value in (row["rules"] or {}).items()},
        media_ids=frozenset(row["media_ids"]),
        taken_skus=frozenset(row["taken_skus"]),
        item_ids=frozenset(row["item_ids"]),
        own_item_ids=frozenset(row["own_item_ids"]),
    )


async def ensure_location(
    connection: Connection, *, location_id: UUID, seller_id: UUID, now: datetime
) -> UUID:
    """The seller's default location, made under this id where there is none."""
    found: UUID = await connection.fetchval(ENSURE_LOCATION, location_id, seller_id, now)
    return found


async def insert_products(
    connection: Connection, rows: ProductRows, *, actor_id: UUID | None, now: datetime
) -> tuple[frozenset[UUID], frozenset[UUID]]:
    """Write listings with their first stock; returns the products and the variants that are in.

    A product is left out whose slug or source was taken in between, a variant whose SKU was.
    """
    row = await connection.fetchrow(
        INSERT_PRODUCTS, rows.products, rows.variants, rows.prices, now, actor_id, rows.media
    )
    assert row is not None  # noqa: S101 - two arrays make one row
    return frozenset(row["product_ids"]), frozenset(row["variant_ids"])


async def add_variants(
    connection: Connection,
    rows: ProductRows,
    *,
    product_id: UUID,
    actor_id: UUID | None,
    now: datetime,
) -> frozenset[UUID]:
    """Write further variants of a product with their first stock; returns those that are in."""
    ids = await connection.fetchval(
        ADD_VARIANTS, product_id, rows.variants, rows.prices, now, actor_id
    )
    return frozenset(ids)
