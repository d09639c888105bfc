"""Facts: what happened, told once, in the transaction in which it happened.

The table of contents of the market. Reactions to them are listed in `jobs/outbox.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class FactType(StrEnum):
    """Everything that may have happened, as `<aggregate>.<past tense>`."""

    ACCOUNT_REGISTERED = "account.registered"
    ACCOUNT_SESSIONS_REVOKED = "account.sessions_revoked"

    SELLER_REGISTERED = "seller.registered"
    SELLER_APPROVED = "seller.approved"
    SELLER_REJECTED = "seller.rejected"
    SELLER_SUSPENDED = "seller.suspended"
    SELLER_REINSTATED = "seller.reinstated"
    SELLER_UPDATED = "seller.updated"

    CATEGORY_CHANGED = "category.changed"
    PRODUCT_CREATED = "product.created"
    PRODUCT_UPDATED = "product.updated"
    PRODUCT_STATUS_CHANGED = "product.status_changed"
    STOCK_CHANGED = "stock.changed"
    IMPORT_REQUESTED = "import.requested"
    IMPORT_FINISHED = "import.finished"

    ORDER_PLACED = "order.placed"
    ORDER_PAID = "order.paid"
    ORDER_PAYMENT_FAILED = "order.payment_failed"
    ORDER_EXPIRED = "order.expired"
    ORDER_CANCELLED = "order.cancelled"
    SELLER_ORDER_STATUS_CHANGED = "seller_order.status_changed"
    SHIPMENT_CREATED = "shipment.created"
    SHIPMENT_DELIVERED = "shipment.delivered"
    REFUND_REQUESTED = "refund.requested"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    SALE_RELEASED = "sale.released"
    REVIEW_POSTED = "review.posted"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened to one aggregate. `data` is plain JSON."""

    type: FactType
    aggregate_id: UUID
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def aggregate_type(self) -> str:
        """The noun before the dot."""
        return self.type.split(".", 1)[0]
