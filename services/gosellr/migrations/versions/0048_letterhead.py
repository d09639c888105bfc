"""Sellers say what is to stand on their papers.

Revision ID: 0048
Revises: 0047
"""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_LEFT_EMPTY = ("line2", "postal_code", "region", "tax_id", "registration_number", "email")


def upgrade() -> None:
    op.create_table(
        "seller_letterhead",
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("line1", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False, server_default=sa.text("''"))
            for name in _LEFT_EMPTY
        ),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(line1) BETWEEN 1 AND 200 AND length(line2) <= 200"
            " AND length(postal_code) <= 16 AND length(city) BETWEEN 1 AND 120"
            " AND length(region) <= 60",
            name=op.f("ck_seller_letterhead_address_length"),
        ),
        sa.CheckConstraint(
            "length(tax_id) <= 40 AND length(registration_number) <= 80 AND length(email) <= 254",
            name=op.f("ck_seller_letterhead_numbers_length"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_seller_letterhead_seller_id")
        ),
        sa.PrimaryKeyConstraint("seller_id", name=op.f("pk_seller_letterhead")),
    )


def downgrade() -> None:
    """The older market's papers bear names and countries alone; those that were issued stay."""
    op.drop_table("seller_letterhead")
