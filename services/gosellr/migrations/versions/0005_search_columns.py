"""What a search compares, worked out when it is written instead of whenever it is looked for.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

LEAD = "ts_filter(search_vector, '{a,b}')"

APPEAL = """40 / (40 + length(search_text))::float8
    * (1 + CASE WHEN in_stock THEN 0.1 ELSE 0 END + rating_hundredths / 5000.0
         + least(0.1, 0.02 * ln((1 + sold_count)::float8)))"""

SUMMARY = "json_object(ARRAY['id', id::text, 'name', name, 'path', path])::text"

# A vector that is compressed has to be unpacked for every hit: rows may be two to a page.
IN_LINE = "ALTER TABLE product_card SET (toast_tuple_target = 4080)"


def upgrade() -> None:
    op.execute(IN_LINE)
    op.execute(
        "ALTER TABLE product_card"
        f" ADD COLUMN lead_vector tsvector NOT NULL GENERATED ALWAYS AS ({LEAD}) STORED,"
        f" ADD COLUMN appeal double precision NOT NULL GENERATED ALWAYS AS ({APPEAL}) STORED"
    )
    op.execute(
        "ALTER TABLE category"
        " ADD COLUMN plain_name text NOT NULL"
        " GENERATED ALWAYS AS (f_unaccent(lower(name))) STORED,"
        f" ADD COLUMN summary text NOT NULL GENERATED ALWAYS AS ({SUMMARY}) STORED"
    )
    op.execute(
        "CREATE INDEX ix_category_name_trigrams ON category USING gin (show_trgm(plain_name))"
    )


def downgrade() -> None:
    op.execute("ALTER TABLE category DROP COLUMN plain_name, DROP COLUMN summary")
    op.execute("ALTER TABLE product_card DROP COLUMN lead_vector, DROP COLUMN appeal")
    op.execute("ALTER TABLE product_card RESET (toast_tuple_target)")
