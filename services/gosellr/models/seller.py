"""Sellers, what stands on their papers, and the people who act for them."""

from sqlalchemy import (
    CHAR,
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
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

SELLER_STATUSES = (
    "applied",
    "in_review",
    "active",
    "rejected",
    "suspended",
    "on_holiday",
    "terminated",
)

seller = Table(
    "seller",
    metadata,
    identifier(),
    words("name"),
    words("slug"),
    words("status"),
    words("status_reason", nullable=True),
    words("legal_name"),
    Column("email", CITEXT, nullable=False),
    Column("country", CHAR(2), nullable=False),
    words("description", default=""),
    Column("logo_media_id", Uuid, nullable=True),
    document("policies", default="{}"),
    Column("rating_sum", BigInteger, nullable=False, server_default=text("0")),
    Column("rating_count", Integer, nullable=False, server_default=text("0")),
    moment("created_at"),
    moment("updated_at"),
    moment("approved_at", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    one_of("status", *SELLER_STATUSES),
    not_negative("rating_sum", "rating_count"),
    Index("uq_seller_slug", "slug", unique=True),
    Index("ix_seller_status", "status"),
)

# What a seller wants on its papers, for everybody who gets one; the name and the country are the
# seller's own. Without a row its papers bear these alone.
seller_letterhead = Table(
    "seller_letterhead",
    metadata,
    reference("seller_id", "seller.id", primary_key=True),
    words("line1"),
    words("line2", default=""),
    words("postal_code", default=""),
    words("city"),
    words("region", default=""),
    words("tax_id", default=""),
    words("registration_number", default=""),
    words("email", default=""),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("changed_by", Uuid, nullable=True),
    moment("created_at"),
    moment("updated_at"),
    CheckConstraint(
        "length(line1) BETWEEN 1 AND 200 AND length(line2) <= 200 AND length(postal_code) <= 16"
        " AND length(city) BETWEEN 1 AND 120 AND length(region) <= 60",
        name="address_length",
    ),
    CheckConstraint(
        "length(tax_id) <= 40 AND length(registration_number) <= 80 AND length(email) <= 254",
        name="numbers_length",
    ),
)

seller_member = Table(
    "seller_member",
    metadata,
    reference("seller_id", "seller.id", primary_key=True),
    reference("user_id", "user_account.id", primary_key=True),
    words("role"),
    moment("created_at"),
    one_of("role", "owner", "manager", "fulfilment", "finance", "viewer"),
    Index("ix_seller_member_user_id", "user_id"),
)
