"""What the journal says of a period: a seller's accounts by kind of transaction, and what was kept.

A period is told by `booked_at`: nothing is ever booked into one that is over.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.document_values import Deduction, OwnChange, StatementPayout, YearFigure

_CREDITED = (
    "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"
)
# What the marketplace earns of a seller by a booking by hand, be it of one's own or handed on.
_INCOME = "('commission', 'fee_income', 'gateway_fee', 'tax_payable')"

OWN_CHANGES = f"""
WITH moved AS (
    SELECT entry.currency::text AS currency, head.kind, head.id, head.booked_at >= $2 AS is_within,
           split_part(entry.account, ':', 1) AS account, {_CREDITED} AS change_minor
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE entry.account = ANY($1::text[]) AND head.booked_at < $3
      AND entry.written_by >= COALESCE($5::xid8, '0'::xid8)
      AND head.booked_at >= COALESCE($4::timestamptz, '-infinity'::timestamptz)
)
SELECT currency, kind, account,
       COALESCE(sum(change_minor) FILTER (WHERE NOT is_within), 0)::bigint,
       COALESCE(sum(change_minor) FILTER (WHERE is_within AND change_minor > 0), 0)::bigint,
       COALESCE(-sum(change_minor) FILTER (WHERE is_within AND change_minor < 0), 0)::bigint,
       (count(DISTINCT id) FILTER (WHERE is_within))::int
FROM moved
GROUP BY GROUPING SETS ((currency, kind, account), (currency, kind))
ORDER BY currency, kind, account NULLS LAST
"""

# Whatever the marketplace kept stands in a transaction that moved an account of the seller, but for
# a sale of which nothing was left to it, and for a refund of a share too small to reach it. What
# was booked by hand stands for itself, each booking alone, where it is about this seller only.
DEDUCTIONS = f"""
WITH touched AS (
    SELECT entry.transaction_id AS id
    FROM ledger_entry AS entry
    WHERE entry.account = ANY($4::text[])
      AND entry.written_by >= COALESCE($5::xid8, '0'::xid8)
    UNION
    SELECT head.id
    FROM refund JOIN ledger_transaction AS head ON head.order_id = refund.order_id
    WHERE refund.seller_id = $1 AND head.cause_id = refund.id
      AND (refund.finished_at >= $2 OR refund.finished_at IS NULL)
    UNION
    SELECT entry.transaction_id
    FROM seller_order AS part JOIN ledger_entry AS entry ON entry.seller_order_id = part.id
    WHERE part.seller_id = $1 AND part.net_minor = 0
)
SELECT entry.currency::text, head.kind, entry.account,
       COALESCE((CASE WHEN entry.order_line_id IS NULL THEN part.shipping_commission
                      ELSE line.commission END ->> 'vat_bps')::int, 0) AS vat_bps,
       sum({_CREDITED})::bigint, NULL::uuid AS by_hand_id
FROM touched
JOIN ledger_transaction AS head ON head.id = touched.id
JOIN ledger_entry AS entry ON entry.transaction_id = head.id
JOIN seller_order AS part ON part.id = entry.seller_order_id AND part.seller_id = $1
LEFT JOIN order_line AS line ON line.id = entry.order_line_id
WHERE head.booked_at >= $2 AND head.booked_at < $3
  AND (entry.account IN ('commission', 'gateway_fee') OR entry.account LIKE 'tax\\_payable:%')
GROUP BY 1, 2, 3, 4
UNION ALL
SELECT entry.currency::text, head.kind,
       CASE WHEN entry.account LIKE 'tax\\_payable:%' THEN entry.account ELSE 'commission' END, 0,
       sum({_CREDITED})::bigint, head.id
FROM touched
JOIN ledger_transaction AS head ON head.id = touched.id AND head.kind = 'adjusted'
JOIN ledger_entry AS entry ON entry.transaction_id = head.id
WHERE head.booked_at >= $2 AND head.booked_at < $3
  AND split_part(entry.account, ':', 1) IN {_INCOME}
  AND (SELECT bool_and(own.account = ANY($4::text[])) FROM ledger_entry AS own
       WHERE own.transaction_id = head.id AND own.currency = entry.currency
         AND split_part(own.account, ':', 1)
             IN (SELECT split_part(name, ':', 1) FROM unnest($4::text[]) AS name))
GROUP BY 1, 2, 3, head.id
ORDER BY 1, 2, 3, 4, 6
"""

PAYOUTS = """
SELECT payout.id, payout.amount_minor, payout.status, destination.last_four, payout.created_at,
       payout.paid_at
FROM payout JOIN payout_destination AS destination ON destination.id = payout.destination_id
WHERE payout.seller_id = $1 AND payout.currency = $2
  AND payout.created_at >= $3 AND payout.created_at < $4
  AND ($5::timestamptz IS NULL OR (payout.created_at, payout.id) > ($5, $6::uuid))
