"""What was sold, as far as an invoice tells of it: frozen at the sale, but for when money came."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.utils.captures import money_came
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A sold line. Amounts in minor units, as an order's line has them."""

    sku: str
    title: str
    options: Mapping[str, str]
    quantity: int
    unit_price_minor: int
    seller_discount_minor: int
    marketplace_discount_minor: int
    goods_minor: int
    tax_rate_bps: int
    tax_remitted_to: str | None
    tax_minor: int


@dataclass(frozen=True, slots=True)
class SoldPart:
    """One seller's part of an order, with what it needs of the order."""

    order_id: UUID
    order_number: int
    currency: str
    tax_included: bool
    shipping_address: Mapping[str, Any]
    billing_address: Mapping[str, Any] | None
    capture_at: str
    placed_at: datetime
    paid_at: datetime | None
    id: UUID
    seller_id: UUID
    index: int
    total_minor: int
    shipping_option: Mapping[str, Any]
    shipping_seller_discount_minor: int
    shipping_marketplace_discount_minor: int
    shipping_goods_minor: int
    shipping_tax_rate_bps: int
    shipping_tax_remitted_to: str | None
    shipping_tax_minor: int
    captured_at: datetime | None
    # How it stands with what its seller collects in cash, if it does.
    collected: tuple[str, ...]
    lines: tuple[SoldLine, ...]

    @property
    def is_paid_for(self) -> bool:
        """Whether its money came."""
        return money_came(
            collected=self.collected,
            capture_at=self.capture_at,
            captured_at=self.captured_at,
            paid_at=self.paid_at,
        )
