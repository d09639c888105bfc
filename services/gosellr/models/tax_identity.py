"""Who sellers are to the tax authorities, which nobody reads who only sees the tables; and who of
them was asked for it."""

from sqlalchemy import CheckConstraint, Column, Integer, LargeBinary, Table, Uuid, text

from gosellr.models.base import metadata, moment, reference, words

seller_tax_identity = Table(
    "seller_tax_identity",
    metadata,
    reference("seller_id", "seller.id", primary_key=True),
    # Names, address, numbers, date and place of birth: one document, encrypted for this row alone.
    Column("identity_encrypted", LargeBinary, nullable=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("changed_by", Uuid, nullable=True),
    moment("created_at"),
    moment("updated_at"),
)

tax_identity_request = Table(
    "tax_identity_request",
    metadata,
    reference("seller_id", "seller.id", primary_key=True),
    # When each letter was asked for; the next one counts from the one before.
    moment("asked_at"),
    moment("reminded_at", nullable=True),
    moment("reminded_again_at", nullable=True),
    # Since when payouts wait for it; null again where the market stopped withholding.
    moment("withheld_at", nullable=True),
    # When the seller said it.
    moment("ended_at", nullable=True),
    # Since when payouts go on though nothing was said, who of the marketplace let them, and why.
    moment("lifted_at", nullable=True),
    Column("lifted_by", Uuid, nullable=True),
    words("lift_reason", nullable=True),
    CheckConstraint(
        "reminded_again_at IS NULL OR reminded_at IS NOT NULL", name="reminded_once_first"
    ),
    CheckConstraint(
        "withheld_at IS NULL OR reminded_again_at IS NOT NULL", name="withheld_after_reminders"
    ),
    CheckConstraint(
        "(lifted_at IS NULL) = (lifted_by IS NULL) AND (lifted_at IS NULL) = (lift_reason IS NULL)",
        name="lifted_by_somebody",
    ),
    CheckConstraint("lifted_at IS NULL OR withheld_at IS NULL", name="lifted_isnt_withheld"),
)
