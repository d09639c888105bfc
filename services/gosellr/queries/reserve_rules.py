"""Rules of the reserve: those in force for whoever releases, all of them for whoever sets them."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.balance_values import ListedReserveRule
from gosellr.utils.reserves import ReserveRule, ReserveScope, RiskMeasure

_COLUMNS = """
id, scope, rate_bps, days, caps, seller_id, category_id, younger_than_days, measure, above_bps,
valid_from, valid_to
"""
IN_FORCE = f"""
SELECT {_COLUMNS} FROM reserve_rule
WHERE archived_at IS NULL AND (valid_from IS NULL OR valid_from <= $1)
  AND (valid_to IS NULL OR valid_to > $1)
LIMIT 1000
"""
LIST = f"""
SELECT {_COLUMNS}, name, version FROM reserve_rule
WHERE archived_at IS NULL AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2
"""
LOCK = f"""
SELECT {_COLUMNS}, name, version FROM reserve_rule
WHERE id = $1 AND archived_at IS NULL FOR UPDATE
"""
# Whoever adds one takes turns, so that there are never more than there may be.
TAKE_TURN = "SELECT pg_advisory_xact_lock(hashtext('reserve_rule'))"
COUNT = "SELECT count(*)::int FROM reserve_rule WHERE archived_at IS NULL"
UNKNOWN = """
SELECT ARRAY(SELECT named.field FROM (VALUES
    ('seller_id', $1::uuid IS NULL OR EXISTS (SELECT FROM seller WHERE id = $1)),
    ('category_id', $2::uuid IS NULL OR EXISTS (SELECT FROM category WHERE id = $2))
) AS named (field, known) WHERE NOT named.known)
"""
ADD = f"""
INSERT INTO reserve_rule ({_COLUMNS}, name, created_by, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
"""
SET = """
UPDATE reserve_rule
SET rate_bps = $2, days = $3, caps = $4, younger_than_days = $5, measure = $6, above_bps = $7,
    valid_from = $8, valid_to = $9, name = $10, updated_at = $11, version = version + 1
WHERE id = $1
RETURNING version
"""
ARCHIVE = """
UPDATE reserve_rule SET archived_at = $2, updated_at = $2, version = version + 1
WHERE id = $1 AND archived_at IS NULL
RETURNING id
"""


def _rule(row: Record) -> ReserveRule:
    fields = {name: value for name, value in row.items() if name not in {"name", "version"}}
    measure = fields["measure"]
    fields["scope"] = ReserveScope(fields["scope"])
    fields["measure"] = None if measure is None else RiskMeasure(measure)
    return ReserveRule(**fields)


def _listed(row: Record) -> ListedReserveRule:
    return ListedReserveRule(rule=_rule(row), name=row["name"], version=row["version"])


async def in_force(connection: Connection, *, now: datetime) -> list[ReserveRule]:
    """The rules that may govern what is released now."""
    return [_rule(row) for row in await connection.fetch(IN_FORCE, now)]


async def list_rules(
    connection: Connection, *, after: UUID | None, limit: int
) -> list[ListedReserveRule]:
    """All rules, those to come and those that ended among them, oldest first."""
    return [_listed(row) for row in await connection.fetch(LIST, after, limit)]


async def lock(connection: Connection, *, rule_id: UUID) -> ListedReserveRule | None:
    """A rule for whoever changes it."""
    row = await connection.fetchrow(LOCK, rule_id)
    return None if row is None else _listed(row)


async def take_turn(connection: Connection) -> int:
    """Wait for whoever else adds a rule; gives how many there are then."""
    await connection.execute(TAKE_TURN)
    count: int = await connection.fetchval(COUNT)
    return count


async def unknown_references(connection: Connection, *, rule: ReserveRule) -> list[str]:
    """The fields of a rule that name something which doesn't exist."""
    fields: list[str] = await connection.fetchval(UNKNOWN, rule.seller_id, rule.category_id)
    return fields


async def add(
    connection: Connection, *, rule: ReserveRule, name: str, user_id: UUID | None, now: datetime
) -> None:
    """Keep a new rule."""
    await connection.execute(
        ADD,
        rule.id,
        rule.scope.value,
        rule.rate_bps,
        rule.days,
        dict(rule.caps),
        rule.seller_id,
        rule.category_id,
        rule.younger_than_days,
        rule.measure,
        rule.above_bps,
        rule.valid_from,
        rule.valid_to,
        name,
        user_id,
        now,
    )


async def set_rule(connection: Connection, *, rule: ReserveRule, name: str, now: datetime) -> int:
    """Keep a rule as it stands in the value; gives its new version."""
    version: int = await connection.fetchval(
        SET,
        rule.id,
        rule.rate_bps,
        rule.days,
        dict(rule.caps),
        rule.younger_than_days,
        rule.measure,
        rule.above_bps,
        rule.valid_from,
        rule.valid_to,
        name,
        now,
    )
    return version


async def archive(connection: Connection, *, rule_id: UUID, now: datetime) -> bool:
    """Take a rule out of force; False when it wasn't in force."""
    return await connection.fetchval(ARCHIVE, rule_id, now) is not None
