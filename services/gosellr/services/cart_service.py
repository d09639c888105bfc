"""Carts: begun, priced as they stand, merged, closed. They hold no stock and promise no price."""

from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAuthenticated, NotFound, VersionConflict
from gosellr.core.identity import fingerprint, new_id, new_secret
from gosellr.queries import cart_views, carts, offers
from gosellr.queries.cart_views import CartWithOffers
from gosellr.queries.carts import Cart
from gosellr.queries.market_terms import MarketTerms
from gosellr.queries.offers import FoundOffers
from gosellr.services import pricing_service, terms_shelf
from gosellr.services.cart_parcels import CartParcel, parcels_of
from gosellr.services.pricing_service import PricedBasket, PricingContext
from gosellr.services.promotion_service import customer_key
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.pricing import MAX_QUANTITY
from gosellr.utils.viewer import Viewer

COUPONS_MAX = 5

_EMPTY = FoundOffers((), None)
_NO_TERMS = MarketTerms()
# A cart with what is offered for its items.
FoundCart: TypeAlias = CartWithOffers


class CartClosed(Conflict):
    """The cart was ordered, or merged into another one."""

    code = "cart_closed"
    title = "This bag was already ordered"


@dataclass(frozen=True, slots=True, kw_only=True)
class CartView:
    """A cart, priced. `token` is there once, when a guest's cart is made."""

    cart: Cart
    basket: PricedBasket
    parcels: tuple[CartParcel, ...]
    token: str | None = None


# What checkout needs


async def find_cart(connection: Connection, *, cart_id: UUID, viewer: Viewer) -> Cart:
    """A cart by its owner or the holder of its token, whatever its status.

    Raises:
        NotFound: when it isn't the viewer's.
    """
    cart = await carts.find(connection, viewer=viewer, cart_id=cart_id)
    if cart is None:
        raise NotFound
    return cart


async def mark_ordered(
    connection: Connection, *, cart_id: UUID, version: int | None = None
) -> None:
    """Close a cart because an order was made of it, at the version that was priced.

    Raises:
        CartClosed: when it isn't open any more, or was changed in the meantime.
    """
    if not await carts.mark_ordered(connection, cart_id=cart_id, version=version):
        raise CartClosed("This bag was ordered or changed in the meantime")


async def reopen(connection: Connection, *, cart_id: UUID, now: datetime) -> bool:
    """Give a cart back whose order came to nothing; False when the buyer has a newer one."""
    return await carts.reopen(connection, cart_id=cart_id, now=now)


# Looking


async def show_cart(
    connection: Connection, *, viewer: Viewer, cart_id: UUID, context: PricingContext
) -> CartView:
    """A cart as it could be bought now.

    Raises:
        NotFound: when it isn't the viewer's.
    """
    shown = await find_with_offers(connection, viewer=viewer, cart_id=cart_id)
    return await priced(connection, shown.cart, context, shown.found)


async def find_with_offers(connection: Connection, *, viewer: Viewer, cart_id: UUID) -> FoundCart:
    """A cart by its owner or the holder of its token, whatever its status, with its offers.

    Raises:
        NotFound: when it isn't the viewer's.
    """
    (shown,) = await cart_views.show_each(connection, [(cart_id, viewer)])
    if shown is None:
        raise NotFound
    return shown


async def show_open_cart(
    connection: Connection, *, viewer: Viewer, cart_id: UUID | None, context: PricingContext
) -> CartView | None:
    """The cart that is being filled: a buyer's own, else the one of a guest's token.

    None where there is none yet, or where it was ordered or merged since.
    """
    cart = None
    if viewer.user_id is not None:
        cart = await carts.find_open(connection, user_id=viewer.user_id, currency=None)
    elif cart_id is not None:
        cart = await carts.find(connection, viewer=viewer, cart_id=cart_id)
    if cart is None or cart.status != "open":
        return None
    return await priced(connection, cart, context)


async def count_units(connection: Connection, *, viewer: Viewer, cart_id: UUID | None) -> int:
    """How many units lie in the cart that is being filled."""
    return await carts.count_units(connection, viewer=viewer, cart_id=cart_id)


async def priced(
    connection: Connection,
    cart: Cart,
    context: PricingContext,
    found: FoundOffers | None = None,
) -> CartView:
    """A cart with its prices, from its lines where they were found already."""
    if found is None:
        found = await offers.of_cart(connection, cart_id=cart.id)
    view = priced_at_once(cart, context, found)
    if view is not None:
        return view
    destination = pricing_service.destination_of(cart.shipping_address)
    terms = await terms_shelf.terms_of(
        connection,
        shelf=context.terms_shelf,
        version=found.terms_version,
        country=destination.country if destination else None,
        seller_ids=_seller_ids(found),
        currency=cart.currency,
        coupon_codes=cart.coupon_codes,
        customer_key=customer_key(user_id=cart.user_id, email=cart.email),
        now=context.now,
    )
    return _view(cart, context, found, terms)


