"""What of a chargeback's case had come back of another one that was lost before.

Revision ID: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "dispute",
        sa.Column("came_back_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_dispute_came_back_within_amount"),
        "dispute",
        "came_back_minor BETWEEN 0 AND amount_minor",
    )


def downgrade() -> None:
    """What is open by then is lost without it: the market bears what had come back."""
    op.drop_constraint(op.f("ck_dispute_came_back_within_amount"), "dispute")
    op.drop_column("dispute", "came_back_minor")
