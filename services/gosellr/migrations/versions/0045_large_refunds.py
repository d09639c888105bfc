"""Large refunds, and what became of them, take two people; what one said alone is kept.

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_KINDS = (
    "'commission_rule_new', 'commission_rule_change', 'commission_rule_end', 'receipt',"
    " 'receipt_assignment', 'receipt_return', 'suspense_clearing', 'shop_owner',"
    " 'hand_refund_sent', 'payout_never_sent', 'payout_was_paid'"
)
_ALONE = ("given_alone_minor", "settled_alone_minor")


def _known(kinds: str) -> None:
    op.drop_constraint(op.f("ck_proposal_kind_known"), "proposal")
    op.create_check_constraint(op.f("ck_proposal_kind_known"), "proposal", f"kind IN ({kinds})")


def upgrade() -> None:
    # Refunds that were given before there was a limit count against none.
    for name in _ALONE:
        op.add_column(
            "refund", sa.Column(name, sa.BigInteger(), server_default=sa.text("0"), nullable=False)
        )
    _known(f"{_KINDS}, 'refund', 'refund_arrived', 'refund_failed', 'gift_card_refund'")


def downgrade() -> None:
    """Only where nobody ever proposed one: the older market knows no such proposal."""
    _known(_KINDS)
    for name in _ALONE:
        op.drop_column("refund", name)
