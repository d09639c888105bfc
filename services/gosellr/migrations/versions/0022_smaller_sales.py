"""Sales made smaller before they are paid, cases that take of reserves, value beside cash, and
where the next payout reads from.

Revision ID: 0022
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0022"
down_revision = "0019"
branch_labels = None
depends_on = None


class TransactionId(UserDefinedType[int]):
    """PostgreSQL's xid8."""

    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        """The name of the type in SQL."""
        return "xid8"


_ORDERED = "something_was_ordered"
_BEFORE = "from_pending_minor + from_available_minor + from_receivable_minor"
_SINCE = "from_pending_minor + from_available_minor + from_reserve_minor + from_receivable_minor"


def _frozen(whole: str) -> None:
    """What cases may spend. It holds of each row there is, so it is believed at once."""
    for name, text in (
        ("spent_within_frozen", f"spent_minor <= {whole}"),
        ("closed_keeps_nothing", f"status <> 'closed' OR spent_minor = {whole}"),
    ):
        op.drop_constraint(op.f(f"ck_dispute_{name}"), "dispute")
        op.create_check_constraint(
            op.f(f"ck_dispute_{name}"), "dispute", text, postgresql_not_valid=True
        )
        op.execute(f"ALTER TABLE dispute VALIDATE CONSTRAINT ck_dispute_{name}")


def _cases() -> None:
    op.add_column(
        "dispute",
        sa.Column(
            "from_reserve_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
    )
    op.create_check_constraint(
        op.f("ck_dispute_from_reserve_minor_not_negative"), "dispute", "from_reserve_minor >= 0"
    )
    _frozen(_SINCE)


def _beside_cash(text: str) -> None:
    """Whose part a payment may name; the newer rule lets pass all that the older did."""
    name = op.f("ck_payment_cash_of_one_part")
    op.drop_constraint(name, "payment")
    op.create_check_constraint(name, "payment", text, postgresql_not_valid=True)
    op.execute("ALTER TABLE payment VALIDATE CONSTRAINT ck_payment_cash_of_one_part")


def upgrade() -> None:
    _cases()
    _beside_cash(
        "CASE WHEN method = 'cash_on_delivery'"
        " THEN (status NOT IN ('created', 'declined')) = (seller_order_id IS NOT NULL)"
        " ELSE seller_order_id IS NULL OR account IS NOT NULL END"
    )
    _claims()
    _months()
    _reductions()


def _claims() -> None:
    op.add_column("payout", sa.Column("claimed_before", TransactionId(), nullable=True))
    op.add_column(
        "payout",
        sa.Column("claims_open", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_index(
        "ix_payout_claimed_before",
        "payout",
        ["seller_id", "currency", "claimed_before"],
        postgresql_where=sa.text("claimed_before IS NOT NULL"),
    )
    op.create_index(
        "ix_payout_claims_open",
        "payout",
        ["seller_id", "currency"],
        postgresql_where=sa.text("claims_open"),
    )


def _months() -> None:
    op.add_column("document_month", sa.Column("written_before", TransactionId(), nullable=True))
    op.create_index("ix_refund_seller_id", "refund", ["seller_id", "finished_at"])
    op.create_index(
        "ix_seller_order_without_net",
        "seller_order",
        ["seller_id"],
        postgresql_where=sa.text("net_minor = 0"),
    )


def _reductions() -> None:
    op.add_column(
        "order_line",
        sa.Column("called_off_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    # The rows that there are keep to a stricter one, so it may be believed before it is proven.
    op.create_check_constraint(
        op.f(f"ck_order_line_{_ORDERED}"),
        "order_line",
        "quantity >= 0 AND called_off_quantity >= 0 AND quantity + called_off_quantity > 0",
        postgresql_not_valid=True,
    )
    op.execute(f"ALTER TABLE order_line VALIDATE CONSTRAINT ck_order_line_{_ORDERED}")
    op.drop_constraint("ck_order_line_quantity_positive", "order_line")
    op.create_table(
        "order_reduction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reduction_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_reduction_quantity_positive")),
        sa.CheckConstraint(
            "amount_minor >= 0", name=op.f("ck_order_reduction_amount_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["seller_order_id", "order_id"],
            ["seller_order.id", "seller_order.order_id"],
            name=op.f("fk_order_reduction_seller_order_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_order_id", "seller_id"],
            ["seller_order.id", "seller_order.seller_id"],
            name=op.f("fk_order_reduction_seller_order_id_seller_id"),
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"],
            ["order_line.id"],
            name=op.f("fk_order_reduction_order_line_id"),
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"],
            ["user_account.id"],
            name=op.f("fk_order_reduction_requested_by"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_reduction")),
    )
    op.create_index("ix_order_reduction_order_id", "order_reduction", ["order_id"])
    op.create_index("ix_order_reduction_order_line_id", "order_reduction", ["order_line_id"])


def downgrade() -> None:
    op.drop_index("ix_seller_order_without_net", "seller_order")
    op.drop_index("ix_refund_seller_id", "refund")
    op.drop_column("document_month", "written_before")
    _beside_cash(
        "(method = 'cash_on_delivery' AND status NOT IN ('created', 'declined'))"
        " = (seller_order_id IS NOT NULL)"
    )
    op.drop_index("ix_payout_claims_open", "payout")
    op.drop_index("ix_payout_claimed_before", "payout")
    op.drop_column("payout", "claims_open")
    op.drop_column("payout", "claimed_before")
    op.drop_table("order_reduction")
    op.create_check_constraint(
        op.f("ck_order_line_quantity_positive"), "order_line", "quantity > 0"
    )
    op.drop_constraint(f"ck_order_line_{_ORDERED}", "order_line")
    op.drop_column("order_line", "called_off_quantity")
    _frozen(_BEFORE)
    op.drop_constraint(op.f("ck_dispute_from_reserve_minor_not_negative"), "dispute")
    op.drop_column("dispute", "from_reserve_minor")
