"""Stored value: gift cards and grants of store credit. What they hold stands in the books alone."""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, LargeBinary, Table, text

from gosellr.models.base import currency, identifier, metadata, minor, moment, reference, words

gift_card = Table(
    "gift_card",
    metadata,
    identifier(),
    # The code itself is told once and kept nowhere. A card that was sold has none until its buyer
    # asks for it.
    Column("code_hash", LargeBinary, nullable=True),
    words("last_four"),
    minor("amount_minor"),
    currency(),
    words("note", nullable=True),
    reference("issued_by", "user_account.id", nullable=True),
    moment("created_at"),
    moment("expires_at", nullable=True),
    moment("deactivated_at", nullable=True),
    reference("deactivated_by", "user_account.id", nullable=True),
    # While a bank disputes what was paid for it.
    moment("frozen_at", nullable=True),
    # The card that couldn't be spent any more when something came back to it.
    reference("replaces_id", "gift_card.id", nullable=True),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("length(last_four) = 4", name="last_four_only"),
    CheckConstraint("length(code_hash) = 32", name="code_hashed"),
    Index("uq_gift_card_code_hash", "code_hash", unique=True),
    # What runs out is looked for by its day.
    Index("ix_gift_card_expires_at", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
)

store_credit_grant = Table(
    "store_credit_grant",
    metadata,
    identifier(),
    reference("user_id", "user_account.id"),
    minor("amount_minor"),
    currency(),
    words("reason"),
    reference("granted_by", "user_account.id", nullable=True),
    moment("created_at"),
    # At whose cost, and of which sale of it; the marketplace's where there is none.
    reference("seller_id", "seller.id", nullable=True),
    reference("seller_order_id", "seller_order.id", nullable=True),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("(seller_id IS NULL) = (seller_order_id IS NULL)", name="of_a_sale"),
    Index("ix_store_credit_grant_user_id", "user_id", "id"),
    Index(
        "ix_store_credit_grant_seller_id",
        "seller_id",
        "created_at",
        postgresql_where=text("seller_id IS NOT NULL"),
    ),
    Index(
        "ix_store_credit_grant_seller_order_id",
        "seller_order_id",
        postgresql_where=text("seller_order_id IS NOT NULL"),
    ),
)

# What came back to a card that couldn't be spent, and where it went on to.
stored_value_move = Table(
    "stored_value_move",
    metadata,
    identifier(),
    reference("order_id", "orders.id"),
    reference("from_card_id", "gift_card.id"),
    reference("to_card_id", "gift_card.id", nullable=True),
    reference("to_user_id", "user_account.id", nullable=True),
    minor("amount_minor"),
    currency(),
    moment("created_at"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("num_nonnulls(to_card_id, to_user_id) = 1", name="one_way"),
    CheckConstraint("to_card_id <> from_card_id", name="to_another"),
    Index("ix_stored_value_move_order_id", "order_id"),
    Index("ix_stored_value_move_from_card_id", "from_card_id"),
    Index(
        "ix_stored_value_move_to_card_id",
        "to_card_id",
        postgresql_where=text("to_card_id IS NOT NULL"),
    ),
)

# What an expired card was left with, and owed no more; `restored_at` once it is owed again.
gift_card_release = Table(
    "gift_card_release",
    metadata,
    identifier(),
    reference("card_id", "gift_card.id"),
    minor("amount_minor"),
    currency(),
    # Given away by the marketplace, not paid for: releasing it is no income.
    Column("is_issued", Boolean, nullable=False),
    moment("expired_at"),
    moment("released_at"),
    moment("restored_at", nullable=True),
    reference("restored_by", "user_account.id", nullable=True),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("expired_at <= released_at", name="expired_before"),
    CheckConstraint("restored_by IS NULL OR restored_at IS NOT NULL", name="restored_by_somebody"),
    Index("ix_gift_card_release_card_id", "card_id"),
    # A card is released once, until it is good again.
    Index(
        "uq_gift_card_release_standing",
        "card_id",
        unique=True,
        postgresql_where=text("restored_at IS NULL"),
    ),
)
