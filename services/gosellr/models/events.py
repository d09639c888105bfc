"""Facts: what happened, told once, in the transaction in which it happened.

The table of contents of the market. Reactions to them are listed in `jobs/outbox.py`.
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass


class FactType(StrEnum):
    """Everything that may have happened, as `<aggregate>.<past tense>`."""

    ACCOUNT_REGISTERED = "account.registered"
    ACCOUNT_PASSWORD_CHANGED = "account.password_changed"  # noqa: S105  (a name, not a secret)
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
    OFFERS_CHANGED = "offers.changed"
    IMPORT_REQUESTED = "import.requested"
    IMPORT_FINISHED = "import.finished"

    ORDER_PLACED = "order.placed"
    ORDER_AUTHORIZED = "order.authorized"
    ORDER_AUTHORIZATION_EXPIRING = "order.authorization_expiring"
    ORDER_CAPTURED_SHORT = "order.captured_short"
    ORDER_PAID = "order.paid"
    ORDER_PAYMENT_FAILED = "order.payment_failed"
    ORDER_CASH_PROMISED = "order.cash_promised"
    ORDER_TRANSFER_AWAITED = "order.transfer_awaited"
    ORDER_TRANSFER_PART_ARRIVED = "order.transfer_part_arrived"
    ORDER_EXPIRED = "order.expired"
    ORDER_CANCELLED = "order.cancelled"
    SELLER_ORDER_STATUS_CHANGED = "seller_order.status_changed"
    SELLER_ORDER_CAPTURED = "seller_order.captured"
    SELLER_ORDER_REDUCED = "seller_order.reduced"
    SHIPMENT_CREATED = "shipment.created"
    SHIPMENT_DELIVERED = "shipment.delivered"
    REFUND_REQUESTED = "refund.requested"
    REFUND_SUCCEEDED = "refund.succeeded"
    REFUND_FAILED = "refund.failed"
    SALE_RELEASED = "sale.released"
    PAYOUT_REQUESTED = "payout.requested"
    PAYOUT_PAID = "payout.paid"
    PAYOUT_FAILED = "payout.failed"
    PAYOUT_FOUND_SENT = "payout.found_sent"
    PAYOUT_CANCELLED = "payout.cancelled"
    RESERVE_RELEASED = "reserve_hold.released"
    RECOVERY_PLAN_CHANGED = "recovery_plan.changed"
    ADJUSTMENT_PREPARED = "adjustment.prepared"
    ADJUSTMENT_APPROVED = "adjustment.approved"
    ADJUSTMENT_REJECTED = "adjustment.rejected"
    PROPOSAL_PREPARED = "proposal.prepared"
    PROPOSAL_APPROVED = "proposal.approved"
    PROPOSAL_REJECTED = "proposal.rejected"
    COMMISSION_RULE_CREATED = "commission_rule.created"
    COMMISSION_RULE_CHANGED = "commission_rule.changed"
    COMMISSION_RULE_ENDED = "commission_rule.ended"
    BANK_FILE_MADE = "bank_file.made"
    BANK_FILE_EXECUTED = "bank_file.executed"
    BANK_FILE_REJECTED = "bank_file.rejected"
    PAYOUT_SETTINGS_CHANGED = "payout_settings.changed"
    PAYOUT_DESTINATION_CHANGED = "payout_destination.changed"
    SELLER_TAX_IDENTITY_CHANGED = "seller.tax_identity_changed"
    SELLER_LETTERHEAD_CHANGED = "seller.letterhead_changed"
    SELLER_TAX_IDENTITY_ASKED = "seller.tax_identity_asked"
    SELLER_TAX_HOLD_LIFTED = "seller.tax_hold_lifted"
    SELLER_TAX_HOLD_RESTORED = "seller.tax_hold_restored"
    PAYOUT_DESTINATION_WITHDRAWN = "payout_destination.withdrawn"
    TAX_RETURN_FILED = "tax_return.filed"
    PAYOUT_RECALL_ASKED = "payout.recall_asked"
    PAYOUT_RECALL_REFUSED = "payout.recall_refused"
    PAYOUT_ACCOUNT_CHANGED = "payout_account.changed"
    PAYOUT_ACCOUNT_BANK_FAILED = "payout_account.bank_failed"
    DISPUTE_OPENED = "dispute.opened"
    DISPUTE_MESSAGE_ADDED = "dispute.message_added"
    DISPUTE_EVIDENCE_ADDED = "dispute.evidence_added"
    DISPUTE_STATUS_CHANGED = "dispute.status_changed"
    DISPUTE_REVIEW_DUE = "dispute.review_due"
    DISPUTE_REVIEW_OVERDUE = "dispute.review_overdue"
    DISPUTE_CLOSED = "dispute.closed"
    CHARGEBACK_OPENED = "chargeback.opened"
    CHARGEBACK_WON = "chargeback.won"
    CHARGEBACK_LOST = "chargeback.lost"
    CHARGEBACK_REINSTATED = "chargeback.reinstated"
    REVIEW_POSTED = "review.posted"
    STORED_VALUE_MOVED = "stored_value.moved"
    STORE_CREDIT_GIVEN = "store_credit.given"
    GIFT_CARD_SENT = "gift_card.sent"
    GIFT_CARD_RELEASED = "gift_card.released"
    GIFT_CARD_RESTORED = "gift_card.restored"
    AUDIT_FOUND = "audit.found"


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


@dataclass(frozen=True, slots=True)
class RecordedFact:
    """A fact as everybody is told it. `sequence` numbers the feed without gaps.

    `type` is a word rather than a `FactType`, because another release may have written it.
    """

    sequence: int
    id: UUID
    type: str
    aggregate_type: str
    aggregate_id: UUID
    data: Mapping[str, Any]
    occurred_at: datetime

    def payload(self) -> dict[str, Any]:
        """The fact as plain JSON, to travel in a job."""
        return {
            "sequence": self.sequence,
            "id": str(self.id),
            "type": self.type,
            "aggregate_type": self.aggregate_type,
            "aggregate_id": str(self.aggregate_id),
            "data": dict(self.data),
            "occurred_at": self.occurred_at.isoformat(),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Self:
        """The fact that `payload` was made of."""
        return cls(
            sequence=payload["sequence"],
            id=UUID(payload["id"]),
            type=payload["type"],
            aggregate_type=payload["aggregate_type"],
            aggregate_id=UUID(payload["aggregate_id"]),
            data=payload["data"],
            occurred_at=datetime.fromisoformat(payload["occurred_at"]),
        )


TOLD: Mapping[str, Mapping[str, FactType]] = {
    "refund": {
        "": FactType.REFUND_REQUESTED,
        "succeeded": FactType.REFUND_SUCCEEDED,
        "failed": FactType.REFUND_FAILED,
    },
    "payout": {
        "": FactType.PAYOUT_REQUESTED,
        "paid": FactType.PAYOUT_PAID,
        "failed": FactType.PAYOUT_FAILED,
        "cancelled": FactType.PAYOUT_CANCELLED,
    },
    "shipment": {"": FactType.SHIPMENT_CREATED, "delivered": FactType.SHIPMENT_DELIVERED},
    "dispute": {"": FactType.DISPUTE_OPENED, "closed": FactType.DISPUTE_CLOSED},
    "chargeback": {
        "": FactType.CHARGEBACK_OPENED,
        "won": FactType.CHARGEBACK_WON,
        "lost": FactType.CHARGEBACK_LOST,
    },
}
"""Which fact must have been told of what stands in a state; `""` is whichever state it is in."""
