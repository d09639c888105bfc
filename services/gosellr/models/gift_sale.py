"""Gift cards that are sold: what is offered in each currency, and who bought which card."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from gosellr.models.base import (
    currency,
    identifier,
    metadata,
    minor,
    moment,
    not_negative,
    reference,
    words,
)

gift_card_offer = Table(
    "gift_card_offer",
    metadata,
    identifier(),
    currency(),
    # What can be chosen at once, and between which limits an amount may be named instead.
    Column("amounts_minor", ARRAY(BigInteger), nullable=False),
    minor("minimum_minor", nullable=True),
    minor("maximum_minor", nullable=True),
    # For how long a card that is bought now is good; without it, without end.
    Column("valid_days", Integer, nullable=True),
    # So long after a card of this currency ran out, what is left on it is owed no more; without it,
    # never.
    Column("released_after_days", Integer, nullable=True),
    Column("on_sale", Boolean, nullable=False),
    moment("updated_at"),
    reference("updated_by", "user_account.id", nullable=True),
    CheckConstraint("(minimum_minor IS NULL) = (maximum_minor IS NULL)", name="both_limits"),
    CheckConstraint("minimum_minor BETWEEN 1 AND maximum_minor", name="limits_in_order"),
    CheckConstraint(
        "minimum_minor IS NOT NULL OR cardinality(amounts_minor) > 0", name="something_to_choose"
    ),
    CheckConstraint("valid_days > 0", name="valid_days_positive"),
    CheckConstraint("released_after_days >= 0", name="released_after_days_not_negative"),
    Index("uq_gift_card_offer_currency", "currency", unique=True),
)

gift_card_purchase = Table(
    "gift_card_purchase",
    metadata,
    # An order without parts: nobody sells, packs or ships what it buys.
    reference("order_id", "orders.id", primary_key=True),
    minor("amount_minor"),
    currency(),
    Column("valid_days", Integer, nullable=True),
    words("recipient_name", nullable=True),
    words("message", nullable=True),
    # Whom the card is sent to, and when. Its letter leads to `claim_id`, one for each address.
    words("recipient_email", nullable=True),
    moment("deliver_at", nullable=True),
    Column("claim_id", Uuid, nullable=True),
    Column("sent_count", Integer, nullable=False, server_default=text("0")),
    moment("sent_at", nullable=True),
    moment("created_at"),
    # The one card that its money has bought; none before the money is there.
    reference("card_id", "gift_card.id", nullable=True),
    # What a bank took back of its price for good, out of the card.
    minor("lost_minor", default=0),
    CheckConstraint("amount_minor > 0", name="amount_positive"),
    not_negative("lost_minor"),
    not_negative("sent_count"),
    CheckConstraint(
        "(recipient_email IS NULL) = (claim_id IS NULL)"
        " AND (recipient_email IS NULL) = (deliver_at IS NULL)",
        name="delivered_to_somebody",
    ),
    CheckConstraint("(sent_count = 0) = (sent_at IS NULL)", name="sent_has_time"),
    Index("uq_gift_card_purchase_claim_id", "claim_id", unique=True),
    Index(
        "ix_gift_card_purchase_deliver_at",
        "deliver_at",
        postgresql_where=text("deliver_at IS NOT NULL AND sent_at IS NULL"),
    ),
    Index(
        "uq_gift_card_purchase_card_id",
        "card_id",
        unique=True,
        postgresql_where=text("card_id IS NOT NULL"),
    ),
)
