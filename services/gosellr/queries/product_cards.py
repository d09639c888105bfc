"""The read model of the catalogue: one finished card per product, written with its product.

Cards are made by the database out of its own tables, set-based, and passed through as bytes.
The public only ever reads rows that are `visible`.

Whoever writes a card holds its listing (`locks.listings`) since an earlier statement: a statement
that had to wait for another's card would overwrite it with what it saw before.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.catalogue_names import NAMED_MAX

MEDIA_PREFIX = "/media/"


def instant(column: str) -> str:
    """SQL for a moment as RFC 3339 in UTC."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def money(amount: str, currency: str) -> str:
    """SQL for an amount of money, or null where there is none."""
    return (
        f"CASE WHEN {amount} IS NULL THEN NULL"
        f" ELSE json_build_object('amount', {amount}, 'currency', {currency}) END"
    )


def picture(media: str, alt: str) -> str:
    """SQL for a picture of the table `media`: its largest form, and all of them as a srcset."""
    return f"""json_build_object(
        'id', {media}.id,
        'url', '{MEDIA_PREFIX}' || ({media}.renditions -> -1 ->> 'path'),
        'alt', {alt},
        'width', {media}.renditions -> -1 -> 'width',
        'height', {media}.renditions -> -1 -> 'height',
        'srcset', (
            SELECT string_agg(
                '{MEDIA_PREFIX}' || (form.value ->> 'path') || ' ' || (form.value ->> 'width')
                || 'w', ', ' ORDER BY form.ordinality)
            FROM jsonb_array_elements({media}.renditions) WITH ORDINALITY AS form))"""


# Rounded half up to hundredths, in whole numbers.
RATING_HUNDREDTHS = """CASE WHEN {0}.rating_count = 0 THEN 0
    ELSE (200 * {0}.rating_sum + {0}.rating_count) / (2 * {0}.rating_count) END"""


def rating(table: str) -> str:
    """SQL for the rating of a product or a seller."""
    hundredths = RATING_HUNDREDTHS.format(table)
    return (
        f"json_build_object('average', round(({hundredths}) / 100.0, 2),"
        f" 'count', {table}.rating_count)"
    )


AVAILABLE = """coalesce((SELECT sum(on_hand - reserved) FROM stock_level
    WHERE stock_level.variant_id = variant.id), 0)::bigint"""

_OFFER = f"""
CROSS JOIN LATERAL (
    SELECT min(choice.amount_minor) AS price_minor,
           max(choice.amount_minor) > min(choice.amount_minor) AS price_is_from,
           (array_agg(choice.compare_at_minor
                      ORDER BY choice.amount_minor, choice.position, choice.id))[1]
               AS compare_at_minor,
           count(*) AS variants,
           (array_agg(choice.id ORDER BY choice.position, choice.id))[1] AS first_id,
           string_agg(choice.sku, ' ') AS skus,
           CASE WHEN NOT bool_or(choice.available > 0) THEN 'sold_out'
                WHEN bool_and(choice.available <= choice.low_stock_at)
                     FILTER (WHERE choice.available > 0) THEN 'low_stock'
                ELSE 'in_stock' END AS availability
    FROM (
        SELECT variant.id, variant.position, variant.sku, variant.low_stock_at,
               variant_price.amount_minor, variant_price.compare_at_minor,
               {AVAILABLE} AS available
        FROM variant
        JOIN variant_price ON variant_price.variant_id = variant.id
                          AND variant_price.currency = product.currency
        WHERE variant.product_id = product.id AND variant.archived_at IS NULL
        OFFSET 0  -- Merged into what asks, the stock would be summed up each time it is named.
    ) AS choice
) AS offer
"""

# Attributes and options alike, each with the list of its values as text: what filters and
# facets ask for has one form.
_FACETS = """
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_object_agg(facet.key, facet.words), '{}') AS attributes,
           string_agg(facet.plain, ' ') AS plain
    FROM (
        SELECT attribute.key, jsonb_build_array(attribute.value) AS words,
               attribute.value AS plain
        FROM jsonb_each_text(product.attributes) AS attribute
        UNION ALL
        SELECT axis.value ->> 'name', axis.value -> 'values',
               (SELECT string_agg(word, ' ')
                FROM jsonb_array_elements_text(axis.value -> 'values') AS word)
        FROM jsonb_array_elements(product.options) AS axis
    ) AS facet
) AS facets
"""

