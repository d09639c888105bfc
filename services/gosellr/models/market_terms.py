"""What the market charges and grants: delivery, tax, coupons and commission."""

from sqlalchemy import (
    ARRAY,
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT

from gosellr.models.base import (
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
)

shipping_zone = Table(
    "shipping_zone",
    metadata,
    identifier(),
    # Null: the marketplace's own zone, for sellers that have none.
    reference("seller_id", "seller.id", nullable=True),
    words("name"),
    Column("countries", ARRAY(Text), nullable=False),
    Column("regions", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("postal_patterns", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    moment("created_at"),
    moment("archived_at", nullable=True),
    Index("ix_shipping_zone_seller_id", "seller_id"),
)

shipping_rate = Table(
    "shipping_rate",
    metadata,
    identifier(),
    reference("zone_id", "shipping_zone.id"),
    words("name"),
    # A carrier's name asks that carrier for its price; null uses the table below.
    words("carrier", nullable=True),
    currency(),
    minor("price_minor"),
    words("by", default="flat"),
    # [{"up_to": 1000, "price_minor": 490}, …, {"up_to": null, …}], ascending.
    document("brackets", default="[]"),
    minor("free_over_minor", nullable=True),
    Column("delivery_days_min", Integer, nullable=False),
    Column("delivery_days_max", Integer, nullable=False),
    Column("position", Integer, nullable=False, server_default=text("0")),
    moment("created_at"),
    moment("archived_at", nullable=True),
    one_of("by", "flat", "weight", "subtotal", "items"),
    not_negative("price_minor", "delivery_days_min"),
    CheckConstraint("delivery_days_min <= delivery_days_max", name="delivery_days_ordered"),
    Index("ix_shipping_rate_zone_id", "zone_id"),
)

tax_rate = Table(
    "tax_rate",
    metadata,
    identifier(),
    Column("country", CHAR(2), nullable=False),
    words("region", nullable=True),
    words("class"),
    Column("rate_bps", Integer, nullable=False),
    Column("included", Boolean, nullable=False),
    # Who passes the tax on: each seller what it sold, or the marketplace as deemed supplier.
    words("remitted_by", default="seller"),
    moment("valid_from"),
    moment("valid_to", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("rate_bps BETWEEN 0 AND 10000", name="rate_bps_range"),
    one_of("remitted_by", "seller", "marketplace"),
    Index("ix_tax_rate_country", "country", "class", "valid_from"),
)

coupon = Table(
    "coupon",
    metadata,
    identifier(),
    Column("code", CITEXT, nullable=False),
    words("kind"),
    Column("value_bps", Integer, nullable=True),
    minor("amount_minor", nullable=True),
    currency(nullable=True),
    minor("minimum_minor", default=0),
    reference("seller_id", "seller.id", nullable=True),
    words("funded_by"),
    Column("marketplace_share_bps", Integer, nullable=False, server_default=text("0")),
    Column("limit_total", Integer, nullable=True),
    Column("limit_per_customer", Integer, nullable=True),
    Column("used_count", Integer, nullable=False, server_default=text("0")),
    moment("valid_from", nullable=True),
    moment("valid_to", nullable=True),
    moment("created_at"),
    moment("archived_at", nullable=True),
    one_of("kind", "percent", "amount", "free_shipping"),
    one_of("funded_by", "seller", "marketplace", "shared"),
    not_negative("minimum_minor", "used_count"),
    CheckConstraint("limit_total IS NULL OR used_count <= limit_total", name="limit_total_holds"),
    CheckConstraint("marketplace_share_bps BETWEEN 0 AND 10000", name="share_range"),
    CheckConstraint(
        "CASE kind WHEN 'percent' THEN value_bps BETWEEN 1 AND 10000 AND amount_minor IS NULL"
        " WHEN 'amount' THEN amount_minor > 0 AND currency IS NOT NULL AND value_bps IS NULL"
        " ELSE value_bps IS NULL AND amount_minor IS NULL END",
        name="kind_has_value",
    ),
    UniqueConstraint("code"),
)

coupon_customer = Table(
    "coupon_customer",
    metadata,
    reference("coupon_id", "coupon.id", primary_key=True),
    # The account's id, or a guest's lower-cased e-mail address.
    Column("customer_key", Text, primary_key=True),
    Column("used_count", Integer, nullable=False),
    not_negative("used_count"),
)

coupon_redemption = Table(
    "coupon_redemption",
    metadata,
    reference("coupon_id", "coupon.id", primary_key=True),
    reference("order_id", "orders.id", primary_key=True),
    words("customer_key"),
    minor("discount_minor"),
    words("status", default="held"),
    moment("created_at"),
    one_of("status", "held", "redeemed", "released"),
    Index("ix_coupon_redemption_order_id", "order_id"),
)

commission_rule = Table(
    "commission_rule",
    metadata,
    identifier(),
    Column("position", Integer, nullable=False),
    words("name", default=""),
    reference("seller_id", "seller.id", nullable=True),
    reference("category_id", "category.id", nullable=True),
    Column("product_id", Uuid, nullable=True),
    # Amounts below are in this currency; null says the rule has none.
    currency(nullable=True),
    minor("value_from_minor", nullable=True),
    minor("value_to_minor", nullable=True),
    moment("valid_from", nullable=True),
    moment("valid_to", nullable=True),
    Column("rate_bps", Integer, nullable=False),
    minor("fixed_minor", default=0),
    minor("minimum_minor", nullable=True),
    minor("cap_minor", nullable=True),
    Column("vat_bps", Integer, nullable=False, server_default=text("0")),
    Column("on_shipping", Boolean, nullable=False, server_default=text("false")),
    moment("created_at"),
    moment("updated_at"),
    moment("archived_at", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    CheckConstraint("rate_bps BETWEEN 0 AND 10000", name="rate_bps_range"),
    CheckConstraint("vat_bps BETWEEN 0 AND 10000", name="vat_bps_range"),
    CheckConstraint(
        "currency IS NOT NULL OR (value_from_minor IS NULL AND value_to_minor IS NULL"
        " AND fixed_minor = 0 AND minimum_minor IS NULL AND cap_minor IS NULL)",
        name="amounts_have_currency",
    ),
    Index("ix_commission_rule_position", "position"),
)

# What of the tables above may be kept says by this whether it is still the newest: triggers on
# `tax_rate`, `shipping_zone`, `shipping_rate` and `commission_rule` renew it with every change.
terms_version = Table(
    "terms_version",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Uuid, nullable=False),
    CheckConstraint("id = 1", name="only_one"),
)
