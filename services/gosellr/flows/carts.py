"""Filling a bag: each change is committed, and priced with carriers' answers where they count."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from uuid import UUID

from gosellr.core.clock import Clock
from gosellr.core.db import Database
from gosellr.core.transact import ask, transact, write
from gosellr.flows.quoting import with_carrier_quotes
from gosellr.integrations.shipping.port import ShippingProvider
from gosellr.services import cart_at_once, cart_change_service, cart_service
from gosellr.services.cart_service import CartView, FoundCart
from gosellr.services.pricing_service import CarrierQuotes, PricingContext
from gosellr.services.terms_shelf import TermsShelf
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

View = TypeVar("View", bound=CartView | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CartPowers:
    """What filling a bag needs of its process."""

    db: Database
    carriers: Mapping[str, ShippingProvider]
    clock: Clock
    policy: MarketPolicy
    terms_shelf: TermsShelf

    def context(self, carrier_quotes: CarrierQuotes | None) -> PricingContext:
        """What prices depend on, at this moment."""
        return PricingContext(
            policy=self.policy,
            now=self.clock.now(),
            terms_shelf=self.terms_shelf,
            carrier_quotes=carrier_quotes,
        )


async def create_cart(powers: CartPowers, *, viewer: Viewer, currency: str | None) -> CartView:
    """A new cart for a guest; for a buyer the open one in that currency, if there is one."""
    if viewer.user_id is not None:
        return await change(powers, cart_service.create_cart, viewer=viewer, currency=currency)
    # An empty cart has no prices to ask for: it is written by one statement.
    return await write(
        powers.db,
        cart_service.create_cart,
        viewer=viewer,
        currency=currency,
        context=powers.context(None),
    )


async def show(
    powers: CartPowers, question: Callable[..., Awaitable[View]], **arguments: Any
) -> View:
    """What a question of `cart_service` says of a cart, priced as it could be bought now.

    Raises:
        Conflict: when the cart never stays the same for as long as carriers are asked; and what
            the question raises.
    """

    async def run(*, carrier_quotes: CarrierQuotes | None) -> View:
        context = powers.context(carrier_quotes)
        return await ask(powers.db, question, context=context, **arguments)

    return await with_carrier_quotes(run, carriers=powers.carriers)


async def change(
    powers: CartPowers, command: Callable[..., Awaitable[CartView]], **arguments: Any
) -> CartView:
    """Change a cart by a command of its services; the answer is the whole cart.

    Raises:
        Conflict: as `show`; and what the command raises: then nothing was changed.
    """

    async def run(*, carrier_quotes: CarrierQuotes | None) -> CartView:
        context = powers.context(carrier_quotes)
        return await transact(powers.db, command, context=context, **arguments)

    return await with_carrier_quotes(run, carriers=powers.carriers)


async def add_item(powers: CartPowers, **wanted: Any) -> CartView:
    """Put units of a variant into a cart, as `cart_change_service.add_item`."""
    added = await write(powers.db, cart_at_once.add_item, now=powers.clock.now(), **wanted)
    if added is None:
        return await change(powers, cart_change_service.add_item, **wanted)
    return await _priced(powers, added)


async def set_addresses(powers: CartPowers, **wanted: Any) -> CartView:
    """Say who buys and where it goes, as `cart_change_service.set_addresses`."""
    changed = await write(powers.db, cart_at_once.set_addresses, now=powers.clock.now(), **wanted)
    if changed is None:
        return await change(powers, cart_change_service.set_addresses, **wanted)
    return await _priced(powers, changed)


async def choose_shipping(
    powers: CartPowers,
    *,
    viewer: Viewer,
    cart_id: UUID,
    choices: Mapping[UUID, UUID],
    version: int | None = None,
) -> CartView:
    """Choose how sellers send their parcels, as `cart_change_service.choose_shipping`."""
    shown = await ask(powers.db, cart_service.find_with_offers, viewer=viewer, cart_id=cart_id)
    chosen = cart_at_once.choosing(shown, choices=choices, version=version)
    if chosen is not None:
        view = await _priced(powers, chosen)
        cart_change_service.check_choices(view, choices)
        kept = await write(powers.db, cart_at_once.keep_choices, view=view, now=powers.clock.now())
        if kept is not None:
            return kept
    return await change(
        powers,
        cart_change_service.choose_shipping,
        viewer=viewer,
        cart_id=cart_id,
        choices=choices,
        version=version,
    )


async def _priced(powers: CartPowers, held: FoundCart) -> CartView:
    async def run(*, carrier_quotes: CarrierQuotes | None) -> CartView:
        context = powers.context(carrier_quotes)
        view = cart_service.priced_at_once(held.cart, context, held.found)
        if view is not None:
            return view
        return await ask(powers.db, cart_service.priced, held.cart, context, held.found)

    return await with_carrier_quotes(run, carriers=powers.carriers)
