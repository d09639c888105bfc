"""Sellers' accounts at providers, and payouts called back, as they are answered."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, Moment
from gosellr.api.schemas.payouts import PayoutOut, payout_document
from gosellr.flows.connected_accounts import Onboarding
from gosellr.models.connected_values import PayoutRecall, SellerAccount
from gosellr.models.payout_values import Payout

Document = dict[str, Any]


class PayoutAccountOut(AnswerModel):
    """A seller's account at a provider, as it was told last. Money goes there once `is_ready`."""

    id: UUID
    provider: str = Field(examples=["stripe"])
    reference: Annotated[str | None, Field(description="The provider's own name of it")]
    country: str
    is_ready: bool
    is_complete: Annotated[bool, Field(description="The seller has told all that was asked")]
    may_receive: bool
    may_pay_out: bool
    missing: Annotated[
        list[str], Field(description="What the provider wants to be told, in its own words")
    ]
    due_at: Moment | None
    disabled_reason: str | None
    bank_failure: Annotated[
        str | None, Field(description="Why the seller's bank sent money back to the account")
    ]
    bank_failed_at: Moment | None
    created_at: Moment
    checked_at: Moment | None


class OnboardingOut(AnswerModel):
    """The page on which the seller says what is missing: for one visit, within minutes."""

    account: PayoutAccountOut
    onboarding_url: str


class PayoutRecallOut(AnswerModel):
    """A payout that was called back. `refused`: the provider gives nothing back, and says why."""

    id: UUID
    payout_id: UUID
    status: Literal["pending", "done", "refused"]
    reason: str
    refusal: str | None
    asked_at: Moment
    finished_at: Moment | None


class RecalledPayoutOut(AnswerModel):
    """The payout as it stands, and what became of the recall."""

    payout: PayoutOut
    recall: PayoutRecallOut | None


def account_document(account: SellerAccount) -> Document:
    """A seller's account as it is answered."""
    return {
        "id": account.id,
        "provider": account.provider,
        "reference": account.reference,
        "country": account.country,
        "is_ready": account.is_ready,
        "is_complete": account.is_complete,
        "may_receive": account.may_receive,
        "may_pay_out": account.may_pay_out,
        "missing": list(account.missing),
        "due_at": account.due_at,
        "disabled_reason": account.disabled_reason,
        "bank_failure": account.bank_failure,
        "bank_failed_at": account.bank_failed_at,
        "created_at": account.created_at,
        "checked_at": account.checked_at,
    }


def onboarding_document(onboarding: Onboarding) -> Document:
    """An account with the page on which its owner goes on."""
    return {"account": account_document(onboarding.account), "onboarding_url": onboarding.url}


def recall_document(recall: PayoutRecall) -> Document:
    """A recall as it is answered."""
    return {
        "id": recall.id,
        "payout_id": recall.payout_id,
        "status": recall.status,
        "reason": recall.reason,
        "refusal": recall.refusal,
        "asked_at": recall.asked_at,
        "finished_at": recall.finished_at,
    }


def recalled_document(payout: Payout, recall: PayoutRecall | None) -> Document:
    """A payout and its recall."""
    return {
        "payout": payout_document(payout),
        "recall": None if recall is None else recall_document(recall),
    }
