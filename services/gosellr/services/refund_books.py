"""A refund as the books see it: its entries, and whom it takes from, kept with the refund."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.order_values import Order, Refund, SellerOrder
from gosellr.models.refund_values import RefundPart
from gosellr.services import ledger_service
from gosellr.services.refund_plan import PlannedRefund
from gosellr.utils.cash_postings import cash_handed_back
from gosellr.utils.ledger import TransactionDraft, seller_available, seller_reserve
from gosellr.utils.money import split
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.postings import (
    GatewayAmount,
    SellerSources,
    goodwill_refund_intent,
    refund_intent,
)
from gosellr.utils.refund_fees import FeeTaken
from gosellr.utils.refunds import RefundShares

PartKey = UUID | str
Shares = Mapping[PartKey, RefundShares]


def intent_draft(
    *,
    refund_id: UUID,
    seller_order_id: UUID,
    seller_id: UUID,
    currency: str,
    shares: Shares,
    sources: SellerSources,
    through: Sequence[GatewayAmount],
    goodwill_returned_minor: int,
    provider_fee_minor: int,
    by_marketplace: bool,
    policy: MarketPolicy,
    remitted_to: Mapping[UUID | None, str],
) -> TransactionDraft:
    """The entries of an intent; those of a failure are the same the other way round."""
    if by_marketplace:
        return goodwill_refund_intent(
            refund_id=refund_id,
            seller_order_id=seller_order_id,
            currency=currency,
            through=through,
        )
    return refund_intent(
        refund_id=refund_id,
        seller_order_id=seller_order_id,
        seller_id=seller_id,
        currency=currency,
        parts=[(key if isinstance(key, UUID) else None, one) for key, one in shares.items()],
        sources=sources,
        through=through,
        commission_vat_jurisdiction=policy.commission_vat_jurisdiction,
        remitted_to=remitted_to,
        goodwill_returned_minor=goodwill_returned_minor,
        provider_fee_minor=provider_fee_minor,
    )


def effects_of(
    *,
    total: RefundShares,
    sources: SellerSources,
    amount_minor: int,
    goodwill_returned_minor: int,
    by_marketplace: bool,
    provider_fees: Mapping[UUID, FeeTaken] | None = None,
) -> dict[str, Any]:
    """What is taken from whom, in minor units: what the buyer gets is the sum of it all.

    `promotion_minor` and `goodwill_returned_minor` flow back to the marketplace, and so do the
    fees of `provider_fees`.
    """
    return {
        "seller": {
            **_of_case(sources),
            "pending_minor": sources.pending_minor,
            "available_minor": sources.available_minor,
            "reserve_minor": sources.reserve_minor,
            "receivable_minor": sources.receivable_minor,
        },
        "commission_minor": total.commission_reversed_minor,
        "commission_vat_minor": total.commission_vat_reversed_minor,
        **_of_tax(total),
        "promotion_minor": total.promotion_minor,
        "goodwill_minor": amount_minor if by_marketplace else 0,
        "goodwill_returned_minor": goodwill_returned_minor,
        **_of_fees(provider_fees or {}),
    }


def _of_fees(taken: Mapping[UUID, FeeTaken]) -> dict[str, Any]:
    """What the seller bears of fees, where it does."""
    kept = {
        str(payment_id): {"amount_minor": one.amount_minor, "fee_minor": one.fee_minor}
        for payment_id, one in taken.items()
    }
    return {"provider_fees": kept} if kept else {}


def provider_fee_minor(effects: Mapping[str, Any]) -> int:
    """What of the seller's side makes good what providers kept of the sale."""
    return sum(one["fee_minor"] for one in effects.get("provider_fees", {}).values())


def _of_case(sources: SellerSources) -> dict[str, int]:
    """What a case gives, where there is one."""
    given_minor = sources.case_reserve_minor
    return {"case_reserve_minor": given_minor} if given_minor else {}


def _of_tax(total: RefundShares) -> dict[str, int]:
    """What the marketplace gives of tax that it remits, where it remits any."""
    return {"tax_remitted_minor": total.remitted_minor} if total.remitted_minor else {}


def share_of(taken: SellerSources, seller_minor: int) -> SellerSources:
    """So much of what was taken, from each pot its part."""
    pots = split(
        seller_minor,
        [
            taken.case_reserve_minor,
            taken.pending_minor,
            taken.available_minor,
            taken.reserve_minor,
            taken.receivable_minor,
        ],
    )
    return SellerSources(
        case_reserve_minor=pots[0],
        pending_minor=pots[1],
        available_minor=pots[2],
        reserve_minor=pots[3],
        receivable_minor=pots[4],
    )


