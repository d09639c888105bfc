"""From a basket to an order that waits for its money: the intent, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotFound
from gosellr.models.events import Fact, FactType
from gosellr.queries import locks, market_terms, offers, orders
from gosellr.queries.market_terms import MarketTerms
from gosellr.queries.offers import Offer
from gosellr.queries.reservations import Wanted
from gosellr.services import (
    cart_service,
    idempotency_service,
    order_rows,
    payment_service,
    promotion_service,
    reservation_service,
)
from gosellr.services.basket_issues import Issue
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.pricing_service import PricedBasket, PricingContext, price_basket
from gosellr.services.promotion_service import customer_key
from gosellr.utils.inventory import hold_until
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.pricing import QuantityOutOfBounds
from gosellr.utils.shipping import Destination
from gosellr.utils.viewer import Viewer


class TotalChanged(Conflict):
    """The buyer agreed to another total. `extras` hold the new one."""

    code = "total_changed"
    title = "The total has changed"


class BasketBlocked(Conflict):
    """Something in the basket can't be bought like this; `extras` list the issues."""

    code = "basket_blocked"
    title = "Something in the bag needs a change"


class EmptyBasket(Conflict):
    """There is nothing to buy."""

    code = "empty_basket"
    title = "The bag is empty"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """How a part of the total is paid; without an amount it is all that is left."""

    method: str
    amount_minor: int | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """What a buyer asks for. Either `cart_id` or `items`; the cart brings its own details."""

    tenders: tuple[Tender, ...]
    cart_id: UUID | None = None
    items: tuple[tuple[UUID, int], ...] = ()
    email: str | None = None
    currency: str | None = None
    shipping_address: Mapping[str, Any] | None = None
    billing_address: Mapping[str, Any] | None = None
    coupons: tuple[str, ...] = ()
    expected_total_minor: int | None = None
    # Every currency that the request named for its amounts.
    expected_currencies: frozenset[str] = frozenset()
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basket:
    """Either form of the request, brought to one."""

    cart_id: UUID | None
    currency: str
    email: str
    shipping_address: Mapping[str, Any]
    billing_address: Mapping[str, Any] | None
    coupon_codes: tuple[str, ...]
    choices: Mapping[str, str]
    offers: list[Offer]

    @property
    def destination(self) -> Destination:
        """Where it all goes."""
        return Destination(
            country=self.shipping_address["country"],
            region=self.shipping_address.get("region"),
            postal_code=self.shipping_address.get("postal_code", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedOrder:
    """The order that now waits for its money; `existing` when there was one already."""

    order_id: UUID
    payment_ids: tuple[UUID, ...] = ()
    existing: bool = False


async def open_order(
    connection: Connection,
    *,
    order_id: UUID,
    viewer: Viewer,
    request: CheckoutRequest,
    key: RequestKey,
    token_hash: bytes | None,
    context: PricingContext,
) -> OpenedOrder | EarlierRequest:
    """Price the basket, write the order, hold its stock, claim its coupons.

    `token_hash` is what a guest's order will answer to.

    Raises:
        TotalChanged, OutOfStock, BasketBlocked, EmptyBasket, CouponUsedUp, InvalidInput,
        NotFound, IdempotencyKeyReused: and then nothing was changed.
        CarrierQuotesNeeded: carriers must be asked first.
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
    if request.cart_id is not None:
        open_order_id = await _open_order_of(connection, viewer=viewer, cart_id=request.cart_id)
        if open_order_id is not None:
            return OpenedOrder(order_id=open_order_id, existing=True)
    basket = await _basket(connection, viewer=viewer, request=request, policy=policy)
    terms = await market_terms.load(
        connection,
        country=basket.shipping_address["country"],
        seller_ids=sorted({offer.seller_id for offer in basket.offers}),
        currency=basket.currency,
        coupon_codes=basket.coupon_codes,
        customer_key=customer_key(user_id=viewer.user_id, email=basket.email),
        now=now,
    )
    priced = _priced(basket, terms, context)
    _check_expected(priced, request)
    expires_at = hold_until(
        payment_methods=[tender.method for tender in request.tenders],
        placed_at=now,
        settings=policy.holds,
    )
    rows = order_rows.build(
        order_id=order_id,
        priced=priced,
        terms=terms,
        buyer=order_rows.Buyer(
            user_id=viewer.user_id,
            token_hash=token_hash,
            email=basket.email,
            ip_address=viewer.ip_address,
            shipping_address=basket.shipping_address,
            billing_address=basket.billing_address,
            reference=request.reference,
            cart_id=basket.cart_id,
            coupon_codes=basket.coupon_codes,
        ),
        amounts=split_tenders(request.tenders, total_minor=priced.quote.totals.total_minor),
        expires_at=expires_at,
        now=now,
    )
    await orders.insert(
        connection,
        order=rows.order,
        parts=rows.parts,
        lines=rows.lines,
        payments=rows.payments,
        events=rows.events,
        facts=[Fact(FactType.ORDER_PLACED, order_id, {"order_id": str(order_id)})],
        now=now,
    )
    await _claim(
        connection,
        order_id=order_id,
        rows=rows,
        priced=priced,
        terms=terms,
        basket=basket,
        viewer=viewer,
        expires_at=expires_at,
        now=now,
    )
    return OpenedOrder(
        order_id=order_id, payment_ids=tuple(payment["id"] for payment in rows.payments)
    )


async def reopen_payment(
    connection: Connection,
    *,
    viewer: Viewer,
    order_id: UUID,
    tenders: Sequence[Tender],
    key: RequestKey,
    policy: MarketPolicy,
    now: datetime,
) -> OpenedOrder | EarlierRequest:
    """Write down another attempt to pay an order that still waits for its money.

    Raises:
        NotFound, NotPayable, PaymentInProgress, InvalidInput, IdempotencyKeyReused.
    """
    order = await orders.find(connection, viewer=viewer, order_id=order_id)
    if order is None or not order.whole:
        raise NotFound
    earlier = await idempotency_service.claim(
        connection,
        request=key,
        resource_id=str(order_id),
        now=now,
        kept_for=policy.idempotency_kept_for,
    )
    if earlier is not None:
        return earlier
    payment_ids = await payment_service.add_attempts(
        connection,
        viewer=viewer,
        order_id=order_id,
        tenders=split_tenders(tenders, total_minor=order.total_minor),
        now=now,
    )
    return OpenedOrder(order_id=order_id, payment_ids=tuple(payment_ids))


async def _claim(
    connection: Connection,
    *,
    order_id: UUID,
    rows: order_rows.OrderRows,
    priced: PricedBasket,
    terms: MarketTerms,
    basket: _Basket,
    viewer: Viewer,
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Take what is scarce, last of all, so that its locks are held the shortest."""
    if basket.cart_id is not None:
        await cart_service.mark_ordered(connection, cart_id=basket.cart_id)
    await reservation_service.hold(
        connection,
        order_id=order_id,
        wanted=[
            Wanted(
                order_line_id=line["id"],
                seller_order_id=line["seller_order_id"],
                variant_id=line["variant_id"],
                quantity=line["quantity"],
            )
            for line in rows.lines
        ],
        expires_at=expires_at,
        now=now,
    )
    used = [outcome for outcome in priced.quote.coupons if outcome.refusal is None]
    if used:
        await promotion_service.claim(
            connection,
            coupons=[terms.coupons[outcome.code.lower()] for outcome in used],
            order_id=order_id,
            customer_key=customer_key(user_id=viewer.user_id, email=basket.email) or "",
            discounts={outcome.code: outcome.discount_minor for outcome in used},
            now=now,
        )


async def _open_order_of(connection: Connection, *, viewer: Viewer, cart_id: UUID) -> UUID | None:
    """Lock the cart, so that a second click waits here, and look whether it became an order."""
    await cart_service.find_cart(connection, cart_id=cart_id, viewer=viewer)
    status = await locks.cart(connection, cart_id=cart_id)
    if status == "ordered":
        return await orders.find_of_cart(connection, cart_id=cart_id)
    return None


async def _basket(
    connection: Connection, *, viewer: Viewer, request: CheckoutRequest, policy: MarketPolicy
) -> _Basket:
    if request.cart_id is not None:
        return await _basket_of_cart(connection, viewer=viewer, request=request)
    email = request.email or viewer.email
    if not email:
        raise InvalidInput.at("email", "missing", "We need an e-mail address for the receipt")
    if request.shipping_address is None:
        raise InvalidInput.at("shipping_address", "missing", "Say where it should go")
    wanted: dict[UUID, int] = {}
    for variant_id, quantity in request.items:
        # Two lines of one variant are judged together, or each alone would fit.
        wanted[variant_id] = wanted.get(variant_id, 0) + quantity
    currency = request.currency or policy.default_currency
    found = await offers.of_request(connection, wanted=list(wanted.items()), currency=currency)
    missing = [
        index
        for index, (variant_id, _) in enumerate(request.items)
        if variant_id not in {offer.variant_id for offer in found}
    ]
    if missing:
        raise InvalidInput.at(
            f"items.{missing[0]}.variant_id", "unknown_variant", "There is no such variant"
        )
    return _Basket(
        cart_id=None,
        currency=currency,
        email=email,
        shipping_address=request.shipping_address,
        billing_address=request.billing_address,
        coupon_codes=request.coupons,
        choices={},
        offers=found,
    )


async def _basket_of_cart(
    connection: Connection, *, viewer: Viewer, request: CheckoutRequest
) -> _Basket:
    if request.cart_id is None:
        raise ValueError("the request names no cart")
    cart = await cart_service.find_cart(connection, cart_id=request.cart_id, viewer=viewer)
    email = cart.email or viewer.email
    if not email:
        raise InvalidInput.at("email", "missing", "Put an e-mail address on the bag first")
    if cart.shipping_address is None:
        raise InvalidInput.at("shipping_address", "missing", "Put an address on the bag first")
    return _Basket(
        cart_id=cart.id,
        currency=cart.currency,
        email=email,
        shipping_address=cart.shipping_address,
        billing_address=cart.billing_address,
        coupon_codes=tuple(cart.coupon_codes),
        choices=cart.shipping_choices,
        offers=await offers.of_cart(connection, cart_id=cart.id),
    )


def _priced(basket: _Basket, terms: MarketTerms, context: PricingContext) -> PricedBasket:
    if not basket.offers:
        raise EmptyBasket
    try:
        priced = price_basket(
            offers=basket.offers,
            terms=terms,
            currency=basket.currency,
            destination=basket.destination,
            choices=basket.choices,
            coupon_codes=basket.coupon_codes,
            tax_included=context.policy.tax_included,
            carrier_quotes=context.carrier_quotes,
        )
    except QuantityOutOfBounds as error:
        raise InvalidInput.at("items", "quantity_out_of_bounds", str(error)) from error
    blocking = [issue for issue in priced.issues if issue.blocks]
    if blocking:
        raise _blocked(blocking, basket.offers)
    return priced


def _blocked(issues: Sequence[Issue], wanted: Sequence[Offer]) -> Conflict:
    by_key = {offer.key: offer for offer in wanted}
    short = [issue for issue in issues if issue.code in ("out_of_stock", "insufficient_stock")]
    if short and len(short) == len(issues):
        return reservation_service.OutOfStock(
            "Not enough is left of what you want to buy",
            extras={
                "variants": [
                    {
                        "variant_id": by_key[issue.item_id].variant_id,
                        "wanted": by_key[issue.item_id].quantity,
                        "available": issue.facts["available"],
                    }
                    for issue in short
                    if issue.item_id is not None
                ]
            },
        )
    error = BasketBlocked(
        issues[0].message,
        extras={
            "issues": [
                {
                    "code": issue.code,
                    "message": issue.message,
                    "variant_id": None
                    if issue.item_id is None
                    else by_key[issue.item_id].variant_id,
                    "seller_id": issue.seller_id,
                    **issue.facts,
                }
                for issue in issues
            ]
        },
    )
    if len({issue.code for issue in issues}) == 1:
        # One kind of trouble speaks under its own name.
        error.code = issues[0].code  # type: ignore[misc]
    return error


def _check_expected(priced: PricedBasket, request: CheckoutRequest) -> None:
    total_minor = priced.quote.totals.total_minor
    if request.expected_currencies - {priced.currency} or request.expected_total_minor not in (
        None,
        total_minor,
    ):
        totals = priced.quote.totals
        raise TotalChanged(
            "The total isn't the one you agreed to; look at it again before you pay",
            extras={
                "quote": {
                    "currency": priced.currency,
                    **{
                        name: {"amount": amount, "currency": priced.currency}
                        for name, amount in (
                            ("subtotal", totals.subtotal_minor),
                            ("discount_total", totals.discount_total_minor),
                            ("shipping_total", totals.shipping_total_minor),
                            ("tax_total", totals.tax_total_minor),
                            ("total", total_minor),
                        )
                    },
                }
            },
        )


def split_tenders(tenders: Sequence[Tender], *, total_minor: int) -> list[tuple[Tender, int]]:
    """How much each tender pays. Nothing is left to pay when the total is zero.

    Raises:
        InvalidInput: when the amounts don't sum to the total.
    """
    if total_minor == 0:
        return []
    named = sum(tender.amount_minor or 0 for tender in tenders)
    open_ended = [tender for tender in tenders if tender.amount_minor is None]
    left = total_minor - named
    if len(open_ended) > 1 or (not open_ended and left) or (open_ended and left <= 0):
        raise InvalidInput.at(
            "payment_method", "amounts_dont_sum", "The amounts have to sum to the total"
        )
    return [
        (tender, left if tender.amount_minor is None else tender.amount_minor) for tender in tenders
    ]
