"""What one operator proposes and another one decides, in plain JSON until then."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from gosellr.utils.permissions import Permission


class ProposalKind(StrEnum):
    """What approving does."""

    COMMISSION_RULE_NEW = "commission_rule_new"
    COMMISSION_RULE_CHANGE = "commission_rule_change"
    COMMISSION_RULE_END = "commission_rule_end"
    RECEIPT = "receipt"
    RECEIPT_ASSIGNMENT = "receipt_assignment"
    RECEIPT_RETURN = "receipt_return"
    SUSPENSE_CLEARING = "suspense_clearing"
    HAND_REFUND_SENT = "hand_refund_sent"
    PAYOUT_NEVER_SENT = "payout_never_sent"
    PAYOUT_WAS_PAID = "payout_was_paid"
    REFUND = "refund"
    REFUND_ARRIVED = "refund_arrived"
    REFUND_FAILED = "refund_failed"
    GIFT_CARD_REFUND = "gift_card_refund"
    STORE_CREDIT_GRANTED = "store_credit_granted"
    GIFT_CARD_ISSUED = "gift_card_issued"
    SELLER_CREDIT = "seller_credit"
    DISPUTE_AWARD = "dispute_award"
    SHOP_OWNER = "shop_owner"


# What both must be allowed to do: who proposes it, and who decides about it.
SECOND_PERSON_PERMISSIONS: Final[Mapping[ProposalKind, Permission]] = {
    ProposalKind.COMMISSION_RULE_NEW: Permission.COMMISSION_WRITE,
    ProposalKind.COMMISSION_RULE_CHANGE: Permission.COMMISSION_WRITE,
    ProposalKind.COMMISSION_RULE_END: Permission.COMMISSION_WRITE,
    ProposalKind.RECEIPT: Permission.RECONCILIATION_RUN,
    ProposalKind.RECEIPT_ASSIGNMENT: Permission.RECONCILIATION_DECIDE,
    ProposalKind.RECEIPT_RETURN: Permission.RECONCILIATION_DECIDE,
    ProposalKind.SUSPENSE_CLEARING: Permission.RECONCILIATION_DECIDE,
    ProposalKind.HAND_REFUND_SENT: Permission.RECONCILIATION_RUN,
    ProposalKind.PAYOUT_NEVER_SENT: Permission.PAYOUT_APPROVE,
    ProposalKind.PAYOUT_WAS_PAID: Permission.PAYOUT_APPROVE,
    ProposalKind.REFUND: Permission.REFUND_CREATE,
    ProposalKind.REFUND_ARRIVED: Permission.RECONCILIATION_DECIDE,
    ProposalKind.REFUND_FAILED: Permission.RECONCILIATION_DECIDE,
    ProposalKind.GIFT_CARD_REFUND: Permission.GIFT_CARD_DEACTIVATE,
    ProposalKind.STORE_CREDIT_GRANTED: Permission.STORE_CREDIT_GRANT,
    ProposalKind.GIFT_CARD_ISSUED: Permission.GIFT_CARD_ISSUE,
    # A shop proposes it, and it leaves the shop as a payout does.
    ProposalKind.SELLER_CREDIT: Permission.PAYOUT_APPROVE,
    ProposalKind.DISPUTE_AWARD: Permission.DISPUTE_DECIDE,
    ProposalKind.SHOP_OWNER: Permission.MEMBER_WRITE,
}
PAYOUT_VERDICTS: Final = frozenset({ProposalKind.PAYOUT_NEVER_SENT, ProposalKind.PAYOUT_WAS_PAID})
"""What may be said of a payout of which its provider says nothing."""
REFUNDS: Final = frozenset({ProposalKind.REFUND, ProposalKind.GIFT_CARD_REFUND})
"""What becomes a refund when it is approved, under the proposal's id."""
REFUND_VERDICTS: Final = frozenset({ProposalKind.REFUND_ARRIVED, ProposalKind.REFUND_FAILED})
"""What may be said of a refund of which its provider says nothing."""
_IDS: Final = frozenset({"seller_id", "category_id", "product_id"})
_MOMENTS: Final = frozenset({"valid_from", "valid_to"})


def award_subject(dispute_id: UUID) -> str:
    """What a proposal to decide a case is about."""
    return f"dispute:{dispute_id}"


def plain_terms(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Terms of a rule as JSON; `read_terms` reads them back."""
    return {name: _plain(value) for name, value in terms.items()}


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def read_terms(document: Mapping[str, Any]) -> dict[str, Any]:
    """Terms of a rule from their JSON."""
    return {name: _read(name, value) for name, value in document.items()}


def _read(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _IDS:
        return UUID(value)
    return datetime.fromisoformat(value) if name in _MOMENTS else value
