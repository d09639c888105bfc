"""Whether what each jurisdiction is owed of sales is the tax that was frozen with them."""

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
