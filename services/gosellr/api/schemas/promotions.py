"""Shapes of coupons."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.carts import CouponCode
from gosellr.api.schemas.common import (
    AnswerModel,
    Moment,
    MoneyIn,
    MoneyOut,
    PageOut,
    RequestModel,
    left_out,
)
from gosellr.api.schemas.terms import MomentIn, given, minor_of, money, one_currency
from gosellr.models.term_values import ListedCoupon
from gosellr.services.promotion_service import CouponDraft
from gosellr.utils.promotions import CouponFunding, CouponKind

Share = Annotated[int, Field(strict=True, ge=1, le=10_000, description="1/100 of a percent")]
Uses = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1)]


class CouponCreate(RequestModel):
    """A new coupon: `value_bps` off, an `amount` off, or delivery free of charge."""

    code: CouponCode
    kind: CouponKind
    value_bps: Share | None = None
    amount: MoneyIn | None = None
    minimum: MoneyIn | None = None
    seller_id: UUID | None = None
    funded_by: CouponFunding = CouponFunding.SELLER
    marketplace_share_bps: Share | None = None
    limit_total: Uses | None = None
    limit_per_customer: Uses | None = None
    valid_from: MomentIn | None = None
    valid_to: MomentIn | None = None

    def draft(self) -> CouponDraft:
        """The coupon as the domain knows it.

        Raises:
            InvalidInput: when its amounts don't share one currency.
        """
        return CouponDraft(
            code=self.code,
            kind=self.kind,
            funded_by=self.funded_by,
            value_bps=self.value_bps or 0,
            amount_minor=self.amount.amount if self.amount else 0,
            minimum_minor=self.minimum.amount if self.minimum else 0,
            currency=one_currency([self.amount, self.minimum], field="minimum"),
            marketplace_share_bps=self.marketplace_share_bps or 0,
            limit_total=self.limit_total,
            limit_per_customer=self.limit_per_customer,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class CouponChange(RequestModel):
    """Changes to a coupon's figures, limits and dates; fields left out stay."""

    value_bps: Share = left_out()
    amount: MoneyIn = left_out()
    minimum: MoneyIn | None = left_out()
    limit_total: Uses | None = left_out()
    limit_per_customer: Uses | None = left_out()
    valid_from: MomentIn | None = left_out()
    valid_to: MomentIn | None = left_out()

    def values(self) -> dict[str, Any]:
        """The changes as the domain knows them.

        Raises:
            InvalidInput: when the amounts don't share one currency.
        """
        sent = given(self)
        currency = one_currency([sent.get("amount"), sent.get("minimum")], field="minimum")
        values = minor_of(sent, amount="amount_minor", minimum="minimum_minor")
        if values.get("minimum_minor", 0) is None:
            values["minimum_minor"] = 0
        return values if currency is None else values | {"currency": currency}


class CouponOut(AnswerModel):
    """A coupon with its limits and how often it was used."""

    id: UUID
    code: str
    kind: CouponKind
    value_bps: int | None
    amount: MoneyOut | None
    minimum: MoneyOut | None
    seller_id: UUID | None
    funded_by: CouponFunding
    marketplace_share_bps: int | None
    limit_total: int | None
    limit_per_customer: int | None
    used_count: int
    valid_from: Moment | None
    valid_to: Moment | None


CouponPage = PageOut[CouponOut]


def coupon_document(coupon: ListedCoupon) -> dict[str, Any]:
    """A coupon as it is answered."""
    terms = coupon.terms
    return {
        "id": coupon.id,
        "code": terms.code,
        "kind": terms.kind,
        "value_bps": terms.value_bps or None,
        "amount": money(terms.amount_minor or None, terms.currency),
        "minimum": money(terms.minimum_minor or None, terms.currency),
        "seller_id": terms.seller_id,
        "funded_by": terms.funded_by,
        "marketplace_share_bps": terms.marketplace_share_bps or None,
        "limit_total": coupon.limit_total,
        "limit_per_customer": coupon.limit_per_customer,
        "used_count": coupon.used_count,
        "valid_from": coupon.valid_from,
        "valid_to": coupon.valid_to,
    }
