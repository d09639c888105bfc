"""Payments without a provider: where a transfer goes back to, and which sellers take cash."""

from sqlalchemy import CHAR, CheckConstraint, Column, LargeBinary, Table

from gosellr.models.base import metadata, minor, moment, reference, words

refund_account = Table(
    "refund_account",
    metadata,
    reference("order_id", "orders.id", primary_key=True),
    Column("account_encrypted", LargeBinary, nullable=False),
    words("last_four"),
    reference("given_by", "user_account.id", nullable=True),
    moment("given_at"),
    CheckConstraint("length(last_four) = 4", name="last_four_only"),
)

cash_terms = Table(
    "cash_terms",
    metadata,
    # A seller without a row takes no cash in that currency.
    reference("seller_id", "seller.id", primary_key=True),
    Column("currency", CHAR(3), primary_key=True),
    minor("limit_minor"),
    reference("changed_by", "user_account.id", nullable=True),
    moment("changed_at"),
    CheckConstraint("limit_minor > 0", name="limit_positive"),
)
