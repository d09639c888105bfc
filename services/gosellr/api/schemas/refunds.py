"""Refunds as they are asked for and answered."""

from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from gosellr.api.schemas.common import (
    AnswerModel,
    Flag,
    Moment,
    MoneyIn,
    MoneyOut,
    Quantity,
    Reason,
    RequestModel,
)
from gosellr.models.order_values import Refund
from gosellr.services.refund_books import provider_fee_minor
from gosellr.services.refund_plan import RefundRequest
from gosellr.services.refund_questions import RefundPreview
from gosellr.services.refund_ways import NamedPayment, Override
from gosellr.utils.money import Money
from gosellr.utils.refunds import SHIPPING_KEY, RefundShares

ITEMS_MAX = 200
WAYS_MAX = 20
Document = dict[str, Any]
ShippingTax = Annotated[MoneyOut, Field(description="The tax in what goes back of the delivery")]


class RefundItemIn(RequestModel):
    """Units of a line."""

    order_item_id: UUID
    quantity: Quantity


class RefundSettle(RequestModel):
    """What became of a refund, as an operator found out."""

    outcome: Annotated[
        Literal["arrived", "failed"],
        Field(description="`failed` gives what it took back to whom it was taken from"),
    ]
    reason: Annotated[Reason, Field(description="How that is known: buyer and seller read it")]


class RefundWayIn(RequestModel):
    """A payment that a refund goes back through, and how much of it."""

    payment_id: Annotated[UUID, Field(description="One of the order's `payments`")]
    amount: Annotated[
        MoneyIn | None,
        Field(description="Exactly so much; without it, as much as is left of both"),
    ] = None


class RefundCreate(RequestModel):
    """What goes back of one seller order: units, the delivery, or a free amount."""

    seller_order_id: UUID
    items: Annotated[tuple[RefundItemIn, ...], Field(max_length=ITEMS_MAX)] = ()
    shipping: Flag = False
    amount: MoneyIn | None = None
    reason: Reason
    borne_by: Annotated[
        Literal["seller", "marketplace"],
        Field(description="The marketplace bears free amounts only, and operators decide so"),
    ] = "seller"
    to: Annotated[
        Literal["original", "first_paid", "store_credit"],
        Field(
            description="`original` goes back to the last to pay first, `first_paid` to the first: "
            "gift cards and credit. `store_credit` only where the buyer, who needs an account, has "
            "agreed: what a gateway took comes as credit. Gift cards and credit that paid get back "
            "their own either way"
        ),
    ] = "original"
    ways: Annotated[
        tuple[RefundWayIn, ...],
        Field(
            max_length=WAYS_MAX,
            description="For who sees how the order was paid: the payments that it goes back "
            "through, and no other. Amounts are given first; what they leave goes to the rest of "
            "`ways` in turn, and all have to come to what goes back",
        ),
    ] = ()
    restock: Annotated[
        bool,
        Field(
            strict=True,
            description="Units that weren't shipped go back on sale; else they are written off",
        ),
    ] = True

    @model_validator(mode="after")
    def _one_of_the_ways(self) -> Self:
        if (self.amount is None) is not bool(self.items or self.shipping):
            raise ValueError("send either items and shipping, or an amount")
        if self.ways and self.to == "first_paid":
            raise ValueError("ways say in which order they are given")
        return self

    def request(self) -> RefundRequest:
        """The same as the service reads it."""
        return RefundRequest(
            seller_order_id=self.seller_order_id,
            reason=self.reason,
            items=tuple((item.order_item_id, item.quantity) for item in self.items),
            shipping=self.shipping,
            amount_minor=None if self.amount is None else self.amount.amount,
            currency=None if self.amount is None else self.amount.currency,
            by_marketplace=self.borne_by == "marketplace",
            restock=self.restock,
            to_store_credit=self.to == "store_credit",
            override=Override(
                first_paid_first=self.to == "first_paid",
                named=tuple(
                    NamedPayment(
                        payment_id=way.payment_id,
                        amount_minor=None if way.amount is None else way.amount.amount,
                        currency=None if way.amount is None else way.amount.currency,
                    )
                    for way in self.ways
                ),
            ),
        )


