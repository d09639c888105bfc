"""What is kept back of sellers' money and why, what is owed, and operators' hands on the books."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Uuid,
    text,
)
from sqlalchemy.types import Date

from gosellr.models.base import (
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

reserve_rule = Table(
    "reserve_rule",
    metadata,
    identifier(),
    words("name", default=""),
    words("scope"),
    reference("seller_id", "seller.id", nullable=True),
    reference("category_id", "category.id", nullable=True),
    Column("younger_than_days", Integer, nullable=True),
    words("measure", nullable=True),
    Column("above_bps", Integer, nullable=True),
    Column("rate_bps", Integer, nullable=False),
    Column("days", Integer, nullable=False),
    # {"EUR": 50000}: so much is kept back of a seller in all, and no more.
    document("caps", default="{}"),
    moment("valid_from", nullable=True),
    moment("valid_to", nullable=True),
    Column("created_by", Uuid, nullable=True),
    moment("created_at"),
    moment("updated_at"),
    moment("archived_at", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    one_of("scope", "market", "seller", "category", "new_account", "risk"),
    one_of("measure", "open_disputes", "chargebacks", "refunds"),
    CheckConstraint(
        "(scope = 'seller') = (seller_id IS NOT NULL)"
        " AND (scope = 'category') = (category_id IS NOT NULL)"
        " AND (scope = 'new_account') = (younger_than_days IS NOT NULL)"
        " AND (scope = 'risk') = (measure IS NOT NULL)"
        " AND (scope = 'risk') = (above_bps IS NOT NULL)",
        name="scope_has_its_condition",
    ),
    CheckConstraint("rate_bps BETWEEN 0 AND 10000", name="rate_range"),
    CheckConstraint("days BETWEEN 1 AND 180", name="days_range"),
    CheckConstraint("valid_to > valid_from", name="ends_after_it_begins"),
)

reserve_hold = Table(
    "reserve_hold",
    metadata,
    identifier(),
    reference("seller_id", "seller.id"),
    # A sale is released once, and so held back of once.
    reference("seller_order_id", "seller_order.id", unique=True),
    currency(),
    minor("amount_minor"),
    # Given to buyers out of it, and released to the seller; the rest is still held.
    minor("taken_minor", default=0),
    minor("released_minor", default=0),
    # The rule as it was when it decided, whatever becomes of it.
    reference("rule_id", "reserve_rule.id"),
    document("rule"),
    moment("held_at"),
    moment("release_at"),
    # How often it was released: what a refund gives back after the release is released again.
    Column("release_count", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    not_negative("taken_minor", "released_minor"),
    CheckConstraint("taken_minor + released_minor <= amount_minor", name="never_more_than_held"),
    Index(
        "ix_reserve_hold_due",
        "release_at",
        "id",
        postgresql_where=text("taken_minor + released_minor < amount_minor"),
    ),
    Index(
        "ix_reserve_hold_of_seller",
        "seller_id",
        "currency",
        "release_at",
        postgresql_where=text("taken_minor + released_minor < amount_minor"),
    ),
)

recovery_plan = Table(
    "recovery_plan",
    metadata,
    identifier(),
    reference("seller_id", "seller.id"),
    currency(),
    words("kind"),
    Column("share_bps", Integer, nullable=True),
    minor("instalment_minor", nullable=True),
    Column("every_days", Integer, nullable=True),
    words("note", default=""),
    minor("recovered_minor", default=0),
    moment("starts_at"),
    moment("ended_at", nullable=True),
    words("end_reason", nullable=True),
    Column("created_by", Uuid, nullable=True),
    moment("created_at"),
    one_of("kind", "share", "instalments"),
    one_of("end_reason", "settled", "replaced", "ended"),
    CheckConstraint(
        "CASE kind WHEN 'share' THEN share_bps BETWEEN 1 AND 10000 AND instalment_minor IS NULL"
        " AND every_days IS NULL"
        " ELSE share_bps IS NULL AND instalment_minor > 0 AND every_days BETWEEN 1 AND 366 END",
        name="kind_has_its_terms",
    ),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_has_reason"),
    not_negative("recovered_minor"),
    Index(
        "uq_recovery_plan_running",
        "seller_id",
        "currency",
        unique=True,
        postgresql_where=text("ended_at IS NULL"),
    ),
)

adjustment = Table(
    "adjustment",
    metadata,
    identifier(),
    words("kind"),
    words("status", default="prepared"),
    words("reason"),
    # [{"account", "direction", "amount_minor", "currency"}]: what approving it books.
    document("entries"),
    # Of a write-off: whose debt.
    reference("seller_id", "seller.id", nullable=True),
    Column("prepared_by", Uuid, nullable=False),
    moment("prepared_at"),
    Column("decided_by", Uuid, nullable=True),
    moment("decided_at", nullable=True),
    words("decision_note", nullable=True),
    Column("transaction_id", Uuid, nullable=True),
    one_of("kind", "entries", "write_off"),
    one_of("status", "prepared", "approved", "rejected"),
    # Whoever prepared it neither approves nor rejects it.
    CheckConstraint("decided_by <> prepared_by", name="decided_by_another"),
    CheckConstraint(
        "(status = 'prepared') = (decided_by IS NULL)"
        " AND (status = 'prepared') = (decided_at IS NULL)",
        name="decided_by_somebody",
    ),
    CheckConstraint(
        "(status = 'approved') = (transaction_id IS NOT NULL)", name="approved_is_booked"
    ),
    CheckConstraint("(kind = 'write_off') = (seller_id IS NOT NULL)", name="write_off_of_seller"),
    Index("ix_adjustment_prepared_at", "prepared_at", "id"),
)

bank_file = Table(
    "bank_file",
    metadata,
    identifier(),
    words("message_id"),
    words("status", default="made"),
    currency(),
    minor("amount_minor"),
    Column("payment_count", Integer, nullable=False),
    Column("pay_on", Date, nullable=False),
    # The file as it was made, encrypted for this row alone: it names accounts.
    Column("content_encrypted", LargeBinary, nullable=False),
    words("content_sha256"),
    Column("made_by", Uuid, nullable=False),
    moment("made_at"),
    Column("decided_by", Uuid, nullable=True),
    moment("decided_at", nullable=True),
    words("reason", nullable=True),
    # What the bank was said not to have paid, with reasons: the same word again changes nothing.
    document("told_failed", nullable=True),
    one_of("status", "made", "executed", "rejected"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint("payment_count > 0", name="payment_count_positive"),
    CheckConstraint(
        "(status = 'made') = (decided_at IS NULL) AND (status = 'made') = (decided_by IS NULL)",
        name="decided_by_somebody",
    ),
    Index("uq_bank_file_message_id", "message_id", unique=True),
    Index("ix_bank_file_made_at", "made_at", "id"),
)
