"""What must always be true of the money, as questions that find rows only where it isn't.

Each gives at most twenty rows of (what, problem); `audit_market` holds those about goods and
orders. None of them trusts a constraint, a trigger or a cached figure: they are what is audited.
"""

from typing import Any

from gosellr.core.db import Connection
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import GUARDED_KINDS


# A limit would make the planner hope for an early find, and walk rows one by one: where all is
# well there is none. So a question is answered in full before its first rows are taken.
def first(question: str, *, rows: int = 20) -> str:
    """SQL for the first rows that a question finds, twenty of them if nobody says otherwise."""
    return f"""
WITH offence (what, problem) AS MATERIALIZED ({question})
SELECT what, COALESCE(problem, 'breaks it') FROM offence LIMIT {rows}
"""


MOVING = 20_000
"""So many rows of what is asked with something beside the snapshot, such as a journal: most of
them only moved in between, and they mustn't hide one that didn't."""


# Two comparisons for each, because both can be looked up in the index of the accounts: most kinds
# have few entries, and a function of the account would be asked of every entry there is.
def of_kind(account: str, *kinds: str) -> str:
    """SQL that holds for the accounts of these kinds, whether they belong to somebody or not."""
    return "({})".format(
        " OR ".join(
            f"{account} = '{kind}' OR {account} LIKE '{kind.replace('_', chr(92) + '_')}:%'"
            for kind in kinds
        )
    )


_SIGNED = "CASE entry.direction WHEN 'debit' THEN entry.amount_minor ELSE -entry.amount_minor END"
_GUARDED = of_kind("entry.account", *sorted(GUARDED_KINDS))

TRANSACTIONS_BALANCE = first(f"""
SELECT 'ledger_transaction ' || COALESCE(booked.id, total.transaction_id), CASE
       WHEN total.transaction_id IS NULL THEN 'has no entries'
       ELSE 'debits less credits are ' || net || ' ' || currency END
FROM (
    SELECT entry.transaction_id, entry.currency, sum({_SIGNED}) AS net
    FROM ledger_entry AS entry GROUP BY 1, 2
) AS total FULL JOIN ledger_transaction AS booked ON booked.id = total.transaction_id
WHERE total.transaction_id IS NULL OR net <> 0
""")

LEDGER_BALANCES = first(f"""
SELECT 'ledger in ' || entry.currency, 'debits less credits are ' || sum({_SIGNED})
FROM ledger_entry AS entry GROUP BY entry.currency HAVING sum({_SIGNED}) <> 0
""")

GUARDED_BALANCES_CACHED = first(f"""
SELECT 'ledger_balance ' || account || ' ' || currency,
       'says ' || COALESCE(balance_minor, 0) || ', its entries make ' || COALESCE(net, 0)
FROM ledger_balance
FULL JOIN (
    SELECT entry.account, entry.currency, -sum({_SIGNED}) AS net FROM ledger_entry AS entry
    WHERE {_GUARDED} GROUP BY 1, 2
) AS counted USING (account, currency)
WHERE COALESCE(balance_minor, 0) <> COALESCE(net, 0)
""")

