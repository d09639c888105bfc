"""What cards have been found by, word by word, so that what nothing has needn't be searched for.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Learn them from the cards that are there."""
    op.create_table(
        "search_lexeme",
        sa.Column("lexeme", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lexeme", name=op.f("pk_search_lexeme")),
    )
    op.execute("""
        INSERT INTO search_lexeme (lexeme)
        SELECT DISTINCT part.lexeme
        FROM product_card CROSS JOIN LATERAL unnest(tsvector_to_array(search_vector))
            AS part (lexeme)
        WHERE product_card.visible AND part.lexeme !~ '[0-9]'
    """)
    op.execute("ANALYZE search_lexeme")


def downgrade() -> None:
    """Search for everything again."""
    op.drop_table("search_lexeme")