class RefundLineOut(AnswerModel):
    """What of a refund belongs to a line. The terms are shown to sellers and operators."""

    order_item_id: UUID
    quantity: int
    amount: MoneyOut
    tax: MoneyOut
    commission: MoneyOut | None = None
    commission_vat: MoneyOut | None = None
    marketplace_discount: MoneyOut | None = None


class SellerEffectsOut(AnswerModel):
    """Which of the seller's pots gives; `receivable` is what they now owe, `case` what was frozen
    under the case that decided it."""

    case: MoneyOut
    pending: MoneyOut
    available: MoneyOut
    reserve: MoneyOut
    receivable: MoneyOut


class EffectsOut(AnswerModel):
    """What is taken from whom. `promotion`, `goodwill_returned` and `provider_fee` flow to the
    marketplace; `tax_remitted` is tax that it would have passed on."""

    seller: SellerEffectsOut
    commission: MoneyOut
    commission_vat: MoneyOut
    tax_remitted: MoneyOut
    promotion: MoneyOut
    goodwill: MoneyOut
    goodwill_returned: MoneyOut
    provider_fee: Annotated[
        MoneyOut,
        Field(description="What the seller gives for what the payment provider kept of the sale"),
    ]


class WithdrawnOut(AnswerModel):
    """Units of a line that haven't left, and won't be sent any more."""

    order_item_id: UUID
    quantity: Annotated[int, Field(examples=[2])]
    then: Annotated[
        Literal["restocked", "written_off"],
        Field(description="Back on sale, or out of stock for good", examples=["restocked"]),
    ]


class WayBackOut(AnswerModel):
    """What goes back of one payment, and to which instrument."""

    payment_id: UUID
    method: Annotated[str, Field(description="What paid", examples=["stripe"])]
    goes_to: Annotated[
        str,
        Field(
            description="What gets it: `method`, or `store_credit` in place of a gateway's",
            examples=["store_credit"],
        ),
    ]
    amount: MoneyOut


class RefundPreviewOut(AnswerModel):
    """What a refund would do now."""

    order_id: UUID
    seller_order_id: UUID
    lines: list[RefundLineOut]
    shipping: MoneyOut
    shipping_tax: ShippingTax
    amount: MoneyOut
    reason: str
    borne_by: Literal["seller", "marketplace"]
    effects: EffectsOut
    withdrawn: list[WithdrawnOut]
    ways: Annotated[
        list[WayBackOut] | None,
        Field(description="Null for a shop, which doesn't see how its buyer paid"),
    ]
    needs_second_person: Annotated[
        bool, Field(description="It would be proposed, for another operator to approve")
    ]


class RefundOut(AnswerModel):
    """Money on its way back, or back."""

    id: UUID
    order_id: UUID
    seller_order_id: Annotated[
        UUID | None, Field(description="Null where a gift card that was sold is taken back")
    ]
    lines: list[RefundLineOut]
    shipping: MoneyOut
    shipping_tax: ShippingTax
    amount: MoneyOut
    reason: str
    borne_by: Literal["seller", "marketplace"]
    status: Literal["pending", "succeeded", "failed", "unknown"]
    failure_reason: str | None
    effects: EffectsOut | None = None
    created_at: Moment
    finished_at: Moment | None


class RefundListOut(AnswerModel):
    """All refunds of an order that the caller may see."""

    items: list[RefundOut]
    next_cursor: None


