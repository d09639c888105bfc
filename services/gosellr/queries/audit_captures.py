"""What must always be true of money taken as goods leave; as in `audit`, and read like it."""

from gosellr.queries.audit import first

# Nothing is taken twice for one part, and what was taken is what its parts cost.
TAKEN_ONCE = first("""
WITH share AS (
    SELECT capture.id, capture.order_id, capture.status, part_id
    FROM payment_capture AS capture, unnest(capture.seller_order_ids) AS part_id
    WHERE capture.status <> 'failed'
)
SELECT 'seller_order ' || part_id, 'is in ' || count(*) || ' captures'
FROM share GROUP BY part_id HAVING count(*) > 1
UNION ALL
SELECT 'payment_capture ' || capture.id, 'takes ' || capture.amount_minor + capture.stored_minor
       || ', its parts cost ' || COALESCE(sum(part.total_minor), 0)
FROM payment_capture AS capture LEFT JOIN seller_order AS part
  ON part.id = ANY(capture.seller_order_ids) AND part.order_id = capture.order_id
-- A failed one took nothing, and its parts may have become smaller since.
WHERE capture.status <> 'failed'
GROUP BY capture.id
HAVING capture.amount_minor + capture.stored_minor <> COALESCE(sum(part.total_minor), 0)
UNION ALL
SELECT 'payment_capture ' || capture.id, 'takes ' || capture.stored_minor
       || ' of stored value, its attempts give ' || COALESCE(given.minor, 0)
FROM payment_capture AS capture, LATERAL (
    SELECT sum(value::bigint) AS minor FROM jsonb_each_text(capture.stored)
) AS given
WHERE capture.stored_minor <> COALESCE(given.minor, 0)
UNION ALL
SELECT 'seller_order ' || part.id, CASE WHEN part.captured_at IS NULL
       THEN 'was taken for, and says it wasn''t' ELSE 'says it was taken for, and wasn''t' END
FROM seller_order AS part JOIN orders ON orders.id = part.order_id
WHERE (part.captured_at IS NOT NULL) <> EXISTS (
    SELECT FROM share WHERE share.part_id = part.id AND share.status = 'succeeded')
  AND orders.capture_at = 'at_shipment'
UNION ALL
SELECT 'seller_order ' || part.id, 'was shipped, and its money was never taken'
FROM seller_order AS part JOIN orders ON orders.id = part.order_id
JOIN order_line AS line ON line.seller_order_id = part.id
WHERE orders.capture_at = 'at_shipment' AND part.captured_at IS NULL
GROUP BY part.id HAVING sum(line.shipped_quantity) > 0
""")

# Each attempt, and the order itself, say what the captures make.
COUNTED = first("""
WITH done AS (
    SELECT * FROM payment_capture WHERE status = 'succeeded'
), taken AS (
    SELECT payment_id, amount_minor AS minor, fee_minor FROM done WHERE amount_minor > 0
    UNION ALL
    -- What one took in vain brought nothing, and may have cost something.
    SELECT payment_id, 0, fee_minor FROM payment_capture WHERE status = 'failed' AND fee_minor > 0
    UNION ALL
    SELECT key::uuid, value::bigint, 0 FROM done, jsonb_each_text(stored)
)
SELECT 'payment ' || payment.id, 'captured ' || payment.captured_minor || ' and cost '
       || payment.fee_minor || '; its captures make ' || COALESCE(counted.minor, 0) || ' and '
       || COALESCE(counted.fee_minor, 0) || ' of ' || payment.amount_minor
FROM payment LEFT JOIN (
    SELECT payment_id, sum(minor) AS minor, sum(fee_minor) AS fee_minor FROM taken GROUP BY 1
) AS counted ON counted.payment_id = payment.id
WHERE payment.secured_at IS NOT NULL
  AND ((payment.captured_minor, payment.fee_minor)
           <> (COALESCE(counted.minor, 0), COALESCE(counted.fee_minor, 0))
       OR payment.captured_minor > payment.amount_minor)
UNION ALL
SELECT 'order ' || orders.id, 'captured ' || orders.captured_minor || ', its parts make '
       || COALESCE(parts.minor, 0) || ', booked ' || COALESCE(booked.minor, 0)
FROM orders LEFT JOIN LATERAL (
    SELECT sum(total_minor) AS minor FROM seller_order
    WHERE order_id = orders.id AND captured_at IS NOT NULL
) AS parts ON true
LEFT JOIN LATERAL (
    SELECT sum(entry.amount_minor) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.order_id = orders.id AND head.kind = 'sale' AND entry.direction = 'debit'
      AND split_part(entry.account, ':', 1) IN ('gateway_clearing', 'stored_value_held')
) AS booked ON true
WHERE orders.capture_at = 'at_shipment'
  AND (orders.captured_minor <> COALESCE(parts.minor, 0)
       OR orders.captured_minor <> COALESCE(booked.minor, 0))
UNION ALL
SELECT 'order ' || orders.id, 'is called paid, and is to bring more'
FROM orders WHERE orders.capture_at = 'at_shipment' AND orders.paid_at IS NOT NULL AND EXISTS (
    SELECT FROM seller_order WHERE order_id = orders.id AND status <> 'cancelled'
      AND captured_at IS NULL)
""")

