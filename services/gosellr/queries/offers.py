"""What can be bought, at which price, by whom it is sold: the input of every quote."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.queries.product_cards import MEDIA_PREFIX
from gosellr.utils.lazy_dataclasses import dataclass

# The market's terms are as old as the offers: what is kept of them counts at this version only.
_OFFER = """
       (SELECT version FROM terms_version) AS terms_version,
       variant.id AS variant_id, variant.sku, variant.options, variant.weight_grams,
       product.id AS product_id, product.title, product.slug, product.tax_class,
       product.shipping_class, product.category_id, category.ancestor_ids AS category_ids,
       seller.id AS seller_id, seller.name AS seller_name, seller.slug AS seller_slug,
       price.amount_minor AS unit_price_minor,
       (variant.archived_at IS NULL AND product.status = 'active' AND seller.status = 'active')
           AS buyable,
       COALESCE((SELECT sum(level.on_hand - level.reserved) FROM stock_level AS level
                 WHERE level.variant_id = variant.id), 0)::bigint AS available,
       (SELECT media.renditions
        FROM product_media JOIN media ON media.id = product_media.media_id
        WHERE product_media.product_id = product.id
        ORDER BY product_media.variant_id IS DISTINCT FROM variant.id, product_media.position
        LIMIT 1) AS renditions
"""

_JOINS = """
JOIN product ON product.id = variant.product_id
JOIN seller ON seller.id = product.seller_id
JOIN category ON category.id = product.category_id
"""

OF_REQUESTS = f"""
SELECT wanted.place, variant.id AS key, wanted.quantity, NULL::bigint AS seen_price_minor, {_OFFER}
FROM (
    SELECT * FROM unnest($1::int[], $2::uuid[], $3::int[], $4::text[])
        WITH ORDINALITY AS line (place, variant_id, quantity, currency, position)
    -- All of them: so the planner expects few, and keeps one plan instead of making it each time.
    LIMIT cardinality($1)
) AS wanted
JOIN variant ON variant.id = wanted.variant_id
{_JOINS}
LEFT JOIN variant_price AS price
    ON price.variant_id = variant.id AND price.currency = wanted.currency
ORDER BY wanted.position
"""


def of_items(*, items: str, currency: str) -> str:
    """A query for the offers behind items of a cart: a table, or what is written as one."""
    return f"""
SELECT item.id AS key, item.quantity, item.seen_price_minor, item.created_at, {_OFFER}
FROM {items} AS item
JOIN variant ON variant.id = item.variant_id
{_JOINS}
LEFT JOIN variant_price AS price ON price.variant_id = variant.id AND price.currency = {currency}
"""


def items_of_cart(cart_id: str) -> str:
    """The items of a cart, written as a table."""
    # Asked for so, the planner expects few, and keeps one plan instead of making it each time.
    return f"(SELECT * FROM cart_item WHERE cart_id = {cart_id} LIMIT (SELECT 500))"


OF_CART = f"""
{of_items(items=items_of_cart("$1"), currency="(SELECT currency FROM cart WHERE id = $1)")}
ORDER BY item.created_at, item.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One wanted variant as it stands now. No price means none in this currency."""

    key: UUID
    quantity: int
    seen_price_minor: int | None
    variant_id: UUID
    product_id: UUID
    seller_id: UUID
    seller_name: str
    seller_slug: str
    sku: str
    title: str
    slug: str
    options: Mapping[str, str]
    picture: str | None
    category_id: UUID
    category_ids: frozenset[UUID]
    tax_class: str
    shipping_class: str
    weight_grams: int
    unit_price_minor: int | None
    available: int
    buyable: bool


@dataclass(frozen=True, slots=True)
class FoundOffers:
    """Offers, and which version the market's terms had in the same moment.

    None where nothing is offered: then nothing was said of it.
    """

    lines: Sequence[Offer]
    terms_version: UUID | None


class WantedGoods(NamedTuple):
    """What one buyer wants: variants with their quantities, and the currency to pay them in."""

    lines: Sequence[tuple[UUID, int]]
    currency: str


def offer_of(row: Record) -> Offer:
    """The offer in a row of a query for offers."""
    renditions: list[dict[str, Any]] | None = row["renditions"]
    return Offer(
        key=row["key"],
        quantity=row["quantity"],
        seen_price_minor=row["seen_price_minor"],
        variant_id=row["variant_id"],
        product_id=row["product_id"],
        seller_id=row["seller_id"],
        seller_name=row["seller_name"],
        seller_slug=row["seller_slug"],
        sku=row["sku"],
        title=row["title"],
        slug=row["slug"],
        options=row["options"],
        picture=MEDIA_PREFIX + renditions[0]["path"] if renditions else None,
        category_id=row["category_id"],
        category_ids=frozenset(row["category_ids"]),
        tax_class=row["tax_class"],
        shipping_class=row["shipping_class"],
        weight_grams=row["weight_grams"],
        unit_price_minor=row["unit_price_minor"],
        available=row["available"],
        buyable=row["buyable"],
    )


def _found(rows: Sequence[Record]) -> FoundOffers:
    return FoundOffers(
        lines=[offer_of(row) for row in rows],
        terms_version=rows[0]["terms_version"] if rows else None,
    )


async def of_requests(connection: Connection, wanted: Sequence[WantedGoods]) -> list[FoundOffers]:
    """What is offered to each of several who want goods, by one statement, in the given order;
    unknown variants are missing."""
    lines = [
        (place, variant_id, quantity, one.currency)
        for place, one in enumerate(wanted)
        for variant_id, quantity in one.lines
    ]
    found: list[list[Record]] = [[] for _ in wanted]
    if lines:
        for row in await connection.fetch(OF_REQUESTS, *map(list, zip(*lines, strict=True))):
            found[row["place"]].append(row)
    return [_found(rows) for rows in found]


async def of_cart(connection: Connection, *, cart_id: UUID) -> FoundOffers:
    """The offers behind the items of a cart, oldest item first."""
    return _found(await connection.fetch(OF_CART, cart_id))
