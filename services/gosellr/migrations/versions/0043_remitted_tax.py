"""A tax rate says who remits its tax, and what was sold keeps what it said.

Revision ID: 0043
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0043"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing is remitted for anybody until an operator says so: all that was sold is as it was.
    op.add_column(
        "tax_rate", sa.Column("remitted_by", sa.Text, nullable=False, server_default="seller")
    )
    op.create_check_constraint(
        op.f("ck_tax_rate_remitted_by_known"),
        "tax_rate",
        "remitted_by IN ('seller', 'marketplace')",
    )
    op.add_column("seller_order", sa.Column("shipping_tax_remitted_to", sa.Text, nullable=True))
    op.add_column("order_line", sa.Column("tax_remitted_to", sa.Text, nullable=True))


def downgrade() -> None:
    """Only where nothing was sold whose tax the marketplace remits: the older one can't refund."""
    op.drop_column("order_line", "tax_remitted_to")
    op.drop_column("seller_order", "shipping_tax_remitted_to")
    op.drop_constraint(op.f("ck_tax_rate_remitted_by_known"), "tax_rate")
    op.drop_column("tax_rate", "remitted_by")
