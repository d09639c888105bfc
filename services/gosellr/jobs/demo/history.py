"""The demo market's history, lived through again: every step by the service or flow it belongs to.

A clock of its own goes from step to step. How far it came is kept every few steps; whoever goes
on after a crash repeats at most those, and each of them can be repeated.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from gosellr.core.clock import ManualClock
from gosellr.core.errors import DomainError
from gosellr.core.identity import fingerprint
from gosellr.core.transact import ask, transact
from gosellr.flows import checkout, payments, refunds
from gosellr.flows.checkout import CheckoutPowers, order_token
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.integrations.payments.sandbox_script import SandboxScript
from gosellr.jobs import upkeep
from gosellr.jobs.demo.plan import Act, Plan, Purchase, Step
from gosellr.jobs.demo.state import Market, Progress, recall_progress, remember_progress
from gosellr.jobs.demo.stories import PATIENT
from gosellr.models.order_values import Order, SellerOrder
from gosellr.resources import Resources
from gosellr.services import fulfilment_service, order_service, review_service, shipment_service
from gosellr.services.basket_service import CheckoutRequest, Tender
from gosellr.services.fulfilment_service import StatusRequest
from gosellr.services.idempotency_service import IdempotencyInProgress, RequestKey
from gosellr.services.refund_plan import RefundRequest
from gosellr.services.review_service import NewReview
from gosellr.services.shipment_service import Parcel
from gosellr.utils.captures import CaptureMoment
from gosellr.utils.inventory import HoldSettings
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import GUEST, Viewer

_STEPS_PER_NOTE = 25
_PATIENCE = timedelta(days=1)
_CUT_OFF_AFTER = timedelta(seconds=20)
_CARRIERS = ("dhl", "dpd", "gls", "ups")

_log = structlog.get_logger("gosellr.demo")


class History:
    """Tells a plan to a market that holds its people and goods."""

    def __init__(self, resources: Resources, *, market: Market, plan: Plan) -> None:
        self._market = market
        self._plan = plan
        self._clock = ManualClock(plan.began_at)
        settings = resources.settings
        self._gateway = SandboxGateway(
            settings.home,
            production=settings.is_production,
            allowed_in_production=settings.allow_sandbox_in_production,
            clock=self._clock,
            # Whatever it has to report was answered already, and long ago.
            script=SandboxScript(drop_one_in=1),
        )
        self._resources = replace(
            resources, clock=self._clock, gateways={SandboxGateway.name: self._gateway}
        )
        # As long as the history is, a step that is repeated must be known again.
        self._policy = replace(
            resources.policy,
            idempotency_kept_for=timedelta(days=400),
            # Its past was paid at once, whatever the market does from now on.
            capture=CaptureMoment.AT_ORDER,
        )
        self._patient_policy = replace(self._policy, holds=HoldSettings(online=_PATIENCE))
        self._orders: dict[int, Order] = {}
        self._acts: dict[Act, Callable[[Step], Awaitable[object]]] = {
            Act.PLACE: self._place,
            Act.PAY_AGAIN: self._pay_again,
            Act.APPROVE: self._approve,
            Act.ASK_GATEWAYS: self._ask_gateways,
            Act.EXPIRE: self._expire,
            Act.CANCEL: self._cancel,
            Act.CANCEL_PART: self._cancel,
            Act.PACK: self._pack,
            Act.SEND_HALF: self._send,
            Act.SEND: self._send,
            Act.ARRIVE: self._arrive,
            Act.CONFIRM: self._confirm,
            Act.REFUND_ALL: self._refund,
            Act.REFUND_SOME: self._refund,
            Act.REFUND_DELIVERY: self._refund,
            Act.REVIEW: self._review,
            Act.RELEASE: self._release,
        }

    async def tell(self, *, until: Callable[[], bool]) -> Progress:
        """Go on where the last telling ended, until all is told or `until` says so."""
        progress = await ask(self._resources.db, recall_progress) or Progress(
            steps=0,
            steps_total=len(self._plan.steps),
            orders=0,
            orders_total=len(self._plan.purchases),
        )
        while not progress.is_complete and not until():
            for step in self._plan.steps[progress.steps :][:_STEPS_PER_NOTE]:
                await self._take(step)
                progress = replace(
                    progress,
                    steps=progress.steps + 1,
                    orders=progress.orders + (step.act is Act.PLACE),
                )
            await transact(self._resources.db, remember_progress, progress)
        return progress

    async def _take(self, step: Step) -> None:
        self._clock.set(step.at)
        try:
            await self._acts[step.act](step)
        except DomainError as refusal:
            # Told twice, or in the way of somebody who bought meanwhile: the story goes on.
            _log.debug("step refused", act=step.act, number=step.number, refusal=repr(refusal))

    # Who acts

    def _buyer(self, purchase: Purchase) -> Viewer:
        if purchase.account is None:
            return GUEST
        return Viewer(
            user_id=self._market.buyer_ids[purchase.account],
            roles=frozenset({Role.BUYER}),
            name=purchase.person.name,
            email=purchase.person.email,
        )

    def _owner_of(self, purchase: Purchase, order: Order) -> Viewer:
        """The buyer, with what a guest holds of the order."""
        if purchase.account is not None:
            return self._buyer(purchase)
        return Viewer(order_token_hash=fingerprint(order_token(self._powers(purchase), order.id)))

    def _seller(self, shop: str) -> Viewer:
        return self._market.owner_of(shop)

    def _powers(self, purchase: Purchase) -> CheckoutPowers:
        is_patient = purchase.story in PATIENT
        return replace(
            self._resources.checkout,
            policy=self._patient_policy if is_patient else self._policy,
            rate_limits=False,
        )

    async def _order(self, number: int) -> Order:
        """An order that was placed, by asking to place it once more where it isn't known."""
        if number not in self._orders:
            now = self._clock.now()
            self._clock.set(self._plan.purchases[number].at)
            await self._place_number(number)
            self._clock.set(now)
        return self._orders[number]

    def _part(self, order: Order, shop: str) -> SellerOrder:
        seller_id = self._market.sellers[shop][0]
        return next(part for part in order.parts if part.seller_id == seller_id)

    # Paying

    async def _place(self, step: Step) -> None:
        await self._place_number(step.number)

    async def _place_number(self, number: int) -> None:
        purchase = self._plan.purchases[number]
        try:
            await self._buy(purchase)
        except IdempotencyInProgress:
            # A crash cut it off while the gateway was asked: later, it is taken up again.
            self._clock.advance(_CUT_OFF_AFTER)
            await self._buy(purchase)

    async def _buy(self, purchase: Purchase) -> None:
        placed = await checkout.place_order(
            self._powers(purchase),
            viewer=self._buyer(purchase),
            request=CheckoutRequest(
                tenders=(_card(purchase.token),),
                items=tuple(
                    (self._market.variants[sku][0], quantity) for sku, quantity in purchase.items
                ),
                email=purchase.person.email,
                shipping_address=purchase.person.address,
                coupons=() if purchase.coupon is None else (purchase.coupon,),
            ),
            key=_key("order", purchase.number),
        )
        if placed.order is not None:
            self._orders[purchase.number] = placed.order

    async def _pay_again(self, step: Step) -> None:
        purchase = self._plan.purchases[step.number]
        order = await self._order(step.number)
        await checkout.pay_again(
            self._powers(purchase),
            viewer=self._owner_of(purchase, order),
            order_id=order.id,
            tenders=(_card("tok_ok"),),
            key=_key("pay again", step.number),
        )

    async def _approve(self, step: Step) -> None:
        order = await self._order(step.number)
        for payment in order.payments:
            await self._gateway.complete_action(attempt_id=str(payment.id), approve=True)
        await payments.advance(
            db=self._resources.db,
            gateways=self._resources.gateways,
            clock=self._clock,
            policy=self._policy,
            order_id=order.id,
            curious=True,
        )

    async def _ask_gateways(self, step: Step) -> None:  # noqa: ARG002 - each act is given its step
        await upkeep.resume_payments(self._resources)

    async def _expire(self, step: Step) -> None:  # noqa: ARG002
        await upkeep.expire_holds(self._resources)

    async def _release(self, step: Step) -> None:  # noqa: ARG002
        await upkeep.release_sales(self._resources)
        await upkeep.release_reserves(self._resources)

    # Sending

    async def _pack(self, step: Step) -> None:
        await self._ask_status(step, OrderStatus.PROCESSING, viewer=self._seller(step.shop))

    async def _arrive(self, step: Step) -> None:
        await self._ask_status(step, OrderStatus.DELIVERED, viewer=self._seller(step.shop))

    async def _confirm(self, step: Step) -> None:
        order = await self._order(step.number)
        buyer = self._owner_of(self._plan.purchases[step.number], order)
        # A guest's token opens the order; telling that all is well takes an account.
        if not buyer.is_guest:
            await self._ask_status(step, OrderStatus.COMPLETED, viewer=buyer)

    async def _ask_status(self, step: Step, status: OrderStatus, *, viewer: Viewer) -> None:
        order = await self._order(step.number)
        await transact(
            self._resources.db,
            fulfilment_service.request_status,
            viewer=viewer,
            order_id=order.id,
            request=StatusRequest(status=status, seller_order_id=self._part(order, step.shop).id),
            policy=self._policy,
            now=step.at,
        )

    async def _send(self, step: Step) -> None:
        order = await self._order(step.number)
        part = self._part(order, step.shop)
        is_half = step.act is Act.SEND_HALF
        await transact(
            self._resources.db,
            shipment_service.ship,
            viewer=self._seller(step.shop),
            order_id=order.id,
            parcel=Parcel(
                seller_order_id=part.id,
                carrier=_CARRIERS[step.number % len(_CARRIERS)],
                items=((part.lines[0].id, 1),) if is_half else (),
                tracking_number=_tracking_number(step),
            ),
            policy=self._policy,
            now=step.at,
            key=_key(f"{step.act} {step.shop}", step.number),
        )

    # Afterwards

    async def _cancel(self, step: Step) -> None:
        order = await self._order(step.number)
        by_shop = step.act is Act.CANCEL_PART
        await refunds.cancel_order(
            replace(self._resources.refunds, policy=self._policy),
            viewer=self._seller(step.shop)
            if by_shop
            else self._owner_of(self._plan.purchases[step.number], order),
            order_id=order.id,
            seller_order_id=self._part(order, step.shop).id if by_shop else None,
            reason="It broke while we packed it" if by_shop else "Ordered by mistake",
        )

    async def _refund(self, step: Step) -> None:
        placed = await self._order(step.number)
        order = await ask(self._resources.db, order_service.load_order, order_id=placed.id)
        await refunds.request_refund(
            replace(self._resources.refunds, policy=self._policy),
            viewer=self._seller(step.shop),
            order_id=order.id,
            request=_refund_request(self._part(order, step.shop), step.act),
            key=_key(step.act, step.number),
        )

    async def _review(self, step: Step) -> None:
        order = await self._order(step.number)
        variant_id, product_id = self._market.variants[step.sku]
        [line_id] = [line.id for line in order.lines if line.variant_id == variant_id]
        await transact(
            self._resources.db,
            review_service.post_review,
            viewer=self._owner_of(self._plan.purchases[step.number], order),
            product_id=product_id,
            review=NewReview(
                rating=step.rating, title=step.title, body=step.body, order_line_id=line_id
            ),
            now=step.at,
        )


