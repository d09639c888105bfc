"""Cases between buyers and sellers, what is said in them, and what banks took back."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

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

chargeback = Table(
    "chargeback",
    metadata,
    identifier(),
    reference("payment_id", "payment.id"),
    reference("order_id", "orders.id"),
    words("gateway"),
    words("gateway_reference"),
    currency(),
    # What the network took back, also where some of it had been refunded before.
    minor("amount_minor"),
    minor("fee_minor"),
    words("reason"),
    words("status"),
    # How far the quarrel has gone, where the gateway tells, and its names of the payments.
    words("stage", nullable=True),
    Column("charges", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    # Each fee booked later is one more: its number is part of the booking's key.
    Column("fee_count", Integer, nullable=False, server_default=text("0")),
    # When the bank wants the evidence.
    moment("evidence_due_at", nullable=True),
    moment("evidence_sent_at", nullable=True),
    moment("opened_at"),
    moment("closed_at", nullable=True),
    # Since when its gateway calls it lost, and the books wait: whose loss it is depends on a refund
    # of the same payment that isn't answered.
    moment("lost_later_since", nullable=True),
    # What its bank gave back after it had kept it, as of how many bookings, and since when.
    minor("reinstated_minor", default=0),
    Column("reinstated_count", Integer, nullable=False, server_default=text("0")),
    moment("reinstated_at", nullable=True),
    # When evidence is to be sent, or sent again.
    moment("check_at", nullable=True),
    Column("check_count", Integer, nullable=False, server_default=text("0")),
    one_of("status", "open", "won", "lost"),
    one_of("stage", "inquiry", "chargeback", "pre_arbitration", "arbitration"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    not_negative("fee_minor", "check_count"),
    not_negative("fee_count"),
    not_negative("reinstated_minor", "reinstated_count"),
    CheckConstraint(
        "reinstated_minor = 0 OR (status = 'lost' AND reinstated_minor <= amount_minor)",
        name="reinstated_was_lost",
    ),
    CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed_when_decided"),
    UniqueConstraint("gateway", "gateway_reference"),
    Index("ix_chargeback_payment_id", "payment_id"),
    Index("ix_chargeback_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
)

dispute = Table(
    "dispute",
    metadata,
    identifier(),
    words("kind"),
    reference("order_id", "orders.id"),
    # Neither where a bank took back what a gift card was paid with: the market has sold it.
    Column("seller_order_id", Uuid, nullable=True),
    Column("seller_id", Uuid, nullable=True),
    # A chargeback's case is about a seller's whole part, and names no line.
    reference("order_line_id", "order_line.id", nullable=True),
    Column("quantity", Integer, nullable=True),
    reference("chargeback_id", "chargeback.id", nullable=True),
    words("reason"),
    words("status"),
    currency(),
    # What the buyer could be awarded.
    minor("amount_minor"),
    # What of that isn't the sale's any more: it came back of a chargeback that was lost before.
    minor("came_back_minor", default=0),
    minor("award_minor", nullable=True),
    words("outcome", nullable=True),
    words("decided_by", nullable=True),
    words("decision", nullable=True),
    Column("is_final", Boolean, nullable=False, server_default=text("false")),
    words("appealed_by", nullable=True),
    # Where the frozen money came from, and how much of it refunds have taken.
    minor("from_pending_minor", default=0),
    minor("from_available_minor", default=0),
    # Kept back by rule before: the holds count it as taken.
    minor("from_reserve_minor", default=0),
    minor("from_receivable_minor", default=0),
    minor("spent_minor", default=0),
    # Each booking of the case is one more: its number is part of the booking's key.
    Column("booking_count", Integer, nullable=False, server_default=text("0")),
    Column("opened_by", Uuid, nullable=True),
    moment("opened_at"),
    moment("due_at", nullable=True),
    # While operators look: when they were reminded, and when their time was over.
    moment("review_reminded_at", nullable=True),
    moment("review_overdue_at", nullable=True),
    moment("decided_at", nullable=True),
    moment("closed_at", nullable=True),
    Column("event_count", Integer, nullable=False, server_default=text("0")),
    Column("version", Integer, nullable=False, server_default=text("1")),
    one_of("kind", "buyer", "chargeback"),
    one_of("reason", "not_delivered", "not_as_described", "damaged", "other"),
    one_of(
        "status",
        "awaiting_seller",
        "awaiting_buyer",
        "under_review",
        "awaiting_provider",
        "decided",
        "appealed",
        "settling",
        "closed",
    ),
    one_of("outcome", "accepted", "withdrawn", "for_buyer", "for_seller", "split", "superseded"),
    one_of("appealed_by", "buyer", "seller"),
    CheckConstraint(
        "(kind = 'buyer') = (order_line_id IS NOT NULL AND quantity IS NOT NULL)"
        " AND (kind = 'chargeback') = (chargeback_id IS NOT NULL)",
        name="kind_fits",
    ),
    CheckConstraint(
        "(seller_order_id IS NULL) = (seller_id IS NULL)"
        " AND (seller_id IS NOT NULL OR kind = 'chargeback')",
        name="of_a_part_or_a_card",
    ),
    CheckConstraint("quantity > 0", name="quantity_positive"),
    CheckConstraint("award_minor BETWEEN 0 AND amount_minor", name="award_within_amount"),
    CheckConstraint("came_back_minor BETWEEN 0 AND amount_minor", name="came_back_within_amount"),
    not_negative(
        "from_pending_minor", "from_available_minor", "from_receivable_minor", "spent_minor"
    ),
    not_negative("from_reserve_minor"),
    CheckConstraint(
        "spent_minor <= from_pending_minor + from_available_minor + from_reserve_minor"
        " + from_receivable_minor",
        name="spent_within_frozen",
    ),
    CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_at_fits"),
    CheckConstraint(
        "status <> 'closed' OR spent_minor = from_pending_minor + from_available_minor"
        " + from_reserve_minor + from_receivable_minor",
        name="closed_keeps_nothing",
    ),
    ForeignKeyConstraint(
        ["seller_order_id", "seller_id"], ["seller_order.id", "seller_order.seller_id"]
    ),
    Index("ix_dispute_order_id", "order_id"),
    Index("ix_dispute_opened_at", "opened_at", "id"),
    Index("ix_dispute_seller_id", "seller_id", "opened_at", "id"),
    Index(
        "ix_dispute_chargeback_id",
        "chargeback_id",
        postgresql_where=text("chargeback_id IS NOT NULL"),
    ),
    # One open case per line.
    Index(
        "uq_dispute_open_line",
        "order_line_id",
        unique=True,
        postgresql_where=text("status <> 'closed'"),
    ),
    Index("ix_dispute_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_dispute_settling", "id", postgresql_where=text("status = 'settling'")),
    Index("ix_dispute_open_seller", "seller_id", postgresql_where=text("status <> 'closed'")),
)

dispute_message = Table(
    "dispute_message",
    metadata,
    identifier(),
    reference("dispute_id", "dispute.id"),
    words("author"),
    Column("author_id", Uuid, nullable=True),
    words("body"),
    moment("at"),
    one_of("author", "buyer", "seller", "operator", "support"),
    Index("ix_dispute_message_dispute_id", "dispute_id", "id"),
)

dispute_file = Table(
    "dispute_file",
    metadata,
    identifier(),
    reference("dispute_id", "dispute.id"),
    words("author"),
    Column("author_id", Uuid, nullable=True),
    words("name"),
    words("content_type"),
    Column("byte_size", Integer, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    words("storage_key"),
    moment("at"),
    one_of("author", "buyer", "seller", "operator", "support"),
    CheckConstraint("byte_size > 0", name="byte_size_positive"),
    UniqueConstraint("dispute_id", "sha256"),
)

dispute_event = Table(
    "dispute_event",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    reference("dispute_id", "dispute.id"),
    Column("sequence", Integer, nullable=False),
    words("kind"),
    words("from_status", nullable=True),
    words("to_status", nullable=True),
    words("actor"),
    Column("actor_id", Uuid, nullable=True),
    document("data", default="{}"),
    moment("at"),
    UniqueConstraint("dispute_id", "sequence"),
)
