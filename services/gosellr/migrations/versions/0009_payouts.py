"""Payouts: where a seller's money goes, when, and which entries each of them claims.

Revision ID: 0009
Revises: 0008
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _settings() -> None:
    op.create_table(
        "payout_settings",
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("schedule", sa.Text(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=True),
        sa.Column("day_of_month", sa.SmallInteger(), nullable=True),
        sa.Column("minimums", JSONB(), server_default=sa.text("'{}'::jsonb"), nullable=False),
        _moment("next_due_at", nullable=True),
        _moment("held_at", nullable=True),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.Column("held_by", sa.Uuid(), nullable=True),
        _moment("updated_at"),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "schedule IN ('daily', 'weekly', 'monthly', 'manual')",
            name=op.f("ck_payout_settings_schedule_known"),
        ),
        sa.CheckConstraint(
            "CASE schedule WHEN 'weekly' THEN weekday BETWEEN 1 AND 7 ELSE weekday IS NULL END",
            name=op.f("ck_payout_settings_weekday_fits"),
        ),
        sa.CheckConstraint(
            "CASE schedule WHEN 'monthly' THEN day_of_month BETWEEN 1 AND 31"
            " ELSE day_of_month IS NULL END",
            name=op.f("ck_payout_settings_day_of_month_fits"),
        ),
        sa.CheckConstraint(
            "(held_at IS NULL) = (hold_reason IS NULL)",
            name=op.f("ck_payout_settings_hold_has_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_payout_settings_seller_id")
        ),
        sa.PrimaryKeyConstraint("seller_id", name=op.f("pk_payout_settings")),
    )
    op.create_index(
        "ix_payout_settings_next_due_at",
        "payout_settings",
        ["next_due_at"],
        postgresql_where=sa.text("next_due_at IS NOT NULL"),
    )


def _destinations() -> None:
    op.create_table(
        "payout_destination",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("account_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _moment("created_at"),
        _moment("usable_from"),
        _moment("replaced_at", nullable=True),
        sa.CheckConstraint(
            "length(last_four) = 4", name=op.f("ck_payout_destination_last_four_only")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_payout_destination_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_destination")),
    )
    op.create_index(
        "uq_payout_destination_current",
        "payout_destination",
        ["seller_id"],
        unique=True,
        postgresql_where=sa.text("replaced_at IS NULL"),
    )


def _payouts() -> None:
    op.create_table(
        "payout",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("destination_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        _moment("approved_at", nullable=True),
        sa.Column("provider_reference", sa.Text(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        _moment("created_at"),
        _moment("paid_at", nullable=True),
        _moment("finished_at", nullable=True),
        _moment("check_at", nullable=True),
        sa.Column("check_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status IN ('awaiting_approval', 'pending', 'sent', 'unknown', 'paid', 'failed',"
            " 'cancelled')",
            name=op.f("ck_payout_status_known"),
        ),
        sa.CheckConstraint(
            "origin IN ('requested', 'scheduled', 'batch')", name=op.f("ck_payout_origin_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payout_amount_positive")),
        sa.CheckConstraint("check_count >= 0", name=op.f("ck_payout_check_count_not_negative")),
        sa.CheckConstraint(
            "approved_by <> requested_by", name=op.f("ck_payout_approved_by_another")
        ),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_payout_seller_id")),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["payout_destination.id"], name=op.f("fk_payout_destination_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
    )
    op.create_index("ix_payout_seller_id", "payout", ["seller_id", "created_at", "id"])
    op.create_index("ix_payout_created_at", "payout", ["created_at", "id"])
    for column in ("check_at", "batch_id"):
        op.create_index(
            f"ix_payout_{column}",
            "payout",
            [column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )


def _claims() -> None:
    op.create_table(
        "payout_entry",
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), autoincrement=False, nullable=False),
        _moment("released_at", nullable=True),
        sa.ForeignKeyConstraint(
            ["payout_id"], ["payout.id"], name=op.f("fk_payout_entry_payout_id")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_payout_entry_entry_id")
        ),
        sa.PrimaryKeyConstraint("payout_id", "entry_id", name=op.f("pk_payout_entry")),
    )
    op.create_index(
        "uq_payout_entry_live",
        "payout_entry",
        ["entry_id"],
        unique=True,
        postgresql_where=sa.text("released_at IS NULL"),
    )


def upgrade() -> None:
    _settings()
    _destinations()
    _payouts()
    _claims()


def downgrade() -> None:
    for table in ("payout_entry", "payout", "payout_destination", "payout_settings"):
        op.drop_table(table)