def _card(token: str) -> Tender:
    return Tender(method=SandboxGateway.name, token=token)


def _key(what: str, number: int) -> RequestKey:
    return RequestKey(scope="demo", key=f"{what} {number}", request_hash=b"demo")


def _tracking_number(step: Step) -> str:
    place = "1" if step.act is Act.SEND_HALF else "2"
    return f"JD{step.number:07}{_digits(step.at)}{place}"


def _digits(at: datetime) -> str:
    return f"{int(at.timestamp()) % 1_000_000:06}"


def _refund_request(part: SellerOrder, act: Act) -> RefundRequest:
    """All that is left, the delivery alone, or a little: one unit of several, else a fifth."""
    left = tuple(
        (line.id, line.quantity - line.refunded_quantity)
        for line in part.lines
        if line.quantity > line.refunded_quantity
    )
    delivery_is_left = part.shipping_total_minor > part.shipping_refunded_minor
    if act is Act.REFUND_DELIVERY and delivery_is_left:
        return RefundRequest(seller_order_id=part.id, reason="Came a week late", shipping=True)
    if act is Act.REFUND_ALL:
        return RefundRequest(
            seller_order_id=part.id, reason="Sent back", items=left, shipping=delivery_is_left
        )
    if part.lines[0].quantity > 1:
        return RefundRequest(
            seller_order_id=part.id, reason="One of them was broken", items=((part.lines[0].id, 1),)
        )
    return RefundRequest(
        seller_order_id=part.id,
        reason="A scratch that the picture didn't show",
        amount_minor=part.total_minor // 5,
        currency=part.currency,
    )
