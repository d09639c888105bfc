"""What an award would do, as it is asked for and answered."""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from gosellr.api.schemas.common import AnswerModel, Bps, MoneyIn, MoneyOut, RequestModel
from gosellr.api.schemas.refunds import EffectsOut, effects_document
from gosellr.services.dispute_argument import Award
from gosellr.services.dispute_preview import AwardPreview
from gosellr.services.refund_books import provider_fee_minor
from gosellr.utils.money import Money

Document = dict[str, Any]


class DisputePreview(RequestModel):
    """What the buyer would get: a share of what the case is about, or an amount."""

    share_bps: Bps | None = None
    amount: MoneyIn | None = None

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
            reason="",
        )


class AwardPreviewOut(AnswerModel):
    """What a decision would do now. The seller's side, the commission and its VAT pay for the
    buyer's amount and for the promotion that flows back to the marketplace."""

    award: MoneyOut
    is_final: Annotated[
        bool, Field(description="Nobody could appeal; the money would move at once")
    ]
    buyer: Annotated[MoneyOut, Field(description="What goes back to the buyer")]
    tax: Annotated[MoneyOut, Field(description="The tax in it, which the seller owes no more")]
    seller: Annotated[MoneyOut, Field(description="What the seller gives")]
    released: Annotated[MoneyOut, Field(description="Frozen money that is the seller's again")]
    marketplace: Annotated[
        MoneyOut,
        Field(description="By how much the marketplace's own income changes: less commission, "
              "more of what it had borne of a promotion"),
    ]  # fmt: skip
    effects: EffectsOut | None
    needs_second_person: Annotated[
        bool, Field(description="It would be proposed, for another operator to approve")
    ]


def award_document(preview: AwardPreview) -> Document:
    """What a decision would do, as it is answered."""
    currency, planned, effects = preview.dispute.currency, preview.planned, preview.effects
    marketplace_minor = 0
    if effects is not None:
        marketplace_minor = (
            effects["promotion_minor"]
            + effects["goodwill_returned_minor"]
            + provider_fee_minor(effects)
            - effects["commission_minor"]
        )
    return {
        "award": Money(preview.award_minor, currency),
        "is_final": preview.is_final,
        "buyer": Money(0 if planned is None else planned.amount_minor, currency),
        "tax": Money(0 if planned is None else planned.total.tax_minor, currency),
        "seller": Money(0 if planned is None else planned.seller_minor, currency),
        "released": Money(preview.released_minor, currency),
        "marketplace": Money(marketplace_minor, currency),
        "effects": None if effects is None else effects_document(effects, currency),
        "needs_second_person": preview.takes_two,
    }
