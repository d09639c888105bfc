"""What payment providers say they moved, and what became of each of it."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from gosellr.models.base import (
    currency,
    identifier,
    metadata,
    minor,
    moment,
    one_of,
    reference,
    words,
)

provider_statement = Table(
    "provider_statement",
    metadata,
    identifier(),
    words("gateway"),
    words("source"),
    Column("movement_count", Integer, nullable=False),
    # How many of them hadn't been imported before.
    Column("new_count", Integer, nullable=False),
    reference("imported_by", "user_account.id", nullable=True),
    moment("imported_at"),
    one_of("source", "document", "gateway"),
)

provider_movement = Table(
    "provider_movement",
    metadata,
    identifier(),
    reference("statement_id", "provider_statement.id"),
    words("gateway"),
    # The provider's own name of this movement, and of the charge or refund that it is about.
    words("reference"),
    words("related", nullable=True),
    # Our own name of it, where the provider repeats it.
    Column("key", Uuid, nullable=True),
    words("kind"),
    currency(),
    minor("amount_minor"),
    minor("fee_minor", default=0),
    moment("occurred_at"),
    moment("imported_at"),
    words("status", default="unmatched"),
    words("mismatch", nullable=True),
    minor("unexplained_minor", default=0),
    # The charge, refund or return that it is matched with: each with one movement.
    Column("subject_id", Uuid, nullable=True),
    words("resolution", nullable=True),
    words("note", nullable=True),
    reference("resolved_by", "user_account.id", nullable=True),
    moment("resolved_at", nullable=True),
    reference("approved_by", "user_account.id", nullable=True),
    # When what waited in suspense was cleared, as what, and by whom, where a person did.
    moment("cleared_at", nullable=True),
    reference("cleared_by", "user_account.id", nullable=True),
    # When it was held against the books last, while it waits to be matched.
    moment("judged_at", nullable=True),
    words("cleared_as", nullable=True),
    # Who sent a bank transfer, and from which account.
    Column("payer_encrypted", LargeBinary, nullable=True),
    one_of("kind", "charge", "refund", "chargeback", "payout", "fee", "settlement", "other"),
    one_of("status", "matched", "unmatched", "proposed", "resolved"),
    one_of("resolution", "fee", "income", "loss", "suspense", "nothing"),
    one_of("cleared_as", "fee", "income", "loss", "payment", "returned", "chargeback"),
    # With a refund some providers give of their fee back.
    CheckConstraint("fee_minor >= 0 OR kind = 'refund'", name="fee_given_back_with_refund"),
    CheckConstraint("amount_minor <> 0 OR fee_minor <> 0", name="moves_something"),
    CheckConstraint(
        "status <> 'matched' OR (unexplained_minor = 0 AND mismatch IS NULL)", name="match_is_whole"
    ),
    CheckConstraint(
        "(status IN ('proposed', 'resolved')) = (resolution IS NOT NULL)", name="resolved_as"
    ),
    UniqueConstraint("gateway", "reference"),
    Index(
        "uq_provider_movement_subject_id",
        "subject_id",
        unique=True,
        postgresql_where=text("status = 'matched'"),
    ),
    Index(
        "ix_provider_movement_open",
        "currency",
        postgresql_where=text("status IN ('unmatched', 'proposed')"),
    ),
    Index(
        "ix_provider_movement_suspended",
        "currency",
        postgresql_where=text("resolution = 'suspense' AND cleared_at IS NULL"),
    ),
    Index(
        "ix_provider_movement_key",
        "key",
        postgresql_where=text("key IS NOT NULL AND gateway = 'bank_transfer'"),
    ),
    Index("ix_provider_movement_occurred_at", "occurred_at", "id"),
    # What is told of a chargeback is found by its names.
    Index(
        "ix_provider_movement_related",
        "gateway",
        "related",
        postgresql_where=text("kind = 'chargeback'"),
    ),
)

provider_cursor = Table(
    "provider_cursor",
    metadata,
    Column("gateway", Text, primary_key=True),
    # When the last movement happened that was read of the gateway's list.
    moment("read_until"),
    moment("read_at"),
)
