"""What waits to be put into the index of words is read by every search: let little of it wait.

Revision ID: 0019
Revises: 0018
"""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A search of a busy market took three times as long with the usual list of 4 MB."""
    op.execute("ALTER INDEX ix_product_card_words SET (gin_pending_list_limit = 128)")


def downgrade() -> None:
    """As the server has it."""
    op.execute("ALTER INDEX ix_product_card_words RESET (gin_pending_list_limit)")
