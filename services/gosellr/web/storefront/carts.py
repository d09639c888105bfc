"""The bag that is being filled: found, priced, and begun when something is put in."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

from gosellr.core.transact import transact
from gosellr.flows.quoting import with_carrier_quotes
from gosellr.services import cart_service
from gosellr.services.cart_service import CartView
from gosellr.services.pricing_service import CarrierQuotes, PricingContext
from gosellr.web.pages import Page

View = TypeVar("View", bound=CartView | None)


async def priced(page: Page, command: Callable[..., Awaitable[View]], **arguments: Any) -> View:
    """Run a question or a change of a bag, with carriers' prices where they are needed."""
    market = page.market
    arguments.setdefault("viewer", page.viewer)

    async def run(*, carrier_quotes: CarrierQuotes | None) -> View:
        context = PricingContext(
            policy=market.policy,
            now=page.now,
            terms_shelf=market.terms_shelf,
            carrier_quotes=carrier_quotes,
        )
        return await transact(market.db, command, context=context, **arguments)

    return await with_carrier_quotes(run, carriers=market.carriers)


async def open_cart(page: Page) -> CartView | None:
    """The visitor's bag; None before anything is in it."""
    if page.viewer.is_guest and page.visit.cart_id is None:
        return None
    return await priced(page, cart_service.show_open_cart, cart_id=page.visit.cart_id)


async def begun_cart_id(page: Page) -> UUID:
    """The id of the visitor's bag, which is begun if there is none; its key goes to the browser."""
    view = await open_cart(page)
    if view is not None:
        return view.cart.id
    made = await priced(page, cart_service.create_cart, currency=None)
    if made.token is not None:
        page.hold_bag(made.cart.id, made.token)
    return made.cart.id
