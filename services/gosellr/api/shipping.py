"""Shipping zones and rates: a seller's own, and the market's for sellers that have none."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from gosellr.api.answers import answer, nothing
from gosellr.api.deps import Market, allow
from gosellr.api.room import Room
from gosellr.api.schemas.common import problems
from gosellr.api.schemas.shipping import (
    RateChange,
    RateCreate,
    RateFilters,
    RateOut,
    RatePage,
    ZoneChange,
    ZoneCreate,
    ZoneOut,
    ZonePage,
    rate_document,
    zone_document,
)
from gosellr.api.schemas.terms import OwnerFilters, given
from gosellr.core.errors import InvalidInput
from gosellr.core.transact import ask, transact
from gosellr.resources import Resources
from gosellr.services import shipping_service
from gosellr.utils.permissions import Permission
from gosellr.utils.viewer import Viewer

router = Room(tags=["shipping"])

Reader = Annotated[Viewer, allow(Permission.SHIPPING_READ)]
Writer = Annotated[Viewer, allow(Permission.SHIPPING_WRITE)]


@router.get(
    "/shipping-zones",
    operation_id="list_shipping_zones",
    responses={200: {"model": ZonePage}, **problems(401, 403, 422)},
)
async def list_shipping_zones(
    filters: Annotated[OwnerFilters, Query()], viewer: Reader, market: Market
) -> Response:
    """The areas that the caller's shops send to, and the market's own."""
    page = await ask(
        market.db,
        shipping_service.list_zones,
        viewer=viewer,
        seller_id=filters.seller_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [zone_document(zone) for zone in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/shipping-zones",
    operation_id="create_shipping_zone",
    status_code=201,
    responses={201: {"model": ZoneOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def create_shipping_zone(body: ZoneCreate, viewer: Writer, market: Market) -> Response:
    """Add an area. Of a shop's areas around an address the closest applies."""
    zone = await transact(
        market.db,
        shipping_service.create_zone,
        viewer=viewer,
        seller_id=body.seller_id,
        fields={
            "name": body.name,
            "countries": tuple(body.countries),
            "regions": tuple(body.regions),
            "postal_patterns": tuple(body.postal_patterns),
        },
        now=market.clock.now(),
    )
    return answer(zone_document(zone), status=201)


@router.patch(
    "/shipping-zones/{zone_id}",
    operation_id="update_shipping_zone",
    responses={200: {"model": ZoneOut}, **problems(400, 401, 403, 404, 422)},
)
async def update_shipping_zone(
    zone_id: UUID, body: ZoneChange, viewer: Writer, market: Market
) -> Response:
    """Change an area; fields left out stay."""
    zone = await transact(
        market.db,
        shipping_service.change_zone,
        viewer=viewer,
        zone_id=zone_id,
        changes={
            name: tuple(value) if isinstance(value, list) else value
            for name, value in given(body).items()
        },
    )
    return answer(zone_document(zone))


@router.delete(
    "/shipping-zones/{zone_id}",
    operation_id="delete_shipping_zone",
    status_code=204,
    responses=problems(401, 403, 404, 422),
)
async def delete_shipping_zone(zone_id: UUID, viewer: Writer, market: Market) -> Response:
    """Send by this area and its rates no more."""
    await transact(
        market.db,
        shipping_service.archive_zone,
        viewer=viewer,
        zone_id=zone_id,
        now=market.clock.now(),
    )
    return nothing()


@router.get(
    "/shipping-rates",
    operation_id="list_shipping_rates",
    responses={200: {"model": RatePage}, **problems(401, 403, 422)},
)
async def list_shipping_rates(
    filters: Annotated[RateFilters, Query()], viewer: Reader, market: Market
) -> Response:
    """What the caller's shops ask for sending, and the market's own rates."""
    page = await ask(
        market.db,
        shipping_service.list_rates,
        viewer=viewer,
        seller_id=filters.seller_id,
        zone_id=filters.zone_id,
        cursor=filters.cursor,
        limit=filters.limit,
    )
    items = [rate_document(listed) for listed in page.items]
    return answer({"items": items, "next_cursor": page.next_cursor})


@router.post(
    "/shipping-rates",
    operation_id="create_shipping_rate",
    status_code=201,
    responses={201: {"model": RateOut}, **problems(400, 401, 403, 404, 409, 422)},
)
async def create_shipping_rate(body: RateCreate, viewer: Writer, market: Market) -> Response:
    """Add a price list to an area: flat, or by weight, subtotal or number of units."""
    _check_carrier(market, body.carrier)
    listed = await transact(
        market.db,
        shipping_service.create_rate,
        viewer=viewer,
        zone_id=body.zone_id,
        draft=body.draft(),
        now=market.clock.now(),
    )
    return answer(rate_document(listed), status=201)


@router.patch(
    "/shipping-rates/{rate_id}",
    operation_id="update_shipping_rate",
    responses={200: {"model": RateOut}, **problems(400, 401, 403, 404, 422)},
)
async def update_shipping_rate(
    rate_id: UUID, body: RateChange, viewer: Writer, market: Market
) -> Response:
    """Change a price list; fields left out stay, and its currency always does."""
    _check_carrier(market, body.carrier)
    listed = await transact(
        market.db,
        shipping_service.change_rate,
        viewer=viewer,
        rate_id=rate_id,
        changes=body.values(),
    )
    return answer(rate_document(listed))


@router.delete(
    "/shipping-rates/{rate_id}",
    operation_id="delete_shipping_rate",
    status_code=204,
    responses=problems(401, 403, 404, 422),
)
async def delete_shipping_rate(rate_id: UUID, viewer: Writer, market: Market) -> Response:
    """Send at this rate no more."""
    await transact(
        market.db,
        shipping_service.archive_rate,
        viewer=viewer,
        rate_id=rate_id,
        now=market.clock.now(),
    )
    return nothing()


def _check_carrier(market: Resources, carrier: str | None) -> None:
    if carrier is not None and carrier not in market.carriers:
        known = ", ".join(market.carriers) or "none"
        raise InvalidInput.at("carrier", "unknown_carrier", f"Carriers here: {known}")
