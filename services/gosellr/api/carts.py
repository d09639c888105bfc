"""Carts: begun, filled, priced and merged. Every change answers with the whole cart."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer
from gosellr.api.deps import Market, allow
from gosellr.api.guest_ways import guest_way
from gosellr.api.room import Room
from gosellr.api.schemas.carts import (
    AddressIn,
    CartAddresses,
    CartCreate,
    CartItemAdd,
    CartItemChange,
    CartOut,
    CartVersion,
    CouponAdd,
    CouponFilter,
    ShippingChoices,
    ShippingOptionsOut,
    VersionFilter,
    cart_document,
    shipping_options_document,
)
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.terms import given
from gosellr.api.short_ways import ShortRoute
from gosellr.flows import carts
from gosellr.resources import Resources
from gosellr.services import cart_change_service, cart_service
from gosellr.services.cart_service import CartView
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(prefix="/carts", tags=["carts"], route_class=ShortRoute)

Reader = Annotated[Viewer, allow(Permission.CART_READ)]
Writer = Annotated[Viewer, allow(Permission.CART_WRITE)]
_CHANGED: dict[int | str, dict[str, Any]] = {
    200: {"model": CartOut},
    **problems(400, 401, 403, 404, 409, 422),
}


async def _changed(
    market: Resources, command: Callable[..., Awaitable[CartView]], **arguments: Any
) -> Response:
    return answer(cart_document(await carts.change(market.carts, command, **arguments)))


@router.post(
    "",
    operation_id="create_cart",
    status_code=201,
    responses={201: {"model": CartOut}, **problems(400, 401, 403, 422)},
)
@guest_way(permission=Permission.CART_WRITE)
async def create_cart(viewer: Writer, market: Market, body: CartCreate | None = None) -> Response:
    """A new cart. A guest gets its token, once, to be sent as `X-Cart-Token`; a buyer gets
    their open cart in that currency if there is one."""
    view = await carts.create_cart(
        market.carts, viewer=viewer, currency=body.currency if body else None
    )
    return answer(cart_document(view), status=201)


@router.get(
    "/{cart_id}",
    operation_id="get_cart",
    responses={200: {"model": CartOut}, **problems(401, 403, 404, 409, 422)},
)
@guest_way(permission=Permission.CART_READ)
async def get_cart(cart_id: UUID, viewer: Reader, market: Market) -> Response:
    """A cart as it could be bought now, with everything that has changed or stands in the way."""
    view = await carts.show(market.carts, cart_service.show_cart, viewer=viewer, cart_id=cart_id)
    return answer(cart_document(view))


@router.post("/{cart_id}/items", operation_id="add_cart_item", responses=_CHANGED)
@guest_way(permission=Permission.CART_WRITE)
async def add_cart_item(
    cart_id: UUID, body: CartItemAdd, viewer: Writer, market: Market
) -> Response:
    """Put units of a variant in; what is there already adds up."""
    view = await carts.add_item(
        market.carts,
        viewer=viewer,
        cart_id=cart_id,
        variant_id=body.variant_id,
        quantity=body.quantity,
        version=body.version,
    )
    return answer(cart_document(view))


@router.patch("/{cart_id}/items/{item_id}", operation_id="update_cart_item", responses=_CHANGED)
async def update_cart_item(
    cart_id: UUID, item_id: UUID, body: CartItemChange, viewer: Writer, market: Market
) -> Response:
    """Set how many are wanted; the current price of the line counts as seen."""
    return await _changed(
        market,
        cart_change_service.change_item,
        viewer=viewer,
        cart_id=cart_id,
        item_id=item_id,
        quantity=body.quantity,
        version=body.version,
    )


@router.delete("/{cart_id}/items/{item_id}", operation_id="delete_cart_item", responses=_CHANGED)
async def delete_cart_item(
    cart_id: UUID,
    item_id: UUID,
    filters: Annotated[VersionFilter, Query()],
    viewer: Writer,
    market: Market,
) -> Response:
    """Take an item out."""
    return await _changed(
        market,
        cart_change_service.remove_item,
        viewer=viewer,
        cart_id=cart_id,
        item_id=item_id,
        version=filters.version,
    )


@router.put("/{cart_id}/addresses", operation_id="update_cart_addresses", responses=_CHANGED)
@guest_way(permission=Permission.CART_WRITE)
async def update_cart_addresses(
    cart_id: UUID, body: CartAddresses, viewer: Writer, market: Market
) -> Response:
    """Say who buys and where it goes; what is left out stays."""
    view = await carts.set_addresses(
        market.carts,
        viewer=viewer,
        cart_id=cart_id,
        changes={
            name: value.model_dump() if isinstance(value, AddressIn) else value
            for name, value in given(body).items()
        },
        version=body.version,
    )
    return answer(cart_document(view))


@router.get(
    "/{cart_id}/shipping-options",
    operation_id="list_cart_shipping_options",
    responses={200: {"model": ShippingOptionsOut}, **problems(401, 403, 404, 409, 422)},
)
async def list_cart_shipping_options(cart_id: UUID, viewer: Reader, market: Market) -> Response:
    """How each seller may send its parcel; nothing before the address is known."""
    view = await carts.show(market.carts, cart_service.show_cart, viewer=viewer, cart_id=cart_id)
    return answer(shipping_options_document(view))


@router.put("/{cart_id}/shipping", operation_id="choose_cart_shipping", responses=_CHANGED)
@guest_way(permission=Permission.CART_WRITE)
async def choose_cart_shipping(
    cart_id: UUID, body: ShippingChoices, viewer: Writer, market: Market
) -> Response:
    """Choose how sellers send their parcels; the others' choices stay."""
    view = await carts.choose_shipping(
        market.carts,
        viewer=viewer,
        cart_id=cart_id,
        choices=body.choices,
        version=body.version,
    )
    return answer(cart_document(view))


