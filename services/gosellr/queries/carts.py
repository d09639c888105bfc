"""Carts and their items. Whoever changes a cart raises its version first, which locks its row."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer

_COLUMNS = """id, currency, status, email, shipping_address, billing_address, coupon_codes,
       shipping_choices, user_id, version"""
_MINE = "(token_hash = $2 OR user_id = $3)"

FIND = f"SELECT {_COLUMNS} FROM cart WHERE id = $1 AND {_MINE}"

FIND_OPEN = f"""
SELECT {_COLUMNS} FROM cart
WHERE user_id = $1 AND status = 'open' AND ($2::text IS NULL OR currency = $2)
ORDER BY updated_at DESC, id LIMIT 1
"""

CREATE_FOR_GUEST = f"""
INSERT INTO cart (id, token_hash, currency, created_at, updated_at)
VALUES ($1, $2, $3, $4, $4)
RETURNING {_COLUMNS}
"""

# Gives the open cart that a rival request of the same buyer made first.
CREATE_FOR_BUYER = f"""
INSERT INTO cart (id, user_id, currency, created_at, updated_at)
VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (user_id, currency) WHERE status = 'open' AND user_id IS NOT NULL
DO UPDATE SET user_id = EXCLUDED.user_id
RETURNING {_COLUMNS}
"""

RAISE_VERSION = f"""
UPDATE cart SET version = version + 1, updated_at = $4
WHERE id = $1 AND {_MINE} AND status = 'open' AND ($5::int IS NULL OR version = $5)
RETURNING {_COLUMNS}
"""

MARK_ORDERED = """
UPDATE cart SET status = 'ordered'
WHERE id = $1 AND status = 'open' AND ($2::int IS NULL OR version = $2)
RETURNING id
"""

# A buyer who has begun another cart since keeps that one.
REOPEN = """
UPDATE cart SET status = 'open', version = version + 1, updated_at = $2
WHERE id = $1 AND status = 'ordered' AND NOT EXISTS (
    SELECT FROM cart AS other
    WHERE other.user_id = cart.user_id AND other.currency = cart.currency
      AND other.status = 'open'
)
RETURNING id
"""

COUNT_UNITS = """
SELECT coalesce(sum(item.quantity), 0)::bigint
FROM cart_item AS item
WHERE item.cart_id = coalesce(
    (SELECT id FROM cart WHERE user_id = $3::uuid AND status = 'open'
     ORDER BY updated_at DESC, id LIMIT 1),
    (SELECT id FROM cart WHERE id = $1::uuid AND token_hash = $2::bytea AND status = 'open'))
"""

# More of the same adds up, within the most of one line. Whoever adds has seen the price.
ADD_ITEM = """
WITH written AS (
    INSERT INTO cart_item (id, cart_id, variant_id, quantity, seen_price_minor, created_at)
    SELECT $1, $2, variant.id, $4,
           (SELECT price.amount_minor FROM variant_price AS price
            WHERE price.variant_id = variant.id AND price.currency = $5), $6
    FROM variant WHERE variant.id = $3
    ON CONFLICT (cart_id, variant_id) DO UPDATE
        SET quantity = cart_item.quantity + EXCLUDED.quantity,
            seen_price_minor = EXCLUDED.seen_price_minor
        WHERE cart_item.quantity + EXCLUDED.quantity <= $7
    RETURNING id
)
SELECT (SELECT id FROM written) AS item_id,
       EXISTS (SELECT FROM variant WHERE id = $3) AS variant_exists
"""

SET_QUANTITY = """
UPDATE cart_item AS item
SET quantity = $3,
    seen_price_minor = (SELECT price.amount_minor FROM variant_price AS price
                        WHERE price.variant_id = item.variant_id AND price.currency = $4)
WHERE item.cart_id = $1 AND item.id = $2
RETURNING item.id
"""

REMOVE_ITEM = "DELETE FROM cart_item WHERE cart_id = $1 AND id = $2 RETURNING id"

SEE_PRICES = """
UPDATE cart_item AS item SET seen_price_minor = price.amount_minor
FROM variant_price AS price
WHERE item.cart_id = $1 AND price.variant_id = item.variant_id AND price.currency = $2
  AND item.seen_price_minor IS DISTINCT FROM price.amount_minor
"""

SAVE = """
UPDATE cart SET email = $2, shipping_address = $3, billing_address = $4, coupon_codes = $5,
                shipping_choices = $6
WHERE id = $1
"""

# Items leave the one cart as they enter the other, so that none is lost or counted twice.
MOVE_ITEMS = """
WITH moved AS (
    DELETE FROM cart_item WHERE cart_id = $1
    RETURNING id, variant_id, quantity, seen_price_minor, created_at
)
INSERT INTO cart_item (id, cart_id, variant_id, quantity, seen_price_minor, created_at)
SELECT id, $2, variant_id, quantity, seen_price_minor, created_at FROM moved ORDER BY variant_id
ON CONFLICT (cart_id, variant_id) DO UPDATE
    SET quantity = least(cart_item.quantity + EXCLUDED.quantity, $3::int)
"""

# The token's cart is the buyer's from now on, so that asking again finds who took it.
CLOSE_MERGED = """
UPDATE cart SET status = 'merged', version = cart.version + 1, updated_at = $3,
                user_id = target.user_id
