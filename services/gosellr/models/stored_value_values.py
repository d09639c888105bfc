"""Gift cards and store credit as they are read."""

from datetime import datetime
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GiftCard:
    """A gift card with what is left on it, in minor units of its currency."""

    id: UUID
    # None for one that was sold and whose code nobody has asked for yet.
    code_hash: bytes | None
    last_four: str
    amount_minor: int
    balance_minor: int
    currency: str
    note: str | None
    issued_by: UUID | None
    created_at: datetime
    expires_at: datetime | None
    deactivated_at: datetime | None
    frozen_at: datetime | None = None
    # The card in whose place it was made.
    replaces_id: UUID | None = None

    def status_at(self, now: datetime) -> str:
        """Whether it can be spent: `active`, `expired`, `frozen` or `deactivated`."""
        if self.deactivated_at is not None:
            return "deactivated"
        if self.frozen_at is not None:
            return "frozen"
        expired = self.expires_at is not None and self.expires_at <= now
        return "expired" if expired else "active"


@dataclass(frozen=True, slots=True)
class CardLoss:
    """What a bank took back of a card's price for good, less what the card has made good of it, in
    minor units; the purchase's order and a chargeback of it."""

    order_id: UUID
    chargeback_id: UUID
    minor: int


@dataclass(frozen=True, slots=True)
class StoreCreditGrant:
    """Credit that an operator gave a buyer, or a seller out of its own money, about a sale."""

    id: UUID
    user_id: UUID
    amount_minor: int
    currency: str
    reason: str
    granted_by: UUID | None
    created_at: datetime
    seller_id: UUID | None = None
    seller_order_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class ReturnedValue:
    """Value that was set aside for an order and went back where it came from."""

    payment_id: UUID
    account: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class ValueMove:
    """What came back to a gift card that couldn't be spent, and where it went on to: its buyer's
    credit, or a new card, of which `last_four` and `balance_minor` are, and whether its code was
    told."""

    id: UUID
    order_id: UUID
    from_card_id: UUID
    to_card_id: UUID | None
    to_user_id: UUID | None
    amount_minor: int
    currency: str
    created_at: datetime
    last_four: str | None = None
    balance_minor: int | None = None
    code_told: bool = False


@dataclass(frozen=True, slots=True)
class CardRelease:
    """What an expired card was left with and is owed no more; `restored_at` once it is again."""

    id: UUID
    card_id: UUID
    amount_minor: int
    currency: str
    is_issued: bool
    expired_at: datetime
    released_at: datetime
    restored_at: datetime | None
    last_four: str = ""
