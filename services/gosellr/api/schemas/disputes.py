"""Cases as they are opened, argued and answered."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from gosellr.api.schemas.common import (
    AnswerModel,
    Bps,
    Flag,
    Moment,
    MoneyIn,
    MoneyOut,
    NoCard,
    PageFilters,
    PageOut,
    Quantity,
    Reason,
    RequestModel,
    lines,
)
from gosellr.models.dispute_values import Dispute, DisputeFolder
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_questions import ListedDispute
from gosellr.services.dispute_service import NewDispute
from gosellr.utils.disputes import (
    ChargebackStage,
    DisputeAction,
    DisputeKind,
    DisputeOutcome,
    DisputeReason,
    DisputeStatus,
)
from gosellr.utils.ids import order_number
from gosellr.utils.money import Money

Document = dict[str, Any]
Message = Annotated[str, lines(4000, min_length=1), NoCard]
Author = Literal["buyer", "seller", "operator", "support"]
WaitingFor = Literal["seller", "buyer", "operator", "provider"]

_WAITING_FOR: dict[DisputeStatus, str] = {
    DisputeStatus.AWAITING_SELLER: "seller",
    DisputeStatus.AWAITING_BUYER: "buyer",
    DisputeStatus.UNDER_REVIEW: "operator",
    DisputeStatus.APPEALED: "operator",
    DisputeStatus.AWAITING_PROVIDER: "provider",
    DisputeStatus.SETTLING: "provider",
}


class DisputeCreate(RequestModel):
    """What is wrong with a line of an order. Without a quantity: with all units left of it."""

    order_id: UUID
    order_item_id: UUID
    quantity: Quantity | None = None
    reason: DisputeReason
    message: Message

    def request(self) -> NewDispute:
        """The same as the service reads it."""
        return NewDispute(
            order_id=self.order_id,
            order_line_id=self.order_item_id,
            quantity=self.quantity,
            reason=self.reason,
            message=self.message,
        )


class DisputeMessageCreate(RequestModel):
    """Something to be said; `answer` is the seller's last word before the buyer's turn."""

    body: Message
    answer: Flag = False


class DisputeEscalation(RequestModel):
    """Why an operator is to look."""

    reason: Message


class DisputeDecision(RequestModel):
    """What the buyer gets: a share of what the case is about, or an amount."""

    share_bps: Bps | None = None
    amount: MoneyIn | None = None
    reason: Reason

    @model_validator(mode="after")
    def _one_of_the_ways(self) -> Self:
        if (self.share_bps is None) is (self.amount is None):
            raise ValueError("send either share_bps or an amount")
        return self

    def award(self) -> Award:
        """The same as the service reads it."""
        return Award(
            share_bps=self.share_bps,
            amount_minor=None if self.amount is None else self.amount.amount,
            currency=None if self.amount is None else self.amount.currency,
            reason=self.reason,
        )


class DisputeListFilters(PageFilters):
    """Which cases."""

    status: DisputeStatus | None = None
    seller_id: UUID | None = None
    order_id: UUID | None = None
    kind: DisputeKind | None = None


class DisputeSummaryOut(AnswerModel):
    """A case. `due_at` is until when whoever it waits for has time; silence decides, an
    operator's aside."""

    id: UUID
    kind: DisputeKind
    order_id: UUID
    order_number: str
    seller_order_id: Annotated[
        UUID | None, Field(description="null where a bank took back what a gift card was paid with")
    ]
    seller_id: UUID | None
    order_item_id: UUID | None
    quantity: int | None
    reason: DisputeReason
    status: DisputeStatus
    waiting_for: WaitingFor | None
    due_at: Moment | None
    is_overdue: Annotated[
        bool, Field(description="Operators have let the time pass that they promised")
    ]
    actions: Annotated[list[DisputeAction], Field(description="What the caller may do now")]
    amount: MoneyOut
    award: MoneyOut | None
    outcome: DisputeOutcome | None
    decided_by: str | None
    decision: str | None
    is_final: bool
    appealed_by: Literal["buyer", "seller"] | None
    opened_at: Moment
    decided_at: Moment | None
    closed_at: Moment | None
    version: int
    frozen: Annotated[
        MoneyOut | None, Field(description="Of the seller's money; for the seller and operators")
    ] = None
    stage: Annotated[
        ChargebackStage | None,
        Field(description="Of a chargeback: how far it has gone, where the gateway tells"),
    ] = None


class DisputePageOut(PageOut[DisputeSummaryOut]):
    """Cases, newest first; to operators and support those overdue before all others."""


class DisputeMessageOut(AnswerModel):
    """What somebody said."""

    id: UUID
    author: Author
    body: str
    at: Moment


class DisputeFileOut(AnswerModel):
    """A file that somebody handed in; `url` gives it to those who may read the case."""

    id: UUID
    author: Author
    name: str
    content_type: str
    byte_size: int
    url: str
    at: Moment


class TrackingOut(AnswerModel):
    """A parcel with what the case is about, as its carrier says now."""

    carrier: str
    tracking_number: str | None
    tracking_url: str | None
    status: str
    shipped_at: Moment | None
    delivered_at: Moment | None


class DisputeStepOut(AnswerModel):
    """A step of the case."""

    at: Moment
    kind: str
    actor: str
    from_status: str | None
    to_status: str | None
    data: dict[str, Any]


