"""The cards that say that there is little or nothing left are found without reading the others.

Revision ID: 0055
Revises: 0054
"""

import sqlalchemy as sa
from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_product_card_short",
        "product_card",
        ["product_id"],
        postgresql_where=sa.text("(card::json ->> 'availability') <> 'in_stock'"),
    )


def downgrade() -> None:
    op.drop_index("ix_product_card_short", table_name="product_card")
