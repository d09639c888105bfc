"""Units that are called off before they are paid for, as they are asked for and answered."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from gosellr.api.schemas.common import AnswerModel, MoneyOut, Quantity, Reason, RequestModel
from gosellr.services.reduction_plan import Reduction, ReductionRequest
from gosellr.utils.money import Money

ITEMS_MAX = 200
Document = dict[str, Any]


class ReductionItemIn(RequestModel):
    """Units of a line."""

    order_item_id: UUID
    quantity: Quantity


class ReductionCreate(RequestModel):
    """What of one seller order is called off. Its delivery stays as it was agreed."""

    seller_order_id: UUID
    items: Annotated[tuple[ReductionItemIn, ...], Field(min_length=1, max_length=ITEMS_MAX)]
    reason: Reason

    def request(self) -> ReductionRequest:
        """The same as the service reads it."""
        return ReductionRequest(
            seller_order_id=self.seller_order_id,
            reason=self.reason,
            items=tuple((item.order_item_id, item.quantity) for item in self.items),
        )


class ReducedLineOut(AnswerModel):
    """A line that becomes smaller: `quantity` is called off, the rest costs `total`."""

    order_item_id: UUID
    quantity: int
    quantity_left: int
    amount: MoneyOut
    tax: MoneyOut
    total: MoneyOut


class ReductionPreviewOut(AnswerModel):
    """What the buyer would no longer pay, and what the seller order would cost."""

    order_id: UUID
    seller_order_id: UUID
    amount: MoneyOut
    tax: MoneyOut
    total: MoneyOut
    order_total: MoneyOut
    items: list[ReducedLineOut]
    reason: str


class ReductionOut(ReductionPreviewOut):
    """What was called off."""

    id: UUID


def reduction_document(reduction: Reduction) -> Document:
    """A reduction as it is answered; one that is only looked at has no id."""
    order, part, by = reduction.order, reduction.part, reduction.by

    def money(minor: int) -> Money:
        return Money(minor, order.currency)

    document: Document = {
        "order_id": order.id,
        "seller_order_id": part.id,
        "amount": money(by.total_minor),
        "tax": money(by.tax_minor),
        "total": money(part.total_minor - by.total_minor),
        "order_total": money(order.total_minor - by.total_minor),
        "items": [
            {
                "order_item_id": one.line_id,
                "quantity": one.quantity,
                "quantity_left": one.after.quantity,
                "amount": money(one.amount_minor),
                "tax": money(one.before.tax_minor - one.after.tax_minor),
                "total": money(one.after.total_minor),
            }
            for one in reduction.lines
        ],
        "reason": reduction.reason,
    }
    return document if reduction.id is None else {"id": reduction.id, **document}
