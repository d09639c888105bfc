"""What a bank gives back after it had kept it is written on its chargeback.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "chargeback",
        sa.Column("reinstated_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "chargeback",
        sa.Column("reinstated_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "chargeback", sa.Column("reinstated_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_check_constraint(
        op.f("ck_chargeback_reinstated_minor_not_negative"), "chargeback",
        "reinstated_minor >= 0 AND reinstated_count >= 0",
    )  # fmt: skip
    op.create_check_constraint(
        op.f("ck_chargeback_reinstated_was_lost"), "chargeback",
        "reinstated_minor = 0 OR (status = 'lost' AND reinstated_minor <= amount_minor)",
    )  # fmt: skip


def downgrade() -> None:
    """Only where nothing was ever given back: the older market knows no such booking."""
    op.drop_constraint(op.f("ck_chargeback_reinstated_was_lost"), "chargeback")
    op.drop_constraint(op.f("ck_chargeback_reinstated_minor_not_negative"), "chargeback")
    op.drop_column("chargeback", "reinstated_at")
    op.drop_column("chargeback", "reinstated_count")
    op.drop_column("chargeback", "reinstated_minor")
