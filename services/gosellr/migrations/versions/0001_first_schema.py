"""first schema

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


class TransactionId(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_options: object) -> str:
        return "xid8"


def upgrade() -> None:
    op.create_table(
        "category",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("ancestor_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
        sa.UniqueConstraint("path", name=op.f("uq_category_path")),
    )
    op.create_index(
        "ix_category_ancestor_ids",
        "category",
        ["ancestor_ids"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index("ix_category_parent_id", "category", ["parent_id"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("response_body", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "key", name=op.f("pk_idempotency_key")),
    )
    op.create_index(
        "ix_idempotency_key_expires_at", "idempotency_key", ["expires_at"], unique=False
    )
    op.create_table(
        "job_failure",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_failure")),
    )
    op.create_table(
        "ledger_activity",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_kind", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("debit_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "debit_minor >= 0 AND credit_minor >= 0",
            name=op.f("ck_ledger_activity_debit_minor_not_negative"),
        ),
        sa.PrimaryKeyConstraint(
            "kind", "account_kind", "currency", name=op.f("pk_ledger_activity")
        ),
    )
    op.create_table(
        "ledger_balance",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("balance_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("balance_minor >= 0", name=op.f("ck_ledger_balance_never_overdrawn")),
        sa.PrimaryKeyConstraint("account", "currency", name=op.f("pk_ledger_balance")),
    )
    op.create_table(
        "ledger_rollup",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("debit_minor", sa.BigInteger(), nullable=False),
        sa.Column("credit_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "debit_minor >= 0 AND credit_minor >= 0",
            name=op.f("ck_ledger_rollup_debit_minor_not_negative"),
        ),
        sa.PrimaryKeyConstraint("account", "currency", name=op.f("pk_ledger_rollup")),
    )
    op.create_table(
        "ledger_rollup_mark",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("written_before", TransactionId(), nullable=False),
        sa.Column("order_count", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_rollup_mark_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_rollup_mark")),
    )
    op.create_table(
        "ledger_seal",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_count", sa.Integer(), nullable=False),
        sa.Column("root_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_seal")),
    )
    op.create_table(
        "ledger_sealed",
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("seal_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_ledger_sealed")),
        sa.UniqueConstraint("seal_id", "position", name=op.f("uq_ledger_sealed_seal_id_position")),
    )
    op.create_table(
        "ledger_transaction",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("cause_type", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Uuid(), nullable=False),
        sa.Column("idempotency_key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("corrects_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "facts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column(
            "written_by",
            TransactionId(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_transaction")),
        sa.UniqueConstraint(
            "kind", "idempotency_key", name=op.f("uq_ledger_transaction_kind_idempotency_key")
        ),
    )
    op.create_index(
        "ix_ledger_transaction_effective_at", "ledger_transaction", ["effective_at"], unique=False
    )
    op.create_index(
        "ix_ledger_transaction_order_id", "ledger_transaction", ["order_id"], unique=False
    )
    op.create_index(
        "ix_ledger_transaction_written_by", "ledger_transaction", ["written_by", "id"], unique=False
    )
    op.create_table(
        "outbox_cursor",
        sa.Column("consumer", sa.Text(), nullable=False),
        sa.Column("written_by", TransactionId(), nullable=False),
        sa.Column("written_before", TransactionId(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("consumer", name=op.f("pk_outbox_cursor")),
    )
    op.create_table(
        "outbox_event",
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("aggregate_type", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "written_by",
            TransactionId(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_outbox_event")),
    )
    op.create_index(
        "ix_outbox_event_aggregate",
        "outbox_event",
        ["aggregate_type", "aggregate_id", "sequence"],
        unique=False,
    )
    op.create_index(
        "ix_outbox_event_feed", "outbox_event", ["written_by", "sequence"], unique=False
    )
    op.create_index("ix_outbox_event_type", "outbox_event", ["type", "sequence"], unique=False)
    op.create_table(
        "periodic_work",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_periodic_work")),
    )
    op.create_table(
        "rate_window",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_window")),
        prefixes=["UNLOGGED"],
    )
    op.create_index("ix_rate_window_expires_at", "rate_window", ["expires_at"], unique=False)
    op.create_table(
        "search_word",
        sa.Column("word", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_search_word")),
    )
    op.create_index(
        "ix_search_word_word",
        "search_word",
        ["word"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )
    op.create_table(
        "seller",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("country", sa.CHAR(length=2), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("logo_media_id", sa.Uuid(), nullable=True),
        sa.Column(
            "policies",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("rating_sum", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rating_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status IN ('applied', 'in_review', 'active', 'rejected', 'suspended', 'on_holiday', 'terminated')",
            name=op.f("ck_seller_status_known"),
        ),
        sa.CheckConstraint(
            "rating_sum >= 0 AND rating_count >= 0", name=op.f("ck_seller_rating_sum_not_negative")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller")),
    )
    op.create_index("ix_seller_status", "seller", ["status"], unique=False)
    op.create_index("uq_seller_slug", "seller", ["slug"], unique=True)
    op.create_table(
        "setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("secret", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("public_pem", sa.Text(), nullable=False),
        sa.Column("private_pem_encrypted", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "stock_movement",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("delta", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("cause_type", sa.Text(), nullable=False),
        sa.Column("cause_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('received', 'adjusted', 'shipped', 'returned', 'written_off', 'moved')",
            name=op.f("ck_stock_movement_kind_known"),
        ),
        sa.CheckConstraint("delta <> 0", name=op.f("ck_stock_movement_delta_moves")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_movement")),
    )
    op.create_index(
        "ix_stock_movement_variant_id", "stock_movement", ["variant_id", "id"], unique=False
    )
    op.create_table(
        "tax_rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("country", sa.CHAR(length=2), nullable=False),
        sa.Column("region", sa.Text(), nullable=True),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("rate_bps", sa.Integer(), nullable=False),
        sa.Column("included", sa.Boolean(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("rate_bps BETWEEN 0 AND 10000", name=op.f("ck_tax_rate_rate_bps_range")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax_rate")),
    )
    op.create_index(
        "ix_tax_rate_country", "tax_rate", ["country", "class", "valid_from"], unique=False
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), server_default=sa.text("'gosellr'"), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("email", postgresql.CITEXT(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column(
            "roles",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{buyer}'::text[]"),
            nullable=False,
        ),
        sa.Column("status", sa.Text(), server_default=sa.text("'active'"), nullable=False),
        sa.Column("token_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'banned', 'erased')", name=op.f("ck_user_account_status_known")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
    )
    op.create_index("uq_user_account_identity", "user_account", ["issuer", "subject"], unique=True)
    op.create_index(
        "uq_user_account_local_email",
        "user_account",
        ["email"],
        unique=True,
        postgresql_where=sa.text("issuer = 'gosellr'"),
    )
    op.create_table(
        "webhook_event",
        sa.Column("gateway", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", "event_id", name=op.f("pk_webhook_event")),
    )
    op.create_index(
        "ix_webhook_event_parked",
        "webhook_event",
        ["received_at"],
        unique=False,
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.create_table(
        "cart",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("shipping_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("billing_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "coupon_codes",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        sa.Column(
            "shipping_choices",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'ordered', 'merged')", name=op.f("ck_cart_status_known")
        ),
        sa.CheckConstraint(
            "token_hash IS NOT NULL OR user_id IS NOT NULL", name=op.f("ck_cart_has_owner")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_cart_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart")),
    )
    op.create_index("ix_cart_updated_at", "cart", ["updated_at"], unique=False)
    op.create_index(
        "uq_cart_open",
        "cart",
        ["user_id", "currency"],
        unique=True,
        postgresql_where=sa.text("status = 'open' AND user_id IS NOT NULL"),
    )
    op.create_table(
        "category_attribute",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("unit", sa.Text(), nullable=True),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "type IN ('text', 'number', 'boolean', 'enum')",
            name=op.f("ck_category_attribute_type_known"),
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_category_attribute_category_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_attribute")),
        sa.UniqueConstraint(
            "category_id", "key", name=op.f("uq_category_attribute_category_id_key")
        ),
    )
    op.create_table(
        "category_former_path",
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_category_former_path_category_id")
        ),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_category_former_path")),
    )
    op.create_index(
        "ix_category_former_path_category_id", "category_former_path", ["category_id"], unique=False
    )
    op.create_table(
        "commission_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("category_id", sa.Uuid(), nullable=True),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("value_from_minor", sa.BigInteger(), nullable=True),
        sa.Column("value_to_minor", sa.BigInteger(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rate_bps", sa.Integer(), nullable=False),
        sa.Column("fixed_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("minimum_minor", sa.BigInteger(), nullable=True),
        sa.Column("cap_minor", sa.BigInteger(), nullable=True),
        sa.Column("vat_bps", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("on_shipping", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "currency IS NOT NULL OR (value_from_minor IS NULL AND value_to_minor IS NULL AND fixed_minor = 0 AND minimum_minor IS NULL AND cap_minor IS NULL)",
            name=op.f("ck_commission_rule_amounts_have_currency"),
        ),
        sa.CheckConstraint(
            "rate_bps BETWEEN 0 AND 10000", name=op.f("ck_commission_rule_rate_bps_range")
        ),
        sa.CheckConstraint(
            "vat_bps BETWEEN 0 AND 10000", name=op.f("ck_commission_rule_vat_bps_range")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_commission_rule_category_id")
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_commission_rule_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_rule")),
    )
    op.create_index("ix_commission_rule_position", "commission_rule", ["position"], unique=False)
    op.create_table(
        "coupon",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", postgresql.CITEXT(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value_bps", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=True),
        sa.Column("minimum_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("funded_by", sa.Text(), nullable=False),
        sa.Column(
            "marketplace_share_bps", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("limit_total", sa.Integer(), nullable=True),
        sa.Column("limit_per_customer", sa.Integer(), nullable=True),
        sa.Column("used_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "CASE kind WHEN 'percent' THEN value_bps BETWEEN 1 AND 10000 AND amount_minor IS NULL WHEN 'amount' THEN amount_minor > 0 AND currency IS NOT NULL AND value_bps IS NULL ELSE value_bps IS NULL AND amount_minor IS NULL END",
            name=op.f("ck_coupon_kind_has_value"),
        ),
        sa.CheckConstraint(
            "funded_by IN ('seller', 'marketplace', 'shared')",
            name=op.f("ck_coupon_funded_by_known"),
        ),
        sa.CheckConstraint(
            "kind IN ('percent', 'amount', 'free_shipping')", name=op.f("ck_coupon_kind_known")
        ),
        sa.CheckConstraint(
            "limit_total IS NULL OR used_count <= limit_total",
            name=op.f("ck_coupon_limit_total_holds"),
        ),
        sa.CheckConstraint(
            "marketplace_share_bps BETWEEN 0 AND 10000", name=op.f("ck_coupon_share_range")
        ),
        sa.CheckConstraint(
            "minimum_minor >= 0 AND used_count >= 0",
            name=op.f("ck_coupon_minimum_minor_not_negative"),
        ),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_coupon_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_coupon")),
        sa.UniqueConstraint("code", name=op.f("uq_coupon_code")),
    )
    op.create_table(
        "import_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("storage_key", sa.Text(), nullable=False),
        sa.Column("file_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'waiting'"), nullable=False),
        sa.Column("total_rows", sa.Integer(), nullable=True),
        sa.Column("processed_rows", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "pictures_skipped_count", sa.Integer(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "format IN ('gosellr', 'shopify', 'json')", name=op.f("ck_import_run_format_known")
        ),
        sa.CheckConstraint(
            "status IN ('waiting', 'running', 'finished', 'failed')",
            name=op.f("ck_import_run_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["user_account.id"], name=op.f("fk_import_run_requested_by")
        ),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_import_run_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_index(
        "ix_import_run_seller_id", "import_run", ["seller_id", "created_at"], unique=False
    )
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("transaction_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=True),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("payout_id", sa.Uuid(), nullable=True),
        sa.Column(
            "written_by",
            TransactionId(),
            server_default=sa.text("pg_current_xact_id()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "direction IN ('debit', 'credit')", name=op.f("ck_ledger_entry_direction_known")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_ledger_entry_amount_positive")),
        sa.ForeignKeyConstraint(
            ["transaction_id"],
            ["ledger_transaction.id"],
            name=op.f("fk_ledger_entry_transaction_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entry")),
        sa.UniqueConstraint(
            "transaction_id", "position", name=op.f("uq_ledger_entry_transaction_id_position")
        ),
    )
    op.create_index(
        "ix_ledger_entry_account", "ledger_entry", ["account", "written_by", "id"], unique=False
    )
    op.create_index(
        "ix_ledger_entry_seller_order_id", "ledger_entry", ["seller_order_id"], unique=False
    )
    op.create_table(
        "media",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("renditions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["created_by"], ["user_account.id"], name=op.f("fk_media_created_by")
        ),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_media_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
    )
    op.create_index("uq_media_owner_sha256", "media", ["seller_id", "sha256"], unique=True)
    op.create_table(
        "outbox_feed",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_sequence"],
            ["outbox_event.sequence"],
            name=op.f("fk_outbox_feed_event_sequence"),
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_outbox_feed")),
        sa.UniqueConstraint("event_sequence", name=op.f("uq_outbox_feed_event_sequence")),
    )
    op.create_table(
        "product",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("item_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("description_html", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "shipping_class", sa.Text(), server_default=sa.text("'standard'"), nullable=False
        ),
        sa.Column("tax_class", sa.Text(), server_default=sa.text("'standard'"), nullable=False),
        sa.Column("source_key", sa.Text(), nullable=True),
        sa.Column("source_hash", sa.LargeBinary(), nullable=True),
        sa.Column("rating_sum", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("rating_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sold_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'pending_review', 'active', 'rejected', 'archived')",
            name=op.f("ck_product_status_known"),
        ),
        sa.CheckConstraint(
            "rating_sum >= 0 AND rating_count >= 0 AND sold_count >= 0",
            name=op.f("ck_product_rating_sum_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_product_category_id")
        ),
        sa.ForeignKeyConstraint(["seller_id"], ["seller.id"], name=op.f("fk_product_seller_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product")),
        sa.UniqueConstraint("id", "seller_id", name=op.f("uq_product_id_seller_id")),
        sa.UniqueConstraint(
            "seller_id", "source_key", name=op.f("uq_product_seller_id_source_key")
        ),
        sa.UniqueConstraint("slug", name=op.f("uq_product_slug")),
    )
    op.create_index("ix_product_category_id", "product", ["category_id"], unique=False)
    op.create_index("ix_product_item_id", "product", ["item_id"], unique=False)
    op.create_index(
        "ix_product_seller_id_created_at",
        "product",
        ["seller_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        "uq_product_seller_id_item_id",
        "product",
        ["seller_id", "item_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'archived'"),
    )
    op.create_table(
        "seller_member",
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "role IN ('owner', 'manager', 'fulfilment', 'finance', 'viewer')",
            name=op.f("ck_seller_member_role_known"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_seller_member_seller_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_seller_member_user_id")
        ),
        sa.PrimaryKeyConstraint("seller_id", "user_id", name=op.f("pk_seller_member")),
    )
    op.create_index("ix_seller_member_user_id", "seller_member", ["user_id"], unique=False)
    op.create_table(
        "shipping_zone",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("countries", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "regions", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'::text[]"), nullable=False
        ),
        sa.Column(
            "postal_patterns",
            sa.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_shipping_zone_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipping_zone")),
    )
    op.create_index("ix_shipping_zone_seller_id", "shipping_zone", ["seller_id"], unique=False)
    op.create_table(
        "stock_location",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_stock_location_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_location")),
    )
    op.create_index("ix_stock_location_seller_id", "stock_location", ["seller_id"], unique=False)
    op.create_index(
        "uq_stock_location_default",
        "stock_location",
        ["seller_id"],
        unique=True,
        postgresql_where=sa.text("is_default"),
    )
    op.create_table(
        "user_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('api', 'web')", name=op.f("ck_user_session_kind_known")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_user_session_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_session")),
    )
    op.create_index("ix_user_session_user_id", "user_session", ["user_id"], unique=False)
    op.create_table(
        "coupon_customer",
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("customer_key", sa.Text(), nullable=False),
        sa.Column("used_count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "used_count >= 0", name=op.f("ck_coupon_customer_used_count_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["coupon_id"], ["coupon.id"], name=op.f("fk_coupon_customer_coupon_id")
        ),
        sa.PrimaryKeyConstraint("coupon_id", "customer_key", name=op.f("pk_coupon_customer")),
    )
    op.create_table(
        "import_error",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_run.id"], name=op.f("fk_import_error_import_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_error")),
    )
    op.create_index("ix_import_error_import_id", "import_error", ["import_id", "row"], unique=False)
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("cart_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("tax_included", sa.Boolean(), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("captured_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending_payment'"), nullable=False),
        sa.Column("payment_status", sa.Text(), server_default=sa.text("'unpaid'"), nullable=False),
        sa.Column("shipping_address", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("billing_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "coupon_codes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("ip_address", sa.Text(), nullable=True),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("event_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "payment_status IN ('unpaid', 'pending', 'authorized', 'paid', 'partially_refunded', 'refunded', 'failed', 'disputed')",
            name=op.f("ck_orders_payment_status_known"),
        ),
        sa.CheckConstraint(
            "status IN ('pending_payment', 'paid', 'processing', 'partially_shipped', 'shipped', 'delivered', 'completed', 'cancelled')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND captured_minor",
            name=op.f("ck_orders_refunded_within_captured"),
        ),
        sa.CheckConstraint(
            "subtotal_minor >= 0 AND discount_minor >= 0 AND shipping_minor >= 0 AND tax_minor >= 0 AND total_minor >= 0",
            name=op.f("ck_orders_subtotal_minor_not_negative"),
        ),
        sa.CheckConstraint(
            "total_minor = subtotal_minor - discount_minor + shipping_minor + CASE WHEN tax_included THEN 0 ELSE tax_minor END",
            name=op.f("ck_orders_total_adds_up"),
        ),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name=op.f("fk_orders_cart_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_orders_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index(
        "ix_orders_expiring",
        "orders",
        ["expires_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending_payment'"),
    )
    op.create_index("ix_orders_placed_at", "orders", ["placed_at", "id"], unique=False)
    op.create_index("ix_orders_reference", "orders", ["reference"], unique=False)
    op.create_index("ix_orders_user_id", "orders", ["user_id", "placed_at", "id"], unique=False)
    op.create_index(
        "uq_orders_open_cart",
        "orders",
        ["cart_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'cancelled'"),
    )
    op.create_table(
        "product_card",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("category_ids", sa.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("visible", sa.Boolean(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("in_stock", sa.Boolean(), nullable=False),
        sa.Column("rating_hundredths", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("sold_count", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("trending_score", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("search_vector", postgresql.TSVECTOR(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("card", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_product_card_product_id")
        ),
        sa.PrimaryKeyConstraint("product_id", name=op.f("pk_product_card")),
    )
    op.create_index(
        "ix_product_card_category_ids",
        "product_card",
        ["category_ids"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "ix_product_card_newest",
        "product_card",
        ["created_at", "product_id"],
        unique=False,
        postgresql_where=sa.text("visible"),
    )
    op.create_index(
        "ix_product_card_price",
        "product_card",
        ["price_minor", "product_id"],
        unique=False,
        postgresql_where=sa.text("visible"),
    )
    op.create_index(
        "ix_product_card_rating",
        "product_card",
        ["rating_hundredths", "product_id"],
        unique=False,
        postgresql_where=sa.text("visible"),
    )
    op.create_index(
        "ix_product_card_search_text",
        "product_card",
        ["search_text"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )
    op.create_index(
        "ix_product_card_search_vector",
        "product_card",
        ["search_vector"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_index(
        "ix_product_card_seller",
        "product_card",
        ["seller_id", "created_at", "product_id"],
        unique=False,
    )
    op.create_index(
        "ix_product_card_sold",
        "product_card",
        ["sold_count", "product_id"],
        unique=False,
        postgresql_where=sa.text("visible"),
    )
    op.create_index(
        "ix_product_card_trending",
        "product_card",
        ["trending_score", "product_id"],
        unique=False,
        postgresql_where=sa.text("visible"),
    )
    op.create_table(
        "product_former_slug",
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_product_former_slug_product_id")
        ),
        sa.PrimaryKeyConstraint("slug", name=op.f("pk_product_former_slug")),
    )
    op.create_index(
        "ix_product_former_slug_product_id", "product_former_slug", ["product_id"], unique=False
    )
    op.create_table(
        "refresh_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"], ["user_session.id"], name=op.f("fk_refresh_token_session_id")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_refresh_token")),
    )
    op.create_index("ix_refresh_token_session_id", "refresh_token", ["session_id"], unique=False)
    op.create_table(
        "shipping_rate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), server_default=sa.text("'flat'"), nullable=False),
        sa.Column(
            "brackets",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("free_over_minor", sa.BigInteger(), nullable=True),
        sa.Column("delivery_days_min", sa.Integer(), nullable=False),
        sa.Column("delivery_days_max", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "by IN ('flat', 'weight', 'subtotal', 'items')", name=op.f("ck_shipping_rate_by_known")
        ),
        sa.CheckConstraint(
            "delivery_days_min <= delivery_days_max",
            name=op.f("ck_shipping_rate_delivery_days_ordered"),
        ),
        sa.CheckConstraint(
            "price_minor >= 0 AND delivery_days_min >= 0",
            name=op.f("ck_shipping_rate_price_minor_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["zone_id"], ["shipping_zone.id"], name=op.f("fk_shipping_rate_zone_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipping_rate")),
    )
    op.create_index("ix_shipping_rate_zone_id", "shipping_rate", ["zone_id"], unique=False)
    op.create_table(
        "variant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("gtin", sa.Text(), nullable=True),
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("option_key", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("weight_grams", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("dimensions_mm", sa.ARRAY(sa.Integer()), nullable=True),
        sa.Column("low_stock_at", sa.Integer(), server_default=sa.text("3"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "weight_grams >= 0 AND low_stock_at >= 0",
            name=op.f("ck_variant_weight_grams_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["product_id", "seller_id"],
            ["product.id", "product.seller_id"],
            name=op.f("fk_variant_product_id_seller_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_variant")),
        sa.UniqueConstraint("id", "seller_id", name=op.f("uq_variant_id_seller_id")),
    )
    op.create_index("ix_variant_product_id", "variant", ["product_id"], unique=False)
    op.create_index(
        "uq_variant_product_id_option_key",
        "variant",
        ["product_id", "option_key"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_index(
        "uq_variant_seller_id_sku",
        "variant",
        ["seller_id", "sku"],
        unique=True,
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.create_table(
        "cart_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("cart_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("seen_price_minor", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "quantity BETWEEN 1 AND 10000", name=op.f("ck_cart_item_quantity_range")
        ),
        sa.ForeignKeyConstraint(["cart_id"], ["cart.id"], name=op.f("fk_cart_item_cart_id")),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variant.id"], name=op.f("fk_cart_item_variant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cart_item")),
        sa.UniqueConstraint("cart_id", "variant_id", name=op.f("uq_cart_item_cart_id_variant_id")),
    )
    op.create_table(
        "coupon_redemption",
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("customer_key", sa.Text(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'held'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('held', 'redeemed', 'released')",
            name=op.f("ck_coupon_redemption_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["coupon_id"], ["coupon.id"], name=op.f("fk_coupon_redemption_coupon_id")
        ),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_coupon_redemption_order_id")
        ),
        sa.PrimaryKeyConstraint("coupon_id", "order_id", name=op.f("pk_coupon_redemption")),
    )
    op.create_index(
        "ix_coupon_redemption_order_id", "coupon_redemption", ["order_id"], unique=False
    )
    op.create_table(
        "order_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("from_status", sa.Text(), nullable=True),
        sa.Column("to_status", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_event_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_event")),
        sa.UniqueConstraint("order_id", "sequence", name=op.f("uq_order_event_order_id_sequence")),
    )
    op.create_table(
        "payment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("part", sa.SmallInteger(), nullable=False),
        sa.Column("tender", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'created'"), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("gateway_reference", sa.Text(), nullable=True),
        sa.Column("decline_code", sa.Text(), nullable=True),
        sa.Column("action_url", sa.Text(), nullable=True),
        sa.Column("captured_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status IN ('created', 'action_required', 'authorized', 'captured', 'declined', 'unknown', 'voided', 'expired')",
            name=op.f("ck_payment_status_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_amount_positive")),
        sa.CheckConstraint("captured_minor >= 0", name=op.f("ck_payment_captured_not_negative")),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND captured_minor",
            name=op.f("ck_payment_refunded_within_captured"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_payment_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
    )
    op.create_index(
        "ix_payment_check_at",
        "payment",
        ["check_at"],
        unique=False,
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index("ix_payment_order_id", "payment", ["order_id"], unique=False)
    op.create_index(
        "uq_payment_live_part",
        "payment",
        ["order_id", "part"],
        unique=True,
        postgresql_where=sa.text(
            "status IN ('created', 'action_required', 'authorized', 'captured', 'unknown')"
        ),
    )
    op.create_table(
        "product_media",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=True),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("alt", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_product_media_media_id")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["product.id"], name=op.f("fk_product_media_product_id")
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variant.id"], name=op.f("fk_product_media_variant_id")
        ),
        sa.PrimaryKeyConstraint("product_id", "media_id", name=op.f("pk_product_media")),
    )
    op.create_index("ix_product_media_media_id", "product_media", ["media_id"], unique=False)
    op.create_table(
        "refund",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("borne_by", sa.Text(), server_default=sa.text("'seller'"), nullable=False),
        sa.Column(
            "effects",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("requested_by", sa.Uuid(), nullable=True),
        sa.Column("failure_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "borne_by IN ('seller', 'marketplace')", name=op.f("ck_refund_borne_by_known")
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed', 'unknown')",
            name=op.f("ck_refund_status_known"),
        ),
        sa.CheckConstraint("amount_minor >= 0", name=op.f("ck_refund_amount_minor_not_negative")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_refund_order_id")),
        sa.ForeignKeyConstraint(
            ["requested_by"], ["user_account.id"], name=op.f("fk_refund_requested_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
    )
    op.create_index("ix_refund_order_id", "refund", ["order_id"], unique=False)
    op.create_index("ix_refund_seller_order_id", "refund", ["seller_order_id"], unique=False)
    op.create_table(
        "seller_order",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.SmallInteger(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending_payment'"), nullable=False),
        sa.Column("subtotal_minor", sa.BigInteger(), nullable=False),
        sa.Column("discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_option", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "shipping_seller_discount_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "shipping_marketplace_discount_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("shipping_goods_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_tax_rate_bps", sa.Integer(), nullable=False),
        sa.Column("shipping_tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_total_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipping_commission", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "shipping_commission_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "shipping_commission_vat_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "shipping_refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "shipping_refunded_goods_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "shipping_refunded_tax_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "shipping_refunded_marketplace_discount_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "shipping_refunded_commission_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "shipping_refunded_commission_vat_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_vat_minor", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("pending_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("release_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ship_by", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending_payment', 'paid', 'processing', 'partially_shipped', 'shipped', 'delivered', 'completed', 'cancelled')",
            name=op.f("ck_seller_order_status_known"),
        ),
        sa.CheckConstraint(
            "pending_minor >= 0 AND subtotal_minor >= 0 AND discount_minor >= 0 AND shipping_minor >= 0 AND tax_minor >= 0 AND total_minor >= 0",
            name=op.f("ck_seller_order_pending_minor_not_negative"),
        ),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND total_minor",
            name=op.f("ck_seller_order_refunded_within_total"),
        ),
        sa.CheckConstraint(
            "shipping_refunded_minor BETWEEN 0 AND shipping_total_minor",
            name=op.f("ck_seller_order_shipping_refunded_within_total"),
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_seller_order_order_id")),
        sa.ForeignKeyConstraint(
            ["seller_id"], ["seller.id"], name=op.f("fk_seller_order_seller_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller_order")),
        sa.UniqueConstraint("id", "order_id", name=op.f("uq_seller_order_id_order_id")),
        sa.UniqueConstraint("id", "seller_id", name=op.f("uq_seller_order_id_seller_id")),
        sa.UniqueConstraint(
            "order_id", "seller_id", name=op.f("uq_seller_order_order_id_seller_id")
        ),
    )
    op.create_index(
        "ix_seller_order_release_due",
        "seller_order",
        ["release_due_at"],
        unique=False,
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.create_index("ix_seller_order_seller_id", "seller_order", ["seller_id", "id"], unique=False)
    op.create_table(
        "stock_level",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "reserved >= 0 AND reserved <= on_hand", name=op.f("ck_stock_level_never_oversold")
        ),
        sa.ForeignKeyConstraint(
            ["location_id"], ["stock_location.id"], name=op.f("fk_stock_level_location_id")
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variant.id"], name=op.f("fk_stock_level_variant_id")
        ),
        sa.PrimaryKeyConstraint("variant_id", "location_id", "bucket", name=op.f("pk_stock_level")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index("ix_stock_level_location_id", "stock_level", ["location_id"], unique=False)
    op.create_table(
        "variant_price",
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("compare_at_minor", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "amount_minor >= 0", name=op.f("ck_variant_price_amount_minor_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variant.id"], name=op.f("fk_variant_price_variant_id")
        ),
        sa.PrimaryKeyConstraint("variant_id", "currency", name=op.f("pk_variant_price")),
    )
    op.create_table(
        "order_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "options",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("picture", sa.Text(), nullable=True),
        sa.Column("category_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("seller_discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("marketplace_discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("goods_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_class", sa.Text(), nullable=False),
        sa.Column("tax_rate_bps", sa.Integer(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("weight_grams", sa.Integer(), nullable=False),
        sa.Column("commission", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_vat_minor", sa.BigInteger(), nullable=False),
        sa.Column("shipped_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("withdrawn_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "refunded_goods_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "refunded_tax_minor", sa.BigInteger(), server_default=sa.text("0"), nullable=False
        ),
        sa.Column(
            "refunded_marketplace_discount_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "refunded_commission_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.Column(
            "refunded_commission_vat_minor",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "delivered_quantity BETWEEN 0 AND shipped_quantity",
            name=op.f("ck_order_line_delivered_range"),
        ),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_line_quantity_positive")),
        sa.CheckConstraint(
            "refunded_commission_minor BETWEEN 0 AND commission_minor",
            name=op.f("ck_order_line_commission_returned_once"),
        ),
        sa.CheckConstraint(
            "refunded_minor BETWEEN 0 AND total_minor",
            name=op.f("ck_order_line_refunded_within_total"),
        ),
        sa.CheckConstraint(
            "refunded_quantity BETWEEN 0 AND quantity",
            name=op.f("ck_order_line_refunded_quantity_range"),
        ),
        sa.CheckConstraint(
            "shipped_quantity >= 0 AND withdrawn_quantity >= 0 AND shipped_quantity + withdrawn_quantity <= quantity",
            name=op.f("ck_order_line_never_shipped_twice"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_order_id", "order_id"],
            ["seller_order.id", "seller_order.order_id"],
            name=op.f("fk_order_line_seller_order_id_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_order_id", "seller_id"],
            ["seller_order.id", "seller_order.seller_id"],
            name=op.f("fk_order_line_seller_order_id_seller_id"),
        ),
        sa.ForeignKeyConstraint(
            ["variant_id", "seller_id"],
            ["variant.id", "variant.seller_id"],
            name=op.f("fk_order_line_variant_id_seller_id"),
        ),
        sa.ForeignKeyConstraint(
            ["variant_id"], ["variant.id"], name=op.f("fk_order_line_variant_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
    )
    op.create_index("ix_order_line_order_id", "order_line", ["order_id"], unique=False)
    op.create_index("ix_order_line_product_id", "order_line", ["product_id"], unique=False)
    op.create_index(
        "ix_order_line_seller_order_id", "order_line", ["seller_order_id"], unique=False
    )
    op.create_index("ix_order_line_variant_id", "order_line", ["variant_id"], unique=False)
    op.create_table(
        "payment_return",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("gateway_reference", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed', 'unknown')",
            name=op.f("ck_payment_return_status_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_return_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_payment_return_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_return")),
    )
    op.create_index(
        "ix_payment_return_check_at",
        "payment_return",
        ["check_at"],
        unique=False,
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index("uq_payment_return_payment_id", "payment_return", ["payment_id"], unique=True)
    op.create_table(
        "refund_part",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("gateway_reference", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'succeeded', 'failed', 'unknown')",
            name=op.f("ck_refund_part_status_known"),
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_refund_part_amount_positive")),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_refund_part_payment_id")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refund.id"], name=op.f("fk_refund_part_refund_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_part")),
    )
    op.create_index(
        "ix_refund_part_check_at",
        "refund_part",
        ["check_at"],
        unique=False,
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.create_index("ix_refund_part_payment_id", "refund_part", ["payment_id"], unique=False)
    op.create_index("ix_refund_part_refund_id", "refund_part", ["refund_id"], unique=False)
    op.create_table(
        "shipment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("tracking_url", sa.Text(), nullable=True),
        sa.Column("label_service", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'in_transit'"), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('label_created', 'in_transit', 'delivered', 'returned', 'lost')",
            name=op.f("ck_shipment_status_known"),
        ),
        sa.ForeignKeyConstraint(
            ["seller_order_id", "seller_id"],
            ["seller_order.id", "seller_order.seller_id"],
            name=op.f("fk_shipment_seller_order_id_seller_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shipment")),
    )
    op.create_index("ix_shipment_order_id", "shipment", ["order_id"], unique=False)
    op.create_index(
        "ix_shipment_tracking_number", "shipment", ["carrier", "tracking_number"], unique=False
    )
    op.create_table(
        "refund_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("refund_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=True),
        sa.Column("quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("goods_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("marketplace_discount_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_vat_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("commission_vat_reversed_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "quantity >= 0 AND amount_minor >= 0 AND goods_minor >= 0 AND tax_minor >= 0 AND commission_minor >= 0",
            name=op.f("ck_refund_line_quantity_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_refund_line_order_line_id")
        ),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["refund.id"], name=op.f("fk_refund_line_refund_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_line")),
    )
    op.create_index("ix_refund_line_order_line_id", "refund_line", ["order_line_id"], unique=False)
    op.create_index("ix_refund_line_refund_id", "refund_line", ["refund_id"], unique=False)
    op.create_table(
        "review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("rating", sa.SmallInteger(), nullable=False),
        sa.Column("title", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("body", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("language", sa.CHAR(length=2), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name=op.f("ck_review_rating_range")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_review_order_line_id")
        ),
        sa.ForeignKeyConstraint(["product_id"], ["product.id"], name=op.f("fk_review_product_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_review_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
        sa.UniqueConstraint("order_line_id", name=op.f("uq_review_order_line_id")),
    )
    op.create_index(
        "ix_review_product_id", "review", ["product_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "shipment_item",
        sa.Column("shipment_id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_shipment_item_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_shipment_item_order_line_id")
        ),
        sa.ForeignKeyConstraint(
            ["shipment_id"], ["shipment.id"], name=op.f("fk_shipment_item_shipment_id")
        ),
        sa.PrimaryKeyConstraint("shipment_id", "order_line_id", name=op.f("pk_shipment_item")),
    )
    op.create_table(
        "stock_reservation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_line_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seller_order_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=False),
        sa.Column("location_id", sa.Uuid(), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("shipped_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("released_quantity", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_stock_reservation_quantity_positive")),
        sa.CheckConstraint(
            "shipped_quantity + released_quantity <= quantity",
            name=op.f("ck_stock_reservation_resolved_once"),
        ),
        sa.CheckConstraint(
            "shipped_quantity >= 0 AND released_quantity >= 0",
            name=op.f("ck_stock_reservation_shipped_quantity_not_negative"),
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_stock_reservation_order_line_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_reservation")),
    )
    op.create_index(
        "ix_stock_reservation_live",
        "stock_reservation",
        ["variant_id", "location_id", "bucket"],
        unique=False,
        postgresql_where=sa.text("shipped_quantity + released_quantity < quantity"),
    )
    op.create_index(
        "ix_stock_reservation_order_id", "stock_reservation", ["order_id"], unique=False
    )
    op.create_index(
        "ix_stock_reservation_order_line_id", "stock_reservation", ["order_line_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index("ix_stock_reservation_order_line_id", table_name="stock_reservation")
    op.drop_index("ix_stock_reservation_order_id", table_name="stock_reservation")
    op.drop_index(
        "ix_stock_reservation_live",
        table_name="stock_reservation",
        postgresql_where=sa.text("shipped_quantity + released_quantity < quantity"),
    )
    op.drop_table("stock_reservation")
    op.drop_table("shipment_item")
    op.drop_index("ix_review_product_id", table_name="review")
    op.drop_table("review")
    op.drop_index("ix_refund_line_refund_id", table_name="refund_line")
    op.drop_index("ix_refund_line_order_line_id", table_name="refund_line")
    op.drop_table("refund_line")
    op.drop_index("ix_shipment_tracking_number", table_name="shipment")
    op.drop_index("ix_shipment_order_id", table_name="shipment")
    op.drop_table("shipment")
    op.drop_index("ix_refund_part_refund_id", table_name="refund_part")
    op.drop_index("ix_refund_part_payment_id", table_name="refund_part")
    op.drop_index(
        "ix_refund_part_check_at",
        table_name="refund_part",
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.drop_table("refund_part")
    op.drop_index("uq_payment_return_payment_id", table_name="payment_return")
    op.drop_index(
        "ix_payment_return_check_at",
        table_name="payment_return",
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.drop_table("payment_return")
    op.drop_index("ix_order_line_variant_id", table_name="order_line")
    op.drop_index("ix_order_line_seller_order_id", table_name="order_line")
    op.drop_index("ix_order_line_product_id", table_name="order_line")
    op.drop_index("ix_order_line_order_id", table_name="order_line")
    op.drop_table("order_line")
    op.drop_table("variant_price")
    op.drop_index("ix_stock_level_location_id", table_name="stock_level")
    op.drop_table("stock_level")
    op.drop_index("ix_seller_order_seller_id", table_name="seller_order")
    op.drop_index(
        "ix_seller_order_release_due",
        table_name="seller_order",
        postgresql_where=sa.text("released_at IS NULL"),
    )
    op.drop_table("seller_order")
    op.drop_index("ix_refund_seller_order_id", table_name="refund")
    op.drop_index("ix_refund_order_id", table_name="refund")
    op.drop_table("refund")
    op.drop_index("ix_product_media_media_id", table_name="product_media")
    op.drop_table("product_media")
    op.drop_index(
        "uq_payment_live_part",
        table_name="payment",
        postgresql_where=sa.text(
            "status IN ('created', 'action_required', 'authorized', 'captured', 'unknown')"
        ),
    )
    op.drop_index("ix_payment_order_id", table_name="payment")
    op.drop_index(
        "ix_payment_check_at",
        table_name="payment",
        postgresql_where=sa.text("check_at IS NOT NULL"),
    )
    op.drop_table("payment")
    op.drop_table("order_event")
    op.drop_index("ix_coupon_redemption_order_id", table_name="coupon_redemption")
    op.drop_table("coupon_redemption")
    op.drop_table("cart_item")
    op.drop_index(
        "uq_variant_seller_id_sku",
        table_name="variant",
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.drop_index(
        "uq_variant_product_id_option_key",
        table_name="variant",
        postgresql_where=sa.text("archived_at IS NULL"),
    )
    op.drop_index("ix_variant_product_id", table_name="variant")
    op.drop_table("variant")
    op.drop_index("ix_shipping_rate_zone_id", table_name="shipping_rate")
    op.drop_table("shipping_rate")
    op.drop_index("ix_refresh_token_session_id", table_name="refresh_token")
    op.drop_table("refresh_token")
    op.drop_index("ix_product_former_slug_product_id", table_name="product_former_slug")
    op.drop_table("product_former_slug")
    op.drop_index(
        "ix_product_card_trending", table_name="product_card", postgresql_where=sa.text("visible")
    )
    op.drop_index(
        "ix_product_card_sold", table_name="product_card", postgresql_where=sa.text("visible")
    )
    op.drop_index("ix_product_card_seller", table_name="product_card")
    op.drop_index(
        "ix_product_card_search_vector", table_name="product_card", postgresql_using="gin"
    )
    op.drop_index(
        "ix_product_card_search_text",
        table_name="product_card",
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    )
    op.drop_index(
        "ix_product_card_rating", table_name="product_card", postgresql_where=sa.text("visible")
    )
    op.drop_index(
        "ix_product_card_price", table_name="product_card", postgresql_where=sa.text("visible")
    )
    op.drop_index(
        "ix_product_card_newest", table_name="product_card", postgresql_where=sa.text("visible")
    )
    op.drop_index("ix_product_card_category_ids", table_name="product_card", postgresql_using="gin")
    op.drop_table("product_card")
    op.drop_index(
        "uq_orders_open_cart",
        table_name="orders",
        postgresql_where=sa.text("status <> 'cancelled'"),
    )
    op.drop_index("ix_orders_user_id", table_name="orders")
    op.drop_index("ix_orders_reference", table_name="orders")
    op.drop_index("ix_orders_placed_at", table_name="orders")
    op.drop_index(
        "ix_orders_expiring",
        table_name="orders",
        postgresql_where=sa.text("status = 'pending_payment'"),
    )
    op.drop_table("orders")
    op.drop_index("ix_import_error_import_id", table_name="import_error")
    op.drop_table("import_error")
    op.drop_table("coupon_customer")
    op.drop_index("ix_user_session_user_id", table_name="user_session")
    op.drop_table("user_session")
    op.drop_index(
        "uq_stock_location_default",
        table_name="stock_location",
        postgresql_where=sa.text("is_default"),
    )
    op.drop_index("ix_stock_location_seller_id", table_name="stock_location")
    op.drop_table("stock_location")
    op.drop_index("ix_shipping_zone_seller_id", table_name="shipping_zone")
    op.drop_table("shipping_zone")
    op.drop_index("ix_seller_member_user_id", table_name="seller_member")
    op.drop_table("seller_member")
    op.drop_index(
        "uq_product_seller_id_item_id",
        table_name="product",
        postgresql_where=sa.text("status <> 'archived'"),
    )
    op.drop_index("ix_product_seller_id_created_at", table_name="product")
    op.drop_index("ix_product_item_id", table_name="product")
    op.drop_index("ix_product_category_id", table_name="product")
    op.drop_table("product")
    op.drop_table("outbox_feed")
    op.drop_index("uq_media_owner_sha256", table_name="media")
    op.drop_table("media")
    op.drop_index("ix_ledger_entry_seller_order_id", table_name="ledger_entry")
    op.drop_index("ix_ledger_entry_account", table_name="ledger_entry")
    op.drop_table("ledger_entry")
    op.drop_index("ix_import_run_seller_id", table_name="import_run")
    op.drop_table("import_run")
    op.drop_table("coupon")
    op.drop_index("ix_commission_rule_position", table_name="commission_rule")
    op.drop_table("commission_rule")
    op.drop_index("ix_category_former_path_category_id", table_name="category_former_path")
    op.drop_table("category_former_path")
    op.drop_table("category_attribute")
    op.drop_index(
        "uq_cart_open",
        table_name="cart",
        postgresql_where=sa.text("status = 'open' AND user_id IS NOT NULL"),
    )
    op.drop_index("ix_cart_updated_at", table_name="cart")
    op.drop_table("cart")
    op.drop_index(
        "ix_webhook_event_parked",
        table_name="webhook_event",
        postgresql_where=sa.text("applied_at IS NULL"),
    )
    op.drop_table("webhook_event")
    op.drop_index(
        "uq_user_account_local_email",
        table_name="user_account",
        postgresql_where=sa.text("issuer = 'gosellr'"),
    )
    op.drop_index("uq_user_account_identity", table_name="user_account")
    op.drop_table("user_account")
    op.drop_index("ix_tax_rate_country", table_name="tax_rate")
    op.drop_table("tax_rate")
    op.drop_index("ix_stock_movement_variant_id", table_name="stock_movement")
    op.drop_table("stock_movement")
    op.drop_table("signing_key")
    op.drop_table("setting")
    op.drop_index("uq_seller_slug", table_name="seller")
    op.drop_index("ix_seller_status", table_name="seller")
    op.drop_table("seller")
    op.drop_index(
        "ix_search_word_word",
        table_name="search_word",
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    )
    op.drop_table("search_word")
    op.drop_index("ix_rate_window_expires_at", table_name="rate_window")
    op.drop_table("rate_window")
    op.drop_table("periodic_work")
    op.drop_index("ix_outbox_event_type", table_name="outbox_event")
    op.drop_index("ix_outbox_event_feed", table_name="outbox_event")
    op.drop_index("ix_outbox_event_aggregate", table_name="outbox_event")
    op.drop_table("outbox_event")
    op.drop_table("outbox_cursor")
    op.drop_index("ix_ledger_transaction_written_by", table_name="ledger_transaction")
    op.drop_index("ix_ledger_transaction_order_id", table_name="ledger_transaction")
    op.drop_index("ix_ledger_transaction_effective_at", table_name="ledger_transaction")
    op.drop_table("ledger_transaction")
    op.drop_table("ledger_sealed")
    op.drop_table("ledger_seal")
    op.drop_table("ledger_rollup_mark")
    op.drop_table("ledger_rollup")
    op.drop_table("ledger_balance")
    op.drop_table("ledger_activity")
    op.drop_table("job_failure")
    op.drop_index("ix_idempotency_key_expires_at", table_name="idempotency_key")
    op.drop_table("idempotency_key")
    op.drop_index("ix_category_parent_id", table_name="category")
    op.drop_index("ix_category_ancestor_ids", table_name="category", postgresql_using="gin")
    op.drop_table("category")
