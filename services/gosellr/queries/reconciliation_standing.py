"""Providers' balances by their own movements, beside the clearing accounts of the books."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Connection
from gosellr.models.reconciliation_values import GatewayStanding

STANDING = """
WITH told AS (
    SELECT gateway, currency, sum(amount_minor - fee_minor) AS provider_minor,
           count(*) FILTER (WHERE status IN ('unmatched', 'proposed')) AS waiting_count,
           sum(unexplained_minor) FILTER (WHERE status IN ('unmatched', 'proposed'))
               AS waiting_minor,
           sum(unexplained_minor) FILTER (WHERE resolution = 'suspense' AND cleared_at IS NULL
                                            AND status = 'resolved') AS suspended_minor,
           bool_or(kind = 'payout') AS tells_payouts,
           bool_or(kind = 'chargeback') AS tells_chargebacks
    FROM provider_movement GROUP BY gateway, currency
)
SELECT told.gateway, told.currency, told.provider_minor::bigint,
       clearing.minor::bigint, clearing.untold_minor::bigint, told.waiting_count::int,
       COALESCE(told.waiting_minor, 0)::bigint,
       COALESCE(told.suspended_minor, 0)::bigint, missing.count::int, missing.minor::bigint
FROM told, LATERAL (
    SELECT COALESCE(sum(signed.minor), 0) AS minor,
           COALESCE(sum(signed.minor) FILTER (
               WHERE NOT (head.kind = ANY($2)
                          OR (told.tells_payouts AND head.kind = ANY($3))
                          OR (told.tells_chargebacks AND head.kind = ANY($4)))
           ), 0) AS untold_minor
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id,
         LATERAL (SELECT CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                                              ELSE -entry.amount_minor END AS minor) AS signed
    WHERE entry.account = 'gateway_clearing:' || told.gateway
      AND entry.currency = told.currency
) AS clearing, LATERAL (
    -- What is taken piece by piece is told of piece by piece, also what paid for nothing.
    SELECT count(*) AS count, COALESCE(sum(taken.minor), 0) AS minor
    FROM (
        SELECT payment.id AS payment_id, payment.id AS subject_id, payment.captured_minor AS minor,
               payment.created_at AS at
        FROM payment
        WHERE payment.method = told.gateway AND payment.currency = told.currency
          AND payment.captured_minor > 0 AND payment.secured_at IS NULL
      UNION ALL
        SELECT payment.id, capture.id, COALESCE(astray.amount_minor, capture.amount_minor),
               capture.created_at
        FROM payment JOIN payment_capture AS capture ON capture.payment_id = payment.id
             LEFT JOIN payment_return AS astray ON astray.capture_id = capture.id
        WHERE payment.method = told.gateway AND payment.currency = told.currency
          AND (capture.status = 'succeeded' OR astray.id IS NOT NULL)
    ) AS taken
    WHERE taken.at < $1
      AND NOT EXISTS (SELECT FROM provider_movement AS movement
                      WHERE movement.subject_id IN (taken.subject_id, taken.payment_id))
) AS missing
ORDER BY told.gateway, told.currency
"""


async def standing(
    connection: Connection,
    *,
    told_kinds: Sequence[str],
    payout_kinds: Sequence[str],
    chargeback_kinds: Sequence[str],
    missing_before: datetime,
) -> list[GatewayStanding]:
    """Every provider of which something was imported, by currency. `told_kinds` are those of
    transactions that its movements tell of; the others, where it tells of such at all."""
    rows = await connection.fetch(
        STANDING, missing_before, list(told_kinds), list(payout_kinds), list(chargeback_kinds)
    )
    names = (
        "gateway", "currency", "provider_minor", "clearing_minor", "untold_minor", "waiting_count",
        "waiting_minor", "suspended_minor", "missing_count", "missing_minor",
    )  # fmt: skip
    return [GatewayStanding(**dict(zip(names, row, strict=True))) for row in rows]
