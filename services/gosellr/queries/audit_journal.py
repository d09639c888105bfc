"""The journal's rows against their hashes, asked where the rows are.

The canonical form that a hash is made of is written by `utils.ledger` alone. Here it is spelled
once more for plain rows, only to pass over those that are beyond doubt: a text that gives the
stored hash is the text that was booked, and it names every column. Whatever spells itself
differently here, letters beyond ASCII for example, is no offence yet: it is read and hashed by
`utils.ledger`, which has the last word.

Whoever has all entries of a transaction in hand can add them up, too. So the same look vouches
for what `audit` asks of each transaction, in the way of `audit_vouching`.
"""

from collections.abc import Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries.audit_vouching import SIGNED, any_large, total_of_small
from gosellr.utils.lazy_dataclasses import dataclass


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


# One call instead of a chain of `||`, which would copy its left side at every step. A currency is
# too short for more than its name, and what is no direction isn't spelled.
def _entry(account: str) -> str:
    return f"""
concat('{{"account":', {account}, ',"amount_minor":', entry.amount_minor,
       ',"currency":"', entry.currency, CASE entry.direction
           WHEN 'debit' THEN '","direction":"debit"' WHEN 'credit' THEN '","direction":"credit"'
       END, {_ENTRY_IDS}, '}}')
"""


# To spell the accounts as JSON takes a third of all the time. Where no name of an account has a
# quotation mark, by which one row could look like two, or a backslash, by which it could look like
# the spelling of another sign, quotation marks around it will do.
_PLAIN_ACCOUNT = """'"', entry.account, '"'"""
_ANY_ACCOUNT = "to_json(entry.account)"

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

# Accounts are few, and their entries many: each is found behind the one before.
STRANGE_ACCOUNT = r"""
WITH RECURSIVE known AS (
    SELECT min(account) AS account FROM ledger_entry
    UNION ALL
    SELECT (SELECT min(account) FROM ledger_entry WHERE account > known.account)
    FROM known WHERE known.account IS NOT NULL
)
SELECT count(*) > 0 FROM known WHERE account ~ '["\\]'
"""

PAGE_END = "SELECT id FROM ledger_transaction WHERE id > $1 ORDER BY id OFFSET $2 LIMIT 1"


# Ids from after $1 up to $2; to the end without it. An entry of no transaction is doubtful, too.
def _doubtful(account: str) -> str:
    return f"""
WITH told AS (
    SELECT transaction_id, string_agg(line, ',' ORDER BY line) AS lines,
           {total_of_small("signed_minor")} AS net_minor,
           {any_large("signed_minor")} OR min(currency) <> max(currency) AS is_strange,
           min(written_by) AS first_writer, max(written_by) AS last_writer
    FROM (
        SELECT entry.transaction_id, entry.currency, entry.written_by, {SIGNED} AS signed_minor,
               {_entry(account)} COLLATE "C" AS line
        FROM ledger_entry AS entry
        WHERE entry.transaction_id > $1 AND ($2::uuid IS NULL OR entry.transaction_id <= $2)
        -- Each is spelled once, and not again to be sorted.
        OFFSET 0
    ) AS spelled
    GROUP BY transaction_id
), head AS (
    SELECT * FROM ledger_transaction WHERE id > $1 AND ($2::uuid IS NULL OR id <= $2)
), seen AS (
    SELECT COALESCE(head.id, told.transaction_id) AS id,
           head.hash IS DISTINCT FROM sha256(convert_to(
               concat('{{"entries":[', told.lines, '],', {_HEAD}, '}}'), 'UTF8')) AS is_changed,
           told.net_minor IS DISTINCT FROM 0 OR told.is_strange AS is_unbalanced,
           (told.first_writer, told.last_writer) IS DISTINCT FROM (head.written_by, head.written_by)
               AS is_joined_later
    FROM head FULL JOIN told ON told.transaction_id = head.id
)
SELECT id, is_changed, is_unbalanced, is_joined_later FROM seen
WHERE is_changed OR is_unbalanced OR is_joined_later
ORDER BY id
"""


DOUBTFUL = _doubtful(_PLAIN_ACCOUNT)
DOUBTFUL_WITH_STRANGE_ACCOUNTS = _doubtful(_ANY_ACCOUNT)


@dataclass(frozen=True, slots=True)
class Doubt:
    """A transaction that isn't beyond doubt: its hash, its sum, or who wrote its entries."""

    transaction_id: UUID
    is_changed: bool
    is_unbalanced: bool
    is_joined_later: bool


async def accounts_are_strange(connection: Connection) -> bool:
    """Whether some account's name has a sign that a plain spelling may misread."""
    strange: bool = await connection.fetchval(STRANGE_ACCOUNT)
    return strange


async def page_end(connection: Connection, *, after: UUID, size: int) -> UUID | None:
    """The last id of the next page of the journal; None where fewer are left than fill one."""
    found: UUID | None = await connection.fetchval(PAGE_END, after, size - 1)
    return found


async def doubtful(
    connection: Connection, *, after: UUID, until: UUID | None, accounts_are_strange: bool
) -> Sequence[Doubt]:
    """What a plain spelling of a page's rows doesn't vouch for."""
    rows = await connection.fetch(
        DOUBTFUL_WITH_STRANGE_ACCOUNTS if accounts_are_strange else DOUBTFUL, after, until
    )
    return [Doubt(*row) for row in rows]
