"""The figures of the whole market: read from roll-ups and what came since, never by a scan."""

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass

# Gross merchandise value is what sales were worth: every debit of a sale, so what was captured,
# what came out of stored value, and what the marketplace gave as a promotion. Cash that a seller
# took at the door never passed through these books and isn't in it; its orders are counted.
# Commission is the balance of its account, so net of what refunds gave back. Refunded is what
# gateways confirmed, and not what is still on its way, and what banks took back for good, but
# not what of that is the marketplace's own loss: it had gone back before, and counts once.
MONEY = """
WITH mark AS (
    SELECT COALESCE((SELECT written_before FROM ledger_rollup_mark), '0'::xid8) AS written_before
), moved AS (
    SELECT kind, account_kind, currency, debit_minor, credit_minor FROM ledger_activity
    UNION ALL
    SELECT booked.kind, split_part(entry.account, ':', 1), entry.currency,
           CASE entry.direction WHEN 'debit' THEN entry.amount_minor ELSE 0 END,
           CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE 0 END
    FROM ledger_transaction AS booked JOIN ledger_entry AS entry
      ON entry.transaction_id = booked.id
    WHERE booked.written_by >= (SELECT written_before FROM mark)
)
SELECT currency,
       COALESCE(sum(debit_minor) FILTER (
           WHERE kind = 'sale'
             AND account_kind IN ('gateway_clearing', 'stored_value_held', 'promotion_cost')
       ), 0)::bigint,
       COALESCE(sum(credit_minor - debit_minor) FILTER (
           WHERE account_kind = 'commission'
       ), 0)::bigint,
       COALESCE(sum(debit_minor) FILTER (
           WHERE kind = 'refund_confirmed' AND account_kind = 'refund_in_transit'
       ), 0)::bigint + COALESCE(sum(credit_minor) FILTER (
           WHERE kind = 'chargeback_lost' AND account_kind = 'dispute_receivable'
       ), 0)::bigint - COALESCE(sum(debit_minor) FILTER (
           -- What a bank took in vain was never sold.
           WHERE kind = 'chargeback_lost' AND account_kind IN ('chargeback_loss', 'suspense')
       ), 0)::bigint - COALESCE(sum(debit_minor - credit_minor) FILTER (
           WHERE kind IN ('chargeback_reinstated', 'chargeback_lost_again')
             AND account_kind IN ('gateway_clearing', 'dispute_receivable', 'chargeback_loss',
                                  'suspense')
       ), 0)::bigint
FROM moved GROUP BY currency ORDER BY currency
"""

COUNTS = """
WITH mark AS (
    SELECT COALESCE(max(order_count), 0) AS order_count,
           COALESCE((SELECT written_before FROM ledger_rollup_mark), '0'::xid8) AS written_before
    FROM ledger_rollup_mark
)
SELECT
    (SELECT order_count FROM mark) + (
        SELECT count(DISTINCT fresh.order_id) FROM ledger_transaction AS fresh
        WHERE fresh.written_by >= (SELECT written_before FROM mark)
          AND fresh.kind IN ('sale', 'sale_on_delivery') AND NOT EXISTS (
              SELECT FROM ledger_transaction AS earlier
              WHERE earlier.order_id = fresh.order_id
                AND earlier.kind IN ('sale', 'sale_on_delivery')
                AND (earlier.written_by, earlier.id) < (fresh.written_by, fresh.id)
          )
    ),
    (SELECT count(*) FROM seller WHERE status = 'active'),
    (SELECT count(*) FROM product_card WHERE visible)
"""


@dataclass(frozen=True, slots=True)
class CurrencyFigures:
    """What moved in one currency."""

    currency: str
    gmv_minor: int
    commission_minor: int
    refunded_minor: int


@dataclass(frozen=True, slots=True)
class MarketFigures:
    """The market in numbers. An order counts once it was sold; a product while it is on sale."""

    order_count: int
    active_seller_count: int
    active_product_count: int
    money: tuple[CurrencyFigures, ...]


async def read_figures(connection: Connection) -> MarketFigures:
    """The figures as they are now."""
    money = await connection.fetch(MONEY)
    [(orders, sellers, products)] = await connection.fetch(COUNTS)
    return MarketFigures(
        order_count=orders,
        active_seller_count=sellers,
        active_product_count=products,
        money=tuple(CurrencyFigures(*row) for row in money),
    )
