"""A chargeback that is lost waits for refunds of the same payment that aren't answered, every case
that an operator is to look at has a day by which they do, and who took a movement out of suspense
isn't written over who had agreed to put it there.

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
    op.add_column("provider_movement", sa.Column("cleared_by", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_provider_movement_cleared_by"), "provider_movement", "user_account",
        ["cleared_by"], ["id"],
    )  # fmt: skip
    # Whoever cleared it stands in the place of whoever agreed. Where the amount took two, nobody
    # can tell them apart any more, and both columns name the one who cleared it.
    op.execute(
        "UPDATE provider_movement SET cleared_by = approved_by"
        " WHERE cleared_as IN ('fee', 'income', 'loss', 'returned') AND approved_by IS NOT NULL"
    )
    # A gateway refused what was awarded, and nobody was ever reminded of that.
    op.execute(
        "UPDATE dispute SET due_at = now() + interval '7 days', version = version + 1"
        " WHERE status = 'under_review' AND due_at IS NULL"
    )


def downgrade() -> None:
    """A chargeback that waits is found again by asking its gateway, as is done every hour."""
    op.drop_constraint(op.f("fk_provider_movement_cleared_by"), "provider_movement")
    op.drop_column("provider_movement", "cleared_by")
    op.drop_column("chargeback", "lost_later_since")