def refund_document(refund: Refund, *, order_id: UUID, sees_terms: bool) -> Document:
    """A refund; commission and effects are the seller's and the operator's to read."""
    currency = refund.currency
    shipping = [row for row in refund.lines if not row["order_line_id"]]
    document: Document = {
        "id": refund.id,
        "order_id": order_id,
        "seller_order_id": refund.seller_order_id,
        "lines": [
            _line(row["order_line_id"], _shares(row), currency, sees_terms=sees_terms)
            for row in refund.lines
            if row["order_line_id"]
        ],
        "shipping": Money(sum(row["amount_minor"] for row in shipping), currency),
        "shipping_tax": Money(sum(row["tax_minor"] for row in shipping), currency),
        "amount": Money(refund.amount_minor, currency),
        "reason": refund.reason,
        "borne_by": refund.borne_by,
        "status": refund.status,
        "failure_reason": refund.failure_reason,
        "created_at": refund.created_at,
        "finished_at": refund.finished_at,
    }
    if sees_terms:
        document["effects"] = effects_document(refund.effects, currency)
    return document


def preview_document(preview: RefundPreview, *, order_id: UUID, reason: str) -> Document:
    """What a refund would do now."""
    planned, currency = preview.planned, preview.currency
    return {
        "order_id": order_id,
        "seller_order_id": planned.part.id,
        "lines": [
            _line(key, shares, currency, sees_terms=True)
            for key, shares in planned.shares.items()
            if key != SHIPPING_KEY
        ],
        "shipping": Money(planned.shipping.buyer_minor, currency),
        "shipping_tax": Money(planned.shipping.tax_minor, currency),
        "amount": Money(planned.amount_minor, currency),
        "reason": reason,
        "borne_by": "marketplace" if planned.by_marketplace else "seller",
        "effects": effects_document(preview.effects, currency),
        "withdrawn": [
            {
                "order_item_id": line_id,
                "quantity": quantity,
                "then": "restocked" if preview.restock else "written_off",
            }
            for line_id, quantity in preview.withdrawn.items()
        ],
        "needs_second_person": preview.takes_two,
        "ways": None
        if preview.ways is None
        else [
            {
                "payment_id": way.payment_id,
                "method": way.method,
                "goes_to": way.goes_to,
                "amount": Money(way.amount_minor, currency),
            }
            for way in preview.ways
        ],
    }


def _shares(row: Any) -> RefundShares:
    return RefundShares(
        quantity=row["quantity"],
        buyer_minor=row["amount_minor"],
        promotion_minor=row["marketplace_discount_minor"],
        tax_minor=row["tax_minor"],
        commission_reversed_minor=row["commission_reversed_minor"],
        commission_vat_reversed_minor=row["commission_vat_reversed_minor"],
    )


def _line(key: object, shares: RefundShares, currency: str, *, sees_terms: bool) -> Document:
    terms = {
        "commission": Money(shares.commission_reversed_minor, currency),
        "commission_vat": Money(shares.commission_vat_reversed_minor, currency),
        "marketplace_discount": Money(shares.promotion_minor, currency),
    }
    return {
        "order_item_id": key,
        "quantity": shares.quantity,
        "amount": Money(shares.buyer_minor, currency),
        "tax": Money(shares.tax_minor, currency),
        **(terms if sees_terms else {}),
    }


def effects_document(effects: Any, currency: str) -> Document:
    """What is taken from whom, as it is answered."""
    return {
        "seller": {
            "case": Money(effects["seller"].get("case_reserve_minor", 0), currency),
            **{
                pot: Money(effects["seller"][f"{pot}_minor"], currency)
                for pot in ("pending", "available", "reserve", "receivable")
            },
        },
        "tax_remitted": Money(effects.get("tax_remitted_minor", 0), currency),
        **{
            name: Money(effects[f"{name}_minor"], currency)
            for name in (
                "commission", "commission_vat", "promotion", "goodwill", "goodwill_returned",
            )
        },
        "provider_fee": Money(provider_fee_minor(effects), currency),
    }  # fmt: skip