# What was called off before its money was taken: the lines are smaller by it, and what was set
# aside for the order is what it costs and what it would have cost besides.
CALLED_OFF = first("""
SELECT 'order_line ' || line.id, 'says that ' || line.called_off_quantity
       || ' units were called off, ' || COALESCE(gone.units, 0) || ' were'
FROM order_line AS line LEFT JOIN (
    SELECT order_line_id, sum(quantity) AS units FROM order_reduction GROUP BY 1
) AS gone ON gone.order_line_id = line.id
WHERE line.called_off_quantity <> COALESCE(gone.units, 0)
UNION ALL
SELECT 'order_line ' || id, 'costs ' || gross_minor || ' before discounts for ' || quantity
       || ' units at ' || unit_price_minor
FROM order_line WHERE called_off_quantity > 0 AND (
    gross_minor <> quantity * unit_price_minor
    OR goods_minor <> gross_minor - seller_discount_minor)
UNION ALL
SELECT 'seller_order ' || part.id, 'lost units after its money was taken'
FROM order_reduction AS gone JOIN seller_order AS part ON part.id = gone.seller_order_id
JOIN orders ON orders.id = part.order_id
WHERE gone.created_at > CASE orders.capture_at WHEN 'at_order' THEN orders.paid_at
                                               ELSE part.captured_at END
  AND NOT EXISTS (SELECT FROM payment WHERE payment.seller_order_id = part.id)
UNION ALL
SELECT 'order ' || orders.id, 'costs ' || orders.total_minor || ' and ' || gone.minor
       || ' were called off, set aside were ' || sum(payment.amount_minor)
FROM orders JOIN (
    SELECT order_id, sum(amount_minor) AS minor FROM order_reduction GROUP BY 1
) AS gone ON gone.order_id = orders.id
JOIN payment ON payment.order_id = orders.id AND payment.secured_at IS NOT NULL
GROUP BY orders.id, gone.minor
HAVING sum(payment.amount_minor) <> orders.total_minor + gone.minor
""")

# $1 is the moment before which a capture had to be answered, or money to be called back.
NOTHING_LEFT_OPEN = first("""
SELECT 'payment_capture ' || id, 'is ' || status || ' since ' || created_at
FROM payment_capture WHERE check_at IS NOT NULL AND (check_at < $1 OR created_at < $1)
UNION ALL
SELECT 'payment ' || id, 'is set aside though its time was over at ' || authorized_until
FROM payment
WHERE secured_at IS NOT NULL AND account IS NULL AND status = 'authorized'
  AND authorized_until < $1
UNION ALL
SELECT 'payment ' || payment.id, 'is set aside, and nothing is to be taken of it'
FROM payment JOIN orders ON orders.id = payment.order_id
WHERE payment.secured_at IS NOT NULL AND payment.status = 'authorized' AND payment.updated_at < $1
  AND NOT EXISTS (SELECT FROM seller_order AS part
                  WHERE part.order_id = orders.id AND part.status <> 'cancelled'
                    AND part.captured_at IS NULL)
""")
