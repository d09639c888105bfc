"""The intent where nothing stands in the way: priced, then written by one statement, together with
those of others that come at the same time."""

from collections.abc import Collection, Hashable, Sequence
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import DomainError
from gosellr.core.gathering import NotTogether
from gosellr.queries import placements
from gosellr.queries.placements import Claim, Placement
from gosellr.services import (
    basket_service,
    cash_terms_service,
    order_rows,
    stored_value_tender,
    tender_split,
)
from gosellr.services.basket_service import CheckoutRequest, ReadBasket
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.opened_order import (
    OpenedOrder,
    buyer_of,
    held_until,
    opened_of,
    placed_fact,
    wanted_of,
)
from gosellr.services.order_rows import OrderRows
from gosellr.services.pricing_service import PricedBasket, PricingContext
from gosellr.utils.captures import CaptureMoment
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDraft:
    """An order as it will be written, if all is still as it was when it was priced."""

    rows: OrderRows
    priced: PricedBasket
    placement: Placement

    @property
    def shares_with_none(self) -> Collection[Hashable]:
        """Its request and its bag: what comes second has to see what became of the first."""
        claim, bag = self.placement.claim, self.placement.bag
        request = (claim.scope, claim.key)
        return (request,) if bag is None else (request, bag[0])


def is_plain(request: CheckoutRequest, policy: MarketPolicy) -> bool:
    """Whether a request can be written at once as far as it says itself: without coupons, stored
    value or cash, and where money isn't taken later."""
    return not (
        request.coupons
        or policy.capture is CaptureMoment.AT_SHIPMENT
        or stored_value_tender.is_stored(request.tenders)
        or cash_terms_service.wants_cash(request.tenders)
    )


def draft(
    read: ReadBasket | DomainError,
    *,
    order_id: UUID,
    viewer: Viewer,
    request: CheckoutRequest,
    key: RequestKey,
    token_hash: bytes | None,
    context: PricingContext,
) -> OrderDraft | None:
    """Price the basket that was read of a plain request and draft what `place` writes of it;
    `token_hash` is what a guest's order will answer to.

    None where the basket isn't as it should be: `checkout_service.open_order` looks closer and
    says what.

    Raises:
        CarrierQuotesNeeded: begin again with carriers' answers.
    """
    if isinstance(read, DomainError):
        return None
    basket, now = read.basket, context.now
    try:
        priced = basket_service.price(read, request=request, context=context)
        amounts = tender_split.split(request.tenders, total_minor=priced.quote.totals.total_minor)
    except DomainError:
        return None
    if basket.coupon_codes:
        return None
    bag = None
    if basket.cart_id is not None:
        if basket.cart_version is None:
            return None
        bag = (basket.cart_id, basket.cart_version)
    rows = order_rows.build(
        order_id=order_id,
        priced=priced,
        terms=read.terms,
        buyer=buyer_of(basket, viewer=viewer, request=request, token_hash=token_hash),
        amounts=amounts,
        expires_at=held_until(request, context),
        now=now,
    )
    placement = Placement(
        claim=Claim(
            scope=key.scope,
            key=key.key,
            request_hash=key.request_hash,
            expires_at=now + context.policy.idempotency_kept_for,
        ),
        order=rows.order,
        parts=rows.parts,
        lines=rows.lines,
        payments=rows.payments,
        events=rows.events,
        facts=[placed_fact(order_id, rows.lines)],
        wanted=wanted_of(rows.lines),
        bag=bag,
    )
    return OrderDraft(rows=rows, priced=priced, placement=placement)


async def place(connection: Connection, drafts: Sequence[OrderDraft]) -> list[OpenedOrder | None]:
    """Write drafted orders, claim their requests, close their bags and hold their stock.

    None for one that can't be written as it is: `checkout_service.open_order` looks closer.

    Raises:
        NotTogether: one of several can't.
    """
    placed = await placements.place(connection, [each.placement for each in drafts])
    if placed is None:
        if len(drafts) > 1:
            raise NotTogether
        return [None]
    return [
        opened_of(each.rows, each.priced, number=one.number, contended=one.contended)
        for each, one in zip(drafts, placed, strict=True)
    ]
