"""A shop gives one of its buyers store credit out of its own money, about a sale of its own.

Revision ID: 0046
Revises: 0045
"""

import sqlalchemy as sa
from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_TABLE = "store_credit_grant"


def upgrade() -> None:
    # All that was granted so far is at the marketplace's cost.
    for column, target in (("seller_id", "seller"), ("seller_order_id", "seller_order")):
        op.add_column(_TABLE, sa.Column(column, sa.Uuid(), nullable=True))
        op.create_foreign_key(op.f(f"fk_{_TABLE}_{column}"), _TABLE, target, [column], ["id"])
    op.create_check_constraint(
        op.f(f"ck_{_TABLE}_of_a_sale"), _TABLE, "(seller_id IS NULL) = (seller_order_id IS NULL)"
    )
    op.create_index(
        f"ix_{_TABLE}_seller_id", _TABLE, ["seller_id", "created_at"],
        postgresql_where=sa.text("seller_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        f"ix_{_TABLE}_seller_order_id", _TABLE, ["seller_order_id"],
        postgresql_where=sa.text("seller_order_id IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    """Only where no shop gave any: the older one takes all of it for the marketplace's."""
    op.drop_index(f"ix_{_TABLE}_seller_order_id", _TABLE)
    op.drop_index(f"ix_{_TABLE}_seller_id", _TABLE)
    op.drop_constraint(op.f(f"ck_{_TABLE}_of_a_sale"), _TABLE)
    for column in ("seller_order_id", "seller_id"):
        op.drop_constraint(op.f(f"fk_{_TABLE}_{column}"), _TABLE)
        op.drop_column(_TABLE, column)
