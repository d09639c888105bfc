"""Where a search has more hits than can be ranked: an index of leading words and of appeal.

One index instead of two, so that a card is written to no more of them: what was looked for in
the old one is found in the new one as well.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "CREATE INDEX ix_product_card_words ON product_card"
        " USING gin (search_vector, lead_vector, ((appeal * 20)::int))"
    )
    op.execute("DROP INDEX ix_product_card_search_vector")


def downgrade() -> None:
    op.execute(
        "CREATE INDEX ix_product_card_search_vector ON product_card USING gin (search_vector)"
    )
    op.execute("DROP INDEX ix_product_card_words")
