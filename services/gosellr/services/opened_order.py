"""What an order that now waits for its money is made of, whichever way it was opened."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order
from gosellr.queries.reservations import Wanted
from gosellr.services import order_rows
from gosellr.services.basket_service import Basket, CheckoutRequest
from gosellr.services.placed_order import placed_order
from gosellr.services.pricing_service import PricedBasket, PricingContext
from gosellr.utils.inventory import hold_until
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.stored_value import STORED_METHODS
from gosellr.utils.viewer import Viewer

Rows = Sequence[Mapping[str, Any]]

# Attempts that become something else in the very transaction that writes them.
_CHANGED = STORED_METHODS | {CASH_ON_DELIVERY}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedOrder:
    """The order that now waits for its money; `existing` when there was one already.

    `contended` are the variants that a rival had to be waited for.
    """

    order_id: UUID
    payment_ids: tuple[UUID, ...] = ()
    existing: bool = False
    contended: Collection[UUID] = ()
    # The order as it reads, where it was just written.
    order: Order | None = None


def opened_of(
    rows: order_rows.OrderRows,
    priced: PricedBasket,
    *,
    number: int,
    contended: Collection[UUID],
    is_changed: bool = False,
) -> OpenedOrder:
    """The order as it was just opened."""
    sellers = {
        offer.seller_id: (offer.seller_name, offer.seller_slug) for offer in priced.offers.values()
    }
    # What was set aside has changed the attempts since their rows were made.
    is_changed |= any(payment["method"] in _CHANGED for payment in rows.payments)
    return OpenedOrder(
        order_id=rows.order["id"],
        payment_ids=tuple(payment["id"] for payment in rows.payments),
        contended=contended,
        order=None if is_changed else placed_order(rows, number=number, sellers=sellers),
    )


def held_until(request: CheckoutRequest, context: PricingContext) -> datetime | None:
    """Until when its stock is held for its money to come; None for as long as it takes."""
    return hold_until(
        payment_methods=[tender.method for tender in request.tenders],
        placed_at=context.now,
        settings=context.policy.holds,
    )


def buyer_of(
    basket: Basket, *, viewer: Viewer, request: CheckoutRequest, token_hash: bytes | None
) -> order_rows.Buyer:
    """Who buys, and where it goes."""
    return order_rows.Buyer(
        user_id=viewer.user_id,
        token_hash=token_hash,
        email=basket.email,
        ip_address=viewer.ip_address,
        shipping_address=basket.shipping_address,
        billing_address=basket.billing_address,
        reference=request.reference,
        cart_id=basket.cart_id,
        coupon_codes=basket.coupon_codes,
    )


def placed_fact(order_id: UUID, lines: Rows) -> Fact:
    """What is told of it."""
    return Fact(
        FactType.ORDER_PLACED,
        order_id,
        {
            "order_id": str(order_id),
            "product_ids": sorted({str(line["product_id"]) for line in lines}),
        },
    )


def wanted_of(lines: Rows) -> list[Wanted]:
    """What its lines need of the stock."""
    return [
        Wanted(
            order_line_id=line["id"],
            seller_order_id=line["seller_order_id"],
            variant_id=line["variant_id"],
            quantity=line["quantity"],
        )
        for line in lines
    ]
