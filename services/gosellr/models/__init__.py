"""Tables, constraints and facts. Declared here for migrations; read and written in `queries`."""

from gosellr.models import (
    account,
    cart,
    category,
    jobs,
    ledger,
    market_terms,
    marketplace,
    order,
    payment,
    product,
    seller,
    stock,
)
from gosellr.models.base import metadata

__all__ = [
    "account",
    "cart",
    "category",
    "jobs",
    "ledger",
    "market_terms",
    "marketplace",
    "metadata",
    "order",
    "payment",
    "product",
    "seller",
    "stock",
]
