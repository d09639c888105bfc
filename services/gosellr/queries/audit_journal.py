"""The journal's rows against their hashes, asked where the rows are.

The canonical form that a hash is made of is written by `utils.ledger` alone. Here it is spelled
once more for plain rows, only to pass over those that are beyond doubt: a text that gives the
stored hash is the text that was booked, and it names every column. Whatever spells itself
differently here, letters beyond ASCII for example, is no offence yet: it is read and hashed by
`utils.ledger`, which has the last word.
"""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection


def _optional(*columns: str) -> str:
    """SQL for members with ids, which are NULL, and so left out, where there is none."""
    return ", ".join(
        f"""',"{column.partition(".")[2]}":"' || {column} || '"'""" for column in columns
    )


def _instant(column: str) -> str:
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US')"""


_ENTRY_IDS = _optional(
    "entry.order_line_id", "entry.payout_id", "entry.refund_id", "entry.seller_order_id"
)
# One call instead of a chain of `||`, which would copy its left side at every step.
_ENTRY = f"""
concat('{{"account":', to_json(entry.account), ',"amount_minor":', entry.amount_minor,
       ',"currency":', to_json(entry.currency::text), ',"direction":', to_json(entry.direction),
       {_ENTRY_IDS}, '}}')
"""

# The database writes a blank behind the colon of each name. Where there is one name it can be taken
# away; where a colon like that stands in a text too, or there are more names, all is in doubt.
_FACTS = """
CASE WHEN head.facts = '{}' THEN ''
WHEN length(replace(head.facts::text, '": ', '":')) <> length(head.facts::text) - 1 THEN '?'
ELSE ',"facts":' || replace(head.facts::text, '": ', '":') END
"""

_HEAD = f"""
'"transaction":{{"actor":', to_json(head.actor), ',"booked_at":"', {_instant("head.booked_at")},
'+00:00","cause_id":"', head.cause_id, '","cause_type":', to_json(head.cause_type),
{_optional("head.corrects_id")}, ',"effective_at":"', {_instant("head.effective_at")}, '+00:00"',
{_FACTS}, ',"id":"', head.id, '","idempotency_key":', to_json(head.idempotency_key),
',"kind":', to_json(head.kind), {_optional("head.order_id")}, '}}'
"""

PAGE_END = "SELECT id FROM ledger_transaction WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1"

# Ids from after $1 up to $2; to the end without it.
DOUBTFUL = f"""
WITH told AS (
    SELECT transaction_id, string_agg(line, ',' ORDER BY line) AS lines
    FROM (
        SELECT entry.transaction_id, {_ENTRY} COLLATE "C" AS line FROM ledger_entry AS entry
        WHERE entry.transaction_id > $1 AND ($2::uuid IS NULL OR entry.transaction_id <= $2)
        -- Each is spelled once, and not again to be sorted.
        OFFSET 0
    ) AS spelled
    GROUP BY transaction_id
)
SELECT head.id FROM ledger_transaction AS head
LEFT JOIN told ON told.transaction_id = head.id
WHERE head.id > $1 AND ($2::uuid IS NULL OR head.id <= $2)
  AND head.hash IS DISTINCT FROM sha256(convert_to(
      concat('{{"entries":[', told.lines, '],', {_HEAD}, '}}'), 'UTF8'))
ORDER BY head.id
"""


async def page_end(connection: Connection, *, after: UUID, size: int) -> UUID | None:
    """The last id of the next page of the journal; None where fewer are left than fill one."""
    found: UUID | None = await connection.fetchval(PAGE_END, after, size - 1)
    return found


async def doubtful(connection: Connection, *, after: UUID, until: UUID | None) -> Sequence[UUID]:
    """The transactions of a page whose hash isn't that of the plain spelling of their rows."""
    return [row["id"] for row in await connection.fetch(DOUBTFUL, after, until)]
