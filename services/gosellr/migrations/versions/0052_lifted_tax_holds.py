"""Who of the marketplace lets payouts go on of a seller that hasn't said who it is, and why.

Revision ID: 0052
Revises: 0051
"""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_TABLE = "tax_identity_request"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(_TABLE, sa.Column("lifted_by", sa.Uuid(), nullable=True))
    op.add_column(_TABLE, sa.Column("lift_reason", sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_tax_identity_request_lifted_by_somebody"),
        _TABLE,
        "(lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lift_reason IS NULL)",
    )
    op.create_check_constraint(
        op.f("ck_tax_identity_request_lifted_isnt_withheld"),
        _TABLE,
        "lifted_at IS NULL OR withheld_at IS NULL",
    )


def downgrade() -> None:
    """The older market withholds again, from its next run on, what somebody let go."""
    op.drop_constraint(op.f("ck_tax_identity_request_lifted_isnt_withheld"), _TABLE)
    op.drop_constraint(op.f("ck_tax_identity_request_lifted_by_somebody"), _TABLE)
    for name in ("lift_reason", "lifted_by", "lifted_at"):
        op.drop_column(_TABLE, name)
