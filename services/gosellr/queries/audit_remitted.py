"""Whether what each jurisdiction is owed of sales is the tax that was frozen with them, and what
was handed in and paid what the ledger has."""

from gosellr.queries.audit import first
from gosellr.queries.audit_vouching import SIGNED

# Of tax that the marketplace remits the jurisdiction owns what wasn't refunded, line by line and
# delivery by delivery, and no other owns any. Countries are written in capitals; what VAT on
# commission is booked to isn't, because that is tax of the marketplace's own. A loss that came back
# leaves its sale undone: that tax is owed beside it.
TAX_REMITTED = first(f"""
WITH frozen AS (
    SELECT seller_order_id, id AS key, 'tax_payable:' || tax_remitted_to AS account,
           tax_minor - refunded_tax_minor AS minor
    FROM order_line WHERE tax_remitted_to IS NOT NULL
    UNION ALL
    SELECT id, id, 'tax_payable:' || shipping_tax_remitted_to,
           shipping_tax_minor - shipping_refunded_tax_minor
    FROM seller_order WHERE shipping_tax_remitted_to IS NOT NULL
), sold AS (
    SELECT DISTINCT entry.seller_order_id
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE head.kind IN ('sale', 'sale_on_delivery')
      AND entry.seller_order_id IN (SELECT seller_order_id FROM frozen)
), booked AS (
    SELECT COALESCE(entry.order_line_id, entry.seller_order_id) AS key, entry.account,
           sum({SIGNED}) AS minor
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE entry.seller_order_id IS NOT NULL AND entry.account LIKE 'tax\\_payable:%'
      AND entry.account ~ '^tax_payable:[A-Z]' AND head.kind NOT IN ('chargeback_reinstated',
                                                              'chargeback_lost_again')
    GROUP BY 1, 2
)
SELECT CASE WHEN key = owed.seller_order_id THEN 'seller_order ' ELSE 'order_line ' END || key,
       'owes ' || COALESCE(owed.minor, 0) || ' to ' || account || ', booked are '
       || COALESCE(booked.minor, 0)
FROM (
    SELECT frozen.seller_order_id, frozen.key, frozen.account,
           CASE WHEN sold.seller_order_id IS NULL THEN 0 ELSE frozen.minor END AS minor
    FROM frozen LEFT JOIN sold USING (seller_order_id)
) AS owed FULL JOIN booked USING (key, account)
WHERE COALESCE(owed.minor, 0) <> COALESCE(booked.minor, 0)
""")

# Whatever moved on an account of tax in a period that was handed in, but for payments, is what was
# handed in; its payment is no other amount.
FILED_IS_BOOKED = first(f"""
WITH moved AS (
    SELECT filed.id, {SIGNED} AS minor, EXISTS (
               SELECT FROM ledger_entry AS other
               WHERE other.transaction_id = head.id AND other.currency = entry.currency
                 AND split_part(other.account, ':', 1) IN ('bank', 'gateway_clearing')
           ) AND entry.seller_order_id IS NULL AS is_payment
    FROM tax_return AS filed
    JOIN ledger_entry AS entry ON entry.account = 'tax_payable:' || filed.jurisdiction
                              AND entry.currency = filed.currency
    JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE head.booked_at >= filed.since AND head.booked_at < filed.until
), owed AS (
    SELECT id, sum(minor) AS minor FROM moved WHERE NOT is_payment GROUP BY id
)
SELECT 'tax_return ' || filed.id, 'says that ' || filed.due_minor || ' is due, booked are '
       || COALESCE(owed.minor, 0)
FROM tax_return AS filed LEFT JOIN owed ON owed.id = filed.id
WHERE filed.due_minor <> COALESCE(owed.minor, 0)
UNION ALL
SELECT 'tax_return ' || filed.id, 'says that ' || filed.due_minor || ' is due, its payment books '
       || -COALESCE(paid.minor, 0)
FROM tax_return AS filed
JOIN adjustment ON adjustment.id = filed.adjustment_id AND adjustment.status = 'approved'
LEFT JOIN LATERAL (
    SELECT sum({SIGNED}) AS minor FROM ledger_entry AS entry
    WHERE entry.transaction_id = adjustment.transaction_id
      AND entry.account = 'tax_payable:' || filed.jurisdiction AND entry.currency = filed.currency
) AS paid ON true
WHERE filed.due_minor <> -COALESCE(paid.minor, 0)
""")
