"""Tax rates have versions, by which whoever changes one hears that somebody else did.

Revision ID: 0047
Revises: 0046
"""

import sqlalchemy as sa
from alembic import op

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tax_rate", sa.Column("version", sa.Integer, nullable=False, server_default="1"))


def downgrade() -> None:
    """The older market asks for no version."""
    op.drop_column("tax_rate", "version")
