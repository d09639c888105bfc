"""An import asks after what is in its file, however much its shop has and nobody has counted."""

from gosellr.core.db import Connection
from gosellr.queries.imports import KNOWN_PRODUCTS
from gosellr.queries.products import SELLING_GROUND
from tests.factories.plans import rows_read
from tests.factories.sales import make_shop

LISTED, ASKED = 3_000, 200

COPY_LISTINGS = f"""
WITH copied AS (
    SELECT number, gen_random_uuid() AS id FROM generate_series(1, {LISTED}) AS number
), listed AS (
    INSERT INTO product
    SELECT (jsonb_populate_record(product, jsonb_build_object(
        'id', copied.id, 'item_id', copied.id, 'slug', 'copy-' || number,
        'source_key', 'copy-' || number))).*
    FROM copied CROSS JOIN product WHERE product.id = $1
)
INSERT INTO variant
SELECT (jsonb_populate_record(variant, jsonb_build_object(
    'id', gen_random_uuid(), 'product_id', copied.id, 'sku', 'COPY-' || number))).*
FROM copied CROSS JOIN variant WHERE variant.product_id = $1
"""


async def test_only_what_is_asked_after_is_read(connection: Connection) -> None:
    shop = await make_shop(connection)
    product_id = await connection.fetchval("SELECT product_id FROM variant LIMIT 1")
    await connection.execute(COPY_LISTINGS, product_id)
    keys = [f"copy-{number}" for number in range(LISTED - 1, LISTED + ASKED - 1)]
    skus = [key.upper() for key in keys]
    found = await connection.fetch(KNOWN_PRODUCTS, shop.seller.id, keys, skus)
    assert sorted(row["source_key"] for row in found) == ["copy-2999", "copy-3000"]
    ground = await connection.fetchrow(SELLING_GROUND, shop.seller.id, [], [], skus, [])
    assert ground is not None
    assert sorted(ground["taken_skus"]) == ["COPY-2999", "COPY-3000"]
    known = (KNOWN_PRODUCTS, shop.seller.id, keys, skus)
    assert await rows_read(connection, *known, of="product") <= 2 * ASKED
    assert await rows_read(connection, *known, of="variant") <= 2 * ASKED
    selling = (SELLING_GROUND, shop.seller.id, [], [], skus, [])
    assert await rows_read(connection, *selling, of="variant") <= 2 * ASKED
