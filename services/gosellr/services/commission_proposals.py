"""Commission by the word of two, where the market asks for that: proposed by one, in force by
another's approval. Nobody sets what their own shop pays.

A proposal to change or to end a rule is meant for the rule as it stood then. Was it changed
meanwhile, nobody can know any more what was agreed to, and it has to be proposed anew.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound, VersionConflict
from gosellr.core.identity import new_id
from gosellr.models.proposal_values import Proposal
from gosellr.models.term_values import ListedRule
from gosellr.queries import commission_rules as queries
from gosellr.services import commission_service, proposal_service
from gosellr.services.commission_service import Word
from gosellr.utils.commission import CommissionRule
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.proposals import ProposalKind, plain_terms, read_terms
from gosellr.utils.viewer import Viewer

_CHANGED_SINCE: Final = "The rule was changed since: turn this down, and let it be proposed anew"


async def create(
    connection: Connection,
    *,
    viewer: Viewer,
    policy: MarketPolicy,
    position: int | None,
    name: str,
    terms: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> ListedRule | Proposal:
    """A new rule, or the proposal of one.

    Raises:
        InvalidInput, TooMany: as `commission_service.create_rule`.
        NotAllowed: the viewer may set no commission, or is of the shop that it is for.
    """
    rule_id = new_id()
    rule = await commission_service.new_rule(
        connection, rule_id=rule_id, terms={"position": position or 1, **terms}
    )
    kind = ProposalKind.COMMISSION_RULE_NEW
    seller_ids = await _own_sellers(connection, viewer, kind, [rule])
    if not policy.commission_approval:
        return await commission_service.create_rule(
            connection,
            word=Word(viewer.user_id, reason=reason),
            position=position,
            name=name,
            terms=terms,
            rule_id=rule_id,
            now=now,
        )
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=kind,
        subject=_subject(rule_id),
        wish={"position": position, "name": name, "terms": plain_terms(terms)},
        seller_ids=seller_ids,
        reason=reason,
        now=now,
    )


async def change(
    connection: Connection,
    *,
    viewer: Viewer,
    policy: MarketPolicy,
    rule_id: UUID,
    version: int | None,
    changes: Mapping[str, Any],
    reason: str,
    now: datetime,
) -> ListedRule | Proposal:
    """Change a rule, or propose to.

    Raises:
        NotFound, VersionConflict, InvalidInput: as `commission_service.change_rule`.
        NotAllowed: the viewer may set no commission, or is of a shop that it is for, or would be.
        ProposalWaits: something is proposed about this rule already.
    """
    listed = await commission_service.find_rule(connection, rule_id=rule_id, version=version)
    after = await commission_service.changed_rule(connection, rule=listed.rule, changes=changes)
    kind = ProposalKind.COMMISSION_RULE_CHANGE
    seller_ids = await _own_sellers(connection, viewer, kind, [listed.rule, after])
    if not policy.commission_approval:
        return await commission_service.change_rule(
            connection,
            word=Word(viewer.user_id, reason=reason),
            rule_id=rule_id,
            # Whose it is was looked at in this version.
            version=listed.version,
            changes=changes,
            now=now,
        )
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=kind,
        subject=_subject(rule_id),
        wish={
            "version": listed.version,
            "changes": plain_terms(changes),
            "before": commission_service.facts_of(listed),
        },
        seller_ids=seller_ids,
        reason=reason,
        now=now,
    )


async def end(
    connection: Connection,
    *,
    viewer: Viewer,
    policy: MarketPolicy,
    rule_id: UUID,
    reason: str,
    now: datetime,
) -> Proposal | None:
    """Take a rule out of force, or propose to.

    Raises:
        NotFound: there is no such rule.
        NotAllowed: the viewer may set no commission, or is of the shop that it is for.
        ProposalWaits: something is proposed about this rule already.
    """
    listed = await commission_service.find_rule(connection, rule_id=rule_id)
    kind = ProposalKind.COMMISSION_RULE_END
    seller_ids = await _own_sellers(connection, viewer, kind, [listed.rule])
    if not policy.commission_approval:
        await commission_service.archive_rule(
            connection,
            word=Word(viewer.user_id, reason=reason),
            rule_id=rule_id,
            version=listed.version,
            now=now,
        )
        return None
    return await proposal_service.prepare(
        connection,
        viewer=viewer,
        kind=kind,
        subject=_subject(rule_id),
        wish={"version": listed.version, "before": commission_service.facts_of(listed)},
        seller_ids=seller_ids,
        reason=reason,
        now=now,
    )


async def put_in_force(
    connection: Connection, held: Proposal, *, viewer: Viewer, now: datetime
) -> None:
    """Put in force what somebody else proposed, held by its second person.

    Raises:
        VersionConflict: the rule was changed, or ended, since it was proposed.
        InvalidInput, TooMany: what it names is gone, or there are too many rules by now.
    """
    try:
        await _write(connection, held, viewer, now=now)
    except (NotFound, VersionConflict) as gone:
        raise VersionConflict(_CHANGED_SINCE) from gone


async def _write(connection: Connection, held: Proposal, viewer: Viewer, *, now: datetime) -> None:
    word = Word(held.prepared_by, approved_by=viewer.user_id, reason=held.reason)
    rule_id, wish = UUID(held.subject.partition(":")[2]), held.wish
    match ProposalKind(held.kind):
        case ProposalKind.COMMISSION_RULE_NEW:
            await commission_service.create_rule(
                connection,
                word=word,
                position=wish["position"],
                name=wish["name"],
                terms=read_terms(wish["terms"]),
                rule_id=rule_id,
                now=now,
            )
        case ProposalKind.COMMISSION_RULE_CHANGE:
            await commission_service.change_rule(
                connection,
                word=word,
                rule_id=rule_id,
                version=wish["version"],
                changes=read_terms(wish["changes"]),
                now=now,
            )
        case ProposalKind.COMMISSION_RULE_END:
            await commission_service.archive_rule(
                connection, word=word, rule_id=rule_id, version=wish["version"], now=now
            )
        case other:
            raise RuntimeError(f"a proposal of kind {other} is none of commission")


async def _own_sellers(
    connection: Connection,
    viewer: Viewer,
    kind: ProposalKind,
    rules: Sequence[CommissionRule],
) -> list[UUID]:
    """The shops whose own terms these are, none of them the viewer's. Raises `NotAllowed`."""
    seller_ids = await queries.own_sellers(connection, rules=rules)
    proposal_service.require_decider(viewer, kind=kind, seller_ids=seller_ids)
    return seller_ids


def _subject(rule_id: UUID) -> str:
    return f"commission_rule:{rule_id}"
