"""Reserves by rule, plans of recovery, adjustments by two people, and files for the bank.

Revision ID: 0016
Revises: 0015
"""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_HELD = "taken_minor + released_minor < amount_minor"


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _minor(name: str, *, default: int | None = None, nullable: bool = False) -> "sa.Column[int]":
    return sa.Column(
        name,
        sa.BigInteger(),
        server_default=None if default is None else sa.text(str(default)),
        nullable=nullable,
    )


def _words(name: str, *, default: str | None = None, nullable: bool = False) -> "sa.Column[str]":
    return sa.Column(
        name,
        sa.Text(),
        server_default=None if default is None else sa.text(f"'{default}'"),
        nullable=nullable,
    )


def _document(name: str, *, default: str | None = None) -> "sa.Column[Any]":
    said = None if default is None else sa.text(f"'{default}'::jsonb")
    return sa.Column(name, JSONB(), server_default=said, nullable=False)


def _checks(table: str, **checks: str) -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(text, name=op.f(f"ck_{table}_{name}")) for name, text in checks.items()
    ]


def _reference(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _rules() -> None:
    op.create_table(
        "reserve_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        _words("name", default=""),
        _words("scope"),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("category_id", sa.Uuid(), nullable=True),
        sa.Column("younger_than_days", sa.Integer(), nullable=True),
        _words("measure", nullable=True),
        sa.Column("above_bps", sa.Integer(), nullable=True),
        sa.Column("rate_bps", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        _document("caps", default="{}"),
        _moment("valid_from", nullable=True),
        _moment("valid_to", nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _moment("created_at"),
        _moment("updated_at"),
        _moment("archived_at", nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        *_checks(
            "reserve_rule",
            scope_known="scope IN ('market', 'seller', 'category', 'new_account', 'risk')",
            measure_known="measure IN ('open_disputes', 'chargebacks', 'refunds')",
            scope_has_its_condition=(
                "(scope = 'seller') = (seller_id IS NOT NULL)"
                " AND (scope = 'category') = (category_id IS NOT NULL)"
                " AND (scope = 'new_account') = (younger_than_days IS NOT NULL)"
                " AND (scope = 'risk') = (measure IS NOT NULL)"
                " AND (scope = 'risk') = (above_bps IS NOT NULL)"
            ),
            rate_range="rate_bps BETWEEN 0 AND 10000",
            days_range="days BETWEEN 1 AND 180",
            ends_after_it_begins="valid_to > valid_from",
        ),
        _reference("reserve_rule", "seller_id", "seller.id"),
        _reference("reserve_rule", "category_id", "category.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_rule")),
    )


def _holds() -> None:
    op.create_table(
        "reserve_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        _minor("amount_minor"),
        _minor("taken_minor", default=0),
        _minor("released_minor", default=0),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        _document("rule"),
        _moment("held_at"),
        _moment("release_at"),
        sa.Column("release_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        *_checks(
            "reserve_hold",
            amount_positive="amount_minor > 0",
            taken_minor_not_negative="taken_minor >= 0 AND released_minor >= 0",
            never_more_than_held="taken_minor + released_minor <= amount_minor",
        ),
        _reference("reserve_hold", "seller_id", "seller.id"),
        _reference("reserve_hold", "seller_order_id", "seller_order.id"),
        _reference("reserve_hold", "rule_id", "reserve_rule.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_hold")),
        sa.UniqueConstraint("seller_order_id", name=op.f("uq_reserve_hold_seller_order_id")),
    )
    for name, columns in (
        ("due", ["release_at", "id"]),
        ("of_seller", ["seller_id", "currency", "release_at"]),
    ):
        op.create_index(
            f"ix_reserve_hold_{name}", "reserve_hold", columns, postgresql_where=sa.text(_HELD)
        )


def _plans() -> None:
    op.create_table(
        "recovery_plan",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        _words("kind"),
        sa.Column("share_bps", sa.Integer(), nullable=True),
        _minor("instalment_minor", nullable=True),
        sa.Column("every_days", sa.Integer(), nullable=True),
        _words("note", default=""),
        _minor("recovered_minor", default=0),
        _moment("starts_at"),
        _moment("ended_at", nullable=True),
        _words("end_reason", nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _moment("created_at"),
        *_checks(
            "recovery_plan",
            kind_known="kind IN ('share', 'instalments')",
            end_reason_known="end_reason IN ('settled', 'replaced', 'ended')",
            kind_has_its_terms=(
                "CASE kind WHEN 'share' THEN share_bps BETWEEN 1 AND 10000"
                " AND instalment_minor IS NULL AND every_days IS NULL"
                " ELSE share_bps IS NULL AND instalment_minor > 0"
                " AND every_days BETWEEN 1 AND 366 END"
            ),
            end_has_reason="(ended_at IS NULL) = (end_reason IS NULL)",
            recovered_minor_not_negative="recovered_minor >= 0",
        ),
        _reference("recovery_plan", "seller_id", "seller.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_plan")),
    )
    op.create_index(
        "uq_recovery_plan_running",
        "recovery_plan",
        ["seller_id", "currency"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _adjustments() -> None:
    op.create_table(
        "adjustment",
        sa.Column("id", sa.Uuid(), nullable=False),
        _words("kind"),
        _words("status", default="prepared"),
        _words("reason"),
        _document("entries"),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("prepared_by", sa.Uuid(), nullable=False),
        _moment("prepared_at"),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        _moment("decided_at", nullable=True),
        _words("decision_note", nullable=True),
        sa.Column("transaction_id", sa.Uuid(), nullable=True),
        *_checks(
            "adjustment",
            kind_known="kind IN ('entries', 'write_off')",
            status_known="status IN ('prepared', 'approved', 'rejected')",
            decided_by_another="decided_by <> prepared_by",
            decided_by_somebody=(
                "(status = 'prepared') = (decided_by IS NULL)"
                " AND (status = 'prepared') = (decided_at IS NULL)"
            ),
            approved_is_booked="(status = 'approved') = (transaction_id IS NOT NULL)",
            write_off_of_seller="(kind = 'write_off') = (seller_id IS NOT NULL)",
        ),
        _reference("adjustment", "seller_id", "seller.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_adjustment")),
    )
    op.create_index("ix_adjustment_prepared_at", "adjustment", ["prepared_at", "id"])


def _bank_files() -> None:
    op.create_table(
        "bank_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        _words("message_id"),
        _words("status", default="made"),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        _minor("amount_minor"),
        sa.Column("payment_count", sa.Integer(), nullable=False),
        sa.Column("pay_on", sa.Date(), nullable=False),
        sa.Column("content_encrypted", sa.LargeBinary(), nullable=False),
        _words("content_sha256"),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        _moment("made_at"),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        _moment("decided_at", nullable=True),
        _words("reason", nullable=True),
        *_checks(
            "bank_file",
            status_known="status IN ('made', 'executed', 'rejected')",
            amount_positive="amount_minor > 0",
            payment_count_positive="payment_count > 0",
            decided_by_somebody=(
                "(status = 'made') = (decided_at IS NULL) AND (status = 'made')"
                " = (decided_by IS NULL)"
            ),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_file")),
    )
    op.create_index("uq_bank_file_message_id", "bank_file", ["message_id"], unique=True)
    op.create_index("ix_bank_file_made_at", "bank_file", ["made_at", "id"])


def _filed_payouts() -> None:
    op.add_column("payout", sa.Column("bank_file_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_payout_bank_file_id"), "payout", "bank_file", ["bank_file_id"], ["id"]
    )
    op.create_index(
        "ix_payout_bank_file_id",
        "payout",
        ["bank_file_id"],
        postgresql_where=sa.text("bank_file_id IS NOT NULL"),
    )
    op.create_index(
        "ix_payout_to_be_filed",
        "payout",
        ["created_at", "id"],
        postgresql_where=sa.text("provider = 'bank' AND status = 'pending'"),
    )


def upgrade() -> None:
    _rules()
    _holds()
    _plans()
    _adjustments()
    _bank_files()
    _filed_payouts()


def downgrade() -> None:
    op.drop_index("ix_payout_to_be_filed", "payout")
    op.drop_index("ix_payout_bank_file_id", "payout")
    op.drop_constraint(op.f("fk_payout_bank_file_id"), "payout", type_="foreignkey")
    op.drop_column("payout", "bank_file_id")
    for table in ("bank_file", "adjustment", "recovery_plan", "reserve_hold", "reserve_rule"):
        op.drop_table(table)
