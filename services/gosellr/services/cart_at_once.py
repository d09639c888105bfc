"""Changes to a cart by one statement each, where nothing stands in their way.

They do what `cart_change_service` does by several, or nothing: then that looks closer and says
what is wrong. What they give is committed, and has still to be priced.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.queries import cart_views
from gosellr.services.cart_change_service import LINES_MAX
from gosellr.services.cart_service import CartView, FoundCart
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.money import MAX_AMOUNT_MINOR
from gosellr.utils.pricing import MAX_QUANTITY
from gosellr.utils.viewer import Viewer

# Far below what money may be, so that no delivery and no tax lifts a total beyond it.
_WORTH_MAX_MINOR = MAX_AMOUNT_MINOR // 1_000


async def add_item(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    variant_id: UUID,
    quantity: int,
    version: int | None = None,
    now: datetime,
) -> FoundCart | None:
    """Put units of a variant in, as `cart_change_service.add_item`."""
    return await cart_views.add_item(
        connection,
        viewer=viewer,
        cart_id=cart_id,
        version=version,
        item_id=new_id(),
        variant_id=variant_id,
        quantity=quantity,
        quantity_max=MAX_QUANTITY,
        lines_max=LINES_MAX,
        worth_max_minor=_WORTH_MAX_MINOR,
        now=now,
    )


async def set_addresses(
    connection: Connection,
    *,
    viewer: Viewer,
    cart_id: UUID,
    changes: Mapping[str, Any],
    version: int | None = None,
    now: datetime,
) -> FoundCart | None:
    """Say who buys and where it goes, as `cart_change_service.set_addresses`."""
    return await cart_views.set_addresses(
        connection, viewer=viewer, cart_id=cart_id, version=version, changes=changes, now=now
    )


def choosing(
    shown: FoundCart, *, choices: Mapping[UUID, UUID], version: int | None
) -> FoundCart | None:
    """An open cart at this version as it would be with these ways of delivery; nothing is kept."""
    cart = shown.cart
    if cart.status != "open" or version not in (None, cart.version):
        return None
    wanted = {str(seller_id): str(option_id) for seller_id, option_id in choices.items()}
    return FoundCart(
        replace(cart, shipping_choices={**cart.shipping_choices, **wanted}), shown.found
    )


async def keep_choices(connection: Connection, *, view: CartView, now: datetime) -> CartView | None:
    """Keep the ways of delivery of a priced cart, as long as it stands as it was priced."""
    version = await cart_views.choose_shipping(
        connection,
        cart_id=view.cart.id,
        version=view.cart.version,
        choices=view.cart.shipping_choices,
        now=now,
    )
    return None if version is None else replace(view, cart=replace(view.cart, version=version))
