"""Tax returns that were handed in, with their figures as they were, and what pays them.

Revision ID: 0051
Revises: 0050
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tax_return",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_minor", sa.BigInteger(), nullable=False),
        sa.Column("figures", postgresql.JSONB(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("filed_by", sa.Uuid(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("adjustment_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("filed_at >= until", name=op.f("ck_tax_return_filed_when_over")),
        sa.CheckConstraint("since < until", name=op.f("ck_tax_return_since_before_until")),
        sa.ForeignKeyConstraint(
            ["adjustment_id"], ["adjustment.id"], name=op.f("fk_tax_return_adjustment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_return")),
        sa.UniqueConstraint("adjustment_id", name=op.f("uq_tax_return_adjustment_id")),
    )
    op.create_table(
        "tax_return_month",
        sa.Column("jurisdiction", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(3), nullable=False),
        sa.Column("month", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tax_return_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tax_return_id"], ["tax_return.id"], name=op.f("fk_tax_return_month_tax_return_id")
        ),
        sa.PrimaryKeyConstraint(
            "jurisdiction", "currency", "month", name=op.f("pk_tax_return_month")
        ),
    )


def downgrade() -> None:
    """The older market forgets what was handed in; what was paid stays in the books."""
    op.drop_table("tax_return_month")
    op.drop_table("tax_return")
