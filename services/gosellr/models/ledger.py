"""The journal: append-only, balanced by the database, hashed and sealed."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from gosellr.models.base import (
    TransactionId,
    currency,
    document,
    identifier,
    metadata,
    minor,
    moment,
    not_negative,
    one_of,
    reference,
    words,
    written_by,
)

ledger_transaction = Table(
    "ledger_transaction",
    metadata,
    identifier(),
    words("kind"),
    words("cause_type"),
    Column("cause_id", Uuid, nullable=False),
    words("idempotency_key"),
    Column("order_id", Uuid, nullable=True),
    Column("corrects_id", Uuid, nullable=True),
    words("actor"),
    document("facts", default="{}"),
    moment("effective_at"),
    moment("booked_at"),
    Column("hash", LargeBinary, nullable=False),
    written_by(),
    UniqueConstraint("kind", "idempotency_key"),
    Index("ix_ledger_transaction_order_id", "order_id"),
    Index("ix_ledger_transaction_effective_at", "effective_at"),
    Index("ix_ledger_transaction_written_by", "written_by", "id"),
)

ledger_entry = Table(
    "ledger_entry",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    reference("transaction_id", "ledger_transaction.id"),
    Column("position", Integer, nullable=False),
    words("account"),
    words("direction"),
    minor("amount_minor"),
    currency(),
    Column("seller_order_id", Uuid, nullable=True),
    Column("order_line_id", Uuid, nullable=True),
    Column("refund_id", Uuid, nullable=True),
    Column("payout_id", Uuid, nullable=True),
    # Its transaction's, once more here: an account's latest entries are one range of its index.
    written_by(),
    one_of("direction", "debit", "credit"),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    UniqueConstraint("transaction_id", "position"),
    Index("ix_ledger_entry_account", "account", "written_by", "id"),
    Index("ix_ledger_entry_seller_order_id", "seller_order_id"),
)

ledger_balance = Table(
    "ledger_balance",
    metadata,
    Column("account", Text, primary_key=True),
    Column("currency", CHAR(3), primary_key=True),
    # In the account's own sense: credits less debits for liabilities.
    minor("balance_minor", default=0),
    CheckConstraint("balance_minor >= 0", name="never_overdrawn"),
)

ledger_rollup = Table(
    "ledger_rollup",
    metadata,
    # Every entry of the account that was written before the mark.
    Column("account", Text, primary_key=True),
    Column("currency", CHAR(3), primary_key=True),
    minor("debit_minor"),
    minor("credit_minor"),
    not_negative("debit_minor", "credit_minor"),
)

ledger_activity = Table(
    "ledger_activity",
    metadata,
    # The same entries once more by what happened and to which kind of account.
    Column("kind", Text, primary_key=True),
    Column("account_kind", Text, primary_key=True),
    Column("currency", CHAR(3), primary_key=True),
    minor("debit_minor"),
    minor("credit_minor"),
    not_negative("debit_minor", "credit_minor"),
)

ledger_rollup_mark = Table(
    "ledger_rollup_mark",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    # Whatever database transactions before this one wrote is rolled up, all of it and once.
    Column("written_before", TransactionId, nullable=False),
    # Orders with a sale among it.
    Column("order_count", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)

ledger_seal = Table(
    "ledger_seal",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("transaction_count", Integer, nullable=False),
    Column("root_hash", LargeBinary, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    moment("sealed_at"),
)

ledger_sealed = Table(
    "ledger_sealed",
    metadata,
    Column("transaction_id", Uuid, primary_key=True),
    Column("seal_id", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    UniqueConstraint("seal_id", "position"),
)
