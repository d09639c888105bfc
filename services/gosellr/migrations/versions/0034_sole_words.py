"""What one person said alone of the bank's money is counted, and refunds by hand may take two.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_KINDS = (
    "'commission_rule_new', 'commission_rule_change', 'commission_rule_end',"
    " 'receipt', 'receipt_assignment', 'receipt_return', 'suspense_clearing', 'shop_owner'"
)


def _known(kinds: str) -> None:
    op.drop_constraint(op.f("ck_proposal_kind_known"), "proposal")
    op.create_check_constraint(op.f("ck_proposal_kind_known"), "proposal", f"kind IN ({kinds})")


def upgrade() -> None:
    op.create_table(
        "sole_word",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("subjects", ARRAY(sa.Text()), nullable=False),
        sa.Column("amounts_minor", ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("said_at", ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.CheckConstraint(
            "cardinality(subjects) = cardinality(amounts_minor)"
            " AND cardinality(subjects) = cardinality(said_at)",
            name=op.f("ck_sole_word_each_word_whole"),
        ),
        sa.PrimaryKeyConstraint("user_id", "currency", name=op.f("pk_sole_word")),
    )
    _known(f"{_KINDS}, 'hand_refund_sent'")


def downgrade() -> None:
    """Only where no refund by hand was ever proposed: the older market knows none."""
    _known(_KINDS)
    op.drop_table("sole_word")
