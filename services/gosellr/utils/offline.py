"""Ways to pay without a provider: people tell what arrived, and send back what goes back."""

from typing import Final

BANK_TRANSFER: Final = "bank_transfer"
CASH_ON_DELIVERY: Final = "cash_on_delivery"
PAID_BY_HAND: Final = frozenset({BANK_TRANSFER, CASH_ON_DELIVERY})
