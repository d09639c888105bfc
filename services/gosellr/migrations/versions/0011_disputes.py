"""Disputes: cases between buyers and sellers, chargebacks, and the money frozen under them.

Revision ID: 0011
Revises: 0010
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

APPEND_ONLY = ("dispute_message", "dispute_file", "dispute_event")
_AUTHORS = "author IN ('buyer', 'seller', 'operator', 'support')"


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _text(name: str, *, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(name, sa.Text(), nullable=nullable)


def _zero(name: str, kind: "sa.types.TypeEngine[int] | None" = None) -> "sa.Column[int]":
    return sa.Column(name, kind or sa.BigInteger(), server_default=sa.text("0"), nullable=False)


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _partial_index(
    name: str, table: str, columns: list[str], where: str, *, unique: bool = False
) -> None:
    op.create_index(name, table, columns, unique=unique, postgresql_where=sa.text(where))


def _chargebacks() -> None:
    op.create_table(
        "chargeback",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        _text("gateway"),
        _text("gateway_reference"),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        _text("reason"),
        _text("status"),
        _moment("evidence_due_at", nullable=True),
        _moment("evidence_sent_at", nullable=True),
        _moment("opened_at"),
        _moment("closed_at", nullable=True),
        _moment("check_at", nullable=True),
        _zero("check_count", sa.Integer()),
        _check("chargeback", "status_known", "status IN ('open', 'won', 'lost')"),
        _check("chargeback", "amount_positive", "amount_minor > 0"),
        _check("chargeback", "fee_minor_not_negative", "fee_minor >= 0 AND check_count >= 0"),
        _check("chargeback", "closed_when_decided", "(status = 'open') = (closed_at IS NULL)"),
        _reference("chargeback", "payment_id", "payment.id"),
        _reference("chargeback", "order_id", "orders.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chargeback")),
        sa.UniqueConstraint(
            "gateway", "gateway_reference", name=op.f("uq_chargeback_gateway_gateway_reference")
        ),
    )
    op.create_index("ix_chargeback_payment_id", "chargeback", ["payment_id"])
    _partial_index("ix_chargeback_check_at", "chargeback", ["check_at"], "check_at IS NOT NULL")


def _dispute_checks() -> list[sa.CheckConstraint]:
    frozen = "from_pending_minor + from_available_minor + from_receivable_minor"
    return [
        _check("dispute", name, condition)
        for name, condition in {
            "kind_known": "kind IN ('buyer', 'chargeback')",
            "reason_known": "reason IN ('not_delivered', 'not_as_described', 'damaged', 'other')",
            "status_known": "status IN ('awaiting_seller', 'awaiting_buyer', 'under_review',"
            " 'awaiting_provider', 'decided', 'appealed', 'settling', 'closed')",
            "outcome_known": "outcome IN ('accepted', 'withdrawn', 'for_buyer', 'for_seller',"
            " 'split', 'superseded')",
            "appealed_by_known": "appealed_by IN ('buyer', 'seller')",
            "kind_fits": "(kind = 'buyer') = (order_line_id IS NOT NULL AND quantity IS NOT NULL)"
            " AND (kind = 'chargeback') = (chargeback_id IS NOT NULL)",
            "quantity_positive": "quantity > 0",
            "award_within_amount": "award_minor BETWEEN 0 AND amount_minor",
            "from_pending_minor_not_negative": "from_pending_minor >= 0"
            " AND from_available_minor >= 0 AND from_receivable_minor >= 0 AND spent_minor >= 0",
            "spent_within_frozen": f"spent_minor <= {frozen}",
            "closed_at_fits": "(status = 'closed') = (closed_at IS NOT NULL)",
            "closed_keeps_nothing": f"status <> 'closed' OR spent_minor = {frozen}",
        }.items()
    ]


def _disputes() -> None:
    op.create_table(
        "dispute",
        sa.Column("id", sa.Uuid(), nullable=False),
        _text("kind"),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("chargeback_id", sa.Uuid(), nullable=True),
        _text("reason"),
        _text("status"),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("award_minor", sa.BigInteger(), nullable=True),
        *(_text(name, nullable=True) for name in ("outcome", "decided_by", "decision")),
        sa.Column("is_final", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _text("appealed_by", nullable=True),
        _zero("from_pending_minor"),
        _zero("from_available_minor"),
        _zero("from_receivable_minor"),
        _zero("spent_minor"),
        _zero("booking_count", sa.Integer()),
        sa.Column("opened_by", sa.Uuid(), nullable=True),
        _moment("opened_at"),
        *(_moment(name, nullable=True) for name in ("due_at", "decided_at", "closed_at")),
        _zero("event_count", sa.Integer()),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *_dispute_checks(),
        _reference("dispute", "order_id", "orders.id"),
        _reference("dispute", "order_line_id", "order_line.id"),
        _reference("dispute", "chargeback_id", "chargeback.id"),
        sa.ForeignKeyConstraint(
            ["seller_order_id", "seller_id"],
            ["seller_order.id", "seller_order.seller_id"],
            name=op.f("fk_dispute_seller_order_id_seller_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
    )
    op.create_index("ix_dispute_order_id", "dispute", ["order_id"])
    op.create_index("ix_dispute_opened_at", "dispute", ["opened_at", "id"])
    op.create_index("ix_dispute_seller_id", "dispute", ["seller_id", "opened_at", "id"])
    for name, column, where in (
        ("ix_dispute_chargeback_id", "chargeback_id", "chargeback_id IS NOT NULL"),
        ("ix_dispute_due_at", "due_at", "due_at IS NOT NULL"),
        ("ix_dispute_settling", "id", "status = 'settling'"),
        ("ix_dispute_open_seller", "seller_id", "status <> 'closed'"),
    ):
        _partial_index(name, "dispute", [column], where)
    _partial_index(
        "uq_dispute_open_line", "dispute", ["order_line_id"], "status <> 'closed'", unique=True
    )


def _what_is_said() -> None:
    op.create_table(
        "dispute_message",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        _text("author"),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        _text("body"),
        _moment("at"),
        _check("dispute_message", "author_known", _AUTHORS),
        _reference("dispute_message", "dispute_id", "dispute.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_message")),
    )
    op.create_index("ix_dispute_message_dispute_id", "dispute_message", ["dispute_id", "id"])
    op.create_table(
        "dispute_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        _text("author"),
        sa.Column("author_id", sa.Uuid(), nullable=True),
        _text("name"),
        _text("content_type"),
        sa.Column("byte_size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        _text("storage_key"),
        _moment("at"),
        _check("dispute_file", "author_known", _AUTHORS),
        _check("dispute_file", "byte_size_positive", "byte_size > 0"),
        _reference("dispute_file", "dispute_id", "dispute.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_file")),
        sa.UniqueConstraint("dispute_id", "sha256", name=op.f("uq_dispute_file_dispute_id_sha256")),
    )
    op.create_table(
        "dispute_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        _text("kind"),
        _text("from_status", nullable=True),
        _text("to_status", nullable=True),
        _text("actor"),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("data", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        _moment("at"),
        _reference("dispute_event", "dispute_id", "dispute.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_event")),
        sa.UniqueConstraint(
            "dispute_id", "sequence", name=op.f("uq_dispute_event_dispute_id_sequence")
        ),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _what_it_touches() -> None:
    """New columns have constant defaults: no table is written anew, and older code goes on."""
    op.add_column("orders", _zero("open_dispute_count", sa.SmallInteger()))
    op.add_column("payment", _zero("disputed_minor"))
    op.add_column("refund", sa.Column("dispute_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_refund_dispute_id"), "refund", "dispute", ["dispute_id"], ["id"])
    _partial_index("ix_refund_dispute_id", "refund", ["dispute_id"], "dispute_id IS NOT NULL")


def upgrade() -> None:
    _chargebacks()
    _disputes()
    _what_is_said()
    _what_it_touches()


def downgrade() -> None:
    op.drop_column("refund", "dispute_id")
    op.drop_column("payment", "disputed_minor")
    op.drop_column("orders", "open_dispute_count")
    for table in ("dispute_event", "dispute_file", "dispute_message", "dispute", "chargeback"):
        op.drop_table(table)