@router.post("/{cart_id}/coupons", operation_id="add_cart_coupon", responses=_CHANGED)
async def add_cart_coupon(
    cart_id: UUID, body: CouponAdd, viewer: Writer, market: Market
) -> Response:
    """Use a coupon's code. Unknown, expired and used-up codes get the same answer."""
    return await _changed(
        market,
        cart_change_service.add_coupon,
        viewer=viewer,
        cart_id=cart_id,
        code=body.code,
        version=body.version,
    )


@router.delete("/{cart_id}/coupons", operation_id="delete_cart_coupons", responses=_CHANGED)
async def delete_cart_coupons(
    cart_id: UUID,
    filters: Annotated[CouponFilter, Query()],
    viewer: Writer,
    market: Market,
) -> Response:
    """Take a code out, or all of them."""
    return await _changed(
        market,
        cart_change_service.remove_coupons,
        viewer=viewer,
        cart_id=cart_id,
        code=filters.code,
        version=filters.version,
    )


@router.post("/{cart_id}/acknowledge", operation_id="acknowledge_cart_prices", responses=_CHANGED)
async def acknowledge_cart_prices(
    cart_id: UUID, viewer: Writer, market: Market, body: CartVersion | None = None
) -> Response:
    """The buyer has seen the new prices: `price_changed` is settled."""
    return await _changed(
        market,
        cart_change_service.acknowledge_prices,
        viewer=viewer,
        cart_id=cart_id,
        version=body.version if body else None,
    )


@router.post("/{cart_id}/merge", operation_id="merge_cart", responses=_CHANGED)
async def merge_cart(cart_id: UUID, viewer: Writer, market: Market) -> Response:
    """Take a guest's cart, whose token is sent along, into the signed-in buyer's own.

    Answers with the buyer's cart. Asking again changes nothing more."""
    return await _changed(market, cart_service.merge_cart, viewer=viewer, cart_id=cart_id)
