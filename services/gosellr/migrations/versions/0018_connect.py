"""Sellers' accounts at providers, payouts called back, movements of payouts and chargebacks.

Revision ID: 0018
Revises: 0016
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None

_KIND = "ck_provider_movement_kind_known"
_KINDS = "'charge', 'refund', 'fee', 'settlement', 'other'"
_MORE_KINDS = "'charge', 'refund', 'chargeback', 'payout', 'fee', 'settlement', 'other'"


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _flag(name: str) -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _accounts() -> None:
    op.create_table(
        "connected_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("country", sa.CHAR(length=2), nullable=False),
        _flag("is_complete"),
        _flag("may_receive"),
        _flag("may_pay_out"),
        sa.Column("missing", JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        _moment("due_at", nullable=True),
        sa.Column("disabled_reason", sa.Text(), nullable=True),
        sa.Column("bank_failure", sa.Text(), nullable=True),
        _moment("bank_failed_at", nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _moment("created_at"),
        _moment("checked_at", nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "reference IS NOT NULL OR NOT may_receive",
            name=op.f("ck_connected_account_receives_once_named"),
        ),
        sa.CheckConstraint(
            "(bank_failure IS NULL) = (bank_failed_at IS NULL)",
            name=op.f("ck_connected_account_failure_has_time"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_connected_account_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connected_account")),
        sa.UniqueConstraint(
            "seller_id", "provider", name=op.f("uq_connected_account_seller_id_provider")
        ),
        sa.UniqueConstraint(
            "provider", "reference", name=op.f("uq_connected_account_provider_reference")
        ),
    )


def _recalls() -> None:
    op.create_table(
        "payout_recall",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        _moment("asked_at"),
        sa.Column("refusal", sa.Text(), nullable=True),
        _moment("finished_at", nullable=True),
        _moment("check_at", nullable=True),
        sa.Column("check_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'done', 'refused')", name=op.f("ck_payout_recall_status_known")
        ),
        sa.CheckConstraint(
            "check_count >= 0", name=op.f("ck_payout_recall_check_count_not_negative")
        ),
        sa.CheckConstraint(
            "(status = 'pending') = (finished_at IS NULL)",
            name=op.f("ck_payout_recall_finished_when_answered"),
        ),
        sa.CheckConstraint(
            "(status = 'refused') = (refusal IS NOT NULL)",
            name=op.f("ck_payout_recall_refusal_says_why"),
        ),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payout.id"], name=op.f("fk_payout_recall_payout_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_recall")),
    )
    op.create_index("ix_payout_recall_payout_id", "payout_recall", ["payout_id"])
    for name, column, unique, condition in (
        ("uq_payout_recall_pending", "payout_id", True, "status = 'pending'"),
        ("ix_payout_recall_check_at", "check_at", False, "check_at IS NOT NULL"),
    ):
        op.create_index(
            name, "payout_recall", [column], unique=unique, postgresql_where=sa.text(condition)
        )


def upgrade() -> None:
    _accounts()
    _recalls()
    op.create_table(
        "provider_cursor",
        sa.Column("gateway", sa.Text(), nullable=False),
        _moment("read_until"),
        _moment("read_at"),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_provider_cursor")),
    )
    op.drop_constraint(op.f(_KIND), "provider_movement", type_="check")
    op.create_check_constraint(op.f(_KIND), "provider_movement", f"kind IN ({_MORE_KINDS})")
    op.add_column("dispute", _moment("review_reminded_at", nullable=True))
    op.add_column("dispute", _moment("review_overdue_at", nullable=True))


def downgrade() -> None:
    op.drop_column("dispute", "review_overdue_at")
    op.drop_column("dispute", "review_reminded_at")
    # What was told of the new kinds is told as something else again.
    op.execute("UPDATE provider_movement SET kind = 'other' WHERE kind IN ('chargeback', 'payout')")
    op.drop_constraint(op.f(_KIND), "provider_movement", type_="check")
    op.create_check_constraint(op.f(_KIND), "provider_movement", f"kind IN ({_KINDS})")
    for table in ("provider_cursor", "payout_recall", "connected_account"):
        op.drop_table(table)
