"""What may be on its way for a while only; as in `audit`, and read like it."""

from gosellr.queries.audit import first, of_kind

_SIGNED = "CASE entry.direction WHEN 'debit' THEN entry.amount_minor ELSE -entry.amount_minor END"
_ON_ITS_WAY = of_kind(
    "entry.account", "refund_in_transit", "payout_in_transit", "stored_value_held", "suspense"
)

_OWED_TO_SELLERS = of_kind(
    "entry.account", "seller_pending", "seller_available", "seller_reserve", "payout_in_transit"
)

# What is under way: refunds by refund, set-aside value and strays by order, payouts by payout.
# $1 is the moment before which it had to arrive.
NOTHING_STUCK = first(f"""
SELECT entry.account || COALESCE(' refund ' || entry.refund_id, ' payout ' || entry.payout_id,
                                 ' order ' || head.order_id, ''),
       'still holds ' || sum({_SIGNED}) || ' ' || entry.currency
FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
WHERE {_ON_ITS_WAY}
  -- A part of a bank transfer waits for the rest as long as its order does.
  AND NOT (head.cause_type = 'provider_movement' AND EXISTS (
      SELECT FROM provider_movement AS movement JOIN payment ON payment.id = movement.key
      JOIN orders ON orders.id = payment.order_id
      WHERE movement.id = head.cause_id AND orders.status = 'pending_payment'))
  -- What pays as goods leave waits for as long as the rest of the money does.
  AND NOT (split_part(entry.account, ':', 1) = 'stored_value_held' AND EXISTS (
      SELECT FROM payment WHERE payment.order_id = head.order_id AND payment.account IS NOT NULL
        AND payment.secured_at IS NOT NULL AND payment.status = 'authorized'))
GROUP BY entry.account, entry.currency, entry.refund_id, entry.payout_id, head.order_id
HAVING sum({_SIGNED}) <> 0 AND max(head.booked_at) < $1
""")

# $1 is the moment before which what came in had to be settled, $2 the gateways that settle nothing,
# $3 those that sellers are paid from: what they are owed may wait there.
# What leaves is the oldest there is, so what came in later than $1 may all be there still, and no
# more; likewise below zero, where a provider gave back or paid more than it held. The accounts are
# few and their entries many: each is found behind the one before, and dates are asked for only
# where something is left.
CLEARING_IS_SETTLED = first(rf"""
WITH RECURSIVE clearing AS (
    SELECT min(account) AS account FROM ledger_entry WHERE account LIKE 'gateway\_clearing:%'
    UNION ALL
    SELECT (SELECT min(account) FROM ledger_entry
            WHERE account > clearing.account AND account LIKE 'gateway\_clearing:%')
    FROM clearing WHERE clearing.account IS NOT NULL
), left_over AS (
    SELECT clearing.account, entry.currency, sum({_SIGNED}) AS minor
    FROM clearing JOIN ledger_entry AS entry ON entry.account = clearing.account
    WHERE split_part(clearing.account, ':', 2) <> ALL($2::text[])
    GROUP BY 1, 2 HAVING sum({_SIGNED}) <> 0
)
SELECT left_over.account, 'still holds ' || minor || ' ' || currency || ', of which '
       || recent.minor_since || ' moved since ' || $1
FROM left_over CROSS JOIN LATERAL (
    SELECT COALESCE(sum(entry.amount_minor), 0) AS minor_since
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE entry.account = left_over.account AND entry.currency = left_over.currency
      AND entry.direction = CASE WHEN left_over.minor > 0 THEN 'debit' ELSE 'credit' END
      AND head.booked_at >= $1
) AS recent
WHERE abs(left_over.minor) > recent.minor_since + CASE
    WHEN left_over.minor > 0 AND split_part(left_over.account, ':', 2) = ANY($3::text[]) THEN (
        SELECT GREATEST(0, COALESCE(-sum({_SIGNED}), 0)) FROM ledger_entry AS entry
        WHERE entry.currency = left_over.currency AND {_OWED_TO_SELLERS})
    ELSE 0 END
""")