class DisputeRefundOut(AnswerModel):
    """What goes back to the buyer out of the case."""

    id: UUID
    status: Literal["pending", "succeeded", "failed", "unknown"]
    amount: MoneyOut


class ChargebackOut(AnswerModel):
    """What the bank says. The whole of it is for operators: others answer for their share."""

    id: UUID
    gateway: str
    reason: str
    status: Literal["open", "won", "lost"]
    stage: Annotated[
        ChargebackStage | None, Field(description="How far it has gone, where the gateway tells")
    ]
    evidence_due_at: Moment | None
    evidence_sent_at: Moment | None
    opened_at: Moment
    closed_at: Moment | None
    amount: MoneyOut | None = None
    fee: MoneyOut | None = None
    reinstated: Annotated[
        MoneyOut | None, Field(description="What the bank gave back after it had kept it")
    ] = None


class DisputedItemOut(AnswerModel):
    """The line that a case is about."""

    id: UUID
    sku: str
    title: str
    quantity: int


class DisputeOut(DisputeSummaryOut):
    """A case with all that was said, handed in and done."""

    item: DisputedItemOut | None
    messages: list[DisputeMessageOut]
    evidence: list[DisputeFileOut]
    tracking: list[TrackingOut]
    refunds: list[DisputeRefundOut]
    chargeback: ChargebackOut | None
    log: list[DisputeStepOut]


def _waiting_for(dispute: Dispute) -> str | None:
    if dispute.is_of_card and dispute.stands is DisputeStatus.AWAITING_SELLER:
        # The market has sold it.
        return "operator"
    return _WAITING_FOR.get(dispute.stands)


def summary_document(
    dispute: Dispute, *, number: int, actions: list[DisputeAction], sees_money: bool
) -> Document:
    """A case without what was said in it."""
    currency = dispute.currency
    document: Document = {
        "id": dispute.id,
        "kind": dispute.kind,
        "order_id": dispute.order_id,
        "order_number": order_number(number),
        "seller_order_id": dispute.seller_order_id,
        "seller_id": dispute.seller_id,
        "order_item_id": dispute.order_line_id,
        "quantity": dispute.quantity,
        "reason": dispute.reason,
        "status": dispute.status,
        "waiting_for": _waiting_for(dispute),
        "due_at": dispute.due_at,
        "is_overdue": dispute.review_overdue_at is not None,
        "actions": [one.value for one in actions],
        "amount": Money(dispute.amount_minor, currency),
        "award": None if dispute.award_minor is None else Money(dispute.award_minor, currency),
        "outcome": dispute.outcome,
        "decided_by": dispute.decided_by,
        "decision": dispute.decision,
        "is_final": dispute.is_final,
        "appealed_by": dispute.appealed_by,
        "opened_at": dispute.opened_at,
        "decided_at": dispute.decided_at,
        "closed_at": dispute.closed_at,
        "version": dispute.version,
    }
    if sees_money:
        document["frozen"] = Money(dispute.frozen_minor, currency)
    return document


def listed_document(
    listed: ListedDispute, *, actions: list[DisputeAction], sees_money: bool
) -> Document:
    """A case in a list."""
    return {
        **summary_document(
            listed.dispute, number=listed.order_number, actions=actions, sees_money=sees_money
        ),
        "stage": listed.stage,
    }


def dispute_document(
    folder: DisputeFolder,
    *,
    actions: list[DisputeAction],
    sees_money: bool,
    sees_everything: bool,
) -> Document:
    """A case with all that belongs to it."""
    dispute = folder.dispute
    return {
        **summary_document(
            dispute, number=folder.order_number, actions=actions, sees_money=sees_money
        ),
        "stage": None if folder.chargeback is None else folder.chargeback.stage,
        "item": folder.line,
        "messages": [
            {"id": one.id, "author": one.author, "body": one.body, "at": one.at}
            for one in folder.messages
        ],
        "evidence": [
            {
                "id": one.id,
                "author": one.author,
                "name": one.name,
                "content_type": one.content_type,
                "byte_size": one.byte_size,
                "url": f"/api/v1/disputes/{dispute.id}/evidence/{one.id}",
                "at": one.at,
            }
            for one in folder.files
        ],
        "tracking": list(folder.tracking),
        "refunds": [
            {
                "id": one.id,
                "status": one.status,
                "amount": Money(one.amount_minor, dispute.currency),
            }
            for one in folder.refunds
        ],
        "chargeback": _chargeback(folder, whole=sees_everything),
        "log": [
            {
                "at": one.at,
                "kind": one.kind,
                "actor": one.actor,
                "from_status": one.from_status,
                "to_status": one.to_status,
                "data": one.data,
            }
            for one in folder.events
        ],
    }


def _chargeback(folder: DisputeFolder, *, whole: bool) -> Document | None:
    back = folder.chargeback
    if back is None:
        return None
    figures = {
        "amount": Money(back.amount_minor, back.currency),
        "fee": Money(back.fee_minor, back.currency),
        "reinstated": Money(back.reinstated_minor, back.currency),
    }
    return {
        "id": back.id,
        "gateway": back.gateway,
        "reason": back.reason,
        "status": back.status,
        "stage": back.stage,
        "evidence_due_at": back.evidence_due_at,
        "evidence_sent_at": back.evidence_sent_at,
        "opened_at": back.opened_at,
        "closed_at": back.closed_at,
        **(figures if whole else {}),
    }
