"""Up to which fact the cards know what is bought, so that only what has changed is counted anew.

Revision ID: 0025
Revises: 0022
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What was told before is on the cards already."""
    op.create_table(
        "popularity_mark",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_popularity_mark_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_popularity_mark")),
    )
    op.create_table(
        "product_trend",
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("span IN ('1d', '30d')", name=op.f("ck_product_trend_span_known")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_product_trend_product_id")
        ),
        sa.PrimaryKeyConstraint("span", "product_id", name=op.f("pk_product_trend")),
    )
    op.create_index(
        "ix_product_trend_key",
        "product_trend",
        ["span", sa.text("key DESC"), sa.text("product_id DESC")],
        unique=False,
    )
    op.execute(
        "INSERT INTO popularity_mark (id, position)"
        " SELECT 1, coalesce(max(position), 0) FROM outbox_feed"
    )


def downgrade() -> None:
    """The cards keep what they know."""
    op.drop_table("product_trend")
    op.drop_table("popularity_mark")
