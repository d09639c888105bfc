"""What is kept back of sellers' money: rules with dates, set by operators.

A change speaks about releases to come. What was kept back stays so, as it was decided.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import FieldError, InvalidInput, NotFound, VersionConflict
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page
from gosellr.models.balance_values import ListedReserveRule
from gosellr.queries import reserve_rules as queries
from gosellr.services.seller_scope import require_no_part
from gosellr.services.terms_scope import TooMany, after_id, page_by_id
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.reserves import InvalidReserveRule, ReserveRule
from gosellr.utils.viewer import Viewer

RULES_MAX = 500
# What a rule is about is decided once: another one is another rule.
_FIXED = frozenset({"scope", "seller_id", "category_id"})


async def list_rules(
    connection: Connection, *, cursor: str | None, limit: int
) -> Page[ListedReserveRule]:
    """All rules, those to come and those that ended among them, oldest first.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    found = await queries.list_rules(connection, after=after_id(cursor), limit=limit + 1)
    return page_by_id(found, limit=limit, id_of=lambda listed: listed.rule.id)


async def create_rule(
    connection: Connection, *, viewer: Viewer, name: str, terms: Mapping[str, Any], now: datetime
) -> ListedReserveRule:
    """A new rule. `terms` are the fields of `ReserveRule` besides its id.

    Raises:
        NotAllowed: it is about a shop of the viewer's own.
        InvalidInput: for terms that contradict each other or name what doesn't exist.
        TooMany: beyond `RULES_MAX`.
    """
    if await queries.take_turn(connection) >= RULES_MAX:
        raise TooMany(f"There are at most {RULES_MAX} rules")
    rule = _rule(id=new_id(), **terms)
    _require_no_part(viewer, rule)
    unknown = await queries.unknown_references(connection, rule=rule)
    if unknown:
        raise InvalidInput(
            "The rule names something that doesn't exist",
            errors=[FieldError(one, "unknown", "There is no such thing") for one in unknown],
        )
    await queries.add(connection, rule=rule, name=name, user_id=viewer.user_id, now=now)
    return ListedReserveRule(rule=rule, name=name, version=1)


async def change_rule(
    connection: Connection,
    *,
    viewer: Viewer,
    rule_id: UUID,
    version: int | None,
    changes: Mapping[str, Any],
    now: datetime,
) -> ListedReserveRule:
    """Change figures or dates of a rule, or its `name`; whom it is about stays.

    Raises:
        NotFound: when there is none.
        NotAllowed: it is about a shop of the viewer's own.
        VersionConflict: when the change was meant for another version.
        InvalidInput: for terms that contradict each other.
    """
    listed = await _locked(connection, viewer, rule_id)
    if version not in {None, listed.version}:
        raise VersionConflict(extras={"version": listed.version})
    values = {one.name: getattr(listed.rule, one.name) for one in fields(ReserveRule)}
    terms = {name: value for name, value in changes.items() if name != "name"}
    if terms.keys() & _FIXED:
        raise InvalidInput.at("scope", "scope_fixed", "Make another rule for somebody else")
    rule = _rule(**values | terms)
    name = str(changes.get("name", listed.name))
    kept = await queries.set_rule(connection, rule=rule, name=name, now=now)
    return replace(listed, rule=rule, name=name, version=kept)


async def archive_rule(
    connection: Connection, *, viewer: Viewer, rule_id: UUID, now: datetime
) -> None:
    """Take a rule out of force.

    Raises:
        NotFound: when there is none.
        NotAllowed: it is about a shop of the viewer's own.
    """
    await _locked(connection, viewer, rule_id)
    if not await queries.archive(connection, rule_id=rule_id, now=now):
        raise NotFound


async def _locked(connection: Connection, viewer: Viewer, rule_id: UUID) -> ListedReserveRule:
    listed = await queries.lock(connection, rule_id=rule_id)
    if listed is None:
        raise NotFound
    _require_no_part(viewer, listed.rule)
    return listed


def _require_no_part(viewer: Viewer, rule: ReserveRule) -> None:
    if rule.seller_id is not None:
        require_no_part(viewer, seller_id=rule.seller_id)


def _rule(**values: Any) -> ReserveRule:
    try:
        return ReserveRule(**values)
    except InvalidReserveRule as error:
        raise InvalidInput.at(error.field, "rule_contradicts_itself", str(error)) from None
