"""Sellers' accounts at providers as services read them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass

DEAUTHORIZED: Final = "deauthorized"
"""Why an account takes nothing that its seller took from us; another one may be opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerAccount:
    """A seller's account at a provider, as it was told last."""

    id: UUID
    seller_id: UUID
    provider: str
    reference: str | None
    country: str
    is_complete: bool
    may_receive: bool
    may_pay_out: bool
    missing: tuple[str, ...]
    due_at: datetime | None
    disabled_reason: str | None
    bank_failure: str | None
    bank_failed_at: datetime | None
    created_at: datetime
    checked_at: datetime | None
    version: int

    @property
    def is_ready(self) -> bool:
        """Whether what is sent there reaches the seller's bank."""
        return self.may_receive and self.may_pay_out


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldAccount:
    """How a provider says that an account stands."""

    reference: str
    is_complete: bool
    may_receive: bool
    may_pay_out: bool
    missing: tuple[str, ...] = ()
    due_at: datetime | None = None
    disabled_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutRecall:
    """A payout that is to be called back, and what became of it."""

    id: UUID
    payout_id: UUID
    status: str
    reason: str
    asked_at: datetime
    refusal: str | None
    finished_at: datetime | None
    check_count: int
