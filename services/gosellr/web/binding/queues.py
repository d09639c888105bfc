"""The operator's first page: each kind of waiting work in words, and the last audit."""

from collections.abc import Callable, Sequence
from typing import Final

from gosellr.services.work_queue_service import AuditResult, WaitingWork
from gosellr.utils.permissions import Permission
from gosellr.web.money_views import DeskView, QueueView
from gosellr.web.views import AttributeView

_RECONCILING = Permission.RECONCILIATION_READ
# The words, the page, a note, and who may look.
_KINDS: Final = {
    "payout_approvals": (
        "Payouts to approve",
        "/operator/payouts?status=awaiting_approval",
        "A second person's word",
        Permission.PAYOUT_READ,
    ),
    "cases": (
        "Cases to decide",
        "/operator/cases",
        "Asked, or appealed",
        Permission.DISPUTE_READ,
    ),
    "payment_returns": (
        "Captured, and paid for nothing",
        "/operator/reconciliation",
        "Another amount than was asked for",
        _RECONCILING,
    ),
    "provider_refunds": (
        "Given back at a provider",
        "/operator/reconciliation",
        "Without us, and not booked",
        _RECONCILING,
    ),
    "movements": (
        "Unmatched movements",
        "/operator/reconciliation?status=unmatched",
        "The provider knows what we don't",
        _RECONCILING,
    ),
    "proposals": (
        "Explanations to confirm",
        "/operator/reconciliation?status=proposed",
        "Too large for one person",
        _RECONCILING,
    ),
    "suspense": (
        "Waiting in suspense",
        "/operator/reconciliation?status=suspended",
        "Not known yet what it was",
        _RECONCILING,
    ),
    "adjustments": (
        "Adjustments to decide",
        "/operator/adjustments",
        "A second person's word",
        Permission.LEDGER_READ,
    ),
    "two_people": (
        "Proposals to decide",
        "/operator/proposals",
        "A second person's word",
        Permission.PROPOSAL_READ,
    ),
    "bank_files": (
        "Bank files without an answer",
        "/operator/bank-files?status=made",
        "Did the bank carry them out?",
        Permission.BANK_FILE_READ,
    ),
    "payouts_failed": (
        "Failed payouts",
        "/operator/payouts?status=failed",
        "In the last 30 days",
        Permission.PAYOUT_READ,
    ),
    "payouts_unknown": (
        "Payouts without an answer",
        "/operator/payouts?status=unknown",
        "Asked after by itself",
        Permission.PAYOUT_READ,
    ),
    "chargebacks": (
        "Open chargebacks",
        "/operator/cases?view=chargebacks",
        "The bank decides",
        Permission.DISPUTE_READ,
    ),
}


def desk(
    waiting: Sequence[WaitingWork],
    audit: AuditResult | None,
    *,
    is_past_open: bool,
    may: Callable[[Permission], bool],
) -> DeskView:
    """What waits, in the order in which it is asked about."""
    by_kind = {one.kind: one for one in waiting}
    queues = []
    for kind, (label, href, note, permission) in _KINDS.items():
        found = by_kind.get(kind)
        if found is not None and may(permission):
            queues.append(QueueView(label, href, found.count, note, found.oldest_at))
    return DeskView(
        queues=tuple(queues),
        is_past_open=is_past_open,
        audited_at=None if audit is None else audit.at,
        findings=()
        if audit is None
        else tuple(
            AttributeView(name, f"{rows} rows" if rows != 1 else "1 row")
            for name, rows in audit.findings.items()
        ),
    )
