"""A market of any size for measurements: the same from the same parameters, loaded set-based.

`catalogue` says what stands in it without asking a database, so that a runner may use a
loaded cluster again; `load_catalogue` and `load_orders` write it.
"""

from bench.market_data.catalogue import (
    Catalogue,
    CatalogueCategory,
    CatalogueSeller,
    CatalogueVariant,
)
from bench.market_data.goods import load_catalogue
from bench.market_data.past import PastOrders, load_orders

__all__ = [
    "Catalogue",
    "CatalogueCategory",
    "CatalogueSeller",
    "CatalogueVariant",
    "PastOrders",
    "load_catalogue",
    "load_orders",
]
