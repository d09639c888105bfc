"""What the market keeps about itself: imports and their errors, and how far popularity is told."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from gosellr.models.base import (
    TransactionId,
    document,
    identifier,
    metadata,
    moment,
    one_of,
    reference,
    words,
    written_by,
)

import_run = Table(
    "import_run",
    metadata,
    identifier(),
    reference("seller_id", "seller.id"),
    reference("requested_by", "user_account.id", nullable=True),
    words("format"),
    words("file_name", default=""),
    # Where the file lies in the file store; its rows are read from there, batch by batch.
    words("storage_key"),
    Column("file_hash", LargeBinary, nullable=False),
    words("status", default="waiting"),
    Column("total_rows", Integer, nullable=True),
    # Work goes on behind this row after a crash.
    Column("processed_rows", Integer, nullable=False, server_default=text("0")),
    Column("created_count", Integer, nullable=False, server_default=text("0")),
    Column("updated_count", Integer, nullable=False, server_default=text("0")),
    Column("unchanged_count", Integer, nullable=False, server_default=text("0")),
    Column("failed_count", Integer, nullable=False, server_default=text("0")),
    Column("pictures_skipped_count", Integer, nullable=False, server_default=text("0")),
    words("failure_reason", nullable=True),
    document("settings", default="{}"),
    moment("created_at"),
    moment("started_at", nullable=True),
    moment("finished_at", nullable=True),
    one_of("format", "gosellr", "shopify", "json"),
    one_of("status", "waiting", "running", "finished", "failed"),
    Index("ix_import_run_seller_id", "seller_id", "created_at"),
)

import_error = Table(
    "import_error",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    reference("import_id", "import_run.id"),
    Column("row", Integer, nullable=False),
    words("field", default=""),
    words("code"),
    words("message"),
    words("value", default=""),
    Index("ix_import_error_import_id", "import_id", "row"),
)

outbox_event = Table(
    "outbox_event",
    metadata,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    Column("id", Uuid, nullable=False),
    words("type"),
    words("aggregate_type"),
    Column("aggregate_id", Uuid, nullable=False),
    document("data"),
    moment("occurred_at"),
    written_by(),
    Index("ix_outbox_event_aggregate", "aggregate_type", "aggregate_id", "sequence"),
    Index("ix_outbox_event_feed", "written_by", "sequence"),
    Index("ix_outbox_event_type", "type", "sequence"),
)

outbox_cursor = Table(
    "outbox_cursor",
    metadata,
    Column("consumer", Text, primary_key=True),
    # All that was written by transactions before this one has been read.
    Column("written_by", TransactionId, nullable=False),
    # The window being read: from `written_by` to before this one, in order of the sequence,
    # in which the facts of one aggregate stand as they happened.
    Column("written_before", TransactionId, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("position", BigInteger, nullable=False),
    moment("updated_at"),
)

# The one order in which everybody is told, numbered without gaps.
outbox_feed = Table(
    "outbox_feed",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column(
        "event_sequence",
        BigInteger,
        ForeignKey("outbox_event.sequence"),
        nullable=False,
        unique=True,
    ),
)

# What was bought of a product lately, for the windows whose scores aren't on the cards.
product_trend = Table(
    "product_trend",
    metadata,
    Column("span", Text, primary_key=True),
    Column("product_id", Uuid, ForeignKey("product.id"), primary_key=True),
    Column("key", BigInteger, nullable=False),
    one_of("span", "1d", "30d"),
    Index("ix_product_trend_key", "span", text("key DESC"), text("product_id DESC")),
)

# Up to which fact of the feed, and which moment, the cards know what is bought.
popularity_mark = Table(
    "popularity_mark",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False),
    moment("looked_at", nullable=True),
    moment("due_at", nullable=True),
    CheckConstraint("id = 1", name="only_one"),
)