FROM cart AS target
WHERE cart.id = $1 AND target.id = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A cart without its items. `shipping_choices` maps seller ids to option ids."""

    id: UUID
    currency: str
    status: str
    email: str | None
    shipping_address: Mapping[str, Any] | None
    billing_address: Mapping[str, Any] | None
    coupon_codes: tuple[str, ...]
    shipping_choices: Mapping[str, str]
    user_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class AddedItem:
    """The line that was written; None where the variant is unknown or the line would be too
    large."""

    item_id: UUID | None
    variant_exists: bool


def cart_of(row: Record) -> Cart:
    """The cart in a row that has its columns, among others."""
    return Cart(
        id=row["id"],
        currency=row["currency"],
        status=row["status"],
        email=row["email"],
        shipping_address=row["shipping_address"],
        billing_address=row["billing_address"],
        coupon_codes=tuple(row["coupon_codes"]),
        shipping_choices=row["shipping_choices"],
        user_id=row["user_id"],
        version=row["version"],
    )


def _cart(row: Record | None) -> Cart | None:
    return None if row is None else cart_of(row)


async def find(connection: Connection, *, viewer: Viewer, cart_id: UUID) -> Cart | None:
    """A cart of the viewer's, whatever its status."""
    return _cart(await connection.fetchrow(FIND, cart_id, viewer.cart_token_hash, viewer.user_id))


async def find_open(connection: Connection, *, user_id: UUID, currency: str | None) -> Cart | None:
    """The buyer's open cart in a currency, or the one last touched."""
    return _cart(await connection.fetchrow(FIND_OPEN, user_id, currency))


async def count_units(connection: Connection, *, viewer: Viewer, cart_id: UUID | None) -> int:
    """How many units lie in the buyer's open cart, or in the open one of a guest's token."""
    units: int = await connection.fetchval(
        COUNT_UNITS, cart_id, viewer.cart_token_hash, viewer.user_id
    )
    return units


async def create_for_guest(
    connection: Connection, *, cart_id: UUID, token_hash: bytes, currency: str, now: datetime
) -> Cart:
    """A new cart that answers to a token."""
    cart = _cart(await connection.fetchrow(CREATE_FOR_GUEST, cart_id, token_hash, currency, now))
    return _written(cart)


async def create_for_buyer(
    connection: Connection, *, cart_id: UUID, user_id: UUID, currency: str, now: datetime
) -> Cart:
    """The buyer's open cart in this currency: a new one, unless there is one."""
    cart = _cart(await connection.fetchrow(CREATE_FOR_BUYER, cart_id, user_id, currency, now))
    return _written(cart)


def _written(cart: Cart | None) -> Cart:
    if cart is None:
        raise RuntimeError("an insert that returns its row always returns one")
    return cart


async def raise_version(
    connection: Connection, *, viewer: Viewer, cart_id: UUID, version: int | None, now: datetime
) -> Cart | None:
    """Lock an open cart of the viewer's for a change; None when there is none at this version."""
    return _cart(
        await connection.fetchrow(
            RAISE_VERSION, cart_id, viewer.cart_token_hash, viewer.user_id, now, version
        )
    )


async def mark_ordered(connection: Connection, *, cart_id: UUID, version: int | None) -> bool:
    """Close an open cart for good; False when it isn't open, or not at this version."""
    return await connection.fetchval(MARK_ORDERED, cart_id, version) is not None


async def reopen(connection: Connection, *, cart_id: UUID, now: datetime) -> bool:
    """Open an ordered cart again; False when it isn't ordered, or its buyer has another one."""
    return await connection.fetchval(REOPEN, cart_id, now) is not None


async def add_item(
    connection: Connection,
    *,
    cart: Cart,
    item_id: UUID,
    variant_id: UUID,
    quantity: int,
    quantity_max: int,
    now: datetime,
) -> AddedItem:
    """Put units of a variant into the cart, up to `quantity_max` in one line."""
    row = await connection.fetchrow(
        ADD_ITEM, item_id, cart.id, variant_id, quantity, cart.currency, now, quantity_max
    )
    if row is None:
        raise RuntimeError("a statement without FROM always gives a row")
    return AddedItem(*row)


async def set_quantity(connection: Connection, *, cart: Cart, item_id: UUID, quantity: int) -> bool:
    """Change how many; the current price counts as seen. False when there is no such item."""
    found = await connection.fetchval(SET_QUANTITY, cart.id, item_id, quantity, cart.currency)
    return found is not None


async def remove_item(connection: Connection, *, cart: Cart, item_id: UUID) -> bool:
    """Take an item out; False when there is no such item."""
    return await connection.fetchval(REMOVE_ITEM, cart.id, item_id) is not None


async def see_prices(connection: Connection, *, cart: Cart) -> None:
    """The buyer has seen what everything costs now."""
    await connection.execute(SEE_PRICES, cart.id, cart.currency)


async def save(connection: Connection, *, cart: Cart) -> None:
    """Keep e-mail, addresses, coupon codes and delivery choices as they stand in the value."""
    await connection.execute(
        SAVE,
        cart.id,
        cart.email,
        cart.shipping_address,
        cart.billing_address,
        list(cart.coupon_codes),
        dict(cart.shipping_choices),
    )


async def move_items(
    connection: Connection, *, from_cart_id: UUID, to_cart_id: UUID, quantity_max: int
) -> None:
    """Move all items into another cart of the same currency, adding up what is in both."""
    await connection.execute(MOVE_ITEMS, from_cart_id, to_cart_id, quantity_max)


async def close_merged(
    connection: Connection, *, cart_id: UUID, into_cart_id: UUID, now: datetime
) -> None:
    """Close a cart whose items went into a buyer's."""
    await connection.execute(CLOSE_MERGED, cart_id, into_cart_id, now)