_CARD = f"""json_build_object(
    'id', product.id,
    'item_id', product.item_id,
    'seller', json_build_object('id', seller.id, 'name', seller.name, 'slug', seller.slug),
    'title', product.title,
    'slug', product.slug,
    'brand', product.brand,
    'category', json_build_object(
        'id', category.id, 'name', category.name, 'path', category.path),
    'status', product.status,
    'price', {money("offer.price_minor", "product.currency")},
    'price_is_from', offer.price_is_from,
    'compare_at_price', {money("offer.compare_at_minor", "product.currency")},
    'media', (
        SELECT {picture("media", "product_media.alt")}
        FROM product_media JOIN media ON media.id = product_media.media_id
        WHERE product_media.product_id = product.id
        ORDER BY product_media.position LIMIT 1),
    'rating', {rating("product")},
    'in_stock', offer.availability <> 'sold_out',
    'availability', offer.availability,
    'variants', offer.variants,
    'variant_id', CASE WHEN offer.variants = 1 THEN offer.first_id END,
    'created_at', {instant("product.created_at")})::text"""

_SEARCH_VECTOR = """
    setweight(to_tsvector('market', product.title), 'A')
    || setweight(to_tsvector('market', coalesce(product.brand, '') || ' ' || (
        SELECT string_agg(ancestor.name, ' ') FROM category AS ancestor
        WHERE ancestor.id = ANY(category.ancestor_ids))), 'B')
    || setweight(to_tsvector('market',
        coalesce(facets.plain, '') || ' ' || offer.skus), 'C')
    || setweight(to_tsvector('market', product.description), 'D')"""

_COLUMNS = (
    "seller_id", "category_ids", "category_id", "visible", "brand", "currency", "price_minor",
    "in_stock", "rating_hundredths", "sold_count", "attributes", "search_vector", "search_text",
    "card", "created_at", "updated_at",
)  # fmt: skip
_SAID = [column for column in _COLUMNS if column != "updated_at"]

# The words of what is on sale, for those who mistype them, and what the index of cards knows, for
# those who write words apart: what is known costs a look-up.
# Then the listings whose pages say something else now: those with a new card, and the other
# offers of the same items, which show it. One more than anybody wants to name tells of too many.
_LEARN_WORDS = f"""
, learned AS (
INSERT INTO search_word (word)
SELECT DISTINCT parted.word
FROM written CROSS JOIN LATERAL regexp_split_to_table(
    written.search_text, '[^[:alnum:]]+') AS parted (word)
WHERE written.visible AND length(parted.word) BETWEEN 3 AND 40
ORDER BY parted.word
ON CONFLICT DO NOTHING
), known AS (
INSERT INTO search_lexeme (lexeme)
SELECT DISTINCT part.lexeme
FROM written CROSS JOIN LATERAL unnest(tsvector_to_array(written.search_vector)) AS part (lexeme)
WHERE written.visible AND part.lexeme !~ '[0-9]'
  AND NOT EXISTS (SELECT FROM search_lexeme WHERE search_lexeme.lexeme = part.lexeme)
ORDER BY part.lexeme
ON CONFLICT DO NOTHING
)
SELECT DISTINCT listing.id
FROM (SELECT product_id FROM written %s) AS changed
JOIN product ON product.id = changed.product_id
JOIN product AS listing ON listing.item_id = product.item_id
LIMIT {NAMED_MAX + 1}
"""

# A card that says the same as before isn't written: nobody has to look at it again.
_WRITE = f"""written AS (
INSERT INTO product_card (product_id, {", ".join(_COLUMNS)})
SELECT product.id, product.seller_id, category.ancestor_ids, category.id,
       product.status = 'active' AND seller.status = 'active',
       product.brand, product.currency, offer.price_minor, offer.availability <> 'sold_out',
       {RATING_HUNDREDTHS.format("product")}, product.sold_count, facets.attributes,
       {_SEARCH_VECTOR},
       f_unaccent(lower(product.title || ' ' || coalesce(product.brand, ''))),
       {_CARD},
       product.created_at, $2
FROM product
JOIN seller ON seller.id = product.seller_id
JOIN category ON category.id = product.category_id
{_OFFER}
{_FACETS}
WHERE %s
  AND product.status <> 'archived' AND offer.price_minor IS NOT NULL
ORDER BY product.id
ON CONFLICT (product_id) DO UPDATE
SET {", ".join(f"{column} = excluded.{column}" for column in _COLUMNS)}
WHERE ({", ".join(f"product_card.{column}" for column in _SAID)})
      IS DISTINCT FROM ({", ".join(f"excluded.{column}" for column in _SAID)})
RETURNING product_card.product_id, visible, search_text, search_vector
)"""