ORDER BY payout.created_at, payout.id
LIMIT $7
"""

# Only kinds that are about sales count: $4. Cash never was in a seller's accounts; what was
# collected of it stands in the order's history. Of what was booked by hand ($6) only what the
# marketplace earned of a single seller is one's fee, whatever else it moved.
YEAR = f"""
WITH booked AS (
    SELECT id, kind, extract(quarter FROM booked_at AT TIME ZONE 'UTC')::int AS quarter
    FROM ledger_transaction
    WHERE booked_at >= $1 AND booked_at < $2 AND kind = ANY($4::text[])
), moved AS (
    SELECT split_part(entry.account, ':', 2)::uuid AS seller_id, entry.currency::text AS currency,
           booked.quarter, booked.kind, {_CREDITED} AS minor,
           CASE WHEN booked.kind = 'sale' THEN entry.seller_order_id END AS sale_id
    FROM booked JOIN ledger_entry AS entry ON entry.transaction_id = booked.id
    WHERE split_part(entry.account, ':', 1) = ANY($3::text[]) AND booked.kind <> $6
    UNION ALL
    SELECT part.seller_id, part.currency::text,
           extract(quarter FROM event.at AT TIME ZONE 'UTC')::int, 'sale_on_delivery',
           payment.captured_minor, part.id
    FROM payment
    JOIN seller_order AS part ON part.id = payment.seller_order_id
    JOIN order_event AS event
      ON event.order_id = part.order_id AND event.seller_order_id = part.id
    WHERE payment.method = 'cash_on_delivery' AND payment.captured_minor > 0
      AND event.kind = 'cash_collected'
      AND event.at >= $1 AND event.at < $2
    UNION ALL
    SELECT whose.seller_id, whose.currency, booked.quarter, booked.kind, -whose.earned_minor, NULL
    FROM booked CROSS JOIN LATERAL (
        SELECT min(split_part(account, ':', 2)) FILTER (WHERE is_own)::uuid AS seller_id, currency,
               COALESCE(sum(credited) FILTER (WHERE is_income), 0) AS earned_minor
        FROM (
            SELECT entry.account, entry.currency::text AS currency, {_CREDITED} AS credited,
                   split_part(entry.account, ':', 1) = ANY($3::text[]) AS is_own,
                   split_part(entry.account, ':', 1) IN {_INCOME} AS is_income
            FROM ledger_entry AS entry WHERE entry.transaction_id = booked.id
        ) AS entry
        GROUP BY currency
        HAVING count(DISTINCT split_part(account, ':', 2)) FILTER (WHERE is_own) = 1
    ) AS whose
    WHERE booked.kind = $6
), own AS (
    SELECT seller_id, currency, quarter, kind, sum(minor) AS own_minor,
           count(DISTINCT sale_id) AS sale_count
    FROM moved GROUP BY 1, 2, 3, 4
), kept AS (
    SELECT part.seller_id, entry.currency::text AS currency, booked.quarter, booked.kind,
           sum({_CREDITED}) FILTER (WHERE entry.account IN ('commission', 'gateway_fee'))
               AS commission_minor,
           sum({_CREDITED}) FILTER (WHERE entry.account = $5) AS vat_minor,
           sum({_CREDITED}) FILTER (WHERE entry.account NOT IN ('commission', 'gateway_fee', $5))
               AS remitted_minor
    FROM booked JOIN ledger_entry AS entry ON entry.transaction_id = booked.id
    JOIN seller_order AS part ON part.id = entry.seller_order_id
    WHERE booked.kind <> $6
      AND (entry.account IN ('commission', 'gateway_fee')
           OR entry.account LIKE 'tax\\_payable:%')
    GROUP BY 1, 2, 3, 4
)
SELECT seller_id, currency, quarter, kind, COALESCE(own_minor, 0)::bigint,
       COALESCE(commission_minor, 0)::bigint, COALESCE(vat_minor, 0)::bigint,
       COALESCE(remitted_minor, 0)::bigint, COALESCE(sale_count, 0)::int
FROM own FULL JOIN kept USING (seller_id, currency, quarter, kind)
ORDER BY seller_id, currency, quarter, kind
"""


async def own_changes(
    connection: Connection,
    *,
    accounts: Sequence[str],
    since: datetime,
    until: datetime,
    known_until: datetime | None,
    written_from: int | None,
) -> list[OwnChange]:
    """What moved on a seller's accounts, and what they held before; of what was booked before
    `known_until` nothing, because that is known. Nothing that was booked since was written before
    `written_from`."""
    rows = await connection.fetch(OWN_CHANGES, accounts, since, until, known_until, written_from)
    return [OwnChange(*row) for row in rows]


async def deductions(
    connection: Connection,
    *,
    seller_id: UUID,
    accounts: Sequence[str],
    since: datetime,
    until: datetime,
    written_from: int | None,
) -> list[Deduction]:
    """What was kept of a seller's sales and by hand, and given back with its refunds."""
    rows = await connection.fetch(DEDUCTIONS, seller_id, since, until, accounts, written_from)
    return [Deduction(*row) for row in rows]


async def payouts(
    connection: Connection,
    *,
    seller_id: UUID,
    currency: str,
    since: datetime,
    until: datetime,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[StatementPayout]:
    """The next payouts that were made for a seller in the period, in the order in which they were
    made."""
    rows = await connection.fetch(
        PAYOUTS, seller_id, currency, since, until, *(after or (None, None)), limit
    )
    return [StatementPayout(*row) for row in rows]


async def year(
    connection: Connection,
    *,
    since: datetime,
    until: datetime,
    account_kinds: Sequence[str],
    kinds: Sequence[str],
    vat_account: str,
    kind_by_hand: str,
) -> list[YearFigure]:
    """Every seller's year by quarter: what it earned and what was kept of it, by `kinds` of
    transaction; of `kind_by_hand` only what the marketplace earned."""
    rows = await connection.fetch(
        YEAR, since, until, list(account_kinds), list(kinds), vat_account, kind_by_hand
    )
    return [YearFigure(*row) for row in rows]
