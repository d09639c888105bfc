"""Changes to a listing: it is locked, read as a whole, decided about, and written back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.products import RULES_OF_CATEGORY, ProductRows, rules_from
from gosellr.utils.catalogue import AttributeRule
from gosellr.utils.lazy_dataclasses import dataclass

# Everything an update or a step of a listing has to know, and the listing locked.
LOCK_PRODUCT = f"""
SELECT product.id, product.seller_id, product.item_id, product.category_id, product.title,
       product.slug, product.description, product.brand, product.currency, product.status,
       product.options, product.attributes, product.shipping_class, product.tax_class,
       product.version, seller.status AS seller_status,
       (SELECT {RULES_OF_CATEGORY} FROM category WHERE category.id = product.category_id) AS rules,
       (SELECT stock_location.id FROM stock_location
        WHERE stock_location.seller_id = product.seller_id AND is_default) AS location_id,
       coalesce((
           SELECT jsonb_agg(jsonb_build_object(
               'id', variant.id, 'sku', variant.sku, 'gtin', variant.gtin,
               'options', variant.options, 'position', variant.position,
               'weight_grams', variant.weight_grams, 'dimensions_mm', variant.dimensions_mm,
               'low_stock_at', variant.low_stock_at,
               'prices', (SELECT jsonb_agg(jsonb_build_object(
                              'currency', currency, 'amount_minor', amount_minor,
                              'compare_at_minor', compare_at_minor) ORDER BY currency)
                          FROM variant_price WHERE variant_price.variant_id = variant.id))
               ORDER BY variant.position, variant.id)
           FROM variant
           WHERE variant.product_id = product.id AND variant.archived_at IS NULL), '[]')
           AS variants
FROM product JOIN seller ON seller.id = product.seller_id
WHERE product.id = $1 AND ($2::boolean OR product.seller_id = ANY($3::uuid[]))
FOR NO KEY UPDATE OF product
"""

UPDATE_PRODUCT = """
WITH former AS (
    INSERT INTO product_former_slug (slug, product_id)
    SELECT product.slug, product.id FROM product WHERE product.id = $1 AND product.slug <> $4
    ON CONFLICT (slug) DO UPDATE SET product_id = excluded.product_id
)
UPDATE product
SET category_id = $2, title = $3, slug = $4, description = $5, description_html = $6,
    brand = $7, status = $8, options = $9, attributes = $10, shipping_class = $11,
    tax_class = $12, version = version + 1, updated_at = $13,
    published_at = CASE WHEN $8 = 'active' THEN coalesce(published_at, $13::timestamptz)
                        ELSE published_at END
WHERE id = $1
"""

SLUG_TAKEN = """
SELECT EXISTS (SELECT FROM product WHERE slug = $1 AND id <> $2)
    OR EXISTS (SELECT FROM product_former_slug WHERE slug = $1 AND product_id <> $2)
