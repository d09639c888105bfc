"""The places of a category are passed over within the index: it has what lists are narrowed by.

Revision ID: 0054
Revises: 0053
"""

from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None

_ORDERS = {
    "newest": ("created_at", ["currency", "price_minor"]),
    "price": ("price_minor", ["currency"]),
    "rating": ("rating_hundredths", ["currency", "price_minor"]),
    "sold": ("sold_count", ["currency", "price_minor"]),
}


def upgrade() -> None:
    for name, (column, included) in _ORDERS.items():
        _index(name, column, included)


def downgrade() -> None:
    for name, (column, _) in _ORDERS.items():
        _index(name, column, [])


def _index(name: str, column: str, included: list[str]) -> None:
    op.drop_index(f"ix_category_place_{name}", table_name="category_place")
    op.create_index(
        f"ix_category_place_{name}",
        "category_place",
        ["category_id", column, "product_id"],
        postgresql_include=included,
    )
