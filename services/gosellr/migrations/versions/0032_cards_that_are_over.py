"""Gift cards that are over: what comes back to one goes on, and what is left on one is released.

Revision ID: 0032
Revises: 0031
"""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def _moment(name: str, *, nullable: bool = False) -> "sa.Column[datetime]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _moves() -> None:
    table = "stored_value_move"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("from_card_id", sa.Uuid(), nullable=False),
        sa.Column("to_card_id", sa.Uuid(), nullable=True),
        sa.Column("to_user_id", sa.Uuid(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        _moment("created_at"),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{table}_amount_positive")),
        sa.CheckConstraint(
            "num_nonnulls(to_card_id, to_user_id) = 1", name=op.f(f"ck_{table}_one_way")
        ),
        *(
            sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))
            for column, target in (
                ("order_id", "orders.id"),
                ("from_card_id", "gift_card.id"),
                ("to_card_id", "gift_card.id"),
                ("to_user_id", "user_account.id"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_stored_value_move_order_id", table, ["order_id"])
    op.create_index("ix_stored_value_move_from_card_id", table, ["from_card_id"])
    op.create_index(
        "ix_stored_value_move_to_card_id",
        table,
        ["to_card_id"],
        postgresql_where=sa.text("to_card_id IS NOT NULL"),
    )


def _releases() -> None:
    table = "gift_card_release"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("card_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("is_issued", sa.Boolean(), nullable=False),
        _moment("expired_at"),
        _moment("released_at"),
        _moment("restored_at", nullable=True),
        sa.Column("restored_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("amount_minor > 0", name=op.f(f"ck_{table}_amount_positive")),
        sa.CheckConstraint("expired_at <= released_at", name=op.f(f"ck_{table}_expired_before")),
        sa.CheckConstraint(
            "restored_by IS NULL OR restored_at IS NOT NULL",
            name=op.f(f"ck_{table}_restored_by_somebody"),
        ),
        sa.ForeignKeyConstraint(["card_id"], ["gift_card.id"], name=op.f(f"fk_{table}_card_id")),
        sa.ForeignKeyConstraint(
            ["restored_by"], ["user_account.id"], name=op.f(f"fk_{table}_restored_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index("ix_gift_card_release_card_id", table, ["card_id"])
    op.create_index(
        "uq_gift_card_release_standing",
        table,
        ["card_id"],
        unique=True,
        postgresql_where=sa.text("restored_at IS NULL"),
    )
    op.create_index(
        "ix_gift_card_expires_at",
        "gift_card",
        ["expires_at"],
        postgresql_where=sa.text("expires_at IS NOT NULL"),
    )
    op.add_column("gift_card_offer", sa.Column("released_after_days", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_gift_card_offer_released_after_days_not_negative"),
        "gift_card_offer",
        "released_after_days >= 0",
    )


def _cases() -> None:
    """A chargeback of a gift card's price gets a case as well, which no seller has a part in."""
    op.alter_column("dispute", "seller_order_id", nullable=True)
    op.alter_column("dispute", "seller_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_dispute_of_a_part_or_a_card"),
        "dispute",
        "(seller_order_id IS NULL) = (seller_id IS NULL)"
        " AND (seller_id IS NOT NULL OR kind = 'chargeback')",
    )


def _deliveries() -> None:
    """A card that was bought may be sent to somebody, by a letter to one who is no party here."""
    table = "gift_card_purchase"
    op.add_column(table, sa.Column("recipient_email", sa.Text(), nullable=True))
    op.add_column(table, _moment("deliver_at", nullable=True))
    op.add_column(table, sa.Column("claim_id", sa.Uuid(), nullable=True))
    op.add_column(
        table, sa.Column("sent_count", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
    op.add_column(table, _moment("sent_at", nullable=True))
    checks = {
        "sent_count_not_negative": "sent_count >= 0",
        "delivered_to_somebody": "(recipient_email IS NULL) = (claim_id IS NULL)"
        " AND (recipient_email IS NULL) = (deliver_at IS NULL)",
        "sent_has_time": "(sent_count = 0) = (sent_at IS NULL)",
    }
    for name, condition in checks.items():
        op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)
    op.create_index("uq_gift_card_purchase_claim_id", table, ["claim_id"], unique=True)
    op.create_index(
        "ix_gift_card_purchase_deliver_at",
        table,
        ["deliver_at"],
        postgresql_where=sa.text("deliver_at IS NOT NULL AND sent_at IS NULL"),
    )
    _audiences("'buyer', 'seller', 'member', 'operator', 'recipient'")


def _audiences(listed: str) -> None:
    op.drop_constraint(op.f("ck_letter_audience_known"), "letter")
    op.create_check_constraint(
        op.f("ck_letter_audience_known"), "letter", f"audience IN ({listed})"
    )


def _withdrawals() -> None:
    """A new payout account may be withdrawn while it waits."""
    table = "payout_destination"
    op.add_column(table, _moment("withdrawn_at", nullable=True))
    op.create_check_constraint(
        op.f(f"ck_{table}_withdrawn_is_replaced"),
        table,
        "withdrawn_at IS NULL OR replaced_at IS NOT NULL",
    )


def upgrade() -> None:
    """Cards that are over and hold something keep it; only what comes back from now on moves."""
    op.add_column("gift_card", sa.Column("replaces_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_gift_card_replaces_id"), "gift_card", "gift_card", ["replaces_id"], ["id"]
    )
    _moves()
    _releases()
    _cases()
    _deliveries()
    _withdrawals()


def downgrade() -> None:
    """Only where nothing was moved or released: the older tables can't say where it went."""
    op.drop_column("payout_destination", "withdrawn_at")
    op.execute("DELETE FROM letter WHERE audience = 'recipient'")
    _audiences("'buyer', 'seller', 'member', 'operator'")
    for column in ("sent_at", "sent_count", "claim_id", "deliver_at", "recipient_email"):
        op.drop_column("gift_card_purchase", column)
    op.drop_constraint(op.f("ck_dispute_of_a_part_or_a_card"), "dispute")
    op.alter_column("dispute", "seller_id", nullable=False)
    op.alter_column("dispute", "seller_order_id", nullable=False)
    op.drop_column("gift_card_offer", "released_after_days")
    op.drop_index("ix_gift_card_expires_at", "gift_card")
    op.drop_table("gift_card_release")
    op.drop_table("stored_value_move")
    op.drop_constraint(op.f("fk_gift_card_replaces_id"), "gift_card")
    op.drop_column("gift_card", "replaces_id")
