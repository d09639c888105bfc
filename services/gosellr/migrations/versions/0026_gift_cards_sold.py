"""Gift cards that are sold: what is offered, who bought which card, and how it is taken back.

Revision ID: 0026
Revises: 0025
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _offers() -> None:
    op.create_table(
        "gift_card_offer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amounts_minor", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=True),
        sa.Column("maximum_minor", sa.BigInteger(), nullable=True),
        sa.Column("valid_days", sa.Integer(), nullable=True),
        sa.Column("on_sale", sa.Boolean(), nullable=False),
        _moment("updated_at"),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(minimum_minor IS NULL) = (maximum_minor IS NULL)",
            name=op.f("ck_gift_card_offer_both_limits"),
        ),
        sa.CheckConstraint(
            "minimum_minor BETWEEN 1 AND maximum_minor",
            name=op.f("ck_gift_card_offer_limits_in_order"),
        ),
        sa.CheckConstraint(
            "minimum_minor IS NOT NULL OR cardinality(amounts_minor) > 0",
            name=op.f("ck_gift_card_offer_something_to_choose"),
        ),
        sa.CheckConstraint("valid_days > 0", name=op.f("ck_gift_card_offer_valid_days_positive")),
        sa.ForeignKeyConstraint(
            ["updated_by"], ["user_account.id"], name=op.f("fk_gift_card_offer_updated_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gift_card_offer")),
    )
    op.create_index("uq_gift_card_offer_currency", "gift_card_offer", ["currency"], unique=True)


def _purchases() -> None:
    op.create_table(
        "gift_card_purchase",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("valid_days", sa.Integer(), nullable=True),
        sa.Column("recipient_name", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        _moment("created_at"),
        sa.Column("card_id", sa.Uuid(), nullable=True),
        sa.Column("lost_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_gift_card_purchase_amount_positive")),
        sa.CheckConstraint(
            "lost_minor >= 0", name=op.f("ck_gift_card_purchase_lost_minor_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_gift_card_purchase_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["card_id"], ["gift_card.id"], name=op.f("fk_gift_card_purchase_card_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_gift_card_purchase")),
    )
    op.create_index(
        "uq_gift_card_purchase_card_id",
        "gift_card_purchase",
        ["card_id"],
        unique=True,
        postgresql_where=sa.text("card_id IS NOT NULL"),
    )


def upgrade() -> None:
    """What exists stays as it is: every card has a code, every refund is of a part."""
    _offers()
    _purchases()
    op.alter_column("gift_card", "code_hash", nullable=True)
    op.add_column("gift_card", _moment("frozen_at", nullable=True))
    op.alter_column("refund", "seller_order_id", nullable=True)
    op.alter_column("refund", "seller_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_refund_of_a_part_or_a_card"),
        "refund",
        "(seller_order_id IS NULL) = (seller_id IS NULL)",
    )


def downgrade() -> None:
    """Only where no card was sold: what was can't be said in the older tables."""
    op.drop_constraint(op.f("ck_refund_of_a_part_or_a_card"), "refund")
    op.alter_column("refund", "seller_id", nullable=False)
    op.alter_column("refund", "seller_order_id", nullable=False)
    op.drop_column("gift_card", "frozen_at")
    op.alter_column("gift_card", "code_hash", nullable=False)
    op.drop_table("gift_card_purchase")
    op.drop_table("gift_card_offer")
