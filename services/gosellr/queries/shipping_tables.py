"""Shipping zones and the rates inside them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection, Record
from gosellr.models.term_values import ListedRate
from gosellr.queries.market_terms import rate_of, zone_of
from gosellr.utils.shipping import ShippingZone

# Everybody who may read zones sees the market's own, which stand in where a seller has none.
LIST_ZONES = """
SELECT to_jsonb(zone) AS zone FROM shipping_zone AS zone
WHERE archived_at IS NULL
  AND ($1::bool OR seller_id IS NULL OR seller_id = ANY($2::uuid[]))
  AND ($3::uuid IS NULL OR seller_id = $3)
  AND ($4::uuid IS NULL OR id > $4)
ORDER BY id LIMIT $5
"""

LOCK_ZONE = """
SELECT to_jsonb(zone) AS zone FROM shipping_zone AS zone
WHERE id = $1 AND archived_at IS NULL FOR UPDATE
"""

ADD_ZONE = """
INSERT INTO shipping_zone (id, seller_id, name, countries, regions, postal_patterns, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE (SELECT count(*) FROM shipping_zone
       WHERE seller_id IS NOT DISTINCT FROM $2 AND archived_at IS NULL) < $8
RETURNING id
"""

SET_ZONE = """
UPDATE shipping_zone SET name = $2, countries = $3, regions = $4, postal_patterns = $5
WHERE id = $1
"""

ARCHIVE_ZONE = "UPDATE shipping_zone SET archived_at = $2 WHERE id = $1"

_RATE = """
SELECT to_jsonb(rate) AS rate, zone.seller_id
FROM shipping_rate AS rate JOIN shipping_zone AS zone ON zone.id = rate.zone_id
WHERE rate.archived_at IS NULL AND zone.archived_at IS NULL
"""

LIST_RATES = f"""{_RATE}
  AND ($1::bool OR zone.seller_id IS NULL OR zone.seller_id = ANY($2::uuid[]))
  AND ($3::uuid IS NULL OR zone.seller_id = $3)
  AND ($4::uuid IS NULL OR rate.zone_id = $4)
  AND ($5::uuid IS NULL OR rate.id > $5)
ORDER BY rate.id LIMIT $6
"""

LOCK_RATE = f"{_RATE} AND rate.id = $1 FOR UPDATE OF rate"

ADD_RATE = """
INSERT INTO shipping_rate (id, zone_id, name, carrier, currency, price_minor, by, brackets,
                           free_over_minor, delivery_days_min, delivery_days_max, created_at)
SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12
WHERE (SELECT count(*) FROM shipping_rate WHERE zone_id = $2 AND archived_at IS NULL) < $13
RETURNING id
"""

SET_RATE = """
UPDATE shipping_rate
SET name = $2, carrier = $3, currency = $4, price_minor = $5, by = $6, brackets = $7,
    free_over_minor = $8, delivery_days_min = $9, delivery_days_max = $10
WHERE id = $1
"""

ARCHIVE_RATE = "UPDATE shipping_rate SET archived_at = $2 WHERE id = $1"


def _listed(row: Record) -> ListedRate:
    return ListedRate(
        rate=rate_of(row["rate"]), carrier=row["rate"]["carrier"], seller_id=row["seller_id"]
    )


async def list_zones(
    connection: Connection,
    *,
    everything: bool,
    seller_ids: Sequence[UUID],
    seller_id: UUID | None,
    after_id: UUID | None,
    limit: int,
) -> list[ShippingZone]:
    """The zones of these sellers and of the market, or of one seller."""
    rows = await connection.fetch(
        LIST_ZONES, everything, list(seller_ids), seller_id, after_id, limit
    )
    return [zone_of(row["zone"]) for row in rows]


async def lock_zone(connection: Connection, *, zone_id: UUID) -> ShippingZone | None:
    """A zone, held until the transaction ends."""
    row = await connection.fetchrow(LOCK_ZONE, zone_id)
    return None if row is None else zone_of(row["zone"])


async def add_zone(
    connection: Connection, *, zone: ShippingZone, zones_max: int, now: datetime
) -> bool:
    """Keep a new zone; False when its seller has `zones_max` already."""
    added = await connection.fetchval(
        ADD_ZONE,
        zone.id,
        zone.seller_id,
        zone.name,
        zone.countries,
        zone.regions,
        zone.postal_patterns,
        now,
        zones_max,
    )
    return added is not None


async def set_zone(connection: Connection, *, zone: ShippingZone) -> None:
    """Keep a zone as it stands in the value."""
    await connection.execute(
        SET_ZONE, zone.id, zone.name, zone.countries, zone.regions, zone.postal_patterns
    )


async def archive_zone(connection: Connection, *, zone_id: UUID, now: datetime) -> None:
    """Nothing is sent by this zone any more."""
    await connection.execute(ARCHIVE_ZONE, zone_id, now)


async def list_rates(
    connection: Connection,
    *,
    everything: bool,
    seller_ids: Sequence[UUID],
    seller_id: UUID | None,
    zone_id: UUID | None,
    after_id: UUID | None,
    limit: int,
) -> list[ListedRate]:
    """The rates of these sellers and of the market, or of one seller, or of one zone."""
    rows = await connection.fetch(
        LIST_RATES, everything, list(seller_ids), seller_id, zone_id, after_id, limit
    )
    return [_listed(row) for row in rows]


async def lock_rate(connection: Connection, *, rate_id: UUID) -> ListedRate | None:
    """A rate, held until the transaction ends."""
    row = await connection.fetchrow(LOCK_RATE, rate_id)
    return None if row is None else _listed(row)


def _brackets(listed: ListedRate) -> list[dict[str, int | None]]:
    return [
        {"up_to": bracket.up_to, "price_minor": bracket.price_minor}
        for bracket in listed.rate.brackets
    ]


async def add_rate(
    connection: Connection, *, listed: ListedRate, rates_max: int, now: datetime
) -> bool:
    """Keep a new rate; False when its zone has `rates_max` already."""
    rate = listed.rate
    added = await connection.fetchval(
        ADD_RATE,
        rate.id,
        rate.zone_id,
        rate.name,
        listed.carrier,
        rate.currency,
        rate.price_minor,
        rate.by,
        _brackets(listed),
        rate.free_over_minor,
        *rate.delivery_days,
        now,
        rates_max,
    )
    return added is not None


async def set_rate(connection: Connection, *, listed: ListedRate) -> None:
    """Keep a rate as it stands in the value."""
    rate = listed.rate
    await connection.execute(
        SET_RATE,
        rate.id,
        rate.name,
        listed.carrier,
        rate.currency,
        rate.price_minor,
        rate.by,
        _brackets(listed),
        rate.free_over_minor,
        *rate.delivery_days,
    )


async def archive_rate(connection: Connection, *, rate_id: UUID, now: datetime) -> None:
    """Nothing is sent at this rate any more."""
    await connection.execute(ARCHIVE_RATE, rate_id, now)
