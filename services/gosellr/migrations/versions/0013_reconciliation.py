"""Reconciliation: what payment providers say they moved, and what became of each of it.

Revision ID: 0013
Revises: 0012
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _statements() -> None:
    op.create_table(
        "provider_statement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("movement_count", sa.Integer(), nullable=False),
        sa.Column("new_count", sa.Integer(), nullable=False),
        sa.Column("imported_by", sa.Uuid(), nullable=True),
        _moment("imported_at"),
        sa.CheckConstraint(
            "source IN ('document', 'gateway')", name=op.f("ck_provider_statement_source_known")
        ),
        sa.ForeignKeyConstraint(
            ["imported_by"], ["user_account.id"], name=op.f("fk_provider_statement_imported_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_statement")),
    )


def _checks() -> list[sa.CheckConstraint]:
    return [
        sa.CheckConstraint(text, name=op.f(f"ck_provider_movement_{name}"))
        for name, text in (
            ("kind_known", "kind IN ('charge', 'refund', 'fee', 'settlement', 'other')"),
            ("status_known", "status IN ('matched', 'unmatched', 'proposed', 'resolved')"),
            (
                "resolution_known",
                "resolution IN ('fee', 'income', 'loss', 'suspense', 'nothing')",
            ),
            ("cleared_as_known", "cleared_as IN ('fee', 'income', 'loss')"),
            ("fee_minor_not_negative", "fee_minor >= 0"),
            ("moves_something", "amount_minor <> 0 OR fee_minor <> 0"),
            (
                "match_is_whole",
                "status <> 'matched' OR (unexplained_minor = 0 AND mismatch IS NULL)",
            ),
            (
                "resolved_as",
                "(status IN ('proposed', 'resolved')) = (resolution IS NOT NULL)",
            ),
        )
    ]


def _movements() -> None:
    op.create_table(
        "provider_movement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("related", sa.Text(), nullable=True),
        sa.Column("key", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _moment("occurred_at"),
        _moment("imported_at"),
        sa.Column("status", sa.Text(), server_default=sa.text("'unmatched'"), nullable=False),
        sa.Column("mismatch", sa.Text(), nullable=True),
        sa.Column(
            "unexplained_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("resolved_by", sa.Uuid(), nullable=True),
        _moment("resolved_at", nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        _moment("cleared_at", nullable=True),
        sa.Column("cleared_as", sa.Text(), nullable=True),
        *_checks(),
        sa.ForeignKeyConstraint(
            ["statement_id"],
            ["provider_statement.id"],
            name=op.f("fk_provider_movement_statement_id"),
        ),
        sa.ForeignKeyConstraint(
            ["resolved_by"], ["user_account.id"], name=op.f("fk_provider_movement_resolved_by")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["user_account.id"], name=op.f("fk_provider_movement_approved_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_movement")),
        sa.UniqueConstraint(
            "gateway", "reference", name=op.f("uq_provider_movement_gateway_reference")
        ),
    )
    for name, columns, unique, condition in (
        ("uq_provider_movement_subject_id", ["subject_id"], True, "status = 'matched'"),
        (
            "ix_provider_movement_open",
            ["currency"],
            False,
            "status IN ('unmatched', 'proposed')",
        ),
        (
            "ix_provider_movement_suspended",
            ["currency"],
            False,
            "resolution = 'suspense' AND cleared_at IS NULL",
        ),
    ):
        op.create_index(
            name,
            "provider_movement",
            columns,
            unique=unique,
            postgresql_where=sa.text(condition),
        )
    op.create_index("ix_provider_movement_occurred_at", "provider_movement", ["occurred_at", "id"])


def upgrade() -> None:
    _statements()
    _movements()


def downgrade() -> None:
    for table in ("provider_movement", "provider_statement"):
        op.drop_table(table)
