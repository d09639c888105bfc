"""A chargeback that is lost waits for refunds of the same payment that aren't answered.

Revision ID: 0037
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "chargeback", sa.Column("lost_later_since", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    """What waits is found again by asking its gateway, which the older market does every hour."""
    op.drop_column("chargeback", "lost_later_since")
