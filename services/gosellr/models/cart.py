"""Carts: what somebody means to buy. They hold no stock."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gosellr.models.base import (
    currency,
    document,
    identifier,
    metadata,
    minor,
    moment,
    one_of,
    reference,
    words,
)

cart = Table(
    "cart",
    metadata,
    identifier(),
    # A guest's cart answers to its token, a signed-in buyer's to the account.
    Column("token_hash", LargeBinary, nullable=True),
    reference("user_id", "user_account.id", nullable=True),
    currency(),
    words("status", default="open"),
    words("email", nullable=True),
    document("shipping_address", nullable=True),
    document("billing_address", nullable=True),
    Column("coupon_codes", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    # {seller id: option id}
    document("shipping_choices", default="{}"),
    moment("created_at"),
    moment("updated_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    one_of("status", "open", "ordered", "merged"),
    CheckConstraint("token_hash IS NOT NULL OR user_id IS NOT NULL", name="has_owner"),
    # One open cart per buyer and currency; a race to make it has one winner.
    Index(
        "uq_cart_open",
        "user_id",
        "currency",
        unique=True,
        postgresql_where=text("status = 'open' AND user_id IS NOT NULL"),
    ),
    # Filled in step by step: its next version finds room beside it.
    postgresql_with={"fillfactor": "50"},
)

cart_item = Table(
    "cart_item",
    metadata,
    identifier(),
    reference("cart_id", "cart.id"),
    reference("variant_id", "variant.id"),
    Column("quantity", Integer, nullable=False),
    # The price the buyer last saw, so that a change can be shown line by line.
    minor("seen_price_minor", nullable=True),
    moment("created_at"),
    CheckConstraint("quantity BETWEEN 1 AND 10000", name="quantity_range"),
    UniqueConstraint("cart_id", "variant_id"),
)
