"""Quick looks that vouch for every part of every order at once, where all is well.

Each asks no more and no less than the exact questions it stands for, and answers only whether one
of them could find anything: then they are asked themselves, and name what is wrong. It is quick
because it reads each table once for all of them, and adds small numbers up, which takes a tenth of
the time and of the memory that exact sums of large ones take. Wherever a number isn't small nothing
is vouched for.
"""

from gosellr.core.db import Connection
from gosellr.queries.audit import of_kind

_SMALL_MAX = 2**31 - 1


def total_of_small(amount: str, condition: str = "true") -> str:
    """SQL for the sum of amounts that are small, which `any_large` has to prove."""
    return (
        f"COALESCE(sum(CASE WHEN {amount} BETWEEN -{_SMALL_MAX} AND {_SMALL_MAX}"
        f" THEN ({amount})::integer END) FILTER (WHERE {condition}), 0)"
    )


def any_large(*amounts: str) -> str:
    """SQL that says whether one of the amounts is too large for `total_of_small`."""
    return "bool_or({})".format(
        " OR ".join(f"{amount} NOT BETWEEN -{_SMALL_MAX} AND {_SMALL_MAX}" for amount in amounts)
    )


_IS_PENDING = of_kind("entry.account", "seller_pending")
_IS_PARTS_PENDING = f"{_IS_PENDING} AND entry.currency = part.currency"
_IS_NET = f"booked.kind = 'sale' AND entry.direction = 'credit' AND {_IS_PENDING}"
_IS_COMMISSION = "booked.kind = 'sale' AND entry.account = 'commission'"
SIGNED = "CASE entry.direction WHEN 'credit' THEN entry.amount_minor ELSE -entry.amount_minor END"

# For `PENDING_CACHED` and `ONE_OWNER` of `audit`.
PARTS_DOUBTED = f"""
WITH told AS (
    SELECT entry.seller_order_id AS id, bool_or(booked.kind = 'sale') AS is_sold,
           {total_of_small(SIGNED, _IS_PARTS_PENDING)} AS pending_minor,
           {total_of_small("entry.amount_minor", _IS_NET)} AS net_minor,
           {total_of_small("entry.amount_minor", _IS_COMMISSION)} AS commission_minor,
           {any_large("entry.amount_minor")}
           OR bool_or(part.id IS NULL OR booked.id IS NULL
                      OR booked.order_id IS NOT NULL AND part.order_id <> booked.order_id
                      OR entry.account LIKE 'seller\\_%'
                         AND right(entry.account, 36) <> part.seller_id::text) AS is_strange
    FROM ledger_entry AS entry
    LEFT JOIN ledger_transaction AS booked ON booked.id = entry.transaction_id
    LEFT JOIN seller_order AS part ON part.id = entry.seller_order_id
    WHERE entry.seller_order_id IS NOT NULL
    GROUP BY entry.seller_order_id
)
SELECT count(*) > 0
FROM seller_order AS part FULL JOIN told ON told.id = part.id
WHERE part.id IS NULL OR told.is_strange OR part.pending_minor <> COALESCE(told.pending_minor, 0)
   OR told.is_sold AND (told.net_minor, told.commission_minor)
                       <> (part.net_minor, part.commission_minor)
"""

_PART_COLUMNS = ("subtotal_minor", "discount_minor", "shipping_minor", "tax_minor", "total_minor")
_LINE_COLUMNS = ("gross_minor", "tax_minor", "total_minor", "commission_minor")


def _totals(columns: tuple[str, ...]) -> str:
    return ", ".join(f"{total_of_small(column)} AS {column}" for column in columns)


# For `PARTS_SUM_TO_ORDER` of `audit_market`.
SUMS_DOUBTED = f"""
WITH parts AS (
    SELECT order_id, {_totals(_PART_COLUMNS)}, {any_large(*_PART_COLUMNS)} AS is_strange
    FROM seller_order GROUP BY order_id
), lines AS (
    SELECT seller_order_id, {_totals(_LINE_COLUMNS)}, {any_large(*_LINE_COLUMNS)} AS is_strange
    FROM order_line GROUP BY seller_order_id
)
SELECT (SELECT count(*) > 0
    FROM orders LEFT JOIN parts ON parts.order_id = orders.id
    WHERE parts.order_id IS NULL OR parts.is_strange
       OR (parts.subtotal_minor, parts.discount_minor, parts.shipping_minor, parts.tax_minor,
           parts.total_minor)
       <> (orders.subtotal_minor, orders.discount_minor, orders.shipping_minor, orders.tax_minor,
           orders.total_minor)
) OR (SELECT count(*) > 0
    FROM seller_order AS part JOIN lines ON lines.seller_order_id = part.id
    WHERE lines.is_strange
       OR (lines.gross_minor, lines.tax_minor + part.shipping_tax_minor,
           lines.total_minor + part.shipping_total_minor,
           lines.commission_minor + part.shipping_commission_minor)
       <> (part.subtotal_minor, part.tax_minor, part.total_minor, part.commission_minor)
)
"""


async def parts_are_doubted(connection: Connection) -> bool:
    """Whether a part may differ from what the books say of it."""
    doubted: bool = await connection.fetchval(PARTS_DOUBTED)
    return doubted


async def sums_are_doubted(connection: Connection) -> bool:
    """Whether lines may not sum to their part, or parts to their order."""
    doubted: bool = await connection.fetchval(SUMS_DOUBTED)
    return doubted
