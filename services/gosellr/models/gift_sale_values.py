"""Gift cards on sale and sold, as they are read."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.models.stored_value_values import GiftCard
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GiftCardOffer:
    """What can be bought in a currency: some amounts, and any between the limits if there are."""

    currency: str
    amounts_minor: Sequence[int]
    minimum_minor: int | None
    maximum_minor: int | None
    valid_days: int | None
    on_sale: bool
    updated_at: datetime
    updated_by: UUID | None
    # So long after a card ran out, what is left on it is owed no more; None for never.
    released_after_days: int | None = None

    def sells(self, amount_minor: int) -> bool:
        """Whether a card over so much can be bought."""
        if not self.on_sale:
            return False
        if amount_minor in self.amounts_minor:
            return True
        if self.minimum_minor is None or self.maximum_minor is None:
            return False
        return self.minimum_minor <= amount_minor <= self.maximum_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class GiftCardPurchase:
    """Who bought a card for whom; `card` once its money was there."""

    order_id: UUID
    amount_minor: int
    currency: str
    valid_days: int | None
    recipient_name: str | None
    message: str | None
    created_at: datetime
    card_id: UUID | None
    lost_minor: int
    recipient_email: str | None = None
    # When it is to be sent; what its letter leads to; how often it was sent, and when last.
    deliver_at: datetime | None = None
    claim_id: UUID | None = None
    sent_count: int = 0
    sent_at: datetime | None = None
    card: GiftCard | None = None
