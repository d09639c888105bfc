"""Two people may say that a payout was paid.

Revision ID: 0041
Revises: 0039
"""

from alembic import op

revision = "0041"
down_revision = "0039"
branch_labels = None
depends_on = None

_KINDS = (
    "'commission_rule_new', 'commission_rule_change', 'commission_rule_end', 'receipt',"
    " 'receipt_assignment', 'receipt_return', 'suspense_clearing', 'shop_owner',"
    " 'hand_refund_sent', 'payout_never_sent'"
)


def _known(kinds: str) -> None:
    op.drop_constraint(op.f("ck_proposal_kind_known"), "proposal")
    op.create_check_constraint(op.f("ck_proposal_kind_known"), "proposal", f"kind IN ({kinds})")


def upgrade() -> None:
    _known(f"{_KINDS}, 'payout_was_paid'")


def downgrade() -> None:
    """Only where nobody ever proposed it: the older market knows no such proposal."""
    _known(_KINDS)