"""

# Prices are the variant's whole list: what isn't in it any more is gone.
UPDATE_VARIANTS = """
WITH draft AS (
    SELECT * FROM jsonb_to_recordset($2::jsonb) AS draft (
        id uuid, sku text, gtin text, options jsonb, option_key text, position int,
        weight_grams int, dimensions_mm int[], low_stock_at int, archived boolean)
),
changed AS (
    UPDATE variant
    SET sku = draft.sku, gtin = draft.gtin, options = draft.options,
        option_key = draft.option_key, position = draft.position,
        weight_grams = draft.weight_grams, dimensions_mm = draft.dimensions_mm,
        low_stock_at = draft.low_stock_at, updated_at = $4,
        archived_at = CASE WHEN draft.archived THEN $4::timestamptz END
    FROM draft
    WHERE variant.id = draft.id AND variant.product_id = $1
    RETURNING variant.id
),
price AS (
    SELECT draft.* FROM jsonb_to_recordset($3::jsonb) AS draft (
        variant_id uuid, currency text, amount_minor bigint, compare_at_minor bigint)
),
gone AS (
    DELETE FROM variant_price
    USING changed
    WHERE variant_price.variant_id = changed.id
      AND NOT EXISTS (SELECT FROM price WHERE price.variant_id = variant_price.variant_id
                                          AND price.currency = variant_price.currency)
),
written AS (
    INSERT INTO variant_price (variant_id, currency, amount_minor, compare_at_minor, updated_at)
    SELECT price.variant_id, price.currency, price.amount_minor, price.compare_at_minor, $4
    FROM price JOIN changed ON changed.id = price.variant_id
    ON CONFLICT (variant_id, currency) DO UPDATE
    SET amount_minor = excluded.amount_minor, compare_at_minor = excluded.compare_at_minor,
        updated_at = excluded.updated_at
    WHERE (variant_price.amount_minor, variant_price.compare_at_minor)
        IS DISTINCT FROM (excluded.amount_minor, excluded.compare_at_minor)
)
SELECT count(*) FROM changed
"""

REPLACE_MEDIA = """
WITH draft AS (
    SELECT * FROM jsonb_to_recordset($2::jsonb) AS draft (media_id uuid, position int, alt text)
),
gone AS (
    DELETE FROM product_media
    WHERE product_id = $1 AND media_id NOT IN (SELECT media_id FROM draft)
)
INSERT INTO product_media (product_id, media_id, position, alt)
SELECT $1, media_id, position, alt FROM draft
ON CONFLICT (product_id, media_id) DO UPDATE
SET position = excluded.position, alt = excluded.alt
"""

# The reason belongs to the step: the next one leaves it behind.
SET_STATUS = """
WITH stepped AS (
    UPDATE product
    SET status = $2, status_reason = $3, version = version + 1, updated_at = $4,
        published_at = CASE WHEN $2 = 'active' THEN coalesce(published_at, $4::timestamptz)
                            ELSE published_at END,
        archived_at = CASE WHEN $2 = 'archived' THEN $4::timestamptz END
    WHERE id = $1
    RETURNING id, status
)
UPDATE variant SET archived_at = $4, updated_at = $4
FROM stepped
WHERE stepped.status = 'archived' AND variant.product_id = stepped.id
  AND variant.archived_at IS NULL
"""


UPDATED_FIELDS = (
    "category_id", "title", "slug", "description", "description_html", "brand", "status",
    "options", "attributes", "shipping_class", "tax_class",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductState:
    """A listing as it stands, locked. `variants` are the live ones, as in `LOCK_PRODUCT`."""

    id: UUID
    seller_id: UUID
    item_id: UUID
    category_id: UUID
    title: str
    slug: str
    description: str
    brand: str | None
    currency: str
    status: str
    options: list[dict[str, Any]]
    attributes: dict[str, Any]
    shipping_class: str
    tax_class: str
    version: int
    seller_status: str
    location_id: UUID | None
    rules: tuple[AttributeRule, ...]
    variants: list[dict[str, Any]]


async def lock_product(
    connection: Connection, *, product_id: UUID, everything: bool, seller_ids: Sequence[UUID]
) -> ProductState | None:
    """The listing as it stands, if it is of one of these sellers, locked until the commit."""
    row = await connection.fetchrow(LOCK_PRODUCT, product_id, everything, seller_ids)
    if row is None:
        return None
    return ProductState(**{**dict(row), "rules": rules_from(row["rules"])})


async def slug_taken(connection: Connection, *, slug: str, product_id: UUID) -> bool:
    """Whether a slug leads, or once led, to another product."""
    taken: bool = await connection.fetchval(SLUG_TAKEN, slug, product_id)
    return taken


async def update_variants(
    connection: Connection, rows: ProductRows, *, product_id: UUID, now: datetime
) -> int:
    """Write variants anew with their whole price lists; returns how many there were."""
    count: int = await connection.fetchval(
        UPDATE_VARIANTS, product_id, rows.variants, rows.prices, now
    )
    return count


async def replace_media(
    connection: Connection, *, product_id: UUID, media: Sequence[Mapping[str, Any]]
) -> None:
    """Let a listing have these pictures, in this order, and no others."""
    await connection.execute(REPLACE_MEDIA, product_id, media)


async def set_status(
    connection: Connection, *, product_id: UUID, status: str, reason: str | None, now: datetime
) -> None:
    """Write a step of a listing's life; an archived one takes its variants along."""
    await connection.execute(SET_STATUS, product_id, status, reason, now)


async def update_product(
    connection: Connection,
    *,
    product_id: UUID,
    fields: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write a listing's own fields; `fields` has every column that `UPDATE_PRODUCT` names."""
    await connection.execute(
        UPDATE_PRODUCT, product_id, *(fields[name] for name in UPDATED_FIELDS), now
    )
