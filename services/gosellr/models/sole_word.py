"""What one person said alone of the bank's money, so that it can be counted."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from gosellr.models.base import currency, metadata

sole_word = Table(
    "sole_word",
    metadata,
    # Of late alone: each word takes those of the day before out. One row, so that two words at
    # once are counted one after the other.
    Column("user_id", Uuid, nullable=False),
    currency(),
    Column("subjects", ARRAY(Text), nullable=False),
    Column("amounts_minor", ARRAY(BigInteger), nullable=False),
    Column("said_at", ARRAY(DateTime(timezone=True)), nullable=False),
    PrimaryKeyConstraint("user_id", "currency"),
    CheckConstraint(
        "cardinality(subjects) = cardinality(amounts_minor)"
        " AND cardinality(subjects) = cardinality(said_at)",
        name="each_word_whole",
    ),
)
