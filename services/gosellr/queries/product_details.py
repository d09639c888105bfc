"""One listing with everything a buyer asks of it, built by the database in one statement."""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.product_cards import AVAILABLE, instant, money, picture, rating

_VARIANTS = f"""coalesce((
    SELECT json_agg(json_build_object(
        'id', variant.id,
        'sku', variant.sku,
        'gtin', variant.gtin,
        'options', variant.options,
        'price', {money("price.amount_minor", "price.currency")},
        'prices', (
            SELECT json_agg(json_build_object(
                'amount', listed.amount_minor, 'currency', listed.currency,
                'compare_at_amount', listed.compare_at_minor)
                ORDER BY listed.currency <> product.currency, listed.currency)
            FROM variant_price AS listed WHERE listed.variant_id = variant.id),
        'compare_at_price', {money("price.compare_at_minor", "price.currency")},
        'weight_grams', variant.weight_grams,
        'dimensions_mm', variant.dimensions_mm,
        'available', variant.available,
        'low_stock', variant.available > 0 AND variant.available <= variant.low_stock_at)
        ORDER BY variant.position, variant.id)
    FROM (SELECT variant.*, {AVAILABLE} AS available FROM variant
          WHERE variant.product_id = product.id AND variant.archived_at IS NULL) AS variant
    JOIN variant_price AS price ON price.variant_id = variant.id
                               AND price.currency = product.currency), '[]')"""

_MEDIA = f"""coalesce((
    SELECT json_agg({picture("media", "product_media.alt")} ORDER BY product_media.position)
    FROM product_media JOIN media ON media.id = product_media.media_id
    WHERE product_media.product_id = product.id), '[]')"""

# Only where there is a choice between sellers; the cheapest that can be had comes first.
_OFFERS = """(
    SELECT CASE WHEN count(*) > 1 THEN json_agg(json_build_object(
        'product_id', listing.id,
        'slug', listing.slug,
        'seller', offer.card::json -> 'seller',
        'price', offer.card::json -> 'price',
        'in_stock', offer.in_stock,
        'rating', offer.card::json -> 'rating')
        ORDER BY offer.in_stock DESC, offer.currency <> product.currency, offer.price_minor,
                 listing.id) ELSE '[]' END
    FROM product AS listing
    JOIN product_card AS offer ON offer.product_id = listing.id AND offer.visible
    WHERE listing.item_id = product.item_id)"""

_DOCUMENT = f"""convert_to(json_build_object(
    'id', product.id,
    'item_id', product.item_id,
    'seller', json_build_object('id', seller.id, 'name', seller.name, 'slug', seller.slug),
    'title', product.title,
    'slug', product.slug,
    'description', product.description,
    'description_html', product.description_html,
    'brand', product.brand,
    'category', json_build_object(
        'id', category.id, 'name', category.name, 'path', category.path),
    'breadcrumb', (
        SELECT json_agg(json_build_object(
            'id', ancestor.id, 'name', ancestor.name, 'path', ancestor.path)
            ORDER BY array_position(category.ancestor_ids, ancestor.id))
        FROM category AS ancestor WHERE ancestor.id = ANY(category.ancestor_ids)),
    'status', product.status,
    'status_reason', product.status_reason,
    'currency', product.currency,
    'options', product.options,
    'variants', {_VARIANTS},
    'media', {_MEDIA},
    'attributes', product.attributes,
    'rating', {rating("product")},
    'offers', {_OFFERS},
    'shipping_class', product.shipping_class,
    'tax_class', product.tax_class,
    'version', product.version,
    'created_at', {instant("product.created_at")},
    'updated_at', {instant("product.updated_at")})::text, 'UTF8')"""

_FROM = """
FROM product
JOIN seller ON seller.id = product.seller_id
JOIN category ON category.id = product.category_id
"""

# On sale, or one's own and not archived: what a listing was is nobody's business any more.
_IN_SIGHT = """(product.status = 'active' AND seller.status = 'active'
    OR product.status <> 'archived' AND ($2::boolean OR product.seller_id = ANY($3::uuid[])))"""

PRODUCT_DOCUMENT = f"SELECT {_DOCUMENT} {_FROM} WHERE product.id = $1 AND {_IN_SIGHT}"

PRODUCT_BY_SLUG = f"""
SELECT product.slug, {_DOCUMENT} AS document
{_FROM}
WHERE product.id = coalesce(
    (SELECT named.id FROM product AS named WHERE named.slug = $1),
    (SELECT former.product_id FROM product_former_slug AS former WHERE former.slug = $1))
  AND {_IN_SIGHT}
"""


async def product_document(
    connection: Connection, *, product_id: UUID, everything: bool, seller_ids: Sequence[UUID]
) -> bytes | None:
    """A listing as finished JSON, if it is on sale or of one of these sellers."""
    document: bytes | None = await connection.fetchval(
        PRODUCT_DOCUMENT, product_id, everything, seller_ids
    )
    return document


async def product_by_slug(
    connection: Connection, *, slug: str, everything: bool, seller_ids: Sequence[UUID]
) -> bytes | str | None:
    """A listing by its slug as finished JSON, or its slug of now where this is a former one."""
    row = await connection.fetchrow(PRODUCT_BY_SLUG, slug, everything, seller_ids)
    if row is None:
        return None
    found: bytes | str = row["document"] if row["slug"] == slug else row["slug"]
    return found
