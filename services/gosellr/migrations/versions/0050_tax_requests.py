"""Who is asked who they are to the tax authorities, how often, and since when money waits for it.

Revision ID: 0050
Revises: 0049
"""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tax_identity_request",
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reminded_again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withheld_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "reminded_again_at IS NULL OR reminded_at IS NOT NULL",
            name=op.f("ck_tax_identity_request_reminded_once_first"),
        ),
        sa.CheckConstraint(
            "withheld_at IS NULL OR reminded_again_at IS NOT NULL",
            name=op.f("ck_tax_identity_request_withheld_after_reminders"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_tax_identity_request_seller_id")
        ),
        sa.PrimaryKeyConstraint("seller_id", name=op.f("pk_tax_identity_request")),
    )


def downgrade() -> None:
    """The older market asks nobody; payouts that it finds on hold an operator lets go."""
    op.drop_table("tax_identity_request")
