"""What people do in the story, each by the flow or service that the doors call."""

from gosellr.core.transact import transact
from gosellr.flows import checkout, refunds, stored_value
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.jobs.story.stage import Shop, Stage
from gosellr.models.order_values import Order
from gosellr.services import fulfilment_service, shipment_service
from gosellr.services.basket_service import CheckoutRequest, Tender
from gosellr.services.fulfilment_service import StatusRequest
from gosellr.services.refund_plan import RefundRequest
from gosellr.services.shipment_service import Parcel
from gosellr.utils.order_states import OrderStatus
from gosellr.utils.viewer import Viewer

BY_CARD = Tender(method=SandboxGateway.name, token="tok_ok")  # noqa: S106 - a test token


async def buy(
    stage: Stage,
    name: str,
    *items: tuple[Shop, int],
    tenders: tuple[Tender, ...] = (BY_CARD,),
    coupons: tuple[str, ...] = (),
) -> Order:
    """Ada orders and pays; the order is known by `name` from then on."""
    placed = await checkout.place_order(
        stage.resources.checkout,
        viewer=stage.buyer,
        request=CheckoutRequest(
            tenders=tenders,
            items=tuple((shop.variant_id, quantity) for shop, quantity in items),
            email=stage.buyer.email,
            shipping_address=dict(stage.address),
            coupons=coupons,
        ),
        key=stage.key(),
    )
    if placed.order is None or placed.order.payment_status != "paid":
        raise RuntimeError(f"the {name} order isn't paid")
    stage.orders[name] = placed.order.id
    stage.know(placed.order.id, await stage.number(name))
    return placed.order


async def ship(stage: Stage, name: str, shop: Shop) -> None:
    """A seller sends all of its part."""
    part = await stage.part(name, shop)
    await transact(
        stage.resources.db,
        shipment_service.ship,
        viewer=shop.owner,
        order_id=part.order_id,
        parcel=Parcel(seller_order_id=part.id, carrier="dhl", tracking_number=f"JD{part.index:08}"),
        policy=stage.resources.policy,
        now=stage.clock.now(),
    )


async def arrive(stage: Stage, name: str, shop: Shop) -> None:
    """The parcel is there."""
    await _ask_status(stage, name, shop, OrderStatus.DELIVERED, viewer=shop.owner)


async def confirm(stage: Stage, name: str, shop: Shop) -> None:
    """Ada says that all is well."""
    await _ask_status(stage, name, shop, OrderStatus.COMPLETED, viewer=stage.buyer)


async def _ask_status(
    stage: Stage, name: str, shop: Shop, status: OrderStatus, *, viewer: Viewer
) -> None:
    part = await stage.part(name, shop)
    await transact(
        stage.resources.db,
        fulfilment_service.request_status,
        viewer=viewer,
        order_id=part.order_id,
        request=StatusRequest(status=status, seller_order_id=part.id),
        policy=stage.resources.policy,
        now=stage.clock.now(),
    )


async def cancel_part(stage: Stage, name: str, shop: Shop, *, reason: str) -> None:
    """A seller can't deliver its part."""
    part = await stage.part(name, shop)
    await refunds.cancel_order(
        stage.resources.refunds,
        viewer=shop.owner,
        order_id=part.order_id,
        seller_order_id=part.id,
        reason=reason,
    )


async def refund_units(stage: Stage, name: str, shop: Shop, units: int, *, reason: str) -> None:
    """A seller gives money back for some units of its only line."""
    part = await stage.part(name, shop)
    await refunds.request_refund(
        stage.resources.refunds,
        viewer=shop.owner,
        order_id=part.order_id,
        request=RefundRequest(
            seller_order_id=part.id, reason=reason, items=((part.lines[0].id, units),)
        ),
        key=stage.key(),
    )


async def left_on_gift_card(stage: Stage) -> int:
    """What Ada's gift card still holds."""
    found = await stored_value.check_gift_card(
        stage.resources.stored_value, viewer=stage.buyer, typed=stage.gift_code
    )
    return found.balance_minor
