"""Tax returns that were handed in: figures as they were, and what pays them."""

from sqlalchemy import CHAR, CheckConstraint, Column, DateTime, Table, Text, UniqueConstraint, Uuid

from gosellr.models.base import (
    currency,
    document,
    identifier,
    metadata,
    minor,
    moment,
    reference,
    words,
)

tax_return = Table(
    "tax_return",
    metadata,
    identifier(),
    # A month as 2026-03, a quarter as 2026-Q1.
    words("period"),
    words("jurisdiction"),
    currency(),
    moment("since"),
    moment("until"),
    # What the period adds to the debt; negative where more went back than came.
    minor("due_minor"),
    # All figures of the period, as they were handed in.
    document("figures"),
    # What the authority calls it; may be empty.
    words("reference"),
    Column("filed_by", Uuid, nullable=False),
    moment("filed_at"),
    # What pays it once a second person agrees.
    reference("adjustment_id", "adjustment.id", nullable=True),
    CheckConstraint("since < until", name="since_before_until"),
    CheckConstraint("filed_at >= until", name="filed_when_over"),
    UniqueConstraint("adjustment_id"),
)

# Which months were handed in: none of them twice, be it in a month's return or in a quarter's.
tax_return_month = Table(
    "tax_return_month",
    metadata,
    Column("jurisdiction", Text, primary_key=True),
    Column("currency", CHAR(3), primary_key=True),
    Column("month", DateTime(timezone=True), primary_key=True),
    reference("tax_return_id", "tax_return.id"),
)
