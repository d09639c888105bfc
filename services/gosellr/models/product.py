"""Products, variants, prices, pictures, and the read model that lists and searches them."""

from sqlalchemy import (
    ARRAY,
    CHAR,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

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

PRODUCT_STATUSES = ("draft", "pending_review", "active", "rejected", "archived")

product = Table(
    "product",
    metadata,
    identifier(),
    # Equal listings of several sellers share one item.
    Column("item_id", Uuid, nullable=False),
    reference("seller_id", "seller.id"),
    reference("category_id", "category.id"),
    words("title"),
    words("slug"),
    # As written, and once more as HTML that a page may show: both are clean.
    words("description", default=""),
    words("description_html", default=""),
    words("brand", nullable=True),
    # The currency that its cards and its filters by price speak: every variant has a price in it.
    currency(),
    words("status"),
    words("status_reason", nullable=True),
    document("options", default="[]"),
    document("attributes", default="{}"),
    words("shipping_class", default="standard"),
    words("tax_class", default="standard"),
    # The handle of the row that an import made this from: what makes imports idempotent.
    words("source_key", nullable=True),
    Column("source_hash", LargeBinary, nullable=True),
    Column("rating_sum", BigInteger, nullable=False, server_default=text("0")),
    Column("rating_count", Integer, nullable=False, server_default=text("0")),
    Column("sold_count", BigInteger, nullable=False, server_default=text("0")),
    moment("created_at"),
    moment("updated_at"),
    moment("published_at", nullable=True),
    moment("archived_at", nullable=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    one_of("status", *PRODUCT_STATUSES),
    not_negative("rating_sum", "rating_count", "sold_count"),
    UniqueConstraint("slug"),
    # Lets a variant prove by foreign key that its seller is its product's seller.
    UniqueConstraint("id", "seller_id"),
    UniqueConstraint("seller_id", "source_key"),
    # One live listing of an item per seller.
    Index(
        "uq_product_seller_id_item_id",
        "seller_id",
        "item_id",
        unique=True,
        postgresql_where=text("status <> 'archived'"),
    ),
    Index("ix_product_seller_id_created_at", "seller_id", "created_at", "id"),
    Index("ix_product_item_id", "item_id"),
    Index("ix_product_category_id", "category_id"),
)

product_former_slug = Table(
    "product_former_slug",
    metadata,
    Column("slug", Text, primary_key=True),
    reference("product_id", "product.id"),
    Index("ix_product_former_slug_product_id", "product_id"),
)

variant = Table(
    "variant",
    metadata,
    identifier(),
    Column("product_id", Uuid, nullable=False),
    Column("seller_id", Uuid, nullable=False),
    words("sku"),
    words("gtin", nullable=True),
    document("options", default="{}"),
    # The options in one canonical text: two variants can't be the same choice.
    words("option_key"),
    Column("position", Integer, nullable=False, server_default=text("0")),
    Column("weight_grams", Integer, nullable=False, server_default=text("0")),
    Column("dimensions_mm", ARRAY(Integer), nullable=True),
    Column("low_stock_at", Integer, nullable=False, server_default=text("3")),
    moment("created_at"),
    moment("updated_at"),
    moment("archived_at", nullable=True),
    not_negative("weight_grams", "low_stock_at"),
    ForeignKeyConstraint(["product_id", "seller_id"], ["product.id", "product.seller_id"]),
    UniqueConstraint("id", "seller_id"),
    # A variant that left the shelf gives its SKU back.
    Index(
        "uq_variant_seller_id_sku",
        "seller_id",
        "sku",
        unique=True,
        postgresql_where=text("archived_at IS NULL"),
    ),
    Index(
        "uq_variant_product_id_option_key",
        "product_id",
        "option_key",
        unique=True,
        postgresql_where=text("archived_at IS NULL"),
    ),
    Index("ix_variant_product_id", "product_id"),
)

variant_price = Table(
    "variant_price",
    metadata,
    reference("variant_id", "variant.id", primary_key=True),
    Column("currency", CHAR(3), primary_key=True),
    minor("amount_minor"),
    minor("compare_at_minor", nullable=True),
    moment("updated_at"),
    CheckConstraint("amount_minor >= 0", name="amount_minor_not_negative"),
)

media = Table(
    "media",
    metadata,
    identifier(),
    reference("seller_id", "seller.id", nullable=True),
    Column("sha256", LargeBinary, nullable=False),
    words("content_type"),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("byte_size", BigInteger, nullable=False),
    # [{"width", "height", "path"}], smallest first.
    document("renditions"),
    reference("created_by", "user_account.id", nullable=True),
    moment("created_at"),
    Index("uq_media_owner_sha256", "seller_id", "sha256", unique=True),
)

product_media = Table(
    "product_media",
    metadata,
    reference("product_id", "product.id", primary_key=True),
    reference("media_id", "media.id", primary_key=True),
    reference("variant_id", "variant.id", nullable=True),
    Column("position", SmallInteger, nullable=False),
    words("alt", default=""),
    Index("ix_product_media_media_id", "media_id"),
)

product_card = Table(
    "product_card",
    metadata,
    reference("product_id", "product.id", primary_key=True),
    Column("seller_id", Uuid, nullable=False),
    # The category and its ancestors, so that "with all descendants" is one index look-up.
    Column("category_ids", ARRAY(Uuid), nullable=False),
    Column("category_id", Uuid, nullable=False),
    # Active product of an active seller: the only rows the public ever sees.
    Column("visible", Boolean, nullable=False),
    words("brand", nullable=True),
    currency(),
    minor("price_minor"),
    Column("in_stock", Boolean, nullable=False),
    Column("rating_hundredths", Integer, nullable=False, server_default=text("0")),
    Column("sold_count", BigInteger, nullable=False, server_default=text("0")),
    Column("trending_score", BigInteger, nullable=False, server_default=text("0")),
    document("attributes", default="{}"),
    # The words to search, weighted; and title + brand once more, plain, for typing mistakes.
    Column("search_vector", TSVECTOR, nullable=False),
    words("search_text"),
    # What a hit is ranked by beside its words: `queries.product_lists.rank` says how. Title, brand
    # and category are what lifts a hit most; then it is short, in stock, well rated, often bought.
    Column(
        "lead_vector",
        TSVECTOR,
        Computed("ts_filter(search_vector, '{a,b}')", persisted=True),
        nullable=False,
    ),
    Column(
        "appeal",
        Double,
        Computed(
            "40 / (40 + length(search_text))::float8"
            " * (1 + CASE WHEN in_stock THEN 0.1 ELSE 0 END + rating_hundredths / 5000.0"
            " + least(0.1, 0.02 * ln((1 + sold_count)::float8)))",
            persisted=True,
        ),
        nullable=False,
    ),
    # The card as the API answers it: finished JSON, passed through as bytes.
    words("card"),
    moment("created_at"),
    moment("updated_at"),
    # Hits, hits in what leads, and both by twentieths of their appeal: where there are more than
    # can be ranked, the most appealing are.
    Index(
        "ix_product_card_words",
        "search_vector",
        "lead_vector",
        text("((appeal * 20)::int)"),
        postgresql_using="gin",
        # Kilobytes: every search reads what waits to be put into the index.
        postgresql_with={"gin_pending_list_limit": 128},
    ),
    Index(
        "ix_product_card_search_text",
        "search_text",
        postgresql_using="gin",
        postgresql_ops={"search_text": "gin_trgm_ops"},
    ),
    # The cards that say that there is little or nothing left.
    Index(
        "ix_product_card_short",
        "product_id",
        postgresql_where=text("(card::json ->> 'availability') <> 'in_stock'"),
    ),
    Index("ix_product_card_category_ids", "category_ids", postgresql_using="gin"),
    Index("ix_product_card_newest", "created_at", "product_id", postgresql_where=text("visible")),
    Index("ix_product_card_price", "price_minor", "product_id", postgresql_where=text("visible")),
    Index(
        "ix_product_card_rating",
        "rating_hundredths",
        "product_id",
        postgresql_where=text("visible"),
    ),
    Index("ix_product_card_sold", "sold_count", "product_id", postgresql_where=text("visible")),
    Index(
        "ix_product_card_trending", "trending_score", "product_id", postgresql_where=text("visible")
    ),
    Index("ix_product_card_seller", "seller_id", "created_at", "product_id"),
    # A vector that is compressed has to be unpacked for every hit: rows may be two to a page.
    postgresql_with={"toast_tuple_target": "4080"},
)

# A card on sale in its category and in each category above, in the order of every sort: a page of
# the largest category is read like one of the smallest. Written by a trigger on the cards.
category_place = Table(
    "category_place",
    metadata,
    Column("product_id", Uuid, primary_key=True),
    Column("category_id", Uuid, primary_key=True),
    currency(),
    minor("price_minor"),
    Column("rating_hundredths", Integer, nullable=False),
    Column("sold_count", BigInteger, nullable=False),
    moment("created_at"),
    # With what lists are narrowed by, so that the places passed over cost no page each.
    *(
        Index(
            f"ix_category_place_{name}",
            "category_id",
            column,
            "product_id",
            postgresql_include=[other for other in ("currency", "price_minor") if other != column],
        )
        for name, column in (
            ("newest", "created_at"),
            ("price", "price_minor"),
            ("rating", "rating_hundredths"),
            ("sold", "sold_count"),
        )
    ),
)

# Every word of titles and brands that was ever on sale: what typing mistakes are held against.
search_word = Table(
    "search_word",
    metadata,
    Column("word", Text, primary_key=True),
    Index(
        "ix_search_word_word",
        "word",
        postgresql_using="gin",
        postgresql_ops={"word": "gin_trgm_ops"},
    ),
)

# Every word without digits of any card that was ever on sale, as the index of cards has it, and
# about how many cards have it, where those are many.
search_lexeme = Table(
    "search_lexeme",
    metadata,
    Column("lexeme", Text, primary_key=True),
    Column("cards", BigInteger, nullable=False, server_default=text("0")),
)
