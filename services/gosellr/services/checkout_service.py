"""From a basket to an order that waits for its money: the intent, in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import DomainError
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import Order
from gosellr.queries import locks, orders, placements
from gosellr.queries.market_terms import MarketTerms
from gosellr.queries.placements import Claim, Placement
from gosellr.queries.reservations import Wanted
from gosellr.services import (
    basket_service,
    cart_service,
    cash_service,
    cash_terms_service,
    idempotency_service,
    order_rows,
    promotion_service,
    reservation_service,
    stored_value_tender,
    tender_split,
)
from gosellr.services.basket_service import Basket, CheckoutRequest, Tender
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.placed_order import placed_order
from gosellr.services.pricing_service import PricedBasket, PricingContext
from gosellr.utils.captures import CaptureMoment
from gosellr.utils.inventory import hold_until
from gosellr.utils.offline import CASH_ON_DELIVERY
from gosellr.utils.policy import MarketPolicy
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


async def open_order(
    connection: Connection,
    *,
    order_id: UUID,
    viewer: Viewer,
    request: CheckoutRequest,
    key: RequestKey,
    token_hash: bytes | None,
    context: PricingContext,
    all_buckets: bool = False,
) -> OpenedOrder | EarlierRequest:
    """Price the basket, write the order, hold its stock, claim its coupons and stored value.

    `token_hash` is what a guest's order will answer to.

    Raises:
        TotalChanged, OutOfStock, BasketBlocked, EmptyBasket, CouponUsedUp, InvalidInput,
        NotFound, IdempotencyKeyReused, GiftCardRefused, InsufficientBalance: and then nothing
            was changed.
        CarrierQuotesNeeded, StockCrowded: begin again with carriers' answers, with all buckets.
    """
    now, policy = context.now, context.policy
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(order_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    open_order_id = await _open_order_of(connection, viewer=viewer, cart_id=request.cart_id)
    if open_order_id is not None:
        return await _existing(connection, open_order_id, key=key)
    basket, terms, priced = await basket_service.load_basket(
        connection, viewer=viewer, request=request, context=context
    )
    expires_at = _held_until(request, context)
    amounts = await tender_split.amounts_of(
        connection,
        viewer=viewer,
        tenders=request.tenders,
        total_minor=priced.quote.totals.total_minor,
        currency=priced.currency,
        now=now,
    )
    amounts = await _with_cash(connection, amounts, priced=priced, policy=policy)
    rows = order_rows.build(
        order_id=order_id,
        priced=priced,
        terms=terms,
        buyer=_buyer(basket, viewer=viewer, request=request, token_hash=token_hash),
        amounts=amounts,
        expires_at=expires_at,
        now=now,
    )
    number = await _write(connection, rows, now=now)
    if basket.cart_id is not None:
        await cart_service.mark_ordered(connection, cart_id=basket.cart_id)
    # What is scarce is taken last of all, so that its locks are held the shortest.
    contended = await _hold(
        connection, order_id, rows.lines, expires_at=expires_at, all_buckets=all_buckets, now=now
    )
    await _claim_coupons(connection, order_id, basket=basket, terms=terms, priced=priced, now=now)
    await _set_aside(connection, rows, amounts, now=now)
    waits = await tender_split.freeze(connection, order_id=order_id, amounts=amounts, policy=policy)
    await _promise_cash(connection, rows, amounts, policy=policy, now=now)
    return _opened(rows, priced, number=number, contended=contended, is_changed=waits)


async def open_at_once(
    connection: Connection,
    *,
    order_id: UUID,
    viewer: Viewer,
    request: CheckoutRequest,
    key: RequestKey,
    token_hash: bytes | None,
    context: PricingContext,
) -> OpenedOrder | None:
    """As `open_order` where nothing stands in the way, by one statement that writes all of it.

    None, and nothing is written, where there are coupons, stored value or cash, money is taken
    later, or anything isn't as it should be: `open_order` looks closer and says what.

    Raises:
        CarrierQuotesNeeded: begin again with carriers' answers.
    """
    if (
        request.coupons
        or context.policy.capture is CaptureMoment.AT_SHIPMENT
        or stored_value_tender.is_stored(request.tenders)
        or cash_terms_service.wants_cash(request.tenders)
    ):
        return None
    now = context.now
    try:
        basket, terms, priced = await basket_service.load_basket(
            connection, viewer=viewer, request=request, context=context
        )
        amounts = tender_split.split(request.tenders, total_minor=priced.quote.totals.total_minor)
    except DomainError:
        return None
    if basket.coupon_codes:
        return None
    rows = order_rows.build(
        order_id=order_id,
        priced=priced,
        terms=terms,
        buyer=_buyer(basket, viewer=viewer, request=request, token_hash=token_hash),
        amounts=amounts,
        expires_at=_held_until(request, context),
        now=now,
    )
    done = await placements.place(
        connection,
        claim=Claim(
            scope=key.scope,
            key=key.key,
            request_hash=key.request_hash,
            expires_at=now + context.policy.idempotency_kept_for,
        ),
        placement=Placement(
            order=rows.order,
            parts=rows.parts,
            lines=rows.lines,
            payments=rows.payments,
            events=rows.events,
            facts=[_placed(order_id, rows.lines)],
            wanted=_wanted(rows.lines),
            bag=(basket.cart_id, basket.cart_version),
        ),
        now=now,
    )
    if done is None:
        return None
    number, contended = done
    return _opened(rows, priced, number=number, contended=contended)


async def _write(connection: Connection, rows: order_rows.OrderRows, *, now: datetime) -> int:
    """Write the order down, with the fact that there is one; gives its number."""
    return await orders.insert(
        connection,
        order=rows.order,
        parts=rows.parts,
        lines=rows.lines,
        payments=rows.payments,
        events=rows.events,
        facts=[_placed(rows.order["id"], rows.lines)],
        now=now,
    )


def _opened(
    rows: order_rows.OrderRows,
    priced: PricedBasket,
    *,
    number: int,
    contended: Collection[UUID],
    is_changed: bool = False,
) -> OpenedOrder:
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


def _held_until(request: CheckoutRequest, context: PricingContext) -> datetime | None:
    return hold_until(
        payment_methods=[tender.method for tender in request.tenders],
        placed_at=context.now,
        settings=context.policy.holds,
    )


def _buyer(
    basket: Basket, *, viewer: Viewer, request: CheckoutRequest, token_hash: bytes | None
) -> order_rows.Buyer:
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


def _placed(order_id: UUID, lines: Rows) -> Fact:
    return Fact(
        FactType.ORDER_PLACED,
        order_id,
        {
            "order_id": str(order_id),
            "product_ids": sorted({str(line["product_id"]) for line in lines}),
        },
    )


async def _hold(
    connection: Connection,
    order_id: UUID,
    lines: Rows,
    *,
    expires_at: datetime | None,
    all_buckets: bool,
    now: datetime,
) -> Collection[UUID]:
    return await reservation_service.hold(
        connection,
        order_id=order_id,
        wanted=_wanted(lines),
        expires_at=expires_at,
        all_buckets=all_buckets,
        now=now,
    )


def _wanted(lines: Rows) -> list[Wanted]:
    return [
        Wanted(
            order_line_id=line["id"],
            seller_order_id=line["seller_order_id"],
            variant_id=line["variant_id"],
            quantity=line["quantity"],
        )
        for line in lines
    ]


async def _set_aside(
    connection: Connection,
    rows: order_rows.OrderRows,
    amounts: Sequence[tuple[Tender, int]],
    *,
    now: datetime,
) -> None:
    await stored_value_tender.hold(
        connection,
        order_id=rows.order["id"],
        currency=rows.order["currency"],
        parts=dict(zip((row["id"] for row in rows.payments), amounts, strict=True)),
        now=now,
    )


async def _with_cash(
    connection: Connection,
    amounts: Sequence[tuple[Tender, int]],
    *,
    priced: PricedBasket,
    policy: MarketPolicy,
) -> list[tuple[Tender, int]]:
    return await cash_terms_service.with_cash(
        connection,
        amounts,
        parts=[(one.seller_id, one.totals.total_minor) for one in priced.quote.parcels],
        currency=priced.currency,
        policy=policy,
    )


async def _promise_cash(
    connection: Connection,
    rows: order_rows.OrderRows,
    amounts: Sequence[tuple[Tender, int]],
    *,
    policy: MarketPolicy,
    now: datetime,
) -> None:
    await cash_service.promise(
        connection,
        order_id=rows.order["id"],
        payments=[
            (row["id"], tender) for row, (tender, _) in zip(rows.payments, amounts, strict=True)
        ],
        parts=[(row["id"], row["total_minor"]) for row in rows.parts],
        coupons=bool(rows.order["coupon_codes"]),
        policy=policy,
        now=now,
    )


async def _claim_coupons(
    connection: Connection,
    order_id: UUID,
    *,
    basket: Basket,
    terms: MarketTerms,
    priced: PricedBasket,
    now: datetime,
) -> None:
    used = [outcome for outcome in priced.quote.coupons if outcome.refusal is None]
    if used:
        await promotion_service.claim(
            connection,
            coupons=[terms.coupons[outcome.code.lower()] for outcome in used],
            order_id=order_id,
            customer_key=basket.customer_key,
            discounts={outcome.code: outcome.discount_minor for outcome in used},
            now=now,
        )


async def _existing(connection: Connection, order_id: UUID, *, key: RequestKey) -> OpenedOrder:
    await idempotency_service.point_at(connection, request=key, resource_id=str(order_id))
    return OpenedOrder(order_id=order_id, existing=True)


async def _open_order_of(
    connection: Connection, *, viewer: Viewer, cart_id: UUID | None
) -> UUID | None:
    """Lock the cart, so that a second click waits here, and look whether it became an order."""
    if cart_id is None:
        return None
    await cart_service.find_cart(connection, cart_id=cart_id, viewer=viewer)
    status = await locks.cart(connection, cart_id=cart_id)
    if status == "ordered":
        return await orders.find_of_cart(connection, cart_id=cart_id)
    return None
