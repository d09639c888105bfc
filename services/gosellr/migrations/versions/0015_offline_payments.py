"""Bank transfer and cash on delivery: what arrives by hand, where it goes back, who takes cash.

Revision ID: 0015
Revises: 0014
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

STEPS = (
    ("pending_payment", "paid"),
    ("pending_payment", "processing"),
    ("pending_payment", "cancelled"),
    ("paid", "processing"),
    ("paid", "partially_shipped"),
    ("paid", "shipped"),
    ("paid", "cancelled"),
    ("processing", "partially_shipped"),
    ("processing", "shipped"),
    ("processing", "cancelled"),
    ("partially_shipped", "shipped"),
    ("shipped", "delivered"),
    ("delivered", "completed"),
)
# A parcel that is paid at the door may be refused there, and no other.
REFUSED = """IF (OLD.status, NEW.status) IN (
        ('partially_shipped', 'cancelled'),
        ('shipped', 'cancelled')
    ) AND EXISTS (SELECT FROM payment WHERE payment.seller_order_id = NEW.id
                   AND payment.captured_minor = 0) THEN
        RETURN NEW;
    END IF;
    """


def _steps(pairs: Sequence[tuple[str, str]], *, refused: str = "") -> str:
    listed = ",\n        ".join(f"('{source}', '{target}')" for source, target in pairs)
    return f"""
CREATE OR REPLACE FUNCTION seller_order_step() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.status, NEW.status) IN (
        {listed}
    ) THEN
        RETURN NEW;
    END IF;
    {refused}RAISE EXCEPTION 'a seller order never goes from % to %', OLD.status, NEW.status
        USING ERRCODE = 'integrity_constraint_violation';
END $$
"""


def _cleared_as(*words: str) -> None:
    name = op.f("ck_provider_movement_cleared_as_known")
    op.drop_constraint(name, "provider_movement", type_="check")
    listed = ", ".join(f"'{word}'" for word in words)
    op.create_check_constraint(name, "provider_movement", f"cleared_as IN ({listed})")


def _receipts() -> None:
    op.create_index(
        "uq_payment_transfer_reference",
        "payment",
        ["gateway_reference"],
        unique=True,
        postgresql_where=sa.text("method = 'bank_transfer'"),
    )
    op.add_column(
        "provider_movement", sa.Column("payer_encrypted", sa.LargeBinary(), nullable=True)
    )
    _cleared_as("fee", "income", "loss", "payment", "returned")
    op.create_index(
        "ix_provider_movement_key",
        "provider_movement",
        ["key"],
        postgresql_where=sa.text("key IS NOT NULL AND gateway = 'bank_transfer'"),
    )
    op.create_table(
        "refund_account",
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("account_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("last_four", sa.Text(), nullable=False),
        sa.Column("given_by", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("length(last_four) = 4", name=op.f("ck_refund_account_last_four_only")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_refund_account_order_id")
        ),
        sa.ForeignKeyConstraint(
            ["given_by"], ["user_account.id"], name=op.f("fk_refund_account_given_by")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_refund_account")),
    )


def _cash() -> None:
    op.add_column("payment", sa.Column("seller_order_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(
        op.f("ck_payment_cash_of_one_part"),
        "payment",
        "(method = 'cash_on_delivery' AND status NOT IN ('created', 'declined'))"
        " = (seller_order_id IS NOT NULL)",
    )
    op.create_table(
        "cash_terms",
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("limit_minor", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("limit_minor > 0", name=op.f("ck_cash_terms_limit_positive")),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_cash_terms_seller_id")),
        sa.ForeignKeyConstraint(
            ["changed_by"], ["user_account.id"], name=op.f("fk_cash_terms_changed_by")
        ),
        sa.PrimaryKeyConstraint("seller_id", "currency", name=op.f("pk_cash_terms")),
    )


def upgrade() -> None:
    _receipts()
    _cash()
    op.execute(_steps(STEPS, refused=REFUSED))


def downgrade() -> None:
    op.execute(_steps(STEPS))
    op.drop_table("cash_terms")
    op.drop_constraint(op.f("ck_payment_cash_of_one_part"), "payment", type_="check")
    op.drop_column("payment", "seller_order_id")
    op.drop_table("refund_account")
    op.drop_index("ix_provider_movement_key", table_name="provider_movement")
    _cleared_as("fee", "income", "loss")
    op.drop_column("provider_movement", "payer_encrypted")
    op.drop_index("uq_payment_transfer_reference", table_name="payment")
