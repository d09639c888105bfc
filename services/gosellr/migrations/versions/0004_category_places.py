"""The places of cards in their categories, kept by the database itself.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# A card is written by one at a time, and with it its places.
PLACE_CARD = """
CREATE FUNCTION place_card() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM category_place WHERE product_id = OLD.product_id;
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM category_place
        WHERE product_id = NEW.product_id
          AND NOT (NEW.visible AND category_id = ANY (NEW.category_ids));
    END IF;
    IF NEW.visible THEN
        INSERT INTO category_place (product_id, category_id, currency, price_minor,
                                    rating_hundredths, sold_count, created_at)
        SELECT NEW.product_id, category.id, NEW.currency, NEW.price_minor,
               NEW.rating_hundredths, NEW.sold_count, NEW.created_at
        FROM unnest(NEW.category_ids) AS category (id)
        ON CONFLICT (product_id, category_id) DO UPDATE
        SET currency = excluded.currency, price_minor = excluded.price_minor,
            rating_hundredths = excluded.rating_hundredths, sold_count = excluded.sold_count,
            created_at = excluded.created_at;
    END IF;
    RETURN NULL;
END $$
"""

PLACE_ALL = """
INSERT INTO category_place (product_id, category_id, currency, price_minor, rating_hundredths,
                            sold_count, created_at)
SELECT product_id, category.id, currency, price_minor, rating_hundredths, sold_count, created_at
FROM product_card CROSS JOIN unnest(category_ids) AS category (id) WHERE visible
"""

MOVED = """
CREATE TRIGGER product_card_moved AFTER UPDATE ON product_card FOR EACH ROW
WHEN ((OLD.visible, OLD.category_ids, OLD.currency, OLD.price_minor, OLD.rating_hundredths,
       OLD.sold_count, OLD.created_at)
      IS DISTINCT FROM
      (NEW.visible, NEW.category_ids, NEW.currency, NEW.price_minor, NEW.rating_hundredths,
       NEW.sold_count, NEW.created_at))
EXECUTE FUNCTION place_card()
"""


def upgrade() -> None:
    op.create_table(
        "category_place",
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("category_id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.CHAR(length=3), nullable=False),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("rating_hundredths", sa.Integer(), nullable=False),
        sa.Column("sold_count", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("product_id", "category_id", name=op.f("pk_category_place")),
    )
    op.execute(PLACE_ALL)
    for name, column in (
        ("newest", "created_at"),
        ("price", "price_minor"),
        ("rating", "rating_hundredths"),
        ("sold", "sold_count"),
    ):
        op.create_index(
            f"ix_category_place_{name}", "category_place", ["category_id", column, "product_id"]
        )
    op.execute(PLACE_CARD)
    op.execute(
        "CREATE TRIGGER product_card_listed AFTER INSERT ON product_card FOR EACH ROW"
        " WHEN (NEW.visible) EXECUTE FUNCTION place_card()"
    )
    op.execute(MOVED)
    op.execute(
        "CREATE TRIGGER product_card_gone AFTER DELETE ON product_card FOR EACH ROW"
        " EXECUTE FUNCTION place_card()"
    )


def downgrade() -> None:
    op.execute("DROP FUNCTION place_card() CASCADE")
    op.drop_table("category_place")
