"""A capture of another amount than was asked for goes back whichever way it was taken, as a case.

Revision ID: 0035
Revises: 0034
"""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_TABLE = "payment_return"
_ONCE = "uq_payment_return_payment_id"
_COLUMNS = ("case_note", "case_closed_by", "case_closed_at", "case_opened_at", "capture_id")


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("capture_id", sa.Uuid(), nullable=True))
    for name in ("case_opened_at", "case_closed_at"):
        op.add_column(_TABLE, sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(_TABLE, sa.Column("case_closed_by", sa.Uuid(), nullable=True))
    op.add_column(_TABLE, sa.Column("case_note", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_payment_return_capture_id"), _TABLE, "payment_capture", ["capture_id"], ["id"]
    )
    op.create_foreign_key(
        op.f("fk_payment_return_case_closed_by"), _TABLE, "user_account", ["case_closed_by"], ["id"]
    )
    op.create_check_constraint(
        op.f("ck_payment_return_case_closed_with_a_note"),
        _TABLE,
        "case_closed_at IS NULL OR (case_opened_at IS NOT NULL AND case_note IS NOT NULL)",
    )
    op.drop_index(_ONCE, table_name=_TABLE)
    whole, piece = sa.text("capture_id IS NULL"), sa.text("capture_id IS NOT NULL")
    op.create_index(_ONCE, _TABLE, ["payment_id"], unique=True, postgresql_where=whole)
    op.create_index(
        "uq_payment_return_capture_id", _TABLE, ["capture_id"], unique=True, postgresql_where=piece
    )
    op.create_index("ix_payment_return_payment_id", _TABLE, ["payment_id"])
    op.create_index(
        "ix_payment_return_case",
        _TABLE,
        ["case_opened_at", "id"],
        postgresql_where=sa.text("case_opened_at IS NOT NULL AND case_closed_at IS NULL"),
    )
    # What nobody was told of until now: money that couldn't be sent back, and what is still on its
    # way of another amount than was asked for.
    op.execute("""
        UPDATE payment_return SET case_opened_at = payment_return.created_at
        FROM payment
        WHERE payment.id = payment_return.payment_id AND payment_return.status <> 'succeeded'
          AND (payment_return.status = 'failed'
               OR payment_return.amount_minor <> payment.amount_minor)
    """)


def downgrade() -> None:
    """Only where no piece of a charge ever went back: the older market would take it for all."""
    pieces = op.get_bind().scalar(
        sa.text("SELECT count(*) FROM payment_return WHERE capture_id IS NOT NULL")
    )
    if pieces:
        raise RuntimeError(f"{pieces} capture went back alone, which the older market can't hold")
    for name in ("case", "payment_id"):
        op.drop_index(f"ix_payment_return_{name}", table_name=_TABLE)
    op.drop_index("uq_payment_return_capture_id", table_name=_TABLE)
    op.drop_index(_ONCE, table_name=_TABLE)
    op.create_index(_ONCE, _TABLE, ["payment_id"], unique=True)
    for name in _COLUMNS:
        op.drop_column(_TABLE, name)
