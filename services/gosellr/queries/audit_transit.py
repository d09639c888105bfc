"""What may be on its way for a while only; as in `audit`, and read like it."""

from gosellr.queries.audit import first, of_kind

_SIGNED = "CASE entry.direction WHEN 'debit' THEN entry.amount_minor ELSE -entry.amount_minor END"
_ON_ITS_WAY = of_kind(
    "entry.account", "refund_in_transit", "payout_in_transit", "stored_value_held", "suspense"
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