def priced_at_once(cart: Cart, context: PricingContext, found: FoundOffers) -> CartView | None:
    """A cart with its prices, where everything they depend on is known without asking."""
    if cart.coupon_codes:
        return None
    destination = pricing_service.destination_of(cart.shipping_address)
    if not found.lines and destination is None:
        return _view(cart, context, found, _NO_TERMS)
    terms = context.terms_shelf.find(
        version=found.terms_version,
        country=destination.country if destination else None,
        seller_ids=_seller_ids(found),
        currency=cart.currency,
        now=context.now,
    )
    return None if terms is None else _view(cart, context, found, terms)


def _seller_ids(found: FoundOffers) -> list[UUID]:
    return sorted({line.seller_id for line in found.lines})


def _view(cart: Cart, context: PricingContext, found: FoundOffers, terms: MarketTerms) -> CartView:
    basket = pricing_service.price_basket(
        offers=found.lines,
        terms=terms,
        currency=cart.currency,
        destination=pricing_service.destination_of(cart.shipping_address),
        choices=cart.shipping_choices,
        coupon_codes=cart.coupon_codes,
        tax_included=context.policy.tax_included,
        carrier_quotes=context.carrier_quotes,
    )
    return CartView(cart=cart, basket=basket, parcels=parcels_of(basket))


# Beginning and merging


async def create_cart(
    connection: Connection, *, viewer: Viewer, currency: str | None, context: PricingContext
) -> CartView:
    """A new cart with its token for a guest; for a buyer their open one in that currency.

    A buyer has at most one open cart per currency. Without a currency the one last touched is
    meant, and where there is none, one in the market's own currency is made.
    """
    if viewer.user_id is None:
        token = new_secret()
        cart = await carts.create_for_guest(
            connection,
            cart_id=new_id(),
            token_hash=fingerprint(token),
            currency=currency or context.policy.default_currency,
            now=context.now,
        )
        return replace(await priced(connection, cart, context, _EMPTY), token=token)
    open_cart = await carts.find_open(connection, user_id=viewer.user_id, currency=currency)
    if open_cart is None:
        open_cart = await carts.create_for_buyer(
            connection,
            cart_id=new_id(),
            user_id=viewer.user_id,
            currency=currency or context.policy.default_currency,
            now=context.now,
        )
    return await priced(connection, open_cart, context)


async def merge_cart(
    connection: Connection, *, viewer: Viewer, cart_id: UUID, context: PricingContext
) -> CartView:
    """Take a guest's cart, proven by its token, into the buyer's own; gives the buyer's.

    Quantities of what is in both add up. Repeated, it changes nothing more.

    Raises:
        NotAuthenticated: when nobody is signed in.
        NotFound: when the token isn't that of the cart.
        CartClosed: when it was ordered, or went to somebody else.
    """
    if viewer.user_id is None:
        raise NotAuthenticated("Sign in to keep this bag")
    guest = await find_cart(connection, cart_id=cart_id, viewer=viewer)
    if guest.status == "open" and guest.user_id is None:
        # A second look after the lock: the same request may run twice at once.
        guest = await carts.raise_version(
            connection, viewer=viewer, cart_id=cart_id, version=None, now=context.now
        ) or await find_cart(connection, cart_id=cart_id, viewer=viewer)
    own = await carts.create_for_buyer(
        connection,
        cart_id=new_id(),
        user_id=viewer.user_id,
        currency=guest.currency,
        now=context.now,
    )
    if guest.status == "open" and guest.user_id is None:
        own = await _take_over(connection, guest, own, viewer=viewer, now=context.now)
    elif guest.status == "ordered" or guest.user_id != viewer.user_id:
        raise CartClosed
    return await priced(connection, own, context)


async def _take_over(
    connection: Connection, guest: Cart, own: Cart, *, viewer: Viewer, now: datetime
) -> Cart:
    own = await changing(connection, viewer=viewer, cart_id=own.id, version=None, now=now)
    await carts.move_items(
        connection, from_cart_id=guest.id, to_cart_id=own.id, quantity_max=MAX_QUANTITY
    )
    codes = {code.lower(): code for code in (*own.coupon_codes, *guest.coupon_codes)}
    own = replace(
        own,
        email=own.email or guest.email,
        shipping_address=own.shipping_address or guest.shipping_address,
        billing_address=own.billing_address or guest.billing_address,
        shipping_choices={**guest.shipping_choices, **own.shipping_choices},
        coupon_codes=tuple(codes.values())[:COUPONS_MAX],
    )
    await carts.save(connection, cart=own)
    await carts.close_merged(connection, cart_id=guest.id, into_cart_id=own.id, now=now)
    return own


# Changing


async def changing(
    connection: Connection, *, viewer: Viewer, cart_id: UUID, version: int | None, now: datetime
) -> Cart:
    """An open cart of the viewer's, locked for a change and a version further.

    Raises:
        NotFound: when it isn't the viewer's.
        CartClosed: when it isn't open any more.
        VersionConflict: when the change was meant for another version.
    """
    cart = await carts.raise_version(
        connection, viewer=viewer, cart_id=cart_id, version=version, now=now
    )
    if cart is not None:
        return cart
    current = await find_cart(connection, cart_id=cart_id, viewer=viewer)
    if current.status != "open":
        raise CartClosed
    raise VersionConflict("The bag was changed elsewhere", extras={"version": current.version})
