"""The bag that is being filled: found, and begun when something is put in."""

from uuid import UUID

from gosellr.flows import carts
from gosellr.services import cart_service
from gosellr.services.cart_service import CartView
from gosellr.web.pages import Page


async def open_cart(page: Page) -> CartView | None:
    """The visitor's bag; None before anything is in it."""
    if page.viewer.is_guest and page.visit.cart_id is None:
        return None
    return await carts.show(
        page.market.carts,
        cart_service.show_open_cart,
        viewer=page.viewer,
        cart_id=page.visit.cart_id,
    )


async def begun_cart_id(page: Page) -> UUID:
    """The id of the visitor's bag, which is begun if there is none; its key goes to the browser."""
    view = await open_cart(page)
    if view is not None:
        return view.cart.id
    made = await carts.create_cart(page.market.carts, viewer=page.viewer, currency=None)
    if made.token is not None:
        page.hold_bag(made.cart.id, made.token)
    return made.cart.id
