"""Tax rates: at every moment one per country, region and class, all of a country alike in
whether prices include them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotFound, VersionConflict
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page
from gosellr.models.term_values import ListedTaxRate
from gosellr.queries import tax_rates as queries
from gosellr.services.terms_scope import after_id, page_by_id
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.regions import region_code


class TaxRateOverlaps(Conflict):
    """Another rate says something else about the same sale; `rate_id` names it."""

    code = "tax_rate_overlaps"
    title = "Another rate is valid at the same time"


async def list_rates(
    connection: Connection, *, country: str | None, cursor: str | None, limit: int
) -> Page[ListedTaxRate]:
    """All rates, past and coming ones included, or those of a country."""
    found = await queries.list_rates(
        connection, country=country, after_id=after_id(cursor), limit=limit + 1
    )
    return page_by_id(found, limit=limit, id_of=lambda rate: rate.id)


async def find_rate(connection: Connection, *, rate_id: UUID) -> ListedTaxRate:
    """A rate, whether it is in force or not.

    Raises:
        NotFound: when there is none.
    """
    rate = await queries.find(connection, rate_id=rate_id)
    if rate is None:
        raise NotFound
    return rate


async def create_rate(connection: Connection, *, fields: Mapping[str, Any]) -> ListedTaxRate:
    """A new rate; its region is kept as its code, however it was written.

    Raises:
        InvalidInput: when it ends before it begins, or names a country as its region.
        TaxRateOverlaps: when another one speaks about the same sales.
    """
    rate = ListedTaxRate(id=new_id(), **fields)
    rate = replace(rate, region=_region_of(rate))
    if rate.region == "":
        raise InvalidInput.at("region", "region_unknown", "This names no region")
    await _check(connection, rate)
    await queries.add(connection, rate=rate)
    return rate


async def change_rate(
    connection: Connection,
    *,
    rate_id: UUID,
    changes: Mapping[str, Any],
    version: int | None = None,
) -> ListedTaxRate:
    """Change a rate; fields left out stay. Sold goods keep the rate they were sold at.

    Raises:
        NotFound: when there is none.
        VersionConflict: when the change was meant for another version.
        InvalidInput, TaxRateOverlaps: as `create_rate`.
    """
    rate = await queries.lock(connection, rate_id=rate_id)
    if rate is None:
        raise NotFound
    if version not in {None, rate.version}:
        raise VersionConflict(extras={"version": rate.version})
    rate = replace(rate, **changes)
    await _check(connection, rate)
    return replace(rate, version=await queries.set_rate(connection, rate=rate))


async def _check(connection: Connection, rate: ListedTaxRate) -> None:
    if rate.valid_to is not None and rate.valid_to <= rate.valid_from:
        raise InvalidInput.at("valid_to", "ends_too_early", "It has to end after it begins")
    for rival in await queries.rivals(connection, rate=rate):
        if (_region_of(rival), rival.tax_class) == (_region_of(rate), rate.tax_class):
            raise TaxRateOverlaps(extras={"rate_id": rival.id})
        # A price can't include one tax of its country and leave out another.
        if rival.included != rate.included:
            raise TaxRateOverlaps(
                "Prices in a country include all of its taxes or none",
                extras={"rate_id": rival.id},
            )


def _region_of(rate: ListedTaxRate) -> str | None:
    """The region as prices know it: rates of other days may be kept as they were written."""
    return None if rate.region is None else region_code(rate.region, country=rate.country)
