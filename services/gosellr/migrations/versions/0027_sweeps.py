"""What is told twice, and what fails again and again.

A file that a bank carried out keeps which payments were said to have failed, so that the same
word again is told from another. What a sweep can't finish is put off, so that it stops nobody
behind it. What a provider says of a seller's bank bears the time at which it was so,
and a movement when it was held against the books last.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# What failed of a file by its end is the best that is known of the files before.
_TOLD_BEFORE = """
UPDATE bank_file SET told_failed = COALESCE((
    SELECT jsonb_object_agg(payout.id::text, COALESCE(payout.failure_reason, ''))
    FROM payout WHERE payout.bank_file_id = bank_file.id AND payout.status = 'failed'
), '{}'::jsonb)
WHERE status = 'executed'
"""


def upgrade() -> None:
    """Room for each."""
    op.add_column(
        "connected_account", sa.Column("bank_told_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("bank_file", sa.Column("told_failed", JSONB(), nullable=True))
    op.execute(_TOLD_BEFORE)
    op.add_column(
        "provider_movement", sa.Column("judged_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.create_table(
        "sweep_delay",
        sa.Column("sweep", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("failures > 0", name=op.f("ck_sweep_delay_failures_positive")),
        sa.PrimaryKeyConstraint("sweep", "item", name=op.f("pk_sweep_delay")),
    )
    op.create_index("ix_sweep_delay_until", "sweep_delay", ["until"], unique=False)


def downgrade() -> None:
    """What was put off is due again."""
    op.drop_table("sweep_delay")
    op.drop_column("provider_movement", "judged_at")
    op.drop_column("bank_file", "told_failed")
    op.drop_column("connected_account", "bank_told_at")
