"""What was called off of an order before its money was taken: a row per line."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Uuid,
)

from gosellr.models.base import document, identifier, metadata, minor, moment, reference, words

order_reduction = Table(
    "order_reduction",
    metadata,
    identifier(),
    # The lines that were called off together.
    Column("reduction_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("seller_order_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    reference("order_line_id", "order_line.id"),
    Column("quantity", Integer, nullable=False),
    # What the buyer doesn't pay.
    minor("amount_minor"),
    # The line's figures as they were before.
    document("before"),
    words("reason"),
    words("actor"),
    reference("requested_by", "user_account.id", nullable=True),
    moment("created_at"),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("amount_minor >= 0", name="amount_not_negative"),
    ForeignKeyConstraint(
        ["seller_order_id", "order_id"], ["seller_order.id", "seller_order.order_id"]
    ),
    ForeignKeyConstraint(
        ["seller_order_id", "seller_id"], ["seller_order.id", "seller_order.seller_id"]
    ),
    Index("ix_order_reduction_order_id", "order_id"),
    Index("ix_order_reduction_order_line_id", "order_line_id"),
)
