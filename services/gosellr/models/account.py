"""People who sign in, their sessions, and the keys that sign their tokens."""

from sqlalchemy import ARRAY, Boolean, Column, Index, Integer, LargeBinary, Table, Text, text
from sqlalchemy.dialects.postgresql import CITEXT

from gosellr.models.base import (
    identifier,
    metadata,
    moment,
    one_of,
    reference,
    words,
)

LOCAL_ISSUER = "gosellr"

user_account = Table(
    "user_account",
    metadata,
    identifier(),
    # With a main system, people come by (issuer, subject) and may have no password here.
    words("issuer", default=LOCAL_ISSUER),
    words("subject"),
    Column("email", CITEXT, nullable=True),
    words("name"),
    words("password_hash", nullable=True),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{buyer}'::text[]")),
    words("status", default="active"),
    # Raised by whatever must end every session at once; tokens that carry less are refused.
    Column("token_version", Integer, nullable=False, server_default=text("1")),
    moment("email_verified_at", nullable=True),
    moment("created_at"),
    moment("updated_at"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    one_of("status", "active", "banned", "erased"),
    Index("uq_user_account_identity", "issuer", "subject", unique=True),
    Index(
        "uq_user_account_local_email",
        "email",
        unique=True,
        postgresql_where=text("issuer = 'gosellr'"),
    ),
)

user_session = Table(
    "user_session",
    metadata,
    identifier(),
    reference("user_id", "user_account.id"),
    words("kind"),
    words("user_agent", nullable=True),
    words("ip_address", nullable=True),
    moment("created_at"),
    moment("last_used_at"),
    moment("expires_at"),
    moment("revoked_at", nullable=True),
    words("revoked_reason", nullable=True),
    one_of("kind", "api", "web"),
    Index("ix_user_session_user_id", "user_id"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    reference("session_id", "user_session.id"),
    moment("created_at"),
    moment("rotated_at", nullable=True),
    Index("ix_refresh_token_session_id", "session_id"),
)

signing_key = Table(
    "signing_key",
    metadata,
    Column("kid", Text, primary_key=True),
    words("algorithm"),
    words("public_pem"),
    Column("private_pem_encrypted", LargeBinary, nullable=False),
    moment("created_at"),
    moment("retired_at", nullable=True),
    moment("revoked_at", nullable=True),
)

rate_window = Table(
    "rate_window",
    metadata,
    Column("key", Text, primary_key=True),
    moment("expires_at"),
    Column("hits", Integer, nullable=False),
    Index("ix_rate_window_expires_at", "expires_at"),
    prefixes=["UNLOGGED"],
)

idempotency_key = Table(
    "idempotency_key",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request_hash", LargeBinary, nullable=False),
    # What the request made: enough to build the answer again when it was never stored.
    Column("resource_id", Text, nullable=True),
    Column("response_status", Integer, nullable=True),
    Column("response_body", LargeBinary, nullable=True),
    moment("created_at"),
    moment("finished_at", nullable=True),
    moment("expires_at"),
    Index("ix_idempotency_key_expires_at", "expires_at"),
    # The row grows ninefold with its answer, and finds room for it beside itself.
    postgresql_with={"fillfactor": "10"},
)

setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("secret", Boolean, nullable=False, server_default=text("false")),
)
