"""Sellers' accounts at providers that keep one for each, and payouts that are to be called back."""

from sqlalchemy import (
    CHAR,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)

from gosellr.models.base import (
    document,
    identifier,
    metadata,
    moment,
    not_negative,
    one_of,
    reference,
    words,
)

connected_account = Table(
    "connected_account",
    metadata,
    identifier(),
    reference("seller_id", "seller.id"),
    words("provider"),
    # The provider's own name of it, once it was heard.
    words("reference", nullable=True),
    Column("country", CHAR(2), nullable=False),
    # As the provider told it last; before that, nothing may be sent.
    Column("is_complete", Boolean, nullable=False, server_default=text("false")),
    Column("may_receive", Boolean, nullable=False, server_default=text("false")),
    Column("may_pay_out", Boolean, nullable=False, server_default=text("false")),
    # What it still wants to be told, in its own words.
    document("missing", default="[]"),
    moment("due_at", nullable=True),
    words("disabled_reason", nullable=True),
    # Why its bank sent back what the provider had paid out to it.
    words("bank_failure", nullable=True),
    moment("bank_failed_at", nullable=True),
    # When the provider said so last, by its own clock: what it tells late is older than that.
    moment("bank_told_at", nullable=True),
    Column("created_by", Uuid, nullable=True),
    moment("created_at"),
    moment("checked_at", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("reference IS NOT NULL OR NOT may_receive", name="receives_once_named"),
    CheckConstraint("(bank_failure IS NULL) = (bank_failed_at IS NULL)", name="failure_has_time"),
    UniqueConstraint("seller_id", "provider"),
    UniqueConstraint("provider", "reference"),
)

payout_recall = Table(
    "payout_recall",
    metadata,
    identifier(),
    reference("payout_id", "payout.id"),
    words("status"),
    words("reason"),
    Column("asked_by", Uuid, nullable=True),
    moment("asked_at"),
    # Why the provider doesn't give it back.
    words("refusal", nullable=True),
    moment("finished_at", nullable=True),
    moment("check_at", nullable=True),
    Column("check_count", Integer, nullable=False, server_default=text("0")),
    one_of("status", "pending", "done", "refused"),
    not_negative("check_count"),
    CheckConstraint("(status = 'pending') = (finished_at IS NULL)", name="finished_when_answered"),
    CheckConstraint("(status = 'refused') = (refusal IS NOT NULL)", name="refusal_says_why"),
    Index("ix_payout_recall_payout_id", "payout_id"),
    # One at a time.
    Index(
        "uq_payout_recall_pending",
        "payout_id",
        unique=True,
        postgresql_where=text("status = 'pending'"),
    ),
    Index("ix_payout_recall_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
)
