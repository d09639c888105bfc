"""A chargeback that is lost waits for refunds of the same payment that aren't answered, and every
case that an operator is to look at has a day by which they do.

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
    # A gateway refused what was awarded, and nobody was ever reminded of that.
    op.execute(
        "UPDATE dispute SET due_at = now() + interval '7 days', version = version + 1"
        " WHERE status = 'under_review' AND due_at IS NULL"
    )


def downgrade() -> None:
    """What waits is found again by asking its gateway, which the older market does every hour."""
    op.drop_column("chargeback", "lost_later_since")
