"""Buying: the intent is committed, the gateway is asked, the answer is committed."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database, go_ahead
from gosellr.core.errors import NotFound
from gosellr.core.identity import derived_token, fingerprint, new_id
from gosellr.core.rate_limit import RateLimit
from gosellr.core.transact import ask, ask_together, transact, write, write_together
from gosellr.flows import limits
from gosellr.flows.hot_stock import HotStock
from gosellr.flows.payments import Gateways, advance, advance_placed
from gosellr.flows.quoting import with_carrier_quotes
from gosellr.flows.stored_value import code_hash_of
from gosellr.integrations.shipping.port import ShippingProvider
from gosellr.models.order_values import Order
from gosellr.services import (
    basket_service,
    checkout_service,
    idempotency_service,
    order_at_once,
    order_service,
    payment_service,
    second_try_service,
)
from gosellr.services.basket_service import CheckoutRequest, Tender, WantedBasket
from gosellr.services.idempotency_service import (
    EarlierRequest,
    IdempotencyInProgress,
    KeptAnswer,
    RequestKey,
)
from gosellr.services.opened_order import OpenedOrder
from gosellr.services.pricing_service import CarrierQuotes, PricingContext
from gosellr.services.reservation_service import StockCrowded
from gosellr.services.settlement_service import Settled
from gosellr.services.terms_shelf import TermsShelf
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.offline import BANK_TRANSFER
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.states import PaymentStatus
from gosellr.utils.stored_value import GIFT_CARD, STORED_METHODS
from gosellr.utils.viewer import Viewer

Subjects = Sequence[tuple[RateLimit, str]]

ORDER_TOKEN_PURPOSE = "order"  # noqa: S105  (a name, not a secret)

# For so long an unanswered first request counts as still running; then it was cut off.
_RUNNING_FOR = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPowers:
    """What a checkout needs of its process."""

    db: Database
    gateways: Gateways
    carriers: Mapping[str, ShippingProvider]
    clock: Clock
    policy: MarketPolicy
    secret_key: str
    hot_stock: HotStock
    terms_shelf: TermsShelf
    # Whether attempts to pay are counted, and refused when there are too many.
    rate_limits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """The order as it stands after the gateway was asked.

    `access_token` is a guest's key to it. `answered` is the first answer to the same request,
    where there was one; `kept` is the answer to this one, where it was kept with the order.
    """

    order: Order | None
    access_token: str | None = None
    existed: bool = False
    answered: EarlierRequest | None = None
    kept: KeptAnswer | None = None


def order_token(powers: CheckoutPowers, order_id: UUID) -> str:
    """What a guest's order answers to."""
    return derived_token(powers.secret_key, purpose=ORDER_TOKEN_PURPOSE, subject=order_id)


async def place_order(
    powers: CheckoutPowers,
    *,
    viewer: Viewer,
    request: CheckoutRequest,
    key: RequestKey,
    tell: Callable[[PlacedOrder], KeptAnswer] | None = None,
) -> PlacedOrder:
    """Turn a basket into an order and ask for its money.

    `tell` says what the door answers. Where the order is paid at once that is kept with it, so
    that there is no paid order without its answer.

    Raises:
        PaymentMethodUnavailable, IdempotencyInProgress, TooManyRequests, and what `open_order`
        raises.
    """
    known = known_tenders(powers, request.tenders)
    if known != request.tenders:
        request = replace(request, tenders=known)
    counted = counted_for(
        viewer, email=request.email, basket_id=request.cart_id, tenders=request.tenders
    )
    await count_attempt(powers, counted, key=key, cards=len(request.tenders))
    order_id = new_id()
    access_token = order_token(powers, order_id) if viewer.is_guest else None

    opened = await _open(
        powers,
        order_id=order_id,
        viewer=viewer,
        request=request,
        key=key,
        token_hash=None if access_token is None else fingerprint(access_token),
    )
    if isinstance(opened, EarlierRequest):
        return await answer_again(powers, viewer=viewer, earlier=opened)
    if opened.existing:
        return await _stand_of(powers, viewer=viewer, order_id=opened.order_id)
    go_ahead()
    powers.hot_stock.notice(opened.contended, db=powers.db, clock=powers.clock)
    done = await _advance(
        powers,
        order_id,
        fresh=opened.payment_ids,
        placed=opened.order,
        tell=None
        if tell is None
        else lambda order: tell(PlacedOrder(order=order, access_token=access_token)),
    )
    await count_declined(powers, counted, done.order, opened.payment_ids)
    return PlacedOrder(order=done.order, access_token=access_token, kept=done.kept)


