"""What must always be true of payments without a provider; as in `audit`, and read like it."""

from gosellr.queries.audit import first

# What arrived and was used is what its attempts captured, to the cent.
RECEIPTS_PAY = first("""
SELECT 'payment ' || payment.id, 'captured ' || payment.captured_minor || ' by bank transfer, '
       || COALESCE(used.minor, 0) || ' of what arrived was used for it'
FROM payment LEFT JOIN LATERAL (
    SELECT sum(amount_minor - unexplained_minor)::bigint AS minor FROM provider_movement
    WHERE key = payment.id AND gateway = 'bank_transfer' AND kind = 'charge'
) AS used ON true
WHERE payment.method = 'bank_transfer' AND payment.captured_minor <> COALESCE(used.minor, 0)
UNION ALL
SELECT 'provider_movement ' || movement.id, 'was used, and nobody knows for what'
FROM provider_movement AS movement
WHERE gateway = 'bank_transfer' AND kind = 'charge' AND key IS NULL
  AND amount_minor <> unexplained_minor
""")

# What of it nobody knows yet is in suspense, transfer by transfer, and nothing else of it.
RECEIPTS_WAIT = first("""
WITH booked AS (
    SELECT CASE cause.kind WHEN 'refund' THEN cause.subject_id ELSE cause.id END AS id,
           sum(CASE entry.direction WHEN 'credit' THEN entry.amount_minor
                                    ELSE -entry.amount_minor END) AS minor
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    JOIN provider_movement AS cause ON cause.id = head.cause_id
    WHERE entry.account = 'suspense' AND head.cause_type = 'provider_movement'
      AND cause.gateway = 'bank_transfer'
    GROUP BY 1
), waiting AS (
    SELECT id, CASE WHEN cleared_at IS NULL THEN unexplained_minor ELSE 0 END AS minor
    FROM provider_movement WHERE gateway = 'bank_transfer' AND kind = 'charge'
)
SELECT 'provider_movement ' || id, 'has ' || COALESCE(waiting.minor, 0)
       || ' waiting, the books ' || COALESCE(booked.minor, 0)
FROM waiting FULL JOIN booked USING (id)
WHERE COALESCE(waiting.minor, 0) <> COALESCE(booked.minor, 0)
""")
