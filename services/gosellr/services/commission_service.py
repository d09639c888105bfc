"""What the market earns: rules in an order, of which the first that matches a line wins.

A change speaks about sales to come: what was sold keeps the rule that was frozen on it.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import FieldError, InvalidInput, NotFound, VersionConflict
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, decode_cursor, encode_cursor
from gosellr.models.events import Fact, FactType
from gosellr.models.term_values import ListedRule
from gosellr.queries import commission_rules as queries
from gosellr.queries import outbox
from gosellr.services.terms_scope import TooMany, scope_of
from gosellr.utils.commission import CommissionRule, InvalidCommissionRule
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.money import InvalidAmount
from gosellr.utils.permissions import Permission
from gosellr.utils.proposals import plain_terms
from gosellr.utils.viewer import Viewer

RULES_MAX = 500


@dataclass(frozen=True, slots=True)
class Word:
    """By whose word a rule changes: who wanted it and why, and who agreed where that takes two."""

    by: UUID | None
    approved_by: UUID | None = None
    reason: str = ""


def facts_of(listed: ListedRule) -> dict[str, Any]:
    """A rule with its name as plain JSON."""
    terms = {field.name: getattr(listed.rule, field.name) for field in fields(CommissionRule)}
    return {"name": listed.name, "version": listed.version, **plain_terms(terms)}


async def list_rules(
    connection: Connection, *, viewer: Viewer, cursor: str | None, limit: int
) -> Page[ListedRule]:
    """The rules in their order; a seller sees those that may govern its sales."""
    scope = scope_of(viewer, Permission.COMMISSION_READ)
    found = await queries.list_rules(
        connection,
        everything=scope.everything,
        seller_ids=scope.seller_ids,
        after=_after(cursor),
        limit=limit + 1,
    )
    items = found[:limit]
    if len(found) <= limit:
        return Page(items, None)
    last = items[-1].rule
    return Page(items, encode_cursor(last.position, str(last.id)))


def _after(cursor: str | None) -> tuple[int, UUID] | None:
    if cursor is None:
        return None
    position, text = decode_cursor(cursor, kinds=(int, str))
    try:
        rule_id = UUID(text)
    except ValueError:
        rule_id = None
    if rule_id is None or not 0 <= position < 2**31:
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    return position, rule_id


async def create_rule(
    connection: Connection,
    *,
    word: Word,
    position: int | None,
    name: str,
    terms: Mapping[str, Any],
    now: datetime,
    rule_id: UUID | None = None,
) -> ListedRule:
    """A new rule at a position, which moves the later ones; at the end without one.

    `terms` are the fields of `CommissionRule` besides id and position.

    Raises:
        InvalidInput: for terms that contradict each other or name what doesn't exist.
        TooMany: beyond `RULES_MAX`.
    """
    rule_ids = await queries.lock_order(connection)
    if len(rule_ids) >= RULES_MAX:
        raise TooMany(f"There are at most {RULES_MAX} rules")
    place = _place(position, among=len(rule_ids) + 1)
    rule = await new_rule(
        connection, rule_id=rule_id or new_id(), terms={"position": place, **terms}
    )
    listed = ListedRule(rule=rule, name=name, version=1)
    await queries.add(connection, listed=listed, now=now)
    rule_ids.insert(rule.position - 1, rule.id)
    await queries.set_order(connection, rule_ids=rule_ids)
    said = {"after": facts_of(listed)}
    await _tell(connection, FactType.COMMISSION_RULE_CREATED, rule.id, said, word, now=now)
    return listed


async def change_rule(
    connection: Connection,
    *,
    word: Word,
    rule_id: UUID,
    version: int | None,
    changes: Mapping[str, Any],
    now: datetime,
) -> ListedRule:
    """Change fields of a rule, its `name` or its `position`, which moves the others.

    Raises:
        NotFound: when there is none.
        VersionConflict: when the change was meant for another version.
        InvalidInput: for terms that contradict each other or name what doesn't exist.
    """
    rule_ids = await queries.lock_order(connection)
    before = listed = await find_rule(connection, rule_id=rule_id, version=version)
    rule = await changed_rule(connection, rule=listed.rule, changes=changes)
    rule = replace(rule, position=_place(rule.position, among=len(rule_ids)))
    listed = ListedRule(rule=rule, name=changes.get("name", listed.name), version=listed.version)
    listed = replace(listed, version=await queries.set_rule(connection, listed=listed, now=now))
    rule_ids.remove(rule.id)
    rule_ids.insert(rule.position - 1, rule.id)
    await queries.set_order(connection, rule_ids=rule_ids)
    said = {"before": facts_of(before), "after": facts_of(listed)}
    await _tell(connection, FactType.COMMISSION_RULE_CHANGED, rule_id, said, word, now=now)
    return listed


async def archive_rule(
    connection: Connection,
    *,
    word: Word,
    rule_id: UUID,
    version: int | None = None,
    now: datetime,
) -> None:
    """Take a rule out of force; the later ones move up.

    Raises:
        NotFound: when there is none.
        VersionConflict: when another version was meant.
    """
    rule_ids = await queries.lock_order(connection)
    before = await find_rule(connection, rule_id=rule_id, version=version)
    if not await queries.archive(connection, rule_id=rule_id, now=now):
        raise NotFound
    rule_ids.remove(rule_id)
    await queries.set_order(connection, rule_ids=rule_ids)
    said = {"before": facts_of(before)}
    await _tell(connection, FactType.COMMISSION_RULE_ENDED, rule_id, said, word, now=now)


async def find_rule(
    connection: Connection, *, rule_id: UUID, version: int | None = None
) -> ListedRule:
    """A rule in force.

    Raises:
        NotFound: when there is none.
        VersionConflict: when another version was meant.
    """
    listed = await queries.find(connection, rule_id=rule_id)
    if listed is None:
        raise NotFound
    if version not in {None, listed.version}:
        raise VersionConflict(extras={"version": listed.version})
    return listed


async def new_rule(
    connection: Connection, *, rule_id: UUID, terms: Mapping[str, Any]
) -> CommissionRule:
    """A rule of its fields, kept nowhere yet.

    Raises:
        InvalidInput: for terms that contradict each other or name what doesn't exist.
    """
    rule = _rule(id=rule_id, **terms)
    await _check_references(connection, rule)
    return rule


async def changed_rule(
    connection: Connection, *, rule: CommissionRule, changes: Mapping[str, Any]
) -> CommissionRule:
    """A rule with some fields changed, kept nowhere yet; a `name` is none of its fields.

    Raises:
        InvalidInput: as for a new one.
    """
    terms = {field.name: getattr(rule, field.name) for field in fields(CommissionRule)}
    terms |= {name: value for name, value in changes.items() if name != "name"}
    return await new_rule(connection, rule_id=terms.pop("id"), terms=terms)


def _place(position: int | None, *, among: int) -> int:
    return among if position is None else max(1, min(position, among))


async def _check_references(connection: Connection, rule: CommissionRule) -> None:
    unknown = await queries.unknown_references(connection, rule=rule)
    if unknown:
        raise InvalidInput(
            "The rule names something that doesn't exist",
            errors=[FieldError(field, "unknown", "There is no such thing") for field in unknown],
        )


def _rule(**values: Any) -> CommissionRule:
    bounds = (
        ("valid_from", "valid_to", "It has to end after it begins"),
        ("value_from_minor", "value_to_minor", "The band has to end above its beginning"),
    )
    for lower, upper, message in bounds:
        low, high = values.get(lower), values.get(upper)
        if low is not None and high is not None and high <= low:
            raise InvalidInput.at(
                f"match.{upper.removesuffix('_minor')}", "ends_too_early", message
            )
    try:
        return CommissionRule(**values)
    except (InvalidCommissionRule, InvalidAmount) as error:
        field = "minimum" if "minimum" in str(error) else "fixed"
        raise InvalidInput.at(field, "rule_contradicts_itself", str(error)) from error


async def _tell(
    connection: Connection,
    kind: FactType,
    rule_id: UUID,
    said: Mapping[str, Any],
    word: Word,
    *,
    now: datetime,
) -> None:
    whose = {
        "by": None if word.by is None else str(word.by),
        "approved_by": None if word.approved_by is None else str(word.approved_by),
        "reason": word.reason,
    }
    await outbox.append(connection, [Fact(kind, rule_id, {**whose, **said})], now=now)
