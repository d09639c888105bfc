"""Tax rates have versions, and sellers say who they are to the tax authorities.

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
    op.create_table(
        "seller_tax_identity",
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("identity_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("1")),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_seller_tax_identity_seller_id")
        ),
        sa.PrimaryKeyConstraint("seller_id", name=op.f("pk_seller_tax_identity")),
    )


def downgrade() -> None:
    """The older market asks for no version, and forgets what sellers said of themselves."""
    op.drop_table("seller_tax_identity")
    op.drop_column("tax_rate", "version")