ROLLUPS_CACHED = first("""
WITH rolled AS (
    SELECT booked.kind, entry.account, entry.currency,
           COALESCE(sum(entry.amount_minor) FILTER (WHERE entry.direction = 'debit'), 0) AS debits,
           COALESCE(sum(entry.amount_minor) FILTER (WHERE entry.direction = 'credit'), 0)
               AS credits
    FROM ledger_entry AS entry JOIN ledger_transaction AS booked
      ON booked.id = entry.transaction_id
    WHERE booked.written_by < (SELECT written_before FROM ledger_rollup_mark)
    GROUP BY 1, 2, 3
)
(SELECT 'ledger_rollup ' || account || ' ' || currency,
       'says ' || COALESCE(debit_minor, 0) || ' and ' || COALESCE(credit_minor, 0)
       || ', its entries make ' || COALESCE(debits, 0) || ' and ' || COALESCE(credits, 0)
FROM ledger_rollup FULL JOIN (
    SELECT account, currency, sum(debits) AS debits, sum(credits) AS credits
    FROM rolled GROUP BY 1, 2
) AS counted USING (account, currency)
WHERE (COALESCE(debit_minor, 0), COALESCE(credit_minor, 0))
      <> (COALESCE(debits, 0), COALESCE(credits, 0)) LIMIT 10)
UNION ALL
(SELECT 'ledger_activity ' || kind || ' ' || account_kind || ' ' || currency,
       'says ' || COALESCE(debit_minor, 0) || ' and ' || COALESCE(credit_minor, 0)
       || ', its entries make ' || COALESCE(debits, 0) || ' and ' || COALESCE(credits, 0)
FROM ledger_activity FULL JOIN (
    SELECT kind, split_part(account, ':', 1) AS account_kind, currency, sum(debits) AS debits,
           sum(credits) AS credits
    FROM rolled GROUP BY 1, 2, 3
) AS counted USING (kind, account_kind, currency)
WHERE (COALESCE(debit_minor, 0), COALESCE(credit_minor, 0))
      <> (COALESCE(debits, 0), COALESCE(credits, 0)) LIMIT 10)
UNION ALL
SELECT 'ledger_rollup_mark', 'counts ' || order_count || ' orders, the journal ' || (
    SELECT count(DISTINCT order_id) FROM ledger_transaction
    WHERE kind IN ('sale', 'sale_on_delivery') AND written_by < mark.written_before)
FROM ledger_rollup_mark AS mark
WHERE order_count <> (
    SELECT count(DISTINCT order_id) FROM ledger_transaction
    WHERE kind IN ('sale', 'sale_on_delivery') AND written_by < mark.written_before)
""")

PENDING_CACHED = first(f"""
SELECT 'seller_order ' || part.id,
       'pending is ' || part.pending_minor || ', its entries make ' || COALESCE(net, 0)
FROM seller_order AS part LEFT JOIN (
    SELECT entry.seller_order_id, entry.currency, -sum({_SIGNED}) AS net
    FROM ledger_entry AS entry WHERE {of_kind("entry.account", "seller_pending")}
    GROUP BY 1, 2
) AS counted ON counted.seller_order_id = part.id AND counted.currency = part.currency
WHERE part.pending_minor <> COALESCE(net, 0)
""")

# `verify` reads the rows themselves; here is what shows without hashing anything.
JOURNAL_GUARDED = first("""
SELECT 'table ' || name, 'can be changed: its append-only trigger is missing or disabled'
FROM unnest($1::text[]) AS journal (name)
WHERE NOT EXISTS (
    SELECT FROM pg_trigger
    WHERE tgrelid = to_regclass(name) AND tgname = name || '_append_only' AND tgenabled <> 'D')
UNION ALL
SELECT 'ledger_sealed ' || sealed.transaction_id, 'its seal ' || sealed.seal_id || ' is gone'
FROM ledger_sealed AS sealed
WHERE NOT EXISTS (SELECT FROM ledger_seal WHERE ledger_seal.id = sealed.seal_id)
""")

JOINED_LATER = first("""
SELECT 'ledger_entry ' || entry.id, 'was written by another writer than ' || booked.id
FROM ledger_entry AS entry JOIN ledger_transaction AS booked ON booked.id = entry.transaction_id
WHERE entry.written_by <> booked.written_by
""")

# Sealing goes in one order, so behind the last sealed transaction none may be left out.
SEALED_WITHOUT_GAPS = first("""
WITH last AS (
    SELECT booked.written_by, booked.id
    FROM ledger_sealed JOIN ledger_transaction AS booked ON booked.id = transaction_id
    ORDER BY seal_id DESC, position DESC LIMIT 1
)
SELECT 'ledger_transaction ' || booked.id, 'was left out by the seals'
FROM ledger_transaction AS booked
WHERE (booked.written_by, booked.id) <= (SELECT written_by, id FROM last)
  AND NOT EXISTS (SELECT FROM ledger_sealed WHERE transaction_id = booked.id)
""")

GUARDED_NOT_NEGATIVE = first(f"""
SELECT 'ledger_balance ' || account || ' ' || currency, 'is ' || balance_minor
FROM ledger_balance WHERE balance_minor < 0
UNION ALL
SELECT 'account ' || entry.account || ' ' || entry.currency, 'its entries make '
       || -sum({_SIGNED})
FROM ledger_entry AS entry WHERE {_GUARDED}
GROUP BY entry.account, entry.currency HAVING sum({_SIGNED}) > 0
""")

