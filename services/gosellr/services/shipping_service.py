"""Where sellers and the market send to, and what they ask for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page
from gosellr.models.term_values import ListedRate
from gosellr.queries import sellers
from gosellr.queries import shipping_tables as queries
from gosellr.services.terms_scope import (
    TooMany,
    after_id,
    owner_of_new,
    page_by_id,
    require_owner,
    scope_of,
)
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.permissions import Permission
from gosellr.utils.shipping import (
    InvalidShippingTable,
    RateBasis,
    RateBracket,
    ShippingRate,
    ShippingZone,
    check_postal_pattern,
)
from gosellr.utils.viewer import Viewer

ZONES_MAX = 100
RATES_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class RateDraft:
    """A rate as its owner writes it; `brackets` are (up to, price)."""

    name: str
    currency: str
    delivery_days: tuple[int, int]
    by: RateBasis = RateBasis.FLAT
    price_minor: int = 0
    brackets: tuple[tuple[int | None, int], ...] = ()
    free_over_minor: int | None = None
    carrier: str | None = None


async def list_zones(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID | None,
    cursor: str | None,
    limit: int,
) -> Page[ShippingZone]:
    """The zones that the viewer's shops send by: their own, and the market's."""
    scope = scope_of(viewer, Permission.SHIPPING_READ)
    found = await queries.list_zones(
        connection,
        everything=scope.everything,
        seller_ids=scope.seller_ids,
        seller_id=seller_id,
        after_id=after_id(cursor),
        limit=limit + 1,
    )
    return page_by_id(found, limit=limit, id_of=lambda zone: zone.id)


async def create_zone(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID | None,
    fields: Mapping[str, Any],
    now: datetime,
) -> ShippingZone:
    """A new zone: an operator's without a seller is the market's own.

    Raises:
        InvalidInput: for a zone that could never match as it reads.
        TooMany: beyond `ZONES_MAX`.
        NotFound, NotAllowed: for a seller that isn't the viewer's to change.
    """
    owner_id = owner_of_new(viewer, seller_id=seller_id, permission=Permission.SHIPPING_WRITE)
    if owner_id is not None and await sellers.find_state(connection, seller_id=owner_id) is None:
        raise InvalidInput.at("seller_id", "unknown_seller", "There is no such shop")
    zone = _zone(id=new_id(), seller_id=owner_id, **fields)
    if not await queries.add_zone(connection, zone=zone, zones_max=ZONES_MAX, now=now):
        raise TooMany(f"A shop has at most {ZONES_MAX} zones")
    return zone


async def change_zone(
    connection: Connection, *, viewer: Viewer, zone_id: UUID, changes: Mapping[str, Any]
) -> ShippingZone:
    """Change a zone; fields left out stay.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to change.
        InvalidInput: for a zone that could never match as it reads.
    """
    zone = await _own_zone(connection, viewer=viewer, zone_id=zone_id)
    zone = _zone(
        **{
            "id": zone.id,
            "seller_id": zone.seller_id,
            "name": zone.name,
            "countries": zone.countries,
            "regions": zone.regions,
            "postal_patterns": zone.postal_patterns,
            **changes,
        }
    )
    await queries.set_zone(connection, zone=zone)
    return zone


async def archive_zone(
    connection: Connection, *, viewer: Viewer, zone_id: UUID, now: datetime
) -> None:
    """Send nothing by this zone and its rates any more.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to change.
    """
    zone = await _own_zone(connection, viewer=viewer, zone_id=zone_id)
    await queries.archive_zone(connection, zone_id=zone.id, now=now)


async def _own_zone(connection: Connection, *, viewer: Viewer, zone_id: UUID) -> ShippingZone:
    zone = await queries.lock_zone(connection, zone_id=zone_id)
    if zone is None:
        raise NotFound
    require_owner(viewer, seller_id=zone.seller_id, permission=Permission.SHIPPING_WRITE)
    return zone


def _zone(**fields: Any) -> ShippingZone:
    for index, pattern in enumerate(fields.get("postal_patterns", ())):
        try:
            check_postal_pattern(pattern)
        except InvalidShippingTable as error:
            raise InvalidInput.at(
                f"postal_patterns.{index}", "pattern_unreadable", str(error)
            ) from error
    try:
        return ShippingZone(**fields)
    except InvalidShippingTable as error:
        raise InvalidInput.at("countries", "zone_contradicts_itself", str(error)) from error


async def list_rates(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID | None,
    zone_id: UUID | None,
    cursor: str | None,
    limit: int,
) -> Page[ListedRate]:
    """The rates that the viewer's shops send at: their own, and the market's."""
    scope = scope_of(viewer, Permission.SHIPPING_READ)
    found = await queries.list_rates(
        connection,
        everything=scope.everything,
        seller_ids=scope.seller_ids,
        seller_id=seller_id,
        zone_id=zone_id,
        after_id=after_id(cursor),
        limit=limit + 1,
    )
    return page_by_id(found, limit=limit, id_of=lambda listed: listed.rate.id)


async def create_rate(
    connection: Connection, *, viewer: Viewer, zone_id: UUID, draft: RateDraft, now: datetime
) -> ListedRate:
    """A new price list inside a zone.

    Raises:
        NotFound, NotAllowed: when the zone isn't the viewer's to change.
        InvalidInput: for a list that can't be read in one way only.
        TooMany: beyond `RATES_MAX`.
    """
    zone = await _own_zone(connection, viewer=viewer, zone_id=zone_id)
    listed = ListedRate(
        rate=_rate(new_id(), zone.id, draft), carrier=draft.carrier, seller_id=zone.seller_id
    )
    if not await queries.add_rate(connection, listed=listed, rates_max=RATES_MAX, now=now):
        raise TooMany(f"A zone has at most {RATES_MAX} rates")
    return listed


async def change_rate(
    connection: Connection, *, viewer: Viewer, rate_id: UUID, changes: Mapping[str, Any]
) -> ListedRate:
    """Change fields of a rate's draft; what is left out stays. Its currency never changes.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to change.
        InvalidInput: for a list that can't be read in one way only.
    """
    listed = await _own_rate(connection, viewer=viewer, rate_id=rate_id)
    rate = listed.rate
    draft = RateDraft(
        name=rate.name,
        currency=rate.currency,
        delivery_days=rate.delivery_days,
        by=rate.by,
        price_minor=rate.price_minor,
        brackets=tuple((bracket.up_to, bracket.price_minor) for bracket in rate.brackets),
        free_over_minor=rate.free_over_minor,
        carrier=listed.carrier,
    )
    if changes.get("currency", rate.currency) != rate.currency:
        raise InvalidInput.at(
            "price", "currency_mismatch", f"This rate is in {rate.currency}; add another one"
        )
    draft = replace(draft, **changes)
    listed = replace(listed, rate=_rate(rate.id, rate.zone_id, draft), carrier=draft.carrier)
    await queries.set_rate(connection, listed=listed)
    return listed


async def archive_rate(
    connection: Connection, *, viewer: Viewer, rate_id: UUID, now: datetime
) -> None:
    """Send nothing at this rate any more.

    Raises:
        NotFound, NotAllowed: when it isn't the viewer's to change.
    """
    listed = await _own_rate(connection, viewer=viewer, rate_id=rate_id)
    await queries.archive_rate(connection, rate_id=listed.rate.id, now=now)


async def _own_rate(connection: Connection, *, viewer: Viewer, rate_id: UUID) -> ListedRate:
    listed = await queries.lock_rate(connection, rate_id=rate_id)
    if listed is None:
        raise NotFound
    require_owner(viewer, seller_id=listed.seller_id, permission=Permission.SHIPPING_WRITE)
    return listed


def _rate(rate_id: UUID, zone_id: UUID, draft: RateDraft) -> ShippingRate:
    try:
        return ShippingRate(
            id=rate_id,
            zone_id=zone_id,
            name=draft.name,
            currency=draft.currency,
            by=draft.by,
            delivery_days=draft.delivery_days,
            price_minor=draft.price_minor,
            brackets=tuple(RateBracket(up_to, price) for up_to, price in draft.brackets),
            free_over_minor=draft.free_over_minor,
        )
    except InvalidShippingTable as error:
        field = "delivery_days" if "days" in str(error) else "brackets"
        raise InvalidInput.at(field, "rate_contradicts_itself", str(error)) from error
