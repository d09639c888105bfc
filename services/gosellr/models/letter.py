"""Letters: what is written to people because something happened, and what became of each."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT

from gosellr.models.base import (
    document,
    identifier,
    metadata,
    moment,
    not_negative,
    one_of,
    reference,
    words,
)

letter = Table(
    "letter",
    metadata,
    identifier(),
    # The fact, the kind and the recipient: written once, and known by it wherever it comes twice.
    words("effect_key"),
    words("kind"),
    words("audience"),
    words("recipient"),
    words("language", default="en"),
    # What it tells, as it was when it was written. The words are made of it when they are wanted.
    document("context"),
    Column("is_urgent", Boolean, nullable=False, server_default=text("false")),
    # What it is about, without holding on to it.
    Column("order_id", Uuid, nullable=True),
    Column("seller_id", Uuid, nullable=True),
    words("status", default="queued"),
    # Counted when it is taken in hand, so that whoever was too slow is known by it.
    Column("attempt_count", Integer, nullable=False, server_default=text("0")),
    Column("attempt_limit", Integer, nullable=False),
    # When it is due; while it is in somebody's hand, when it is taken from them.
    moment("next_try_at", nullable=True),
    words("last_error", nullable=True),
    words("post_reference", nullable=True),
    moment("created_at"),
    moment("sent_at", nullable=True),
    # Whoever had one that was given up sent again.
    Column("resent_by", Uuid, nullable=True),
    moment("resent_at", nullable=True),
    one_of("status", "queued", "sent", "failed", "dead"),
    one_of("audience", "buyer", "seller", "member", "operator", "recipient"),
    not_negative("attempt_count"),
    CheckConstraint("length(effect_key) BETWEEN 1 AND 100", name="effect_key_length"),
    CheckConstraint("(status = 'sent') = (sent_at IS NOT NULL)", name="sent_has_time"),
    CheckConstraint(
        "(status IN ('queued', 'failed')) = (next_try_at IS NOT NULL)", name="open_is_due"
    ),
    CheckConstraint("(resent_by IS NULL) = (resent_at IS NULL)", name="resent_by_somebody"),
    Index("uq_letter_effect_key", "effect_key", unique=True),
    Index(
        "ix_letter_due",
        text("is_urgent DESC"),
        "next_try_at",
        "id",
        postgresql_where=text("next_try_at IS NOT NULL"),
    ),
    Index("ix_letter_created_at", "created_at", "id"),
    Index("ix_letter_kind", "kind", "created_at", "id"),
    # Few letters aren't sent, and those are looked for.
    Index(
        "ix_letter_not_sent",
        "status",
        "created_at",
        "id",
        postgresql_where=text("status <> 'sent'"),
    ),
)

mail_room = Table(
    "mail_room",
    metadata,
    # Facts that somebody waits to hear of have a tray of their own.
    Column("tray", Text, primary_key=True),
    # The number of the feed up to which its facts have their letters.
    Column("position", BigInteger, nullable=False),
    # What happened before gets none.
    moment("opened_at", nullable=True),
    one_of("tray", "urgent", "other"),
)

former_contact = Table(
    "former_contact",
    metadata,
    identifier(),
    reference("seller_id", "seller.id"),
    Column("email", CITEXT, nullable=False),
    moment("replaced_at"),
    Index("ix_former_contact_seller_id", "seller_id", "replaced_at"),
)
