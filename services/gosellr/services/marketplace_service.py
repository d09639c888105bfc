"""The market as a whole, told in public: its figures, its tree, and what is bought right now."""

from typing import Any, Literal
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import categories, marketplace_stats, trending
from gosellr.queries.marketplace_stats import MarketFigures

Window = Literal["1d", "7d", "30d"]
DEFAULT_WINDOW: Window = "7d"


async def read_figures(connection: Connection) -> MarketFigures:
    """What the market sold, earned and gave back, as the books have it at this moment."""
    return await marketplace_stats.read_figures(connection)


async def category_tree(connection: Connection) -> list[dict[str, Any]]:
    """The tree as plain values, each category with its `children`, in one statement.

    `product_count` is what is on sale in a category and everywhere below it.
    """
    roots: list[dict[str, Any]] = []
    children_of: dict[UUID, list[dict[str, Any]]] = {}
    for node in await categories.tree(connection):
        children: list[dict[str, Any]] = []
        children_of[node.id] = children
        siblings = roots if node.parent_id is None else children_of.get(node.parent_id, roots)
        siblings.append(
            {
                "id": node.id,
                "parent_id": node.parent_id,
                "name": node.name,
                "slug": node.slug,
                "path": node.path,
                "picture": node.picture,
                "product_count": node.product_count,
                "children": children,
            }
        )
    return roots


async def trending_products(
    connection: Connection, *, window: Window = DEFAULT_WINDOW, limit: int
) -> bytes:
    """Cards of the products with the most buyers lately, as a JSON list, in one statement.

    Each buyer counts once per product, by the latest order, which weighs less with time. Where
    nobody bought anything, the best selling and then the newest are listed.
    """
    if window == DEFAULT_WINDOW:
        return await trending.trending_on_cards(connection, limit=limit)
    return await trending.trending_in_window(connection, window=window, limit=limit)
