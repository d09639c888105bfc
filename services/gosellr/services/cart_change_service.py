"""Changes to a cart: its lines, where it goes, how it is sent, its coupons.

A line remembers the price its buyer saw when they added it or changed its quantity; a later
price is reported as `price_changed`, old and new, until they change the line again or
acknowledge all prices.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, FieldError, InvalidInput, NotFound
from gosellr.core.identity import new_id
from gosellr.queries import carts, offers
from gosellr.queries.offers import Offer
from gosellr.services import cart_service
from gosellr.services.cart_service import COUPONS_MAX, CartView
from gosellr.services.pricing_service import PricingContext
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.pricing import MAX_QUANTITY
from gosellr.utils.viewer import Viewer

LINES_MAX = 200


class CartFull(Conflict):
    """There is no room for another line or another coupon."""

    code = "cart_full"
    title = "This bag is full"


class Unavailable(Conflict):
    """It isn't on sale; whether it ever was isn't told."""

    code = "unavailable"
    title = "This isn't on sale"


class NoPriceInCurrency(Conflict):
    """A cart has one currency, and nothing is converted."""

    code = "no_price_in_currency"
    title = "This has no price in the currency of the bag"


class InsufficientStock(Conflict):
    """Fewer are left than wanted; `available` says how many."""

    code = "insufficient_stock"
    title = "Not so many are left"


class CouponRefused(Conflict):
    """One answer for a code that is unknown, expired or used up, so that codes can't be probed.

    `reason` is given only where the code is good and this bag isn't.
    """

    code = "coupon_refused"
    title = "This code can't be used on this bag"


async def add_item(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    variant_id: UUID,
    quantity: int,
    version: int | None = None,
    context: PricingContext,
) -> CartView:
    """Put units of a variant into the cart; what is there already adds up.

    Raises:
        NotFound, CartClosed, VersionConflict: about the cart.
        Unavailable, NoPriceInCurrency, InsufficientStock, CartFull: about the goods.
        InvalidInput: when the line would hold more than `MAX_QUANTITY`.
    """
    cart = await cart_service.changing(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=context.now
    )
    added = await carts.add_item(
        connection,
        cart=cart,
        item_id=new_id(),
        variant_id=variant_id,
        quantity=quantity,
        quantity_max=MAX_QUANTITY,
        now=context.now,
    )
    if not added.variant_exists:
        raise Unavailable
    if added.item_id is None:
        raise InvalidInput.at(
            "quantity", "quantity_too_large", f"One line holds at most {MAX_QUANTITY}"
        )
    found = await offers.of_cart(connection, cart_id=cart.id)
    if len(found.lines) > LINES_MAX:
        raise CartFull(f"A bag holds at most {LINES_MAX} different things")
    _check_line(found.lines, item_id=added.item_id, currency=cart.currency)
    return await cart_service.priced(connection, cart, context, found)


async def change_item(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    item_id: UUID,
    quantity: int,
    version: int | None = None,
    context: PricingContext,
) -> CartView:
    """Set how many of an item are wanted; its current price counts as seen.

    Raises:
        NotFound, CartClosed, VersionConflict: about the cart and the item.
        Unavailable, NoPriceInCurrency, InsufficientStock: about the goods.
    """
    cart = await cart_service.changing(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=context.now
    )
    if not await carts.set_quantity(connection, cart=cart, item_id=item_id, quantity=quantity):
        raise NotFound
    found = await offers.of_cart(connection, cart_id=cart.id)
    _check_line(found.lines, item_id=item_id, currency=cart.currency)
    return await cart_service.priced(connection, cart, context, found)


def _check_line(lines: Sequence[Offer], *, item_id: UUID, currency: str) -> None:
    line = next(line for line in lines if line.key == item_id)
    if not line.buyable:
        raise Unavailable
    if line.unit_price_minor is None:
        raise NoPriceInCurrency(f"{line.title} has no price in {currency}")
    if line.available < line.quantity:
        left = max(0, line.available)
        raise InsufficientStock(
            f"Only {left} of {line.title} are left" if left else f"{line.title} is sold out",
            extras={"variant_id": line.variant_id, "wanted": line.quantity, "available": left},
        )


async def remove_item(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    item_id: UUID,
    version: int | None = None,
    context: PricingContext,
) -> CartView:
    """Take an item out.

    Raises:
        NotFound, CartClosed, VersionConflict: about the cart and the item.
    """
    cart = await cart_service.changing(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=context.now
    )
    if not await carts.remove_item(connection, cart=cart, item_id=item_id):
        raise NotFound
    return await cart_service.priced(connection, cart, context)


async def set_addresses(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    changes: Mapping[str, Any],
    version: int | None = None,
    context: PricingContext,
) -> CartView:
    """Change `email`, `shipping_address`, `billing_address`; what isn't given stays.

    Raises:
        NotFound, CartClosed, VersionConflict: about the cart.
    """
    cart = await cart_service.changing(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=context.now
    )
    cart = replace(cart, **changes)
    await carts.save(connection, cart=cart)
    return await cart_service.priced(connection, cart, context)


async def choose_shipping(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    choices: Mapping[UUID, UUID],
    version: int | None = None,
    context: PricingContext,
) -> CartView:
    """Choose how sellers send their parcels, by seller; the others' choices stay.

    Raises:
        NotFound, CartClosed, VersionConflict: about the cart.
        InvalidInput: naming every seller that doesn't offer what was chosen.
    """
    cart = await cart_service.changing(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=context.now
    )
    wanted = {str(seller_id): str(option_id) for seller_id, option_id in choices.items()}
    cart = replace(cart, shipping_choices={**cart.shipping_choices, **wanted})
    view = await cart_service.priced(connection, cart, context)
    check_choices(view, choices)
    await carts.save(connection, cart=cart)
    return view


def check_choices(view: CartView, choices: Mapping[UUID, UUID]) -> None:
    """Whether every seller offers, for this cart, what was chosen.

    Raises:
        InvalidInput: naming every seller that doesn't.
    """
    unknown = [
        seller_id
        for seller_id, option_id in choices.items()
        if option_id not in {option.id for option in view.basket.options.get(seller_id, ())}
    ]
    if unknown:
        raise InvalidInput(
            "This way of delivery isn't offered",
            errors=[
                FieldError(
                    f"choices.{seller_id}", "option_unknown", "This shop doesn't offer this there"
                )
                for seller_id in unknown
            ],
        )


async def add_coupon(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    code: str,
    version: int | None = None,
    context: PricingContext,
) -> CartView:
    """Add a coupon code, in whatever case; one that is there already changes nothing.

    Raises:
        NotFound, CartClosed, VersionConflict: about the cart.
        CouponRefused: when it can't be used on this cart.
        CartFull: when there are too many already.
    """
    cart = await cart_service.changing(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=context.now
    )
    codes = {known.lower(): known for known in cart.coupon_codes}
    codes.setdefault(code.lower(), code)
    if len(codes) > COUPONS_MAX:
        raise CartFull(f"A bag takes at most {COUPONS_MAX} codes")
    cart = replace(cart, coupon_codes=tuple(codes.values()))
    view = await cart_service.priced(connection, cart, context)
    for issue in view.basket.issues:
        told_of = issue.code == CouponRefused.code and issue.blocks
        if told_of and issue.facts["coupon"] == codes[code.lower()]:
            reason = issue.facts["reason"]
            raise CouponRefused(extras=None if reason == "unknown" else {"reason": reason})
    await carts.save(connection, cart=cart)
    return view


async def remove_coupons(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    code: str | None,
    version: int | None = None,
    context: PricingContext,
) -> CartView:
    """Take one code out, or all of them; one that isn't there changes nothing.

    Raises:
        NotFound, CartClosed, VersionConflict: about the cart.
    """
    cart = await cart_service.changing(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=context.now
    )
    kept = [known for known in cart.coupon_codes if code and known.lower() != code.lower()]
    cart = replace(cart, coupon_codes=tuple(kept))
    await carts.save(connection, cart=cart)
    return await cart_service.priced(connection, cart, context)


async def acknowledge_prices(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    version: int | None = None,
    context: PricingContext,
) -> CartView:
    """The buyer has seen what everything costs now, and `price_changed` is settled.

    Raises:
        NotFound, CartClosed, VersionConflict: about the cart.
    """
    cart = await cart_service.changing(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=context.now
    )
    await carts.see_prices(connection, cart=cart)
    return await cart_service.priced(connection, cart, context)
