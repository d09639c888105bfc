"""Commission rules in their order, which is theirs alone: positions are 1, 2, 3, …"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.term_values import ListedRule
from gosellr.queries.market_terms import rule_of
from gosellr.utils.commission import CommissionRule

# A seller sees the rules that may govern its own sales.
LIST = """
SELECT to_jsonb(rule) AS rule FROM commission_rule AS rule
WHERE archived_at IS NULL
  AND ($1::bool OR seller_id IS NULL OR seller_id = ANY($2::uuid[]))
  AND ($3::int IS NULL OR (position, id) > ($3, $4::uuid))
ORDER BY position, id LIMIT $5
"""

# Whoever changes the order takes turns, also while there is no rule to lock yet.
LOCK_ORDER = "SELECT pg_advisory_xact_lock(hashtext('commission_rule'))"

IDS_IN_ORDER = """
SELECT id FROM commission_rule WHERE archived_at IS NULL ORDER BY position, id LIMIT 1000
"""

FIND = """
SELECT to_jsonb(rule) AS rule FROM commission_rule AS rule WHERE id = $1 AND archived_at IS NULL
"""

SET_ORDER = """
UPDATE commission_rule AS rule SET position = place.position
FROM unnest($1::uuid[]) WITH ORDINALITY AS place (id, position)
WHERE rule.id = place.id AND rule.position <> place.position
"""

# A product is named without a foreign key, since rules outlive listings.
UNKNOWN = """
SELECT ARRAY(SELECT named.field FROM (VALUES
    ('match.seller_id', $1::uuid IS NULL OR EXISTS (SELECT FROM seller WHERE id = $1)),
    ('match.category_id', $2::uuid IS NULL OR EXISTS (SELECT FROM category WHERE id = $2)),
    ('match.product_id', $3::uuid IS NULL OR EXISTS (SELECT FROM product WHERE id = $3))
) AS named (field, known) WHERE NOT named.known)
"""

# Whose alone it is what these rules say: the shops that they name, by themselves or by a listing.
OWN_SELLERS = """
SELECT ARRAY(SELECT id FROM unnest($1::uuid[]) AS named (id)
             UNION SELECT seller_id FROM product WHERE id = ANY($2::uuid[])
             ORDER BY 1)
"""

ADD = """
INSERT INTO commission_rule (id, position, name, seller_id, category_id, product_id, currency,
                             value_from_minor, value_to_minor, valid_from, valid_to, rate_bps,
                             fixed_minor, minimum_minor, cap_minor, vat_bps, on_shipping,
                             created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)
"""

SET = """
UPDATE commission_rule
SET position = $2, name = $3, seller_id = $4, category_id = $5, product_id = $6, currency = $7,
    value_from_minor = $8, value_to_minor = $9, valid_from = $10, valid_to = $11, rate_bps = $12,
    fixed_minor = $13, minimum_minor = $14, cap_minor = $15, vat_bps = $16, on_shipping = $17,
    updated_at = $18, version = version + 1
WHERE id = $1
RETURNING version
"""

ARCHIVE = """
UPDATE commission_rule SET archived_at = $2, updated_at = $2, version = version + 1
WHERE id = $1 AND archived_at IS NULL
RETURNING id
"""


def _listed(row: Record) -> ListedRule:
    document = row["rule"]
    return ListedRule(rule=rule_of(document), name=document["name"], version=document["version"])


async def list_rules(
    connection: Connection,
    *,
    everything: bool,
    seller_ids: Sequence[UUID],
    after: tuple[int, UUID] | None,
    limit: int,
) -> list[ListedRule]:
    """Rules by position: all of them, or those that may govern these sellers."""
    position, rule_id = after or (None, None)
    rows = await connection.fetch(LIST, everything, list(seller_ids), position, rule_id, limit)
    return [_listed(row) for row in rows]


async def lock_order(connection: Connection) -> list[UUID]:
    """The ids in their order, which nobody else changes until the transaction ends."""
    await connection.execute(LOCK_ORDER)
    return [row["id"] for row in await connection.fetch(IDS_IN_ORDER)]


async def set_order(connection: Connection, *, rule_ids: Sequence[UUID]) -> None:
    """Give the rules the positions 1, 2, 3, … in this order."""
    await connection.execute(SET_ORDER, list(rule_ids))


async def find(connection: Connection, *, rule_id: UUID) -> ListedRule | None:
    """A rule in force."""
    row = await connection.fetchrow(FIND, rule_id)
    return None if row is None else _listed(row)


async def unknown_references(connection: Connection, *, rule: CommissionRule) -> list[str]:
    """The fields of a rule that name something which doesn't exist."""
    fields: list[str] = await connection.fetchval(
        UNKNOWN, rule.seller_id, rule.category_id, rule.product_id
    )
    return fields


async def own_sellers(connection: Connection, *, rules: Sequence[CommissionRule]) -> list[UUID]:
    """The sellers whose own terms these rules are."""
    found: list[UUID] = await connection.fetchval(
        OWN_SELLERS,
        [rule.seller_id for rule in rules if rule.seller_id is not None],
        [rule.product_id for rule in rules if rule.product_id is not None],
    )
    return found


def _values(listed: ListedRule) -> tuple[object, ...]:
    rule = listed.rule
    return (
        rule.id,
        rule.position,
        listed.name,
        rule.seller_id,
        rule.category_id,
        rule.product_id,
        rule.currency,
        rule.value_from_minor,
        rule.value_to_minor,
        rule.valid_from,
        rule.valid_to,
        rule.rate_bps,
        rule.fixed_minor,
        rule.minimum_minor,
        rule.cap_minor,
        rule.vat_bps,
        rule.on_shipping,
    )


async def add(connection: Connection, *, listed: ListedRule, now: datetime) -> None:
    """Keep a new rule."""
    await connection.execute(ADD, *_values(listed), now)


async def set_rule(connection: Connection, *, listed: ListedRule, now: datetime) -> int:
    """Keep a rule as it stands in the value; gives its new version."""
    version: int = await connection.fetchval(SET, *_values(listed), now)
    return version


async def archive(connection: Connection, *, rule_id: UUID, now: datetime) -> bool:
    """Take a rule out of force; False when it wasn't in force."""
    return await connection.fetchval(ARCHIVE, rule_id, now) is not None
