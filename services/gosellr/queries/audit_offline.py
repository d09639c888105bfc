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
    FROM provider_movement WHERE gateway = 'bank_transfer'
      AND (kind = 'charge'
           OR kind <> 'refund' AND status = 'resolved' AND resolution = 'suspense')
)
SELECT 'provider_movement ' || id, 'has ' || COALESCE(waiting.minor, 0)
       || ' waiting, the books ' || COALESCE(booked.minor, 0)
FROM waiting FULL JOIN booked USING (id)
WHERE COALESCE(waiting.minor, 0) <> COALESCE(booked.minor, 0)
""")

# Whoever has the cash was booked what of it isn't theirs, as frozen when the order was placed.
CASH_IS_BOOKED = first("""
WITH sold AS (
    SELECT entry.seller_order_id AS id,
           sum(CASE WHEN entry.account LIKE 'seller\\_%' AND entry.direction = 'credit'
                    THEN entry.amount_minor
                    WHEN entry.account LIKE 'seller\\_%' THEN -entry.amount_minor ELSE 0 END)
               AS net_minor,
           sum(CASE WHEN entry.account = 'commission' THEN entry.amount_minor ELSE 0 END)
               AS commission_minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind = 'sale_on_delivery' AND entry.seller_order_id IS NOT NULL
    GROUP BY 1
), cash AS (
    SELECT seller_order_id AS id, sum(captured_minor) AS minor FROM payment
    WHERE method = 'cash_on_delivery' AND captured_minor > 0 GROUP BY 1
)
SELECT 'seller_order ' || part.id, 'earns ' || part.net_minor || ' less a commission of '
       || part.commission_minor || ' taken; its cash is ' || COALESCE(cash.minor, 0)
       || ', booked were ' || COALESCE(sold.net_minor, 0) || ' and '
       || COALESCE(sold.commission_minor, 0)
FROM seller_order AS part LEFT JOIN sold USING (id) LEFT JOIN cash USING (id)
WHERE (sold.id IS NOT NULL OR cash.id IS NOT NULL)
  AND (COALESCE(cash.minor, 0) + COALESCE(sold.net_minor, 0), COALESCE(sold.commission_minor, 0))
      <> (part.net_minor, part.commission_minor)
""")

# Cash is awaited for what may still arrive, collected for what has, and by nobody twice.
CASH_FOLLOWS_PARTS = first("""
SELECT 'payment ' || payment.id, 'is ' || payment.status || ', and its part is ' || part.status
FROM payment JOIN seller_order AS part ON part.id = payment.seller_order_id
WHERE payment.seller_order_id IS NOT NULL
  AND (part.order_id <> payment.order_id OR CASE payment.status
    WHEN 'captured' THEN part.status NOT IN ('delivered', 'completed')
    WHEN 'authorized' THEN part.status IN ('delivered', 'completed', 'cancelled',
                                           'pending_payment')
    WHEN 'voided' THEN part.status <> 'cancelled'
    ELSE true END)
UNION ALL
SELECT 'seller_order ' || seller_order_id, 'collects ' || count(*) || ' times'
FROM payment WHERE seller_order_id IS NOT NULL AND method = 'cash_on_delivery'
GROUP BY seller_order_id HAVING count(*) > 1
UNION ALL
SELECT 'seller_order ' || part.id, 'costs ' || part.total_minor || ', its cash and what is set'
       || ' aside beside it make ' || sum(payment.amount_minor)
FROM seller_order AS part JOIN payment ON payment.order_id = part.order_id
  AND (payment.seller_order_id = part.id OR payment.account IS NOT NULL
       AND payment.seller_order_id IS NULL)
  AND payment.status IN ('authorized', 'captured')
WHERE part.id IN (SELECT seller_order_id FROM payment WHERE seller_order_id IS NOT NULL)
GROUP BY part.id, part.total_minor
HAVING bool_or(payment.seller_order_id = part.id) AND sum(payment.amount_minor) <> part.total_minor
UNION ALL
SELECT 'order ' || orders.id, 'counts ' || orders.captured_minor || ' of ' || taken.minor
       || ' that came, and is ' || CASE WHEN orders.paid_at IS NULL THEN 'not ' ELSE '' END
       || 'called paid'
FROM orders JOIN LATERAL (
    SELECT COALESCE(sum(captured_minor) FILTER (WHERE status = 'captured'), 0) AS minor,
           bool_or(seller_order_id IS NOT NULL AND status = 'authorized') AS awaited,
           bool_or(seller_order_id IS NOT NULL AND status = 'captured') AS came
    FROM payment
    WHERE order_id = orders.id AND NOT EXISTS (
        SELECT FROM payment_return AS back
        WHERE back.payment_id = payment.id AND back.capture_id IS NULL)
    HAVING bool_or(seller_order_id IS NOT NULL)
) AS taken ON true
WHERE orders.id IN (SELECT order_id FROM payment WHERE seller_order_id IS NOT NULL)
  AND (orders.captured_minor <> taken.minor
       OR (orders.paid_at IS NOT NULL) <> (taken.came AND NOT taken.awaited))
""")

# An account that somebody is paid back to is read by nobody who only sees the tables.
NOTHING_IN_CLEAR = first("""
SELECT 'refund_account ' || order_id, 'holds an account in clear'
FROM refund_account WHERE position('iban'::bytea IN account_encrypted) > 0
UNION ALL
SELECT 'provider_movement ' || id, 'holds an account in clear'
FROM provider_movement WHERE position('iban'::bytea IN payer_encrypted) > 0
UNION ALL
SELECT 'proposal ' || id, 'holds an account in clear'
FROM proposal WHERE position('iban'::bytea IN secret_encrypted) > 0
""")