async def _open(
    powers: CheckoutPowers, *, request: CheckoutRequest, **intent: Any
) -> OpenedOrder | EarlierRequest:
    """Commit the intent: at once where nothing stands in the way, else step by step."""

    async def open_order(*, carrier_quotes: CarrierQuotes | None) -> OpenedOrder | EarlierRequest:
        context = PricingContext(
            policy=powers.policy,
            now=powers.clock.now(),
            terms_shelf=powers.terms_shelf,
            carrier_quotes=carrier_quotes,
        )
        said = {"request": request, "context": context, **intent}
        opened = await _open_at_once(powers, **said)
        if opened is not None:
            return opened
        try:
            return await transact(powers.db, checkout_service.open_order, **said)
        except StockCrowded:
            return await transact(powers.db, checkout_service.open_order, all_buckets=True, **said)

    return await with_carrier_quotes(
        open_order, carriers=powers.carriers, reference=request.reference
    )


async def _open_at_once(
    powers: CheckoutPowers,
    *,
    viewer: Viewer,
    request: CheckoutRequest,
    context: PricingContext,
    **intent: Any,
) -> OpenedOrder | None:
    """Read and write with whoever comes at the same time; None where somebody has to look closer.

    No connection is held while the basket is priced.
    """
    if not order_at_once.is_plain(request, powers.policy):
        return None
    wanted = WantedBasket(viewer=viewer, request=request, context=context)
    read = await ask_together(powers.db, basket_service.read_baskets, wanted)
    draft = order_at_once.draft(read, viewer=viewer, request=request, context=context, **intent)
    return None if draft is None else await write_together(powers.db, order_at_once.place, draft)


async def pay_again(
    powers: CheckoutPowers,
    *,
    viewer: Viewer,
    order_id: UUID,
    tenders: Sequence[Tender],
    key: RequestKey,
) -> PlacedOrder:
    """Try another way to pay an order that still waits for its money.

    Raises:
        NotFound, NotPayable, PaymentInProgress, PaymentMethodUnavailable, InvalidInput,
        GiftCardRefused, InsufficientBalance, TooManyRequests.
    """
    tenders = known_tenders(powers, tenders)
    counted = counted_for(viewer, email=None, basket_id=order_id, tenders=tenders)
    await count_attempt(powers, counted, key=key, cards=len(tenders))
    await _give_up_transfer(powers, order_id, viewer=viewer)
    opened = await transact(
        powers.db,
        second_try_service.reopen_payment,
        viewer=viewer,
        order_id=order_id,
        tenders=tenders,
        key=key,
        policy=powers.policy,
        now=powers.clock.now(),
    )
    if isinstance(opened, EarlierRequest):
        return await answer_again(powers, viewer=viewer, earlier=opened)
    done = await _advance(powers, order_id, fresh=opened.payment_ids)
    await count_declined(powers, counted, done.order, opened.payment_ids)
    return PlacedOrder(order=done.order)


async def _give_up_transfer(powers: CheckoutPowers, order_id: UUID, *, viewer: Viewer) -> None:
    """Whoever pays another way doesn't transfer money any more; what comes all the same goes back.

    A buyer at a gateway's own page may be paying just now, so nothing else is given up like this.
    """
    if BANK_TRANSFER not in powers.gateways:
        return
    order = await ask(powers.db, order_service.find_order, viewer=viewer, order_id=order_id)
    waiting = {one.method for one in order.payments if one.status == PaymentStatus.ACTION_REQUIRED}
    is_buyer = viewer.is_buyer_of(order.user_id, sees_whole=order.whole)
    if is_buyer and waiting == {BANK_TRANSFER} and order.status == "pending_payment":
        await advance(
            db=powers.db,
            gateways=powers.gateways,
            clock=powers.clock,
            policy=powers.policy,
            order_id=order_id,
            waiting_is_over=True,
        )


