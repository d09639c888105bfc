"""What a period owes each jurisdiction, read from the journal.

A period is told by `booked_at`: nothing is ever booked into one that is over.
"""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.models.tax_return_values import TaxAccount, TaxedMovement

CREDITED = "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"
# What is about no sale was booked by hand; where it came from a bank or a provider, or went there,
# it was paid.
IS_PAYMENT = """entry.seller_order_id IS NULL AND EXISTS (
    SELECT FROM ledger_entry AS other
    WHERE other.transaction_id = head.id AND other.currency = entry.currency
      AND split_part(other.account, ':', 1) IN ('bank', 'gateway_clearing')
)"""
# Countries are written in capitals; what VAT on commission is booked to isn't.
_REMITTED = "entry.account ~ '^tax_payable:[A-Z]'"

# Tax of goods and delivery. What a line's tax was due on isn't booked: it is the line's net price,
# as frozen, times the part of the line's tax that is owed. Rounded at both ends of the period, so
# that all periods of a line come to the whole, and to nothing where all of it went back.
_OF_SALES = f"""
WITH touched AS (
    SELECT DISTINCT entry.seller_order_id AS id
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.booked_at >= $1 AND head.booked_at < $2
      AND entry.seller_order_id IS NOT NULL AND {_REMITTED}
), owed AS (
    SELECT entry.account, entry.currency::text AS currency, entry.seller_order_id,
           entry.order_line_id,
           COALESCE(sum({CREDITED}) FILTER (WHERE head.booked_at < $1), 0) AS before_minor,
           sum({CREDITED}) AS after_minor
    FROM touched
    JOIN ledger_entry AS entry ON entry.seller_order_id = touched.id
    JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE {_REMITTED} AND head.booked_at < $2
    GROUP BY 1, 2, 3, 4
), priced AS (
    SELECT owed.*,
           CASE WHEN line.id IS NULL THEN part.shipping_tax_rate_bps
                ELSE line.tax_rate_bps END AS rate_bps,
           CASE WHEN line.id IS NULL THEN part.shipping_tax_minor
                ELSE line.tax_minor END AS line_tax_minor,
           CASE WHEN line.id IS NULL THEN part.shipping_goods_minor ELSE line.goods_minor END
           - CASE WHEN NOT orders.tax_included THEN 0
                  WHEN line.id IS NULL THEN part.shipping_tax_minor
                  ELSE line.tax_minor END AS line_net_minor
    FROM owed
    LEFT JOIN seller_order AS part ON part.id = owed.seller_order_id
    LEFT JOIN orders ON orders.id = part.order_id
    LEFT JOIN order_line AS line ON line.id = owed.order_line_id
)
SELECT account, currency, COALESCE(rate_bps, 0) AS rate_bps,
       COALESCE(sum(round(line_net_minor * after_minor / NULLIF(line_tax_minor, 0))
           - round(line_net_minor * before_minor / NULLIF(line_tax_minor, 0))), 0)::bigint
           AS base_minor,
       sum(after_minor - before_minor)::bigint AS tax_minor
FROM priced
GROUP BY 1, 2, 3
"""

# The commission is the base of its VAT, and both are booked line by line.
_OF_COMMISSION = f"""
SELECT $3::text AS account, entry.currency::text AS currency,
       COALESCE((CASE WHEN entry.order_line_id IS NULL THEN part.shipping_commission
                      ELSE line.commission END ->> 'vat_bps')::int, 0) AS rate_bps,
       COALESCE(sum({CREDITED}) FILTER (WHERE entry.account = 'commission'), 0)::bigint
           AS base_minor,
       COALESCE(sum({CREDITED}) FILTER (WHERE entry.account = $3), 0)::bigint AS tax_minor
FROM ledger_transaction AS head
JOIN ledger_entry AS entry ON entry.transaction_id = head.id
LEFT JOIN seller_order AS part ON part.id = entry.seller_order_id
LEFT JOIN order_line AS line ON line.id = entry.order_line_id
WHERE head.booked_at >= $1 AND head.booked_at < $2 AND entry.account IN ('commission', $3)
  AND entry.seller_order_id IS NOT NULL
GROUP BY 2, 3
"""

_ACCOUNTS = f"""
WITH moved AS (
    SELECT entry.account, entry.currency::text AS currency, {CREDITED} AS minor,
           head.booked_at >= $1 AS is_within,
           CASE WHEN entry.seller_order_id IS NOT NULL THEN 'sale'
                WHEN {IS_PAYMENT} THEN 'paid' ELSE 'by_hand' END AS way
    FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
    WHERE entry.account LIKE 'tax\\_payable:%' AND head.booked_at < $2
)
SELECT account, currency,
       COALESCE(sum(minor) FILTER (WHERE NOT is_within), 0)::bigint AS opening_minor,
       sum(minor)::bigint AS closing_minor,
       COALESCE(sum(minor) FILTER (WHERE is_within AND way = 'paid'), 0)::bigint AS paid_minor,
       COALESCE(sum(minor) FILTER (WHERE is_within AND way = 'by_hand'), 0)::bigint
           AS by_hand_minor
FROM moved
GROUP BY account, currency
"""

# One statement sees one moment: while sales go on, its parts come to one whole.
OF_PERIOD = f"""
WITH of_sales AS ({_OF_SALES}), of_commission AS ({_OF_COMMISSION}), of_accounts AS ({_ACCOUNTS})
SELECT 'sales' AS source, account, currency, rate_bps, base_minor, tax_minor,
       0::bigint AS paid_minor, 0::bigint AS by_hand_minor
FROM of_sales
UNION ALL
SELECT 'commission', account, currency, rate_bps, base_minor, tax_minor, 0, 0 FROM of_commission
UNION ALL
SELECT 'account', account, currency, 0, opening_minor, closing_minor, paid_minor, by_hand_minor
FROM of_accounts
ORDER BY account, currency, source, rate_bps DESC
"""


async def of_period(
    connection: Connection, *, vat_account: str, since: datetime, until: datetime
) -> tuple[list[TaxedMovement], list[TaxAccount]]:
    """What was taxed in a period, less what went back, by account and rate: sales whose tax the
    marketplace remits, and its commission with the VAT on it. And every account of tax that ever
    moved until then. All of it as of one moment."""
    rows = await connection.fetch(OF_PERIOD, since, until, vat_account)
    moved = [TaxedMovement(*row[:6]) for row in rows if row["source"] != "account"]
    accounts = [
        TaxAccount(
            account=row["account"],
            currency=row["currency"],
            opening_minor=row["base_minor"],
            closing_minor=row["tax_minor"],
            paid_minor=row["paid_minor"],
            by_hand_minor=row["by_hand_minor"],
        )
        for row in rows
        if row["source"] == "account"
    ]
    return moved, accounts
