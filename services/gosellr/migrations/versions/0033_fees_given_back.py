"""A provider may give of its fee back with a refund: a fee below zero.

Revision ID: 0033
Revises: 0032
"""

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_TABLE = "provider_movement"
_ANY = "ck_provider_movement_fee_minor_not_negative"
_BUT_REFUNDS = "ck_provider_movement_fee_given_back_with_refund"


def upgrade() -> None:
    op.drop_constraint(op.f(_ANY), _TABLE, type_="check")
    op.create_check_constraint(op.f(_BUT_REFUNDS), _TABLE, "fee_minor >= 0 OR kind = 'refund'")


def downgrade() -> None:
    # As it was told before: what came back is part of the amount.
    op.execute(
        "UPDATE provider_movement SET amount_minor = amount_minor - fee_minor, fee_minor = 0"
        " WHERE fee_minor < 0"
    )
    op.drop_constraint(op.f(_BUT_REFUNDS), _TABLE, type_="check")
    op.create_check_constraint(op.f(_ANY), _TABLE, "fee_minor >= 0")