# An archived listing keeps its last card for its seller's list, out of everybody else's sight.
REFRESH_CARDS = (
    """
WITH hidden AS (
    UPDATE product_card
    SET visible = false, updated_at = $2,
        card = (card::jsonb || '{"status": "archived"}')::text
    FROM product
    WHERE product.id = product_card.product_id AND product.id = ANY($1::uuid[])
      AND product.status = 'archived'
    RETURNING product_card.product_id
), """
    + _WRITE % "product.id = ANY($1::uuid[])"
    + _LEARN_WORDS % "UNION ALL SELECT product_id FROM hidden"
)

REFRESH_CARDS_OF_SELLERS = (
    "WITH " + _WRITE % "product.seller_id = ANY($1::uuid[])" + _LEARN_WORDS % ""
)

REFRESH_CARDS_IN_CATEGORIES = (
    "WITH " + _WRITE % "category.ancestor_ids && $1::uuid[]" + _LEARN_WORDS % ""
)

# Stock moves with every order, the word for it seldom: only then is a card written.
_WORD_HAS_CHANGED = """
  AND offer.availability IS DISTINCT FROM (
      SELECT product_card.card::json ->> 'availability' FROM product_card
      WHERE product_card.product_id = product.id)"""

# Most goods have enough of everything, and cards that say so: that is seen in the stock, and in an
# index of the other cards. What remains is worded.
_MAY_BE_SHORT = f"""
SELECT wanted.id FROM unnest($1::uuid[]) AS wanted (id)
WHERE EXISTS (
    SELECT FROM variant WHERE variant.product_id = wanted.id AND variant.archived_at IS NULL
       AND {AVAILABLE} <= variant.low_stock_at)
   OR EXISTS (
    SELECT FROM product_card
    WHERE product_card.product_id = wanted.id AND card::json ->> 'availability' <> 'in_stock')
OFFSET 0
"""

MISSTATED = f"""
SELECT product.id
FROM ({_MAY_BE_SHORT}) AS suspect JOIN product ON product.id = suspect.id
{_OFFER}
WHERE product.status <> 'archived' AND offer.price_minor IS NOT NULL{_WORD_HAS_CHANGED}
"""

REFRESH_AVAILABILITY = (
    "WITH " + _WRITE % f"product.id = ANY($1::uuid[]){_WORD_HAS_CHANGED}" + _LEARN_WORDS % ""
)


# Each gives the listings whose public pages say something else now, one more than `NAMED_MAX` at
# most: whoever calls it tells of them.


async def refresh_cards(
    connection: Connection, product_ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """Write the cards of these products anew."""
    if not product_ids:
        return []
    rows = await connection.fetch(REFRESH_CARDS, list(product_ids), now)
    return [row["id"] for row in rows]


async def refresh_cards_of_sellers(
    connection: Connection, seller_ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """Write the cards of all products of these sellers anew: their name or status changed."""
    rows = await connection.fetch(REFRESH_CARDS_OF_SELLERS, list(seller_ids), now)
    return [row["id"] for row in rows]


async def refresh_cards_in_categories(
    connection: Connection, category_ids: Sequence[UUID], now: datetime
) -> None:
    """Write the cards of all products at or below these categories anew.

    Nobody is told which: a change of the tree is told as one of the whole catalogue.
    """
    await connection.execute(REFRESH_CARDS_IN_CATEGORIES, list(category_ids), now)


async def misstated(connection: Connection, product_ids: Sequence[UUID]) -> list[UUID]:
    """Those of these products whose cards have another word for stock than there is.

    Without locks: what somebody is writing isn't seen.
    """
    return [row["id"] for row in await connection.fetch(MISSTATED, list(product_ids))]


async def refresh_availability(
    connection: Connection, product_ids: Sequence[UUID], now: datetime
) -> list[UUID]:
    """Write the cards anew whose word for stock is no longer true, after stock has moved."""
    if not product_ids:
        return []
    rows = await connection.fetch(REFRESH_AVAILABILITY, list(product_ids), now)
    return [row["id"] for row in rows]
