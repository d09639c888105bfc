"""What a period owes each jurisdiction, read from the journal.

A period is told by `booked_at`: nothing is ever booked into one that is over.
"""

from datetime import datetime

from gosellr.core.db import Connection
from gosellr.models.tax_return_values import TaxAccount, TaxedMovement

_CREDITED = (
    "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"
)
# Countries are written in capitals; what VAT on commission is booked to isn't.
_REMITTED = "entry.account ~ '^tax_payable:[A-Z]'"

# Tax of goods and delivery. What a line's tax was due on isn't booked: it is the line's net price,
# as frozen, times the part of the line's tax that is owed. Rounded at both ends of the period, so
# that all periods of a line come to the whole, and to nothing where all of it went back.
OF_SALES = f"""
WITH touched AS (
    SELECT DISTINCT entry.seller_order_id AS id
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.booked_at >= $1 AND head.booked_at < $2
      AND entry.seller_order_id IS NOT NULL AND {_REMITTED}
), owed AS (
    SELECT entry.account, entry.currency::text AS currency, entry.seller_order_id,
           entry.order_line_id,
           COALESCE(sum({_CREDITED}) FILTER (WHERE head.booked_at < $1), 0) AS before_minor,
           sum({_CREDITED}) AS after_minor
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
    JOIN seller_order AS part ON part.id = owed.seller_order_id
    JOIN orders ON orders.id = part.order_id
    LEFT JOIN order_line AS line ON line.id = owed.order_line_id
)
SELECT account, currency, rate_bps,
       sum(round(line_net_minor * after_minor / line_tax_minor)
           - round(line_net_minor * before_minor / line_tax_minor))::bigint AS base_minor,
       sum(after_minor - before_minor)::bigint AS tax_minor
FROM priced
GROUP BY account, currency, rate_bps
ORDER BY account, currency, rate_bps DESC
"""

# The commission is the base of its VAT, and both are booked line by line.
OF_COMMISSION = f"""
SELECT $3::text AS account, entry.currency::text AS currency,
       COALESCE((CASE WHEN entry.order_line_id IS NULL THEN part.shipping_commission
                      ELSE line.commission END ->> 'vat_bps')::int, 0) AS rate_bps,
       COALESCE(sum({_CREDITED}) FILTER (WHERE entry.account = 'commission'), 0)::bigint
           AS base_minor,
       COALESCE(sum({_CREDITED}) FILTER (WHERE entry.account = $3), 0)::bigint AS tax_minor
FROM ledger_transaction AS head
JOIN ledger_entry AS entry ON entry.transaction_id = head.id
JOIN seller_order AS part ON part.id = entry.seller_order_id
LEFT JOIN order_line AS line ON line.id = entry.order_line_id
WHERE head.booked_at >= $1 AND head.booked_at < $2 AND entry.account IN ('commission', $3)
GROUP BY 2, 3
ORDER BY 2, 3 DESC
"""

# What is about no sale was booked by hand; where it came from a bank or a provider, or went there,
# it was paid.
ACCOUNTS = f"""
WITH moved AS (
    SELECT entry.account, entry.currency::text AS currency, {_CREDITED} AS minor,
           head.booked_at >= $1 AS is_within,
           CASE WHEN entry.seller_order_id IS NOT NULL THEN 'sale'
                WHEN EXISTS (
                    SELECT FROM ledger_entry AS other
                    WHERE other.transaction_id = head.id AND other.currency = entry.currency
                      AND split_part(other.account, ':', 1) IN ('bank', 'gateway_clearing')
                ) THEN 'paid' ELSE 'by_hand' END AS way
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
ORDER BY account, currency
"""


async def of_sales(
    connection: Connection, *, since: datetime, until: datetime
) -> list[TaxedMovement]:
    """Tax of sales that the marketplace remits, less that of refunds, by jurisdiction and rate."""
    rows = await connection.fetch(OF_SALES, since, until)
    return [TaxedMovement(*row) for row in rows]


async def of_commission(
    connection: Connection, *, vat_account: str, since: datetime, until: datetime
) -> list[TaxedMovement]:
    """The marketplace's commission and the VAT on it, less what went back, by rate."""
    rows = await connection.fetch(OF_COMMISSION, since, until, vat_account)
    return [TaxedMovement(*row) for row in rows]


async def accounts(connection: Connection, *, since: datetime, until: datetime) -> list[TaxAccount]:
    """Every account of tax that ever moved until then."""
    rows = await connection.fetch(ACCOUNTS, since, until)
    return [TaxAccount(*row) for row in rows]
