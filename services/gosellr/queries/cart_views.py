"""A cart read together with its offers, also as it stands after a change: one statement each.

A change is written and its answer read in one go, so both see the same moment. Where the cart was
changed by somebody else in that very moment, or anything else isn't as it should be, no row comes
back, or a division by zero ends the statement: then nothing is written.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from gosellr.core.db import Connection, Record
from gosellr.queries.carts import Cart, cart_of
from gosellr.queries.offers import FoundOffers, items_of_cart, of_items, offer_of
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer

_COLUMNS = """bag.id, bag.currency, bag.status, bag.email, bag.shipping_address,
       bag.billing_address, bag.coupon_codes, bag.shipping_choices, bag.user_id, bag.version"""
_MINE = "(cart.token_hash = $2 OR cart.user_id = $3)"


def _with_offers(*, items: str, checks: str = "true", columns: str = "") -> str:
    offers = of_items(items=items, currency="bag.currency")
    return f"""
SELECT {columns}{_COLUMNS}, offer.*, {checks} AS is_right
FROM bag LEFT JOIN LATERAL ({offers}) AS offer ON true
ORDER BY offer.created_at, offer.key
"""


# Whoever waited for a rival sees another version than at the beginning: then nothing is raised.
_RAISED = f"""
    UPDATE cart SET version = cart.version + 1, updated_at = $4 {{changes}}
    FROM (SELECT version FROM cart WHERE id = $1) AS seen
    WHERE cart.id = $1 AND {_MINE} AND cart.status = 'open'
      AND cart.version = COALESCE($5::int, seen.version) AND cart.version = seen.version
    RETURNING cart.*
"""

SHOW = f"""
WITH bag AS (
    SELECT wanted.place, cart.*
    FROM (
        SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::uuid[])
            WITH ORDINALITY AS one (cart_id, token_hash, user_id, place)
        LIMIT cardinality($1)
    ) AS wanted
    JOIN cart ON cart.id = wanted.cart_id
        AND (cart.token_hash = wanted.token_hash OR cart.user_id = wanted.user_id)
)
{_with_offers(items=items_of_cart("bag.id"), columns="bag.place, ")}
"""

# What is written can't be read by the same statement: its line stands for the one it changed.
ADD_ITEM = f"""
WITH bag AS ({_RAISED.format(changes="")}), written AS (
    INSERT INTO cart_item (id, cart_id, variant_id, quantity, seen_price_minor, created_at)
    SELECT $6, bag.id, variant.id, $8,
           (SELECT price.amount_minor FROM variant_price AS price
            WHERE price.variant_id = variant.id AND price.currency = bag.currency), $4
    FROM bag, variant WHERE variant.id = $7
    ON CONFLICT (cart_id, variant_id) DO UPDATE
        SET quantity = cart_item.quantity + EXCLUDED.quantity,
            seen_price_minor = EXCLUDED.seen_price_minor
        WHERE cart_item.quantity + EXCLUDED.quantity <= $9
    RETURNING *
), line AS MATERIALIZED (
    SELECT * FROM {items_of_cart("$1")} AS before WHERE variant_id <> $7
    UNION ALL SELECT * FROM written
)
{
    _with_offers(
        items="line",
        checks='''1 / COALESCE(
    EXISTS (SELECT FROM written) AND (SELECT count(*) <= $10 FROM line)
    AND sum(offer.unit_price_minor::numeric * offer.quantity) OVER () <= $11::bigint
    AND (offer.variant_id <> $7 OR (offer.buyable AND offer.unit_price_minor IS NOT NULL
                                    AND offer.available >= offer.quantity)), false)::int''',
    )
}
"""

SET_ADDRESSES = f"""
WITH bag AS ({
    _RAISED.format(
        changes='''
        , email = CASE WHEN $6::jsonb ? 'email' THEN $6 ->> 'email' ELSE cart.email END
        , shipping_address = CASE WHEN $6 ? 'shipping_address'
              THEN NULLIF($6 -> 'shipping_address', 'null') ELSE cart.shipping_address END
        , billing_address = CASE WHEN $6 ? 'billing_address'
              THEN NULLIF($6 -> 'billing_address', 'null') ELSE cart.billing_address END'''
    )
})
{_with_offers(items=items_of_cart("$1"))}
"""

# The lines are those that were priced, as long as the version is.
CHOOSE_SHIPPING = """
UPDATE cart SET version = version + 1, updated_at = $3, shipping_choices = $4
WHERE id = $1 AND status = 'open' AND version = $2
RETURNING version
"""


@dataclass(frozen=True, slots=True)
class CartWithOffers:
    """A cart and what is offered for its items, oldest item first."""

    cart: Cart
    found: FoundOffers


def _cart_with_offers(rows: Sequence[Record]) -> CartWithOffers | None:
    if not rows:
        return None
    lines = [offer_of(row) for row in rows if row["key"] is not None]
    return CartWithOffers(cart_of(rows[0]), FoundOffers(lines, rows[0]["terms_version"]))


async def show_each(
    connection: Connection, wanted: Sequence[tuple[UUID, Viewer]]
) -> list[CartWithOffers | None]:
    """Carts of several viewers, whatever their status, by one statement, in the given order; None
    for one that isn't its viewer's."""
    found: list[list[Record]] = [[] for _ in wanted]
    for row in await connection.fetch(
        SHOW,
        [cart_id for cart_id, _ in wanted],
        [viewer.cart_token_hash for _, viewer in wanted],
        [viewer.user_id for _, viewer in wanted],
    ):
        found[row["place"] - 1].append(row)
    return [_cart_with_offers(rows) for rows in found]


async def add_item(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    version: int | None,
    item_id: UUID,
    variant_id: UUID,
    quantity: int,
    quantity_max: int,
    lines_max: int,
    worth_max_minor: int,
    now: datetime,
) -> CartWithOffers | None:
    """Put units of a variant into an open cart, all of which can be had.

    None, and nothing is written, where that isn't so, and where the cart isn't open to the viewer
    at this version, has too many lines, or is worth more than `worth_max_minor`.
    """
    try:
        rows = await connection.fetch(
            ADD_ITEM,
            cart_id,
            viewer.cart_token_hash,
            viewer.user_id,
            now,
            version,
            item_id,
            variant_id,
            quantity,
            quantity_max,
            lines_max,
            worth_max_minor,
        )
    except asyncpg.DivisionByZeroError:
        return None
    return _cart_with_offers(rows)


async def set_addresses(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    version: int | None,
    changes: Mapping[str, Any],
    now: datetime,
) -> CartWithOffers | None:
    """Change `email`, `shipping_address`, `billing_address` of an open cart, as far as given.

    None, and nothing is written, where it isn't open to the viewer at this version.
    """
    return _cart_with_offers(
        await connection.fetch(
            SET_ADDRESSES,
            cart_id,
            viewer.cart_token_hash,
            viewer.user_id,
            now,
            version,
            dict(changes),
        )
    )


async def choose_shipping(
    connection: Connection,
    *,
    cart_id: UUID,
    version: int,
    choices: Mapping[str, str],
    now: datetime,
) -> int | None:
    """Keep the ways of delivery of an open cart at this version; gives the next version."""
    raised: int | None = await connection.fetchval(
        CHOOSE_SHIPPING, cart_id, version, now, dict(choices)
    )
    return raised
