"""Sellers' money on its way out: where it goes, when, and which entries each payout claims."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Uuid,
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

payout_settings = Table(
    "payout_settings",
    metadata,
    reference("seller_id", "seller.id", primary_key=True),
    words("schedule"),
    # ISO 8601: Monday is 1.
    Column("weekday", SmallInteger, nullable=True),
    # In a shorter month, its last day.
    Column("day_of_month", SmallInteger, nullable=True),
    # {"EUR": 5000}: less than that isn't sent.
    document("minimums", default="{}"),
    moment("next_due_at", nullable=True),
    moment("held_at", nullable=True),
    words("hold_reason", nullable=True),
    Column("held_by", Uuid, nullable=True),
    moment("updated_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    one_of("schedule", "daily", "weekly", "monthly", "manual"),
    CheckConstraint(
        "CASE schedule WHEN 'weekly' THEN weekday BETWEEN 1 AND 7 ELSE weekday IS NULL END",
        name="weekday_fits",
    ),
    CheckConstraint(
        "CASE schedule WHEN 'monthly' THEN day_of_month BETWEEN 1 AND 31"
        " ELSE day_of_month IS NULL END",
        name="day_of_month_fits",
    ),
    CheckConstraint("(held_at IS NULL) = (hold_reason IS NULL)", name="hold_has_reason"),
    Index(
        "ix_payout_settings_next_due_at",
        "next_due_at",
        postgresql_where=text("next_due_at IS NOT NULL"),
    ),
)

payout_destination = Table(
    "payout_destination",
    metadata,
    identifier(),
    reference("seller_id", "seller.id"),
    words("method"),
    # Holder and number, encrypted for this row alone; nothing but the last four stand in clear.
    Column("account_encrypted", LargeBinary, nullable=False),
    words("last_four"),
    Column("created_by", Uuid, nullable=True),
    moment("created_at"),
    # One that takes the place of another waits, so that its owner can notice.
    moment("usable_from"),
    moment("replaced_at", nullable=True),
    # By whoever was told of it in time: the one before took its place again.
    moment("withdrawn_at", nullable=True),
    CheckConstraint("length(last_four) = 4", name="last_four_only"),
    CheckConstraint(
        "withdrawn_at IS NULL OR replaced_at IS NOT NULL", name="withdrawn_is_replaced"
    ),
    Index(
        "uq_payout_destination_current",
        "seller_id",
        unique=True,
        postgresql_where=text("replaced_at IS NULL"),
    ),
)

payout = Table(
    "payout",
    metadata,
    identifier(),
    reference("seller_id", "seller.id"),
    currency(),
    minor("amount_minor"),
    words("status"),
    words("provider"),
    reference("destination_id", "payout_destination.id"),
    words("origin"),
    Column("batch_id", Uuid, nullable=True),
    # The file that a bank is told of it by.
    reference("bank_file_id", "bank_file.id", nullable=True),
    Column("requested_by", Uuid, nullable=True),
    Column("approved_by", Uuid, nullable=True),
    moment("approved_at", nullable=True),
    words("provider_reference", nullable=True),
    words("failure_reason", nullable=True),
    moment("created_at"),
    moment("paid_at", nullable=True),
    moment("finished_at", nullable=True),
    # When the provider is to be told, or asked again.
    moment("check_at", nullable=True),
    Column("check_count", Integer, nullable=False, server_default=text("0")),
    # Whatever was written before this was complete when it claimed: the next one reads from here.
    Column("claimed_before", TransactionId, nullable=True),
    # It failed, and no payout has looked at what it had claimed since.
    Column("claims_open", Boolean, nullable=False, server_default=text("false")),
    one_of(
        "status", "awaiting_approval", "pending", "sent", "unknown", "paid", "failed", "cancelled"
    ),
    one_of("origin", "requested", "scheduled", "batch"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    not_negative("check_count"),
    CheckConstraint("approved_by <> requested_by", name="approved_by_another"),
    Index("ix_payout_seller_id", "seller_id", "created_at", "id"),
    Index("ix_payout_created_at", "created_at", "id"),
    Index(
        "ix_payout_claimed_before",
        "seller_id",
        "currency",
        "claimed_before",
        postgresql_where=text("claimed_before IS NOT NULL"),
    ),
    Index("ix_payout_claims_open", "seller_id", "currency", postgresql_where=text("claims_open")),
    Index("ix_payout_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
    Index("ix_payout_batch_id", "batch_id", postgresql_where=text("batch_id IS NOT NULL")),
    Index(
        "ix_payout_bank_file_id", "bank_file_id", postgresql_where=text("bank_file_id IS NOT NULL")
    ),
    Index(
        "ix_payout_to_be_filed",
        "created_at",
        "id",
        postgresql_where=text("provider = 'bank' AND status = 'pending'"),
    ),
)

payout_entry = Table(
    "payout_entry",
    metadata,
    reference("payout_id", "payout.id", primary_key=True),
    Column(
        "entry_id",
        BigInteger,
        ForeignKey("ledger_entry.id"),
        primary_key=True,
        autoincrement=False,
    ),
    # When the payout failed: from then on another one may claim the entry.
    moment("released_at", nullable=True),
    Index(
        "uq_payout_entry_live",
        "entry_id",
        unique=True,
        postgresql_where=text("released_at IS NULL"),
    ),
)
