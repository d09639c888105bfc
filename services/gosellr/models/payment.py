"""Payments and refunds: what was asked of a gateway, and what became of it."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
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

ATTEMPT_STATUSES = (
    "created",
    "action_required",
    "authorized",
    "captured",
    "declined",
    "unknown",
    "voided",
    "expired",
)

payment = Table(
    "payment",
    metadata,
    # Also the idempotency key at the gateway: it exists before the gateway is asked.
    identifier(),
    reference("order_id", "orders.id"),
    words("method"),
    # Mixed tender pays an order in parts; each part has at most one live attempt.
    Column("part", SmallInteger, nullable=False),
    # Attempts made together, to pay the whole total between them, are one tender.
    Column("tender", SmallInteger, nullable=False, server_default=text("0")),
    minor("amount_minor"),
    currency(),
    words("status", default="created"),
    words("token", nullable=True),
    words("gateway_reference", nullable=True),
    words("decline_code", nullable=True),
    words("action_url", nullable=True),
    minor("captured_minor", default=0),
    minor("refunded_minor", default=0),
    minor("fee_minor", default=0),
    # The guarded account of a gift card or a buyer that this part is taken from.
    words("account", nullable=True),
    # The part of the order whose cash it is, once its seller is to collect it; of stored value
    # beside the cash of several sellers, the part that it pays for.
    Column("seller_order_id", Uuid, nullable=True),
    # What banks took back of it and haven't returned.
    minor("disputed_minor", default=0),
    moment("created_at"),
    moment("updated_at"),
    # When the gateway is asked again what became of it.
    moment("check_at", nullable=True),
    Column("check_count", Integer, nullable=False, server_default=text("0")),
    # How often it is known to have been sent: what got lost on its way is sent once more.
    Column("sent_count", Integer, nullable=False, server_default=text("0")),
    # Of an order whose money is taken when its goods leave: since when this attempt stands for it,
    # until when its gateway keeps the money aside, and whether it may be taken piece by piece.
    moment("secured_at", nullable=True),
    moment("authorized_until", nullable=True),
    Column("captures_many", Boolean, nullable=False, server_default=text("false")),
    # When somebody has to look at what is set aside: to warn, or because it is over.
    moment("watch_at", nullable=True),
    one_of("status", *ATTEMPT_STATUSES),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint(
        "CASE WHEN method IN ('gift_card', 'store_credit')"
        " THEN account IS NOT NULL OR status = 'created' ELSE account IS NULL END",
        name="account_of_stored_value",
    ),
    CheckConstraint(
        "CASE WHEN method = 'cash_on_delivery'"
        " THEN (status NOT IN ('created', 'declined')) = (seller_order_id IS NOT NULL)"
        " ELSE seller_order_id IS NULL OR account IS NOT NULL END",
        name="cash_of_one_part",
    ),
    # A gateway that takes too much is believed too: all of it goes back.
    CheckConstraint("captured_minor >= 0", name="captured_not_negative"),
    CheckConstraint("refunded_minor BETWEEN 0 AND captured_minor", name="refunded_within_captured"),
    Index(
        "uq_payment_live_part",
        "order_id",
        "part",
        unique=True,
        postgresql_where=text(
            "status IN ('created', 'action_required', 'authorized', 'captured', 'unknown')"
        ),
    ),
    # What a buyer writes on a bank transfer names one attempt.
    Index(
        "uq_payment_transfer_reference",
        "gateway_reference",
        unique=True,
        postgresql_where=text("method = 'bank_transfer'"),
    ),
    Index("ix_payment_order_id", "order_id"),
    Index("ix_payment_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
    Index("ix_payment_watch_at", "watch_at", postgresql_where=text("watch_at IS NOT NULL")),
)

payment_capture = Table(
    "payment_capture",
    metadata,
    # Also the idempotency key at the gateway: it exists before the gateway is asked.
    identifier(),
    reference("order_id", "orders.id"),
    # Null where stored value pays all of it, and no gateway is asked.
    reference("payment_id", "payment.id", nullable=True),
    Column("seller_order_ids", ARRAY(Uuid), nullable=False),
    # What the gateway is asked for, and what set-aside value pays beside it, by its attempt.
    minor("amount_minor"),
    minor("stored_minor"),
    document("stored", default="{}"),
    # The last one: what is left of the authorisation goes back to the buyer.
    Column("final", Boolean, nullable=False),
    words("status", default="pending"),
    minor("fee_minor", default=0),
    words("gateway_reference", nullable=True),
    words("decline_code", nullable=True),
    moment("created_at"),
    moment("finished_at", nullable=True),
    moment("check_at", nullable=True),
    Column("check_count", Integer, nullable=False, server_default=text("0")),
    one_of("status", "pending", "unknown", "succeeded", "failed"),
    not_negative("amount_minor", "stored_minor", "fee_minor"),
    CheckConstraint("amount_minor = 0 OR payment_id IS NOT NULL", name="asked_of_a_gateway"),
    CheckConstraint("cardinality(seller_order_ids) > 0", name="takes_for_somebody"),
    CheckConstraint(
        "(status IN ('pending', 'unknown')) = (check_at IS NOT NULL)", name="open_is_asked_after"
    ),
    Index("ix_payment_capture_order_id", "order_id"),
    Index("ix_payment_capture_payment_id", "payment_id"),
    Index("ix_payment_capture_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
)

payment_return = Table(
    "payment_return",
    metadata,
    # Captured money that paid for nothing goes back: too little, too late, or half of a
    # mixed tender whose other half was declined. Also the idempotency key at the gateway.
    identifier(),
    reference("payment_id", "payment.id"),
    # The capture that it was taken by, where money is taken as goods leave; else all that the
    # attempt took goes back.
    reference("capture_id", "payment_capture.id", nullable=True),
    minor("amount_minor"),
    words("reason"),
    words("status", default="pending"),
    words("gateway_reference", nullable=True),
    moment("created_at"),
    moment("check_at", nullable=True),
    Column("check_count", Integer, nullable=False, server_default=text("0")),
    # The case for a person to look at: another amount was taken than was asked for, or what was
    # taken can't be sent back. What that person said ends it.
    moment("case_opened_at", nullable=True),
    moment("case_closed_at", nullable=True),
    reference("case_closed_by", "user_account.id", nullable=True),
    words("case_note", nullable=True),
    one_of("status", "pending", "succeeded", "failed", "unknown"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint(
        "case_closed_at IS NULL OR (case_opened_at IS NOT NULL AND case_note IS NOT NULL)",
        name="case_closed_with_a_note",
    ),
    # All of a capture goes back at once, so once is enough.
    Index(
        "uq_payment_return_payment_id",
        "payment_id",
        unique=True,
        postgresql_where=text("capture_id IS NULL"),
    ),
    Index(
        "uq_payment_return_capture_id",
        "capture_id",
        unique=True,
        postgresql_where=text("capture_id IS NOT NULL"),
    ),
    Index("ix_payment_return_payment_id", "payment_id"),
    Index(
        "ix_payment_return_case",
        "case_opened_at",
        "id",
        postgresql_where=text("case_opened_at IS NOT NULL AND case_closed_at IS NULL"),
    ),
    Index("ix_payment_return_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
)

webhook_event = Table(
    "webhook_event",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("event_id", Text, primary_key=True),
    words("kind"),
    Column("payment_id", Uuid, nullable=True),
    Column("payload", LargeBinary, nullable=False),
    moment("received_at"),
    moment("applied_at", nullable=True),
    words("outcome", nullable=True),
    Index(
        "ix_webhook_event_parked",
        "received_at",
        postgresql_where=text("applied_at IS NULL"),
    ),
)

provider_refund = Table(
    "provider_refund",
    metadata,
    # Money that went back at its provider without us: made there by hand, or by the provider.
    identifier(),
    reference("payment_id", "payment.id"),
    reference("order_id", "orders.id"),
    words("gateway"),
    words("gateway_reference"),
    minor("amount_minor"),
    currency(),
    Column("is_reversal", Boolean, nullable=False),
    words("status"),
    # Why it waits for a person, and what that person said.
    words("reason", nullable=True),
    words("note", nullable=True),
    reference("resolved_by", "user_account.id", nullable=True),
    # The dispute that it is the other side of.
    reference("chargeback_id", "chargeback.id", nullable=True),
    moment("told_at"),
    moment("finished_at", nullable=True),
    one_of("status", "booked", "explained", "waiting", "resolved"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    CheckConstraint(
        "(status = 'waiting') = (finished_at IS NULL)"
        " AND (status <> 'waiting' OR reason IS NOT NULL)",
        name="waits_with_reason",
    ),
    UniqueConstraint("gateway", "gateway_reference"),
    Index("ix_provider_refund_order_id", "order_id"),
    Index("ix_provider_refund_payment_id", "payment_id"),
    Index(
        "ix_provider_refund_chargeback_id",
        "chargeback_id",
        postgresql_where=text("chargeback_id IS NOT NULL"),
    ),
    Index(
        "ix_provider_refund_waiting", "told_at", "id", postgresql_where=text("status = 'waiting'")
    ),
)

refund = Table(
    "refund",
    metadata,
    identifier(),
    reference("order_id", "orders.id"),
    # Neither where a gift card is taken back: nobody but the market sold it.
    Column("seller_order_id", Uuid, nullable=True),
    Column("seller_id", Uuid, nullable=True),
    minor("amount_minor"),
    currency(),
    words("reason"),
    words("status", default="pending"),
    words("borne_by", default="seller"),
    # What was taken from whom, as shown before and after.
    document("effects", default="{}"),
    reference("requested_by", "user_account.id", nullable=True),
    words("failure_reason", nullable=True),
    moment("created_at"),
    moment("finished_at", nullable=True),
    # The case that it pays for, out of its frozen money.
    reference("dispute_id", "dispute.id", nullable=True),
    # As asked for, where one operator alone gave it, and what one alone said became of it: together
    # they count against how much may rest on one word.
    minor("given_alone_minor", default=0),
    minor("settled_alone_minor", default=0),
    one_of("status", "pending", "succeeded", "failed", "unknown"),
    one_of("borne_by", "seller", "marketplace"),
    CheckConstraint("(seller_order_id IS NULL) = (seller_id IS NULL)", name="of_a_part_or_a_card"),
    # Nothing goes to a buyer whom a promotion spared all of it; the shares go back all the same.
    not_negative("amount_minor"),
    Index("ix_refund_order_id", "order_id"),
    # Of a seller's month: what was settled in it or since, or isn't yet.
    Index("ix_refund_seller_id", "seller_id", "finished_at"),
    Index("ix_refund_seller_order_id", "seller_order_id"),
    Index("ix_refund_dispute_id", "dispute_id", postgresql_where=text("dispute_id IS NOT NULL")),
)

refund_line = Table(
    "refund_line",
    metadata,
    identifier(),
    reference("refund_id", "refund.id"),
    # Null: the delivery of the seller order.
    reference("order_line_id", "order_line.id", nullable=True),
    Column("quantity", Integer, nullable=False, server_default=text("0")),
    minor("amount_minor"),
    minor("goods_minor"),
    minor("tax_minor"),
    minor("marketplace_discount_minor"),
    minor("commission_minor"),
    minor("commission_vat_minor"),
    # The shares above as policy gave them back: less where commission is kept.
    minor("commission_reversed_minor"),
    minor("commission_vat_reversed_minor"),
    not_negative("quantity", "amount_minor", "goods_minor", "tax_minor", "commission_minor"),
    Index("ix_refund_line_refund_id", "refund_id"),
    Index("ix_refund_line_order_line_id", "order_line_id"),
)

refund_part = Table(
    "refund_part",
    metadata,
    # Also the idempotency key of this refund at the gateway.
    identifier(),
    reference("refund_id", "refund.id"),
    reference("payment_id", "payment.id"),
    minor("amount_minor"),
    # Null: the gateway pays it out. Else the account of stored value that it goes to.
    words("credited_account", nullable=True),
    words("status", default="pending"),
    words("gateway_reference", nullable=True),
    moment("created_at"),
    moment("check_at", nullable=True),
    Column("check_count", Integer, nullable=False, server_default=text("0")),
    one_of("status", "pending", "succeeded", "failed", "unknown"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    Index("ix_refund_part_refund_id", "refund_id"),
    Index("ix_refund_part_payment_id", "payment_id"),
    Index("ix_refund_part_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
)
