"""Documents as they were issued, the counters of their numbers, and the months that are closed."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gosellr.models.base import (
    TransactionId,
    currency,
    document,
    identifier,
    metadata,
    minor,
    moment,
    not_negative,
    one_of,
    reference,
    words,
)

document_series = Table(
    "document_series",
    metadata,
    # A seller's id, or the marketplace.
    Column("issuer", Text, primary_key=True),
    Column("series", Text, primary_key=True),
    # The row is held while a number is given out, so that none is ever skipped or given twice.
    Column("last_number", BigInteger, nullable=False),
    not_negative("last_number"),
)

issued_document = Table(
    "document",
    metadata,
    identifier(),
    words("kind"),
    words("issuer"),
    words("series"),
    Column("number", BigInteger, nullable=False),
    # What it was issued for: once.
    words("cause_key"),
    reference("seller_id", "seller.id"),
    reference("order_id", "orders.id", nullable=True),
    words("period", nullable=True),
    currency(),
    minor("total_minor"),
    # Everything that stands on it, whatever becomes of what it was taken from.
    document("content"),
    Column("hash", LargeBinary, nullable=False),
    moment("issued_at"),
    one_of("kind", "invoice", "credit_note", "commission_invoice", "statement"),
    CheckConstraint("number > 0", name="number_positive"),
    CheckConstraint("(order_id IS NULL) <> (period IS NULL)", name="of_order_or_period"),
    ForeignKeyConstraint(
        ["issuer", "series"], ["document_series.issuer", "document_series.series"]
    ),
    UniqueConstraint("issuer", "series", "number"),
    UniqueConstraint("kind", "cause_key"),
    Index("ix_document_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
    Index(
        "ix_document_seller_id",
        "seller_id",
        "issued_at",
        "id",
        postgresql_where=text("period IS NOT NULL"),
    ),
)

document_month = Table(
    "document_month",
    metadata,
    # Every seller has its documents of this month.
    Column("period", Text, primary_key=True),
    moment("closed_at"),
    # Whatever was written before this was complete by then: nothing of a later month is before it.
    Column("written_before", TransactionId, nullable=True),
)
