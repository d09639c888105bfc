"""Commission rules, which the operator sets and sellers read."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer, nothing
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.commission import (
    RuleChange,
    RuleCreate,
    RuleOut,
    RulePage,
    rule_document,
)
from gosellr.api.schemas.commission_simulation import (
    SimulationIn,
    SimulationOut,
    simulation_document,
)
from gosellr.api.schemas.common import PageFilters, problems
from gosellr.api.schemas.proposals import PROPOSED, ProposalOut, proposal_document
from gosellr.core.transact import ask, transact
from gosellr.models.proposal_values import Proposal
from gosellr.models.term_values import ListedRule
from gosellr.services import commission_proposals, commission_service, commission_simulation
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/commission-rules", tags=["commission"])

Writer = Annotated[Viewer, allow(Permission.COMMISSION_WRITE)]


@router.get(
    "",
    operation_id="list_commission_rules",
    responses={200: {"model": RulePage}, **problems(401, 403, 422)},
)
async def list_commission_rules(
    filters: Annotated[PageFilters, Query()],
    viewer: Annotated[Viewer, allow(Permission.COMMISSION_READ)],
    market: Market,
) -> Response:
    """The rules in their order; a seller sees those that may govern its sales."""
    page = await ask(
        market.db,
        commission_service.list_rules,
        viewer=viewer,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [rule_document(listed) for listed in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "",
    operation_id="create_commission_rule",
    status_code=201,
    responses={
        201: {"model": RuleOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 409, 422),
    },
)
async def create_commission_rule(body: RuleCreate, viewer: Writer, market: Market) -> Response:
    """Add a rule at a position, which moves the later ones; at the end without one.

    Where the market asks for a second person (`GOSELLR_COMMISSION_APPROVAL`), the rule is proposed
    (202) and in force by another operator's approval, or from its `valid_from` on.
    """
    made = await transact(
        market.db,
        commission_proposals.create,
        viewer=viewer,
        policy=market.policy,
        position=body.position,
        name=body.name,
        terms=body.terms(),
        reason=body.reason,
        now=market.clock.now(),
    )
    return _answer(made, status=201)


@router.post(
    "/simulate",
    operation_id="simulate_commission_rules",
    responses={200: {"model": SimulationOut}, **problems(400, 401, 403, 422)},
)
async def simulate_commission_rules(
    body: SimulationIn,
    _viewer: Annotated[Viewer, allow(Permission.COMMISSION_SIMULATE)],
    market: Market,
) -> Response:
    """What other rules, or another policy for refunds, would have earned of sales that are made.

    Every paid order of the period is sold and refunded once more, in memory. Nothing changes.
    """
    simulation = await ask(
        market.db,
        commission_simulation.simulate,
        request=body.request(now=market.clock.now(), orders_max=commission_simulation.ORDERS_MAX),
        reversal=market.policy.commission_reversal,
    )
    return answer(simulation_document(simulation))


@router.patch(
    "/{rule_id}",
    operation_id="update_commission_rule",
    responses={
        200: {"model": RuleOut},
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(400, 401, 403, 404, 409, 422),
    },
)
async def update_commission_rule(
    rule_id: UUID, body: RuleChange, viewer: Writer, market: Market
) -> Response:
    """Change a rule, or move it. What was sold keeps the rule it was sold under.

    Where the market asks for a second person, the change is proposed (202).
    """
    changed = await transact(
        market.db,
        commission_proposals.change,
        viewer=viewer,
        policy=market.policy,
        rule_id=rule_id,
        version=body.version,
        changes=body.values(),
        reason=body.reason,
        now=market.clock.now(),
    )
    return _answer(changed)


@router.delete(
    "/{rule_id}",
    operation_id="delete_commission_rule",
    status_code=204,
    responses={
        202: {"model": ProposalOut, "description": PROPOSED},
        **problems(401, 403, 404, 409, 422),
    },
)
async def delete_commission_rule(rule_id: UUID, viewer: Writer, market: Market) -> Response:
    """Take a rule out of force; the later ones move up.

    Where the market asks for a second person, that is proposed (202).
    """
    proposed = await transact(
        market.db,
        commission_proposals.end,
        viewer=viewer,
        policy=market.policy,
        rule_id=rule_id,
        reason="",
        now=market.clock.now(),
    )
    return nothing() if proposed is None else _answer(proposed)


def _answer(found: ListedRule | Proposal, *, status: int = 200) -> Response:
    """A rule as it stands now, or the proposal that waits for a second person."""
    if isinstance(found, Proposal):
        return answer(proposal_document(found), status=202)
    return answer(rule_document(found), status=status)