async def count_attempt(
    powers: CheckoutPowers, counted: Subjects, *, key: RequestKey, cards: int
) -> None:
    """Count cards before any gateway sees them, at every door; a repeated request isn't new.

    Raises:
        TooManyRequests, IdempotencyKeyReused.
    """
    if not powers.rate_limits:
        return
    earlier = await ask(powers.db, idempotency_service.find, request=key)
    if earlier is None:
        now = powers.clock.now()
        limits.refuse_excess(
            await limits.count_knock(powers.db, subjects=counted, now=now, weight=max(cards, 1))
        )


async def count_declined(
    powers: CheckoutPowers, counted: Subjects, order: Order, payment_ids: Collection[UUID]
) -> None:
    """A declined card weighs more than one that pays."""
    declined = sum(
        payment.id in payment_ids and payment.status == PaymentStatus.DECLINED
        for payment in order.payments
    )
    if powers.rate_limits and declined:
        await limits.count_knock(
            powers.db,
            subjects=counted,
            now=powers.clock.now(),
            weight=declined * (limits.DECLINED_WEIGHT - 1),
        )


async def _advance(
    powers: CheckoutPowers,
    order_id: UUID,
    *,
    fresh: Sequence[UUID] = (),
    placed: Order | None = None,
    tell: Callable[[Order], KeptAnswer] | None = None,
) -> Settled:
    return await advance_placed(
        db=powers.db,
        gateways=powers.gateways,
        clock=powers.clock,
        policy=powers.policy,
        order_id=order_id,
        fresh=fresh,
        placed=placed,
        tell=tell,
    )


async def answer_again(
    powers: CheckoutPowers, *, viewer: Viewer, earlier: EarlierRequest
) -> PlacedOrder:
    """The same request once more: its answer, or what became of it when it was cut off."""
    if earlier.status is not None:
        return PlacedOrder(order=None, answered=earlier)
    if earlier.resource_id is None:
        raise IdempotencyInProgress
    order_id = UUID(earlier.resource_id)
    access_token = order_token(powers, order_id) if viewer.is_guest else None
    order = await ask(powers.db, order_service.load_order, order_id=order_id)
    if not payment_service.is_at_rest(order):
        if powers.clock.now() - earlier.created_at < _RUNNING_FOR:
            raise IdempotencyInProgress
        order = (await _advance(powers, order_id)).order
    return PlacedOrder(order=order, access_token=access_token)


async def _stand_of(powers: CheckoutPowers, *, viewer: Viewer, order_id: UUID) -> PlacedOrder:
    """The order that the cart had become already, for whoever owns the cart."""
    order = await ask(powers.db, order_service.load_order, order_id=order_id)
    if order.user_id != viewer.user_id:
        raise NotFound
    access_token = order_token(powers, order_id) if viewer.is_guest else None
    return PlacedOrder(order=order, access_token=access_token, existed=True)


def known_tenders(powers: CheckoutPowers, tenders: Sequence[Tender]) -> tuple[Tender, ...]:
    """The tenders, each of a method that this market takes; codes of gift cards go no further
    than here.

    Raises:
        PaymentMethodUnavailable, GiftCardRefused.
    """
    offered = STORED_METHODS | powers.gateways.keys()
    for tender in tenders:
        if tender.method not in offered:
            raise payment_service.PaymentMethodUnavailable(
                f"This market doesn't take {tender.method}",
                extras={"offered": sorted(offered)},
            )
    return tuple(
        replace(
            tender,
            token=None,
            code_hash=code_hash_of(powers.secret_key, tender.token or "")
            if tender.method == GIFT_CARD
            else None,
        )
        if tender.method in STORED_METHODS
        else tender
        for tender in tenders
    )


def counted_for(
    viewer: Viewer, *, email: str | None, basket_id: UUID | None, tenders: Sequence[Tender]
) -> list[tuple[RateLimit, str]]:
    counted = limits.of_payment(
        viewer=viewer,
        email=email,
        basket_id=basket_id,
        tokens=[tender.token for tender in tenders],
    )
    if any(tender.method == GIFT_CARD for tender in tenders):
        counted += limits.of_gift_codes(viewer)
    return counted


async def keep_answer(powers: CheckoutPowers, *, answer: KeptAnswer) -> None:
    """Keep what the first request was answered, for whoever asks again."""
    await write(
        powers.db,
        idempotency_service.finish,
        request=answer.request,
        status=answer.status,
        body=answer.body,
        now=powers.clock.now(),
    )