# The sale gave every owner what was frozen when the order was placed, and nobody else anything.
ONE_OWNER = first("""
WITH sold AS (
    SELECT entry.seller_order_id AS id,
           COALESCE(sum(amount_minor) FILTER (WHERE split_part(account, ':', 1)
               = 'seller_pending' AND direction = 'credit'), 0) AS net_minor,
           COALESCE(sum(amount_minor) FILTER (WHERE account = 'commission'), 0)
               AS commission_minor
    FROM ledger_transaction AS booked JOIN ledger_entry AS entry
      ON entry.transaction_id = booked.id
    WHERE booked.kind = 'sale' AND entry.seller_order_id IS NOT NULL
    GROUP BY entry.seller_order_id
)
SELECT 'seller_order ' || part.id,
       'sold for a net of ' || part.net_minor || ' and a commission of ' || part.commission_minor
       || ', booked were ' || sold.net_minor || ' and ' || sold.commission_minor
FROM sold JOIN seller_order AS part USING (id)
WHERE (sold.net_minor, sold.commission_minor) <> (part.net_minor, part.commission_minor)
UNION ALL
SELECT 'ledger_entry ' || entry.id, CASE
       WHEN part.order_id IS DISTINCT FROM booked.order_id AND booked.order_id IS NOT NULL
       THEN 'belongs to a part that isn''t of order ' || booked.order_id
       ELSE 'moves ' || entry.account || ' for a part of seller ' || part.seller_id END
FROM ledger_entry AS entry JOIN ledger_transaction AS booked ON booked.id = entry.transaction_id
LEFT JOIN seller_order AS part ON part.id = entry.seller_order_id
WHERE entry.seller_order_id IS NOT NULL
  AND (booked.order_id IS NOT NULL AND part.order_id IS DISTINCT FROM booked.order_id
       OR entry.account LIKE 'seller\\_%'
          AND right(entry.account, 36) <> part.seller_id::text)
""")

# What the books say is at the gateways is what the payments say, order by order. While an order
# waits for the rest of its money, a captured part of it isn't booked yet.
CLEARING_MATCHES_PAYMENTS = first(f"""
WITH booked AS (
    SELECT head.order_id, split_part(entry.account, ':', 2) AS gateway, entry.currency,
           sum({_SIGNED}) AS net
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.order_id IS NOT NULL AND entry.account LIKE 'gateway\\_clearing:%'
    GROUP BY 1, 2, 3
), gone AS (
    SELECT payment_id, sum(minor)::bigint AS minor
    FROM (
        SELECT payment_id, amount_minor FROM refund_part
        WHERE status = 'succeeded' AND credited_account IS NULL
        UNION ALL
        SELECT payment_id, amount_minor FROM payment_return WHERE status = 'succeeded'
        UNION ALL
        SELECT payment_id, fee_minor + CASE status WHEN 'won' THEN 0
                                                   ELSE amount_minor - reinstated_minor END
        FROM chargeback
    ) AS each (payment_id, minor) GROUP BY payment_id
), astray AS (
    SELECT payment_id, sum(amount_minor)::bigint AS minor
    FROM payment_return WHERE capture_id IS NOT NULL GROUP BY payment_id
), paid AS (
    SELECT payment.order_id, payment.method AS gateway, payment.currency,
           sum(payment.captured_minor + COALESCE(astray.minor, 0) - payment.fee_minor
               - COALESCE(gone.minor, 0)) AS net
    FROM payment JOIN orders ON orders.id = payment.order_id
    LEFT JOIN gone ON gone.payment_id = payment.id
    LEFT JOIN astray ON astray.payment_id = payment.id
    WHERE (payment.captured_minor > 0 OR astray.minor > 0) AND payment.account IS NULL
      -- Cash is in its seller's hands, at no gateway.
      AND payment.method <> 'cash_on_delivery' AND (
        orders.status <> 'pending_payment'
        OR EXISTS (SELECT FROM payment_return AS back
        WHERE back.payment_id = payment.id AND back.capture_id IS NULL))
    GROUP BY 1, 2, 3
)
SELECT 'order ' || order_id, 'the books have ' || COALESCE(booked.net, 0) || ' ' || currency
       || ' at ' || gateway || ', its payments ' || COALESCE(paid.net, 0)
FROM booked FULL JOIN paid USING (order_id, gateway, currency)
WHERE COALESCE(booked.net, 0) <> COALESCE(paid.net, 0)
""")

