"""What must always be true of gift cards and store credit; as in `audit`, and read like it."""

from gosellr.queries.audit import first, of_kind
from gosellr.queries.gift_sales import is_about_price

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
    SELECT 'gift_card:' || id, currency, amount_minor FROM gift_card WHERE replaces_id IS NULL
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
    UNION ALL
    SELECT 'gift_card:' || sold.card_id, refund.currency, -refund.amount_minor
    FROM gift_card_purchase AS sold JOIN refund ON refund.order_id = sold.order_id
    WHERE sold.card_id IS NOT NULL AND refund.status <> 'failed'
    UNION ALL
    SELECT 'gift_card:' || card_id, currency, -lost_minor FROM gift_card_purchase
    WHERE card_id IS NOT NULL AND lost_minor > 0
    UNION ALL
    SELECT 'gift_card:' || from_card_id, currency, -amount_minor FROM stored_value_move
    UNION ALL
    SELECT COALESCE('gift_card:' || to_card_id, 'store_credit:' || to_user_id), currency,
           amount_minor
    FROM stored_value_move
    UNION ALL
    SELECT 'gift_card:' || card_id, currency, -amount_minor FROM gift_card_release
    WHERE restored_at IS NULL
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

# A card is sold once its price was captured, once, and for just that; what a bank disputes can't be
# spent.
SOLD_IS_PAID = first(f"""
WITH booked AS (
    SELECT head.order_id, entry.account, sum(entry.amount_minor) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind = 'gift_card_sold' AND entry.direction = 'credit'
    GROUP BY 1, 2
), sold AS (
    SELECT sold.order_id, sold.card_id, sold.amount_minor, card.amount_minor AS worth_minor,
           card.issued_by, card.frozen_at, orders.paid_at, orders.total_minor, sold.lost_minor,
           taken.undecided, taken.lost_minor AS taken_minor
    FROM gift_card_purchase AS sold JOIN orders ON orders.id = sold.order_id
    LEFT JOIN gift_card AS card ON card.id = sold.card_id
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status NOT IN ('won', 'lost')) AS undecided,
               COALESCE(sum(amount_minor - reinstated_minor) FILTER (WHERE status = 'lost'), 0)
                   AS lost_minor
        FROM chargeback
        WHERE chargeback.order_id = sold.order_id AND {is_about_price("chargeback")}
    ) AS taken
)
SELECT 'order ' || order_id, CASE WHEN card_id IS NULL THEN 'is paid, and has no gift card'
       ELSE 'isn''t paid, and has gift card ' || card_id END
FROM sold WHERE (card_id IS NULL) <> (paid_at IS NULL)
UNION ALL
SELECT 'gift_card ' || card_id, 'is worth ' || worth_minor || ', paid were ' || total_minor
FROM sold WHERE card_id IS NOT NULL AND worth_minor <> total_minor
UNION ALL
SELECT 'order ' || order_id, 'bought ' || COALESCE('gift_card:' || sold.card_id, 'no card')
       || ' for ' || COALESCE(sold.amount_minor, 0) || ', booked were '
       || COALESCE(booked.minor, 0) || ' on ' || COALESCE(booked.account, 'none')
FROM (SELECT * FROM sold WHERE card_id IS NOT NULL) AS sold FULL JOIN booked USING (order_id)
WHERE booked.account IS DISTINCT FROM 'gift_card:' || sold.card_id
   OR booked.minor <> sold.amount_minor
UNION ALL
SELECT 'gift_card ' || card_id, 'can be spent, and a bank disputes its price'
FROM sold WHERE frozen_at IS NULL
  AND (undecided > 0 OR taken_minor <> lost_minor OR taken_minor >= total_minor)
UNION ALL
SELECT 'gift_card ' || card_id, 'is frozen, and no bank disputes what is left of its price'
FROM sold WHERE frozen_at IS NOT NULL
  AND undecided = 0 AND taken_minor = lost_minor AND taken_minor < total_minor
UNION ALL
SELECT 'gift_card ' || card.id, 'is at nobody''s cost: not sold, and not issued'
FROM gift_card AS card
WHERE card.replaces_id IS NULL
  AND NOT EXISTS (SELECT FROM gift_card_purchase WHERE card_id = card.id)
  AND NOT EXISTS (SELECT FROM ledger_transaction AS booked
                  WHERE booked.cause_id = card.id AND booked.kind = 'gift_card_issued')
""")

