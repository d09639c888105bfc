"""Credit that is granted or given, cards that are issued and awards take two above a limit.

Revision ID: 0049
Revises: 0048
"""

from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_KINDS = (
    "'commission_rule_new', 'commission_rule_change', 'commission_rule_end', 'receipt',"
    " 'receipt_assignment', 'receipt_return', 'suspense_clearing', 'shop_owner',"
    " 'hand_refund_sent', 'payout_never_sent', 'payout_was_paid', 'refund', 'refund_arrived',"
    " 'refund_failed', 'gift_card_refund'"
)


def _known(kinds: str) -> None:
    op.drop_constraint(op.f("ck_proposal_kind_known"), "proposal")
    op.create_check_constraint(op.f("ck_proposal_kind_known"), "proposal", f"kind IN ({kinds})")


def upgrade() -> None:
    _known(
        f"{_KINDS}, 'store_credit_granted', 'gift_card_issued', 'seller_credit', 'dispute_award'"
    )


def downgrade() -> None:
    """Only where nobody ever proposed one: the older market knows no such proposal."""
    _known(_KINDS)
