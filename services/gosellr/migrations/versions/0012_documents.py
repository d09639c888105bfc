"""Documents: issued once under numbers without a gap, kept as they were issued.

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_KINDS = "('invoice', 'credit_note', 'commission_invoice', 'statement')"


def upgrade() -> None:
    op.create_table(
        "document_series",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "last_number >= 0", name=op.f("ck_document_series_last_number_not_negative")
        ),
        sa.PrimaryKeyConstraint("issuer", "series", name=op.f("pk_document_series")),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("cause_key", sa.Text(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("period", sa.Text(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(f"kind IN {_KINDS}", name=op.f("ck_document_kind_known")),
        sa.CheckConstraint("number > 0", name=op.f("ck_document_number_positive")),
        sa.CheckConstraint(
            "(order_id IS NULL) <> (period IS NULL)", name=op.f("ck_document_of_order_or_period")
        ),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_document_seller_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_document_order_id")),
        sa.ForeignKeyConstraint(
            ["issuer", "series"],
            ["document_series.issuer", "document_series.series"],
            name=op.f("fk_document_issuer_series"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint(
            "issuer", "series", "number", name=op.f("uq_document_issuer_series_number")
        ),
        sa.UniqueConstraint("kind", "cause_key", name=op.f("uq_document_kind_cause_key")),
    )
    op.create_index(
        "ix_document_order_id",
        "document",
        ["order_id"],
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "ix_document_seller_id",
        "document",
        ["seller_id", "issued_at", "id"],
        postgresql_where=sa.text("period IS NOT NULL"),
    )
    op.create_table(
        "document_month",
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("period", name=op.f("pk_document_month")),
    )
    op.execute(
        "CREATE TRIGGER document_append_only BEFORE UPDATE OR DELETE ON document"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER document_never_truncated BEFORE TRUNCATE ON document"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    for table in ("document", "document_series", "document_month"):
        op.drop_table(table)
