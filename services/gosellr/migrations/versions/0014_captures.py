"""Captures: money that is set aside at checkout and taken when its goods leave.

Revision ID: 0014
Revises: 0013
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _columns() -> None:
    op.add_column(
        "orders",
        sa.Column("capture_at", sa.Text(), server_default=sa.text("'at_order'"), nullable=False),
    )
    # Every row that there is has the default, which the check lets pass: it may be believed at
    # once, and is proven by later writes.
    op.create_check_constraint(
        op.f("ck_orders_capture_at_known"),
        "orders",
        "capture_at IN ('at_order', 'at_shipment')",
        postgresql_not_valid=True,
    )
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck_orders_capture_at_known")
    op.add_column("seller_order", _moment("captured_at", nullable=True))
    for name in ("secured_at", "authorized_until", "watch_at"):
        op.add_column("payment", _moment(name, nullable=True))
    op.add_column(
        "payment",
        sa.Column("captures_many", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_index(
        "ix_payment_watch_at",
        "payment",
        ["watch_at"],
        postgresql_where=sa.text("watch_at IS NOT NULL"),
    )


def _captures() -> None:
    op.create_table(
        "payment_capture",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("seller_order_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("stored_minor", sa.BigInteger(), nullable=False),
        sa.Column(
            "stored",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("final", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("gateway_reference", sa.Text(), nullable=True),
        sa.Column("decline_code", sa.Text(), nullable=True),
        _moment("created_at"),
        _moment("finished_at", nullable=True),
        _moment("check_at", nullable=True),
        sa.Column("check_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *(
            sa.CheckConstraint(text, name=op.f(f"ck_payment_capture_{name}"))
            for name, text in (
                ("status_known", "status IN ('pending', 'unknown', 'succeeded', 'failed')"),
                (
                    "amount_minor_not_negative",
                    "amount_minor >= 0 AND stored_minor >= 0 AND fee_minor >= 0",
                ),
                ("asked_of_a_gateway", "amount_minor = 0 OR payment_id IS NOT NULL"),
                ("takes_for_somebody", "cardinality(seller_order_ids) > 0"),
                (
                    "open_is_asked_after",
                    "(status IN ('pending', 'unknown')) = (check_at IS NOT NULL)",
                ),
            )
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_payment_capture_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_payment_capture_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_capture")),
    )
    op.create_index("ix_payment_capture_order_id", "payment_capture", ["order_id"])
    op.create_index("ix_payment_capture_payment_id", "payment_capture", ["payment_id"])
    op.create_index(
        "ix_payment_capture_check_at",
        "payment_capture",
        ["check_at"],
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )


def upgrade() -> None:
    _columns()
    _captures()


def downgrade() -> None:
    op.drop_table("payment_capture")
    op.drop_index("ix_payment_watch_at", "payment")
    for column in ("captures_many", "watch_at", "authorized_until", "secured_at"):
        op.drop_column("payment", column)
    op.drop_column("seller_order", "captured_at")
    op.drop_constraint("ck_orders_capture_at_known", "orders")
    op.drop_column("orders", "capture_at")
