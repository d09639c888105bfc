"""What must always be true of documents, as questions that find rows only where it isn't."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.audit import first
from gosellr.utils.lazy_dataclasses import dataclass

NUMBERED_WITHOUT_GAPS = first("""
SELECT 'document_series ' || known.issuer || ' ' || known.series,
       'stands at ' || COALESCE(known.last_number, 0) || ' with ' || COALESCE(found.count, 0)
       || ' documents up to number ' || COALESCE(found.last, 0)
FROM document_series AS known
FULL JOIN (
    SELECT issuer, series, count(*) AS count, max(number) AS last
    FROM document GROUP BY issuer, series
) AS found USING (issuer, series)
WHERE known.last_number IS DISTINCT FROM COALESCE(found.count, 0)
   OR known.last_number IS DISTINCT FROM COALESCE(found.last, 0)
""")

# What a buyer paid for a part is what its sale was booked with, less what the market bore.
INVOICES_AS_BOOKED = first("""
WITH booked AS (
    SELECT entry.seller_order_id, entry.currency,
           sum(CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                    ELSE -entry.amount_minor END) AS paid_minor
    FROM ledger_entry AS entry
    JOIN ledger_transaction AS head
      ON head.id = entry.transaction_id AND head.kind IN ('sale', 'sale_on_delivery')
    WHERE entry.seller_order_id IS NOT NULL
    GROUP BY 1, 2
), collected AS (
    SELECT seller_order_id, sum(captured_minor)::bigint AS minor FROM payment
    WHERE method = 'cash_on_delivery' AND seller_order_id IS NOT NULL GROUP BY 1
)
SELECT 'document ' || document.id, 'says ' || document.total_minor || ' ' || document.currency
       || ', the sale was booked with ' || COALESCE(booked.paid_minor, 0)
FROM document
LEFT JOIN booked ON booked.seller_order_id::text = document.cause_key
                AND booked.currency = document.currency
LEFT JOIN collected ON collected.seller_order_id::text = document.cause_key
WHERE document.kind = 'invoice' AND document.cause_key NOT LIKE '%/%'
  AND document.total_minor <> COALESCE(booked.paid_minor, 0) + COALESCE(collected.minor, 0)
""")

# What went back to a buyer is what its refund was booked with: on its way, taken by the bank, or
# given as goodwill before, less what was refused on its way. All that went back of a part is at
# most what its invoice says.
CREDIT_NOTES_AS_BOOKED = first("""
WITH booked AS (
    SELECT entry.refund_id, entry.currency,
           sum(CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                    ELSE -entry.amount_minor END) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE CASE entry.direction WHEN 'credit'
          THEN head.kind IN ('refund_intent', 'chargeback_lost')
          ELSE head.kind = 'refund_failed' END
      AND entry.refund_id IS NOT NULL AND (entry.account = 'goodwill_cost'
           OR split_part(entry.account, ':', 1) IN ('refund_in_transit', 'dispute_receivable'))
    GROUP BY 1, 2
)
SELECT 'document ' || document.id, 'says ' || document.total_minor || ' ' || document.currency
       || ', the refund was booked with ' || COALESCE(booked.minor, 0)
FROM document
LEFT JOIN booked ON booked.refund_id::text = document.cause_key
                AND booked.currency = document.currency
WHERE document.kind = 'credit_note' AND document.cause_key NOT LIKE '%/%'
  AND document.total_minor <> COALESCE(booked.minor, 0)
UNION ALL
SELECT 'seller_order ' || refund.seller_order_id, 'has credit notes for '
       || sum(note.total_minor) || ', its invoice says ' || COALESCE(max(invoice.total_minor), 0)
FROM document AS note
JOIN refund ON refund.id::text = note.cause_key
LEFT JOIN document AS invoice ON invoice.kind = 'invoice'
                             AND invoice.cause_key = refund.seller_order_id::text
WHERE note.kind = 'credit_note'
GROUP BY refund.seller_order_id
HAVING sum(note.total_minor) > COALESCE(max(invoice.total_minor), 0)
""")

# What papers say was paid again of a part is what had come back of it by the last of them. The
# first ones named a transaction, later ones an entry.
PAID_AGAIN_AS_BOOKED = first("""
WITH said AS (
    SELECT split_part(cause_key, '/', 1) AS part_id, order_id,
           max(split_part(cause_key, '/', 2)::bigint)
               FILTER (WHERE split_part(cause_key, '/', 2) !~ '-') AS last_entry,
           max(split_part(cause_key, '/', 2))
               FILTER (WHERE split_part(cause_key, '/', 2) ~ '-') AS last_transaction,
           sum(CASE kind WHEN 'invoice' THEN total_minor ELSE -total_minor END) AS minor
    FROM document WHERE kind IN ('invoice', 'credit_note') AND cause_key LIKE '%/%'
    GROUP BY 1, 2
)
SELECT 'seller_order ' || said.part_id, 'has papers that say ' || said.minor
       || ' was paid again, booked were ' || COALESCE(booked.minor, 0)
FROM said CROSS JOIN LATERAL (
    SELECT sum(CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                    ELSE -entry.amount_minor END) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.order_id = said.order_id
      AND CASE WHEN said.last_entry IS NULL THEN head.id <= said.last_transaction::uuid
               ELSE entry.id <= said.last_entry END
      AND head.kind IN ('chargeback_reinstated', 'chargeback_lost_again')
      AND entry.seller_order_id = said.part_id::uuid
      AND split_part(entry.account, ':', 1) NOT IN (
          'gateway_clearing', 'dispute_receivable', 'suspense', 'chargeback_loss',
          'goodwill_cost')
) AS booked
WHERE said.minor <> COALESCE(booked.minor, 0)
""")

STATEMENTS_CHAIN = first("""
SELECT 'document ' || id, 'begins with ' || opening || ', the month before ended with ' || before
FROM (
    SELECT id, (content ->> 'opening_minor')::bigint AS opening,
           lag((content ->> 'closing_minor')::bigint) OVER (
               PARTITION BY seller_id, currency ORDER BY period) AS before
    FROM document WHERE kind = 'statement'
) AS listed
WHERE before <> opening
UNION ALL
SELECT 'document ' || document.id, 'its lines sum to ' || summed.minor
FROM document CROSS JOIN LATERAL (
    SELECT (document.content ->> 'opening_minor')::bigint
         + COALESCE(sum((line ->> 'amount_minor')::bigint), 0) AS minor
    FROM jsonb_array_elements(document.content -> 'groups') AS line
) AS summed
WHERE document.kind = 'statement' AND summed.minor <> document.total_minor
""")

PAPERS_AFTER = """
SELECT id, kind, issuer, series, number, content, hash
FROM document WHERE id > $1 ORDER BY id LIMIT $2
"""


@dataclass(frozen=True, slots=True)
class Paper:
    """What a document's hash was made of, and the hash."""

    id: UUID
    kind: str
    issuer: str
    series: str
    number: int
    content: Mapping[str, Any]
    hash: bytes


async def papers_after(connection: Connection, *, after: UUID, limit: int) -> list[Paper]:
    """The next documents by id, for whoever walks through all of them."""
    return [Paper(*row) for row in await connection.fetch(PAPERS_AFTER, after, limit)]