PAID_MEANS_CAPTURED = first("""
SELECT 'order ' || orders.id, 'is paid with ' || orders.captured_minor || ' of '
       || orders.total_minor || ', its payments captured ' || COALESCE(taken.minor, 0)
FROM orders LEFT JOIN (
    SELECT order_id, sum(captured_minor) AS minor FROM payment
    WHERE status = 'captured' AND NOT EXISTS (
        SELECT FROM payment_return AS back
        WHERE back.payment_id = payment.id AND back.capture_id IS NULL)
    GROUP BY order_id
) AS taken ON taken.order_id = orders.id
WHERE orders.paid_at IS NOT NULL AND orders.capture_at = 'at_order'
  AND (orders.captured_minor <> orders.total_minor
       OR COALESCE(taken.minor, 0) <> orders.captured_minor)
  AND NOT EXISTS (SELECT FROM payment WHERE payment.order_id = orders.id
                  AND payment.seller_order_id IS NOT NULL)
UNION ALL
SELECT 'order ' || orders.id, 'is ' || orders.status || ' and was never paid'
FROM orders
WHERE orders.paid_at IS NULL AND orders.status NOT IN ('pending_payment', 'cancelled')
  AND NOT EXISTS (SELECT FROM payment WHERE payment.order_id = orders.id AND (
      payment.method = 'cash_on_delivery' OR payment.secured_at IS NOT NULL
      OR (payment.status = 'authorized' AND payment.account IS NULL)))
UNION ALL
SELECT 'payment ' || payment.id, 'captured ' || payment.captured_minor
       || ' for an order that is cancelled, unpaid, and gives nothing back'
FROM payment JOIN orders ON orders.id = payment.order_id
WHERE payment.captured_minor > 0 AND orders.paid_at IS NULL AND orders.status = 'cancelled'
  AND NOT EXISTS (SELECT FROM payment_return AS back
        WHERE back.payment_id = payment.id AND back.capture_id IS NULL)
UNION ALL
SELECT 'order ' || orders.id, 'is paid, and its sale isn''t in the books'
FROM orders WHERE orders.paid_at IS NOT NULL AND orders.total_minor > 0
  AND (orders.capture_at = 'at_order' OR orders.captured_minor > 0)
  AND NOT EXISTS (SELECT FROM ledger_transaction AS booked
                  WHERE booked.order_id = orders.id AND booked.kind IN ('sale', 'gift_card_sold'))
  AND NOT EXISTS (SELECT FROM payment WHERE payment.order_id = orders.id
                  AND payment.seller_order_id IS NOT NULL)
""")

CAPTURED_ONCE = first("""
SELECT 'order ' || order_id, 'part ' || part || ' was captured ' || count(*) || ' times'
FROM payment
WHERE captured_minor > 0 AND NOT EXISTS (
    SELECT FROM payment_return AS back
        WHERE back.payment_id = payment.id AND back.capture_id IS NULL)
GROUP BY order_id, part HAVING count(*) > 1
""")

_STANDING = """COALESCE(sum({amount}) FILTER (WHERE {of}status = 'succeeded'), 0) AS done,
           COALESCE(sum({amount}) FILTER (
               WHERE {of}status IN ('pending', 'unknown')), 0) AS coming"""
_SAID = """' back of ' || {whole} || '; of its refunds ' || COALESCE(done, 0)
       || ' succeeded and ' || COALESCE(coming, 0) || ' are on their way'"""

