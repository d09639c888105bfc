"""What must always be true of gift cards and store credit; as in `audit`, and read like it."""

from gosellr.queries.audit import first, of_kind

_OWED = """
sum(CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END)
"""
_HELD = of_kind("entry.account", "stored_value_held")

# Once an order is paid, cancelled or expired nothing is set aside for it any more.
HELD_FOR_ORDERS = first(f"""
WITH booked AS (
    SELECT split_part(entry.account, ':', 2) AS order_id, entry.currency, {_OWED} AS net
    FROM ledger_entry AS entry WHERE {_HELD}
    GROUP BY 1, 2
), held AS (
    SELECT order_id::text AS order_id, currency, sum(amount_minor - captured_minor) AS net
    FROM payment
    WHERE account IS NOT NULL AND status = 'authorized' GROUP BY 1, 2
)
SELECT 'order ' || order_id, 'the books hold ' || COALESCE(booked.net, 0) || ' ' || currency
       || ' of stored value for it, its payments ' || COALESCE(held.net, 0)
FROM booked FULL JOIN held USING (order_id, currency)
WHERE COALESCE(booked.net, 0) <> COALESCE(held.net, 0)
UNION ALL
SELECT 'payment ' || payment.id, 'is set aside for an order that is ' || orders.status
FROM payment JOIN orders ON orders.id = payment.order_id
WHERE payment.account IS NOT NULL AND payment.status = 'authorized'
  AND orders.status <> 'pending_payment'
  AND NOT (payment.secured_at IS NOT NULL AND EXISTS (
      SELECT FROM seller_order AS part
      WHERE part.order_id = orders.id AND part.status <> 'cancelled'
        AND part.captured_at IS NULL))
  -- Beside cash it waits until that is collected.
  AND NOT EXISTS (SELECT FROM payment AS cash
                  WHERE cash.order_id = orders.id AND cash.method = 'cash_on_delivery'
                    AND cash.status = 'authorized'
                    AND cash.seller_order_id = COALESCE(payment.seller_order_id,
                                                        cash.seller_order_id))
UNION ALL
SELECT 'payment ' || id, 'spends stored value of no account'
FROM payment WHERE method IN ('gift_card', 'store_credit') AND account IS NULL
""")

SPENT_IS_SOLD = first(f"""
WITH booked AS (
    SELECT head.order_id, sum(entry.amount_minor) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind IN ('sale', 'sale_on_delivery') AND entry.direction = 'debit'
      AND {_HELD}
    GROUP BY 1
), spent AS (
    SELECT order_id, sum(captured_minor) AS minor FROM payment
    WHERE account IS NOT NULL AND captured_minor > 0 GROUP BY 1
)
SELECT 'order ' || order_id, 'its sale took ' || COALESCE(booked.minor, 0)
       || ' of stored value, its payments ' || COALESCE(spent.minor, 0)
FROM booked FULL JOIN spent USING (order_id)
WHERE COALESCE(booked.minor, 0) <> COALESCE(spent.minor, 0)
""")

# What was issued and came back, less what was spent, is what the books owe: to the last of it.
SPENT_WITHIN_ISSUED = first(f"""
WITH moved (account, currency, minor) AS (
    SELECT 'gift_card:' || id, currency, amount_minor FROM gift_card
    UNION ALL
    SELECT 'store_credit:' || user_id, currency, amount_minor FROM store_credit_grant
    UNION ALL
    SELECT account, currency,
           -CASE WHEN status = 'captured' AND secured_at IS NOT NULL THEN captured_minor
                 ELSE amount_minor END
    FROM payment WHERE account IS NOT NULL AND status IN ('authorized', 'captured')
    UNION ALL
    SELECT part.credited_account, refund.currency, part.amount_minor
    FROM refund_part AS part JOIN refund ON refund.id = part.refund_id
    WHERE part.credited_account IS NOT NULL AND part.status = 'succeeded'
), due AS (
    SELECT account, currency, sum(minor) AS minor FROM moved GROUP BY 1, 2
), booked AS (
    SELECT entry.account, entry.currency, {_OWED} AS minor FROM ledger_entry AS entry
    WHERE {of_kind("entry.account", "gift_card", "store_credit")} GROUP BY 1, 2
)
SELECT 'account ' || account || ' ' || currency, 'is to hold ' || COALESCE(due.minor, 0)
       || ', its entries make ' || COALESCE(booked.minor, 0)
FROM due FULL JOIN booked USING (account, currency)
WHERE COALESCE(due.minor, 0) <> COALESCE(booked.minor, 0) OR due.minor < 0
""")

NOTHING_IN_CLEAR = first("""
SELECT 'payment ' || id, 'keeps the code of a gift card'
FROM payment WHERE account IS NOT NULL AND token IS NOT NULL
""")
