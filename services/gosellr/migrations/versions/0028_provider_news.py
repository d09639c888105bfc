"""A chargeback's stage, payments and late fees; what providers gave back of their own accord.

Revision ID: 0028
Revises: 0025
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0028"
down_revision = "0025"
branch_labels = None
depends_on = None

_CLEARED_AS = "ck_provider_movement_cleared_as_known"
_CLEARED = "'fee', 'income', 'loss', 'payment', 'returned'"


def _cleared_as(words: str) -> None:
    op.drop_constraint(op.f(_CLEARED_AS), "provider_movement", type_="check")
    op.create_check_constraint(op.f(_CLEARED_AS), "provider_movement", f"cleared_as IN ({words})")


def upgrade() -> None:
    """Of what was opened before, the stage isn't known."""
    op.add_column("chargeback", sa.Column("stage", sa.Text(), nullable=True))
    op.add_column(
        "chargeback",
        sa.Column(
            "charges", ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
    )
    op.add_column(
        "chargeback",
        sa.Column("fee_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_chargeback_stage_known"),
        "chargeback",
        "stage IN ('inquiry', 'chargeback', 'pre_arbitration', 'arbitration')",
    )
    op.create_check_constraint(
        op.f("ck_chargeback_fee_count_not_negative"), "chargeback", "fee_count >= 0"
    )
    op.create_index(
        "ix_provider_movement_related",
        "provider_movement",
        ["gateway", "related"],
        unique=False,
        postgresql_where=sa.text("kind = 'chargeback'"),
    )
    _cleared_as(f"{_CLEARED}, 'chargeback'")


def downgrade() -> None:
    """What was cleared as a chargeback counts as returned."""
    op.execute(
        "UPDATE provider_movement SET cleared_as = 'returned' WHERE cleared_as = 'chargeback'"
    )
    _cleared_as(_CLEARED)
    op.drop_index("ix_provider_movement_related", table_name="provider_movement")
    for name in ("fee_count", "charges", "stage"):
        op.drop_column("chargeback", name)
