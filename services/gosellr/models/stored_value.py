"""Stored value: gift cards and grants of store credit. What they hold stands in the books alone."""

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, Table

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
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("length(last_four) = 4", name="last_four_only"),
    CheckConstraint("length(code_hash) = 32", name="code_hashed"),
    Index("uq_gift_card_code_hash", "code_hash", unique=True),
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
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    Index("ix_store_credit_grant_user_id", "user_id", "id"),
)
