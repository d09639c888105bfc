"""Stock per variant and place, its journal, and the holds on it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Uuid,
    text,
)

from gosellr.models.base import identifier, metadata, moment, not_negative, one_of, reference, words

stock_location = Table(
    "stock_location",
    metadata,
    identifier(),
    reference("seller_id", "seller.id"),
    words("name"),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    Column("position", Integer, nullable=False, server_default=text("0")),
    moment("created_at"),
    Index("ix_stock_location_seller_id", "seller_id"),
    Index(
        "uq_stock_location_default",
        "seller_id",
        unique=True,
        postgresql_where=text("is_default"),
    ),
)

stock_level = Table(
    "stock_level",
    metadata,
    reference("variant_id", "variant.id", primary_key=True),
    reference("location_id", "stock_location.id", primary_key=True),
    # A hot variant may be spread over several rows, so that its buyers don't queue behind one.
    Column("bucket", SmallInteger, primary_key=True, server_default=text("0")),
    Column("on_hand", BigInteger, nullable=False, server_default=text("0")),
    Column("reserved", BigInteger, nullable=False, server_default=text("0")),
    # The promise never to oversell, kept by the database itself.
    CheckConstraint("reserved >= 0 AND reserved <= on_hand", name="never_oversold"),
    Index("ix_stock_level_location_id", "location_id"),
    postgresql_with={"fillfactor": "70"},
)

stock_movement = Table(
    "stock_movement",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("variant_id", Uuid, nullable=False),
    Column("location_id", Uuid, nullable=False),
    Column("bucket", SmallInteger, nullable=False, server_default=text("0")),
    words("kind"),
    Column("delta", BigInteger, nullable=False),
    words("reason", default=""),
    words("cause_type"),
    Column("cause_id", Uuid, nullable=True),
    Column("actor_id", Uuid, nullable=True),
    moment("at"),
    one_of("kind", "received", "adjusted", "shipped", "returned", "written_off", "moved"),
    CheckConstraint("delta <> 0", name="delta_moves"),
    Index("ix_stock_movement_variant_id", "variant_id", "id"),
)

stock_reservation = Table(
    "stock_reservation",
    metadata,
    identifier(),
    reference("order_line_id", "order_line.id"),
    Column("order_id", Uuid, nullable=False),
    Column("seller_order_id", Uuid, nullable=False),
    Column("variant_id", Uuid, nullable=False),
    Column("location_id", Uuid, nullable=False),
    Column("bucket", SmallInteger, nullable=False, server_default=text("0")),
    Column("quantity", Integer, nullable=False),
    Column("shipped_quantity", Integer, nullable=False, server_default=text("0")),
    Column("released_quantity", Integer, nullable=False, server_default=text("0")),
    # Null once payment has made the hold permanent.
    moment("expires_at", nullable=True),
    moment("created_at"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    not_negative("shipped_quantity", "released_quantity"),
    CheckConstraint("shipped_quantity + released_quantity <= quantity", name="resolved_once"),
    Index("ix_stock_reservation_order_id", "order_id"),
    Index("ix_stock_reservation_order_line_id", "order_line_id"),
    Index(
        "ix_stock_reservation_live",
        "variant_id",
        "location_id",
        "bucket",
        postgresql_where=text("shipped_quantity + released_quantity < quantity"),
    ),
    # Made permanent a moment after it was made.
    postgresql_with={"fillfactor": "60"},
)
