"""What waits for somebody who runs the market: counted kind by kind, with the oldest of each."""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

WAITING = """
SELECT 'payout_approvals', count(*)::int, min(created_at)
FROM payout WHERE status = 'awaiting_approval'
UNION ALL
SELECT 'payouts_unknown', count(*)::int, min(created_at) FROM payout WHERE status = 'unknown'
UNION ALL
SELECT 'payouts_failed', count(*)::int, min(finished_at)
FROM payout WHERE status = 'failed' AND finished_at >= $1
UNION ALL
SELECT 'cases', count(*)::int, min(opened_at)
FROM dispute
WHERE kind = 'buyer' AND status IN ('under_review', 'appealed')
   OR seller_id IS NULL AND status = 'awaiting_seller'
UNION ALL
SELECT 'chargebacks', count(*)::int, min(opened_at) FROM chargeback WHERE status = 'open'
UNION ALL
SELECT 'provider_refunds', count(*)::int, min(told_at)
FROM provider_refund WHERE status = 'waiting'
UNION ALL
SELECT 'payment_returns', count(*)::int, min(case_opened_at)
FROM payment_return WHERE case_opened_at IS NOT NULL AND case_closed_at IS NULL
UNION ALL
SELECT 'movements', count(*)::int, min(imported_at)
FROM provider_movement WHERE status = 'unmatched'
UNION ALL
SELECT 'proposals', count(*)::int, min(resolved_at)
FROM provider_movement WHERE status = 'proposed'
UNION ALL
SELECT 'suspense', count(*)::int, min(resolved_at)
FROM provider_movement WHERE resolution = 'suspense' AND cleared_at IS NULL
  AND status = 'resolved'
UNION ALL
SELECT 'adjustments', count(*)::int, min(prepared_at) FROM adjustment WHERE status = 'prepared'
UNION ALL
SELECT 'two_people', count(*)::int, min(prepared_at) FROM proposal WHERE status = 'prepared'
UNION ALL
SELECT 'bank_files', count(*)::int, min(made_at) FROM bank_file WHERE status = 'made'
"""


@dataclass(frozen=True, slots=True)
class WaitingWork:
    """How much of a kind waits, and since when the oldest of it does."""

    kind: str
    count: int
    oldest_at: datetime | None


async def waiting(connection: Connection, *, failed_since: datetime) -> list[WaitingWork]:
    """What waits; of failed payouts, those that failed since then."""
    return [WaitingWork(*row) for row in await connection.fetch(WAITING, failed_since)]