def sources_of(effects: Mapping[str, Any]) -> SellerSources:
    """The pots that an intent took the seller's side from."""
    return SellerSources(**effects["seller"])


def lowered(effects: Mapping[str, Any], by: Mapping[str, Any]) -> dict[str, Any]:
    """Effects less those of a part that failed."""
    return {
        name: lowered(value, by.get(name, {}))
        if isinstance(value, Mapping)
        else value - by[name]
        if name in by
        else value
        for name, value in effects.items()
    }


def line_rows(shares: Shares, *, refund_id: UUID) -> list[dict[str, Any]]:
    """The shares as rows, each with an id of its own."""
    return [
        {
            "id": new_id(),
            "refund_id": refund_id,
            "order_line_id": key if isinstance(key, UUID) else None,
            "quantity": one.quantity,
            "amount_minor": one.buyer_minor,
            "goods_minor": one.goods_minor,
            "tax_minor": one.tax_minor,
            "marketplace_discount_minor": one.promotion_minor,
            "commission_minor": one.commission_minor,
            "commission_vat_minor": one.commission_vat_minor,
            "commission_reversed_minor": one.commission_reversed_minor,
            "commission_vat_reversed_minor": one.commission_vat_reversed_minor,
        }
        for key, one in shares.items()
    ]


def shares_of(row: Mapping[str, Any], *, tax_remitted: bool) -> RefundShares:
    """The shares that such a row holds; whether the marketplace remits its tax says its part."""
    return RefundShares(
        quantity=row["quantity"],
        buyer_minor=row["amount_minor"],
        promotion_minor=row["marketplace_discount_minor"],
        goods_minor=row["goods_minor"],
        tax_minor=row["tax_minor"],
        commission_minor=row["commission_minor"],
        commission_vat_minor=row["commission_vat_minor"],
        commission_reversed_minor=row["commission_reversed_minor"],
        commission_vat_reversed_minor=row["commission_vat_reversed_minor"],
        remitted_minor=row["tax_minor"] if tax_remitted else 0,
    )


def lowered_row(line_id: UUID, shares: RefundShares) -> dict[str, Any]:
    """By how much a row is to be lowered."""
    return {
        "id": line_id,
        "amount_minor": shares.buyer_minor,
        "goods_minor": shares.goods_minor,
        "tax_minor": shares.tax_minor,
        "promotion_minor": shares.promotion_minor,
        "commission_minor": shares.commission_minor,
        "commission_vat_minor": shares.commission_vat_minor,
        "commission_reversed_minor": shares.commission_reversed_minor,
        "commission_vat_reversed_minor": shares.commission_vat_reversed_minor,
    }


def effects_of_plan(planned: PlannedRefund, sources: SellerSources) -> dict[str, Any]:
    """The same of a refund that is decided and not yet written."""
    return effects_of(
        total=planned.total,
        sources=sources,
        amount_minor=planned.amount_minor,
        goodwill_returned_minor=planned.goodwill_returned_minor,
        by_marketplace=planned.by_marketplace,
        provider_fees=planned.provider_fees,
    )


def pots_of(part: SellerOrder) -> tuple[str, str]:
    """The guarded accounts of a seller order's seller: available, reserve."""
    return seller_available(part.seller_id), seller_reserve(part.seller_id)


async def handed_back(
    connection: Connection, *, order: Order, refund: Refund, part: RefundPart
) -> TransactionDraft:
    """The entries of a refund that its seller has paid in cash; what it owes is locked for it."""
    [sold] = [one for one in order.parts if one.id == refund.seller_order_id]
    # Whoever recovers a debt holds this lock, so it is lowered once.
    await ledger_service.locked_balances(
        connection, accounts=[seller_available(sold.seller_id)], currency=order.currency
    )
    owed_minor = await ledger_service.receivable_of(
        connection, seller_id=sold.seller_id, currency=order.currency
    )
    return cash_handed_back(
        refund_id=refund.id,
        seller_order_id=sold.id,
        seller_id=sold.seller_id,
        gateway=part.method,
        amount_minor=part.amount_minor,
        owed_minor=owed_minor,
        currency=order.currency,
    )