REFUNDS_WITHIN_CAPTURED = first(f"""
SELECT 'payment ' || payment.id, 'gave ' || payment.refunded_minor
       || {_SAID.format(whole="payment.captured_minor")}
FROM payment LEFT JOIN (
    SELECT payment_id, {_STANDING.format(amount="amount_minor", of="")}
    FROM refund_part GROUP BY payment_id
) AS parts ON parts.payment_id = payment.id
WHERE COALESCE(done + coming, 0) > payment.captured_minor
   OR payment.refunded_minor NOT BETWEEN COALESCE(done, 0) AND COALESCE(done + coming, 0)
UNION ALL
SELECT 'order_line ' || line.id, 'refunded ' || line.refunded_quantity || ' units and '
       || line.refunded_minor || ' of ' || line.quantity || ' and ' || line.total_minor
       || '; of its refunds ' || COALESCE(done, 0) || ' succeeded and ' || COALESCE(coming, 0)
       || ' are on their way'
FROM order_line AS line LEFT JOIN (
    SELECT share.order_line_id, {_STANDING.format(amount="share.amount_minor", of="refund.")},
           COALESCE(sum(share.quantity) FILTER (WHERE refund.status <> 'failed'), 0) AS units
    FROM refund_line AS share JOIN refund ON refund.id = share.refund_id
    GROUP BY share.order_line_id
) AS shares ON shares.order_line_id = line.id
WHERE COALESCE(done + coming, 0) > line.total_minor OR units > line.quantity
   OR line.refunded_quantity > line.quantity
   OR line.refunded_minor NOT BETWEEN COALESCE(done, 0) AND COALESCE(done + coming, 0)
UNION ALL
SELECT 'order ' || orders.id, 'gave ' || orders.refunded_minor
       || {_SAID.format(whole="orders.captured_minor")}
FROM orders LEFT JOIN (
    SELECT order_id, {_STANDING.format(amount="amount_minor", of="")}
    FROM refund GROUP BY order_id
) AS refunds ON refunds.order_id = orders.id
WHERE COALESCE(done + coming, 0) > orders.captured_minor
   OR orders.refunded_minor NOT BETWEEN COALESCE(done, 0) AND COALESCE(done + coming, 0)
""")

SHOWN_IS_BOOKED = first("""
SELECT 'payment ' || payment.id, 'is in ' || payment.currency || ', its order in '
       || orders.currency
FROM payment JOIN orders ON orders.id = payment.order_id
WHERE payment.currency <> orders.currency
UNION ALL
SELECT 'order ' || orders.id, 'shown were ' || orders.total_minor || ', asked of gateways '
       || COALESCE(asked.minor, 0) || ', booked ' || COALESCE(booked.minor, 0)
FROM orders
LEFT JOIN (
    SELECT order_id, sum(amount_minor) AS minor FROM payment
    WHERE status = 'captured' AND NOT EXISTS (
        SELECT FROM payment_return AS back
        WHERE back.payment_id = payment.id AND back.capture_id IS NULL)
    GROUP BY order_id
) AS asked ON asked.order_id = orders.id
LEFT JOIN (
    SELECT head.order_id, entry.currency, sum(entry.amount_minor) AS minor
    FROM ledger_transaction AS head JOIN ledger_entry AS entry ON entry.transaction_id = head.id
    WHERE head.kind IN ('sale', 'gift_card_sold') AND entry.direction = 'debit'
      AND (entry.account LIKE 'gateway\\_clearing:%'
           OR entry.account LIKE 'stored\\_value\\_held:%')
    GROUP BY 1, 2
) AS booked ON booked.order_id = orders.id AND booked.currency = orders.currency
WHERE orders.paid_at IS NOT NULL AND orders.capture_at = 'at_order'
  AND (COALESCE(asked.minor, 0) <> orders.total_minor
       OR COALESCE(booked.minor, 0) <> orders.total_minor)
  AND NOT EXISTS (SELECT FROM payment WHERE payment.order_id = orders.id
                  AND payment.seller_order_id IS NOT NULL)
""")


@dataclass(frozen=True, slots=True)
class Offence:
    """A row that breaks an invariant, and how."""

    row: str
    problem: str


async def find_offences(connection: Connection, statement: str, *arguments: Any) -> list[Offence]:
    """What a question of this module or of `audit_market` finds."""
    return [Offence(*row) for row in await connection.fetch(statement, *arguments)]
