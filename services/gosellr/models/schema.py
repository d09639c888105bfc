"""All tables together: what migrations and the test of the schema look at.

Nothing that serves imports this: the library that describes tables costs a third of a second at the
start and some megabytes, and no request needs it.
"""

from gosellr.models import (
    account,
    balance,
    cart,
    category,
    connected_account,
    dispute,
    document,
    gift_sale,
    jobs,
    ledger,
    letter,
    market_terms,
    marketplace,
    offline,
    order,
    payment,
    payout,
    product,
    proposal,
    reconciliation,
    reduction,
    seller,
    sole_word,
    stock,
    stored_value,
)
from gosellr.models.base import metadata

__all__ = [
    "account",
    "balance",
    "cart",
    "category",
    "connected_account",
    "dispute",
    "document",
    "gift_sale",
    "jobs",
    "ledger",
    "letter",
    "market_terms",
    "marketplace",
    "metadata",
    "offline",
    "order",
    "payment",
    "payout",
    "product",
    "proposal",
    "reconciliation",
    "reduction",
    "seller",
    "sole_word",
    "stock",
    "stored_value",
]
