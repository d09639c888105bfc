"""Gift cards and store credit: what they are, and which payments and refunds they carry.

Revision ID: 0010
Revises: 0009
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _gift_cards() -> None:
    op.create_table(
        "gift_card",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        _moment("created_at"),
        _moment("expires_at", nullable=True),
        _moment("deactivated_at", nullable=True),
        sa.Column("deactivated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_gift_card_amount_positive")),
        sa.CheckConstraint("length(last_four) = 4", name=op.f("ck_gift_card_last_four_only")),
        sa.CheckConstraint("length(code_hash) = 32", name=op.f("ck_gift_card_code_hashed")),
        sa.ForeignKeyConstraint(
            ["issued_by"], ["user_account.id"], name=op.f("fk_gift_card_issued_by")
        ),
        sa.ForeignKeyConstraint(
            ["deactivated_by"], ["user_account.id"], name=op.f("fk_gift_card_deactivated_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_card")),
    )
    op.create_index("uq_gift_card_code_hash", "gift_card", ["code_hash"], unique=True)


def _store_credit() -> None:
    op.create_table(
        "store_credit_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        _moment("created_at"),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_store_credit_grant_amount_positive")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_store_credit_grant_user_id")
        ),
        sa.ForeignKeyConstraint(
            ["granted_by"], ["user_account.id"], name=op.f("fk_store_credit_grant_granted_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store_credit_grant")),
    )
    op.create_index("ix_store_credit_grant_user_id", "store_credit_grant", ["user_id", "id"])


def upgrade() -> None:
    _gift_cards()
    _store_credit()
    op.add_column("payment", sa.Column("account", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_payment_account_of_stored_value"),
        "payment",
        "CASE WHEN method IN ('gift_card', 'store_credit')"
        " THEN account IS NOT NULL OR status = 'created' ELSE account IS NULL END",
    )
    op.add_column("refund_part", sa.Column("credited_account", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("refund_part", "credited_account")
    op.drop_constraint(op.f("ck_payment_account_of_stored_value"), "payment")
    op.drop_column("payment", "account")
    op.drop_table("store_credit_grant")
    op.drop_table("gift_card")
