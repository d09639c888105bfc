"""What a market charges and grants, for tests: delivery, tax and coupons, in a statement each."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.identity import new_id

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def make_zone(
    connection: Connection,
    *,
    seller_id: UUID | None = None,
    countries: tuple[str, ...] = ("DE",),
    regions: tuple[str, ...] = (),
    postal_patterns: tuple[str, ...] = (),
    name: str = "Zone",
    now: datetime = NOW,
) -> UUID:
    """An area that parcels are sent to; the marketplace's own without a seller."""
    zone_id = new_id()
    await connection.execute(
        "INSERT INTO shipping_zone (id, seller_id, name, countries, regions, postal_patterns,"
        " created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        zone_id, seller_id, name, list(countries), list(regions), list(postal_patterns), now,
    )  # fmt: skip
    return zone_id


async def make_rate(
    connection: Connection,
    *,
    zone_id: UUID,
    name: str = "Parcel",
    price_minor: int = 490,
    currency: str = "EUR",
    brackets: tuple[tuple[int | None, int], ...] = (),
    by: str = "flat",
    free_over_minor: int | None = None,
    delivery_days: tuple[int, int] = (2, 4),
    carrier: str | None = None,
    now: datetime = NOW,
) -> UUID:
    """A price list inside a zone: flat, or by `brackets` of (up to, price)."""
    rate_id = new_id()
    await connection.execute(
        "INSERT INTO shipping_rate (id, zone_id, name, carrier, currency, price_minor, by,"
        " brackets, free_over_minor, delivery_days_min, delivery_days_max, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        rate_id, zone_id, name, carrier, currency, 0 if brackets else price_minor, by,
        [{"up_to": up_to, "price_minor": price} for up_to, price in brackets],
        free_over_minor, *delivery_days, now,
    )  # fmt: skip
    return rate_id


async def make_delivery(
    connection: Connection,
    *,
    seller_id: UUID | None = None,
    countries: tuple[str, ...] = ("DE",),
    **rate: Any,
) -> UUID:
    """A zone with one rate in it; gives the rate, which is also the option's id."""
    zone_id = await make_zone(connection, seller_id=seller_id, countries=countries)
    return await make_rate(connection, zone_id=zone_id, **rate)


async def make_tax(
    connection: Connection,
    *,
    rate_bps: int,
    country: str = "DE",
    region: str | None = None,
    tax_class: str = "standard",
    included: bool = True,
    remitted_by: str = "seller",
    valid_from: datetime = NOW,
    valid_to: datetime | None = None,
) -> UUID:
    """A tax rate."""
    rate_id = new_id()
    await connection.execute(
        "INSERT INTO tax_rate (id, country, region, class, rate_bps, included, valid_from,"
        " valid_to, remitted_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        rate_id, country, region, tax_class, rate_bps, included, valid_from, valid_to, remitted_by,
    )  # fmt: skip
    return rate_id


async def make_coupon(
    connection: Connection,
    *,
    code: str | None = None,
    value_bps: int | None = 1000,
    now: datetime = NOW,
    **columns: Any,
) -> str:
    """A coupon, ten percent off and borne by the marketplace unless said otherwise; its code.

    `columns` are further columns of the table: `amount_minor`, `currency`, `kind`, `seller_id`,
    `funded_by`, `limit_total`, …
    """
    code = code or f"CODE-{new_id().hex[-8:]}"
    row = {
        "id": new_id(),
        "code": code,
        "kind": "percent",
        "value_bps": value_bps if columns.get("kind", "percent") == "percent" else None,
        "funded_by": "marketplace",
        "created_at": now,
        **columns,
    }
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(
        f"INSERT INTO coupon ({', '.join(row)}) VALUES ({places})", *row.values()
    )
    return code
