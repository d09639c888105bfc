"""Shapes of what takes a second person."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, PageFilters, PageOut, Reason, RequestModel
from gosellr.core.errors import Conflict
from gosellr.models.proposal_values import Proposal
from gosellr.utils.proposals import ProposalKind

Document = dict[str, Any]
Status = Literal["prepared", "approved", "rejected"]

PROPOSED: Final = "Nothing has changed yet: it is proposed, and waits for another operator"


class ProposalReason(RequestModel):
    """Why not."""

    reason: Reason


class ProposalFilters(PageFilters):
    """Which proposals."""

    status: Status | None = None
    kind: ProposalKind | None = None


class HindranceOut(AnswerModel):
    """Why approving would be refused as things stand now."""

    code: Annotated[str, Field(examples=["refund_changed"])]
    detail: str


class ProposalOut(AnswerModel):
    """What an operator proposed; it takes effect only when another one approves it."""

    id: UUID
    kind: ProposalKind
    status: Status
    subject: Annotated[str, Field(description="What it is about; one waits at a time for each")]
    reason: str
    wish: Annotated[dict[str, Any], Field(description="What approving does")]
    seller_ids: Annotated[
        list[UUID], Field(description="Whose own affair it is: their people can't decide")
    ]
    prepared_by: UUID
    prepared_at: datetime
    decided_by: UUID | None
    decided_at: datetime | None
    decision_note: str | None
    hindrance: Annotated[
        HindranceOut | None,
        Field(description="Of a single proposal that waits; null where nothing stands against it"),
    ] = None


ProposalPageOut = PageOut[ProposalOut]


def proposal_document(found: Proposal, *, hindrance: Conflict | None = None) -> Document:
    """A proposal as it is answered."""
    return {
        "id": found.id,
        "kind": found.kind,
        "status": found.status,
        "subject": found.subject,
        "reason": found.reason,
        "wish": dict(found.wish),
        "seller_ids": list(found.seller_ids),
        "prepared_by": found.prepared_by,
        "prepared_at": found.prepared_at,
        "decided_by": found.decided_by,
        "decided_at": found.decided_at,
        "decision_note": found.decision_note,
        "hindrance": None
        if hindrance is None
        else {"code": hindrance.code, "detail": hindrance.detail},
    }


def proposal_document_of_shop(found: Proposal) -> Document:
    """The same for the shop that proposed it: neither who of the marketplace decided, nor which
    account bought from it, is told to a shop."""
    document = proposal_document(found)
    wish = {name: value for name, value in found.wish.items() if name != "receiver_id"}
    return {**document, "wish": wish, "decided_by": None}
