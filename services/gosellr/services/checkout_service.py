"""From a basket to an order that waits for its money: the intent, in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import locks, orders
from gosellr.queries.market_terms import MarketTerms
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
from gosellr.services.opened_order import (
    OpenedOrder,
    buyer_of,
    held_until,
    opened_of,
    placed_fact,
    wanted_of,
)
from gosellr.services.pricing_service import PricedBasket, PricingContext
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

Rows = Sequence[Mapping[str, Any]]


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
    expires_at = held_until(request, context)
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
        buyer=buyer_of(basket, viewer=viewer, request=request, token_hash=token_hash),
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
    return opened_of(rows, priced, number=number, contended=contended, is_changed=waits)


async def _write(connection: Connection, rows: order_rows.OrderRows, *, now: datetime) -> int:
    """Write the order down, with the fact that there is one; gives its number."""
    return await orders.insert(
        connection,
        order=rows.order,
        parts=rows.parts,
        lines=rows.lines,
        payments=rows.payments,
        events=rows.events,
        facts=[placed_fact(rows.order["id"], rows.lines)],
        now=now,
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
        wanted=wanted_of(lines),
        expires_at=expires_at,
        all_buckets=all_buckets,
        now=now,
    )


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
