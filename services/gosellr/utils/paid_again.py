"""What papers say of a sale that a bank had taken back and its buyer has paid again.

Each paper is about what came back, or was taken once more, since the one before it. Its shares are
those of the sale that was lost: divided like a refund on what is left of each, so that whatever
comes in whichever parts ends at exactly what credit notes had taken off.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.refunds import (
    RefundablePart,
    RefundPlan,
    RefundShares,
    refund_all_left,
    refund_amount,
)

Key = UUID | str


@dataclass(frozen=True, slots=True)
class Paper:
    """An invoice about these shares, or where `is_taken` a credit note of such an invoice."""

    plan: RefundPlan
    is_taken: bool


def paper_of(
    lost: Mapping[Key, RefundShares],
    invoiced: Mapping[Key, RefundShares],
    *,
    stands_minor: int,
    tax_included: bool,
) -> Paper | None:
    """What is to be written so that papers say that so much stands as paid again, in the buyer's
    money; None for nothing.

    `lost` is what banks took for good of each line and of the delivery, `invoiced` what of that
    papers say has been paid again. Never more than was lost.
    """
    parts = [_part(key, shares, tax_included=tax_included) for key, shares in lost.items()]
    most_minor = sum(part.paid_minor for part in parts)
    known_minor = sum(shares.buyer_minor for shares in invoiced.values())
    due_minor = min(max(0, stands_minor), most_minor) - known_minor
    if due_minor > 0:
        left = [replace(one, refunded=invoiced.get(one.key, RefundShares())) for one in parts]
        return Paper(_planned(left, due_minor), is_taken=False)
    if due_minor < 0:
        back = [_part(key, shares, tax_included=tax_included) for key, shares in invoiced.items()]
        return Paper(_planned(back, -due_minor), is_taken=True)
    return None


def _planned(parts: Sequence[RefundablePart], amount_minor: int) -> RefundPlan:
    if amount_minor == sum(part.buyer_left_minor for part in parts):
        return refund_all_left(parts=parts)
    return refund_amount(parts=parts, amount_minor=amount_minor)


def _part(key: Key, shares: RefundShares, *, tax_included: bool) -> RefundablePart:
    return RefundablePart(
        key=key,
        quantity=shares.quantity,
        goods_minor=shares.goods_minor,
        tax_minor=shares.tax_minor,
        tax_included=tax_included,
        promotion_minor=shares.promotion_minor,
    )


def added_up(
    rows: Sequence[tuple[int, Sequence[Mapping[str, Any]]]], *, shipping: str
) -> dict[Key, RefundShares]:
    """The shares of papers or refunds added up by line, each counted with its sign; `shipping` is
    the key of what has no line. What comes to nothing is left out."""
    sums: dict[Key, RefundShares] = {}
    for sign, lines in rows:
        for line in lines:
            line_id = line["order_line_id"]
            key: Key = shipping if line_id is None else UUID(str(line_id))
            shares = RefundShares(
                quantity=sign * line["quantity"],
                buyer_minor=sign * line["amount_minor"],
                promotion_minor=sign * line["marketplace_discount_minor"],
                goods_minor=sign * line["goods_minor"],
                tax_minor=sign * line["tax_minor"],
            )
            sums[key] = sums.get(key, RefundShares()) + shares
    return {key: shares for key, shares in sums.items() if shares != RefundShares()}


def rows_of(plan: RefundPlan, *, shipping: str) -> list[dict[str, Any]]:
    """A plan's shares as plain JSON, as refunds and papers keep them."""
    return [
        {
            "order_line_id": None if key == shipping else str(key),
            "quantity": one.quantity,
            "amount_minor": one.buyer_minor,
            "goods_minor": one.goods_minor,
            "tax_minor": one.tax_minor,
            "marketplace_discount_minor": one.promotion_minor,
        }
        for key, one in plan.parts
    ]