# What goes on from a card that can't be spent is booked as it is written, and is all that the card
# made for it is worth.
MOVED_IS_BOOKED = first("""
WITH booked AS (
    SELECT head.cause_id AS id, entry.account, entry.currency, entry.amount_minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind = 'stored_value_moved' AND entry.direction = 'credit'
)
SELECT 'stored_value_move ' || COALESCE(booked.id, move.id),
       'moved ' || COALESCE(move.amount_minor, 0) || ', booked were '
       || COALESCE(booked.amount_minor, 0) || ' to ' || COALESCE(booked.account, 'nowhere')
FROM stored_value_move AS move FULL JOIN booked USING (id)
WHERE (booked.amount_minor, booked.currency, booked.account) IS DISTINCT FROM
      (move.amount_minor, move.currency,
       COALESCE('gift_card:' || move.to_card_id, 'store_credit:' || move.to_user_id))
UNION ALL
SELECT 'gift_card ' || card.id, 'is worth ' || card.amount_minor || ', moved to it were '
       || COALESCE(sum(move.amount_minor), 0)
FROM gift_card AS card LEFT JOIN stored_value_move AS move ON move.to_card_id = card.id
WHERE card.replaces_id IS NOT NULL
GROUP BY card.id, card.amount_minor
HAVING card.amount_minor <> COALESCE(sum(move.amount_minor), 0)
""")

# What is released of a card is booked as it is written, and is owed again once the card is good.
RELEASED_IS_BOOKED = first("""
WITH booked AS (
    SELECT head.cause_id AS id, entry.account, entry.currency,
           sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
               ELSE -entry.amount_minor END) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind IN ('gift_card_released', 'gift_card_restored')
    GROUP BY 1, 2, 3
), told AS (
    SELECT id, 'gift_card:' || card_id AS account, currency,
           CASE WHEN restored_at IS NULL THEN amount_minor ELSE 0 END AS minor
    FROM gift_card_release
    UNION ALL
    SELECT id, CASE WHEN is_issued THEN 'promotion_cost' ELSE 'breakage' END, currency,
           CASE WHEN restored_at IS NULL THEN -amount_minor ELSE 0 END
    FROM gift_card_release
)
SELECT 'gift_card_release ' || COALESCE(booked.id, told.id),
       'is to move ' || COALESCE(told.minor, 0) || ' off '
       || COALESCE(told.account, booked.account) || ', booked were ' || COALESCE(booked.minor, 0)
FROM told FULL JOIN booked USING (id, account, currency)
WHERE booked.minor IS DISTINCT FROM told.minor
UNION ALL
SELECT 'gift_card ' || card.id, 'can be spent, and what was left on it is released'
FROM gift_card_release AS released JOIN gift_card AS card ON card.id = released.card_id
WHERE released.restored_at IS NULL
  AND (card.expires_at IS NULL OR card.expires_at > released.released_at)
""")

# Credit is granted once, at the cost of the marketplace, or of a seller whose buyer gets it.
GRANTED_IS_BOOKED = first("""
WITH booked AS (
    SELECT head.cause_id AS id, entry.account, entry.currency,
           sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
               ELSE -entry.amount_minor END) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind IN ('store_credit_granted', 'seller_credit_granted')
    GROUP BY 1, 2, 3
), told AS (
    SELECT id, 'store_credit:' || user_id AS account, currency, -amount_minor AS minor
    FROM store_credit_grant
    UNION ALL
    SELECT id, COALESCE('seller_available:' || seller_id, 'promotion_cost'), currency, amount_minor
    FROM store_credit_grant
)
SELECT 'store_credit_grant ' || COALESCE(booked.id, told.id),
       'is to move ' || COALESCE(told.minor, 0) || ' off '
       || COALESCE(told.account, booked.account) || ', booked were ' || COALESCE(booked.minor, 0)
FROM told FULL JOIN booked USING (id, account, currency)
WHERE booked.minor IS DISTINCT FROM told.minor
UNION ALL
SELECT 'store_credit_grant ' || given.id, 'is of a seller that sold nothing to who got it'
FROM store_credit_grant AS given
LEFT JOIN seller_order AS part
  ON part.id = given.seller_order_id AND part.seller_id = given.seller_id
LEFT JOIN orders ON orders.id = part.order_id AND orders.user_id = given.user_id
WHERE given.seller_id IS NOT NULL AND orders.id IS NULL
""")

NOTHING_IN_CLEAR = first("""
SELECT 'payment ' || id, 'keeps the code of a gift card'
FROM payment WHERE account IS NOT NULL AND token IS NOT NULL
""")
