"""A chargeback's stage, payments and late fees; what providers gave back of their own accord.

Revision ID: 0028
Revises: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_CLEARED_AS = "ck_provider_movement_cleared_as_known"
_CLEARED = "'fee', 'income', 'loss', 'payment', 'returned'"


def _cleared_as(words: str) -> None:
    op.drop_constraint(op.f(_CLEARED_AS), "provider_movement", type_="check")
    op.create_check_constraint(op.f(_CLEARED_AS), "provider_movement", f"cleared_as IN ({words})")


def _provider_refunds() -> None:
    op.create_table(
        "provider_refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("gateway_reference", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("is_reversal", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        sa.Column("chargeback_id", sa.Uuid(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "status IN ('booked', 'explained', 'waiting', 'resolved')",
            name=op.f("ck_provider_refund_status_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_provider_refund_amount_positive")),
        sa.CheckConstraint(
            "(status = 'waiting') = (finished_at IS NULL)"
            " AND (status <> 'waiting' OR reason IS NOT NULL)",
            name=op.f("ck_provider_refund_waits_with_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_provider_refund_payment_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_provider_refund_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by"], ["user_account.id"], name=op.f("fk_provider_refund_resolved_by")
        ),
        sa.ForeignKeyConstraint(
            ["chargeback_id"], ["chargeback.id"], name=op.f("fk_provider_refund_chargeback_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_refund")),
        sa.UniqueConstraint(
            "gateway",
            "gateway_reference",
            name=op.f("uq_provider_refund_gateway_gateway_reference"),
        ),
    )
    for name in ("order_id", "payment_id"):
        op.create_index(f"ix_provider_refund_{name}", "provider_refund", [name], unique=False)
    op.create_index(
        "ix_provider_refund_chargeback_id",
        "provider_refund",
        ["chargeback_id"],
        unique=False,
        postgresql_where=sa.text("chargeback_id IS NOT NULL"),
    )
    op.create_index(
        "ix_provider_refund_waiting",
        "provider_refund",
        ["told_at", "id"],
        unique=False,
        postgresql_where=sa.text("status = 'waiting'"),
    )


def upgrade() -> None:
    """Of what was opened before, the stage isn't known."""
    op.add_column("chargeback", sa.Column("stage", sa.Text(), nullable=True))
    op.add_column(
        "chargeback",
        sa.Column(
            "charges", ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
    )
    op.add_column(
        "chargeback",
        sa.Column("fee_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_chargeback_stage_known"),
        "chargeback",
        "stage IN ('inquiry', 'chargeback', 'pre_arbitration', 'arbitration')",
    )
    op.create_check_constraint(
        op.f("ck_chargeback_fee_count_not_negative"), "chargeback", "fee_count >= 0"
    )
    op.create_index(
        "ix_provider_movement_related",
        "provider_movement",
        ["gateway", "related"],
        unique=False,
        postgresql_where=sa.text("kind = 'chargeback'"),
    )
    _cleared_as(f"{_CLEARED}, 'chargeback'")
    _provider_refunds()


def downgrade() -> None:
    """What was cleared as a chargeback counts as returned."""
    op.drop_table("provider_refund")
    op.execute(
        "UPDATE provider_movement SET cleared_as = 'returned' WHERE cleared_as = 'chargeback'"
    )
    _cleared_as(_CLEARED)
    op.drop_index("ix_provider_movement_related", table_name="provider_movement")
    for name in ("fee_count", "charges", "stage"):
        op.drop_column("chargeback", name)
