"""Kept terms are to the letter what the tables say, for every basket, at every moment."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import combinations, product
from random import Random
from uuid import UUID

import pytest

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.queries import market_terms
from gosellr.queries.market_terms import MarketTerms, TaxRate, rate_of, rule_of, zone_of
from gosellr.services.terms_shelf import TermsShelf, terms_of
from tests.factories.catalogue import make_shelf_seller
from tests.factories.terms import make_coupon, make_rate, make_tax, make_zone

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
YESTERDAY, TOMORROW = NOW - timedelta(days=1), NOW + timedelta(days=1)
A_MOMENT = timedelta(microseconds=1)

# What applies to a basket, asked of the tables in one go.
DIRECT = """
SELECT
  (SELECT COALESCE(jsonb_agg(jsonb_build_array(class, region, rate_bps, included)
                             ORDER BY valid_from, id), '[]')
   FROM tax_rate
   WHERE country = $1 AND valid_from <= $4 AND (valid_to IS NULL OR valid_to > $4)) AS taxes,
  (SELECT COALESCE(jsonb_agg(to_jsonb(zone) ORDER BY zone.id), '[]')
   FROM shipping_zone AS zone
   WHERE archived_at IS NULL AND (seller_id IS NULL OR seller_id = ANY($2::uuid[]))) AS zones,
  (SELECT COALESCE(jsonb_agg(to_jsonb(rate) ORDER BY rate.position, rate.id), '[]')
   FROM shipping_rate AS rate JOIN shipping_zone AS zone ON zone.id = rate.zone_id
   WHERE rate.archived_at IS NULL AND zone.archived_at IS NULL AND rate.currency = $3
     AND (zone.seller_id IS NULL OR zone.seller_id = ANY($2::uuid[]))) AS rates,
  (SELECT COALESCE(jsonb_agg(to_jsonb(rule) ORDER BY rule.position, rule.id), '[]')
   FROM commission_rule AS rule
   WHERE archived_at IS NULL AND (currency IS NULL OR currency = $3)
     AND (seller_id IS NULL OR seller_id = ANY($2::uuid[]))) AS rules
"""


async def direct(
    connection: Connection,
    *sellers: UUID,
    country: str | None = "DE",
    currency: str = "EUR",
    now: datetime = NOW,
) -> MarketTerms:
    """The terms of a basket as the tables say them."""
    row = await connection.fetchrow(DIRECT, country, list(sellers), currency, now)
    assert row is not None
    return MarketTerms(
        taxes=tuple(TaxRate(*tax) for tax in row["taxes"]),
        zones=tuple(zone_of(zone) for zone in row["zones"]),
        rates=tuple(rate_of(rate) for rate in row["rates"]),
        carriers={UUID(rate["id"]): rate["carrier"] for rate in row["rates"] if rate["carrier"]},
        commission_rules=tuple(rule_of(rule) for rule in row["rules"]),
    )


Loads = Callable[[], Awaitable[int]]


@pytest.fixture
def loads(query_count: Callable[[], int]) -> Loads:
    """How many statements ran since the last call; the driver tells of them a turn later."""

    async def count() -> int:
        await asyncio.sleep(0)
        return query_count()

    return count


async def version_of(connection: Connection) -> UUID | None:
    version: UUID | None = await connection.fetchval("SELECT version FROM terms_version")
    return version


async def kept(
    connection: Connection,
    shelf: TermsShelf,
    *sellers: UUID,
    version: UUID | None,
    country: str | None = "DE",
    currency: str = "EUR",
    coupon_codes: Sequence[str] = (),
    now: datetime = NOW,
) -> MarketTerms:
    """The terms of a basket by way of the shelf; when a tax rate is valid is left out."""
    terms = await terms_of(
        connection,
        shelf=shelf,
        version=version,
        country=country,
        seller_ids=sellers,
        currency=currency,
        coupon_codes=coupon_codes,
        customer_key=None,
        now=now,
    )
    return replace(
        terms, taxes=tuple(replace(tax, valid_from=None, valid_to=None) for tax in terms.taxes)
    )


async def make_rule(
    connection: Connection,
    *,
    position: int,
    seller_id: UUID | None = None,
    currency: str | None = None,
    rate_bps: int = 1000,
    archived_at: datetime | None = None,
) -> UUID:
    rule_id = new_id()
    await connection.execute(
        "INSERT INTO commission_rule (id, position, seller_id, currency, rate_bps, valid_from,"
        " created_at, updated_at, archived_at) VALUES ($1, $2, $3, $4, $5, $6, $6, $6, $7)",
        rule_id, position, seller_id, currency, rate_bps, YESTERDAY, archived_at,
    )  # fmt: skip
    return rule_id


async def furnish(connection: Connection, seller_id: UUID | None, *, chance: Random) -> None:
    """Zones, rates and rules of one owner, in both currencies, some of them archived, at
    positions that interlace with everybody else's."""
    for country, region in (("DE", ()), ("US", ("CA",)), ("FR", ())):
        zone_id = await make_zone(
            connection, seller_id=seller_id, countries=(country,), regions=region
        )
        for currency, carrier in product(("EUR", "USD"), (None, "sandbox")):
            rate_id = await make_rate(
                connection, zone_id=zone_id, currency=currency, carrier=carrier
            )
            await connection.execute(
                "UPDATE shipping_rate SET position = $2, archived_at = $3 WHERE id = $1",
                rate_id, chance.randrange(4), chance.choice((None, None, None, NOW)),
            )  # fmt: skip
    # Its rates are in force, and itself isn't.
    await connection.execute(
        "UPDATE shipping_zone SET archived_at = $2 WHERE id = $1", zone_id, NOW
    )
    for currency, archived_at in product((None, "EUR", "USD"), (None, NOW)):
        await make_rule(
            connection,
            position=chance.randrange(4),
            seller_id=seller_id,
            currency=currency,
            archived_at=archived_at,
        )


@pytest.fixture
async def sellers(connection: Connection) -> tuple[UUID, ...]:
    """One with much of its own, one with rules only, one with a bare zone, and two with nothing;
    and a market with terms of all kinds."""
    chance = Random(7)
    much, rules, zone, nothing, nobody = sorted(
        [await make_shelf_seller(connection) for _ in range(5)]
    )
    await furnish(connection, None, chance=chance)
    await furnish(connection, much, chance=chance)
    await make_rule(connection, position=0, seller_id=rules)
    await make_zone(connection, seller_id=zone)
    for country, region, tax_class in (
        ("DE", None, "standard"),
        ("DE", None, "books"),
        ("US", "US-CA", "standard"),
        ("US", "OR", "standard"),
    ):
        for valid_from, valid_to, rate_bps in (
            (YESTERDAY, NOW, 1600),
            (NOW, TOMORROW, 1700),
            (TOMORROW, None, 1800),
        ):
            await make_tax(
                connection, country=country, region=region, tax_class=tax_class,
                rate_bps=rate_bps, valid_from=valid_from, valid_to=valid_to,
            )  # fmt: skip
    return much, rules, zone, nothing, nobody


# So small that it always forgets; with room for some; as it is.
@pytest.mark.parametrize("size_max", [0, 25, 20_000])
async def test_kept_terms_are_those_of_the_tables(
    connection: Connection, sellers: tuple[UUID, ...], size_max: int
) -> None:
    """For every basket, in an order that nothing expects, with a clock that jumps about."""
    shelf = TermsShelf(size_max=size_max)
    version = await version_of(connection)
    chosen = [basket for size in range(6) for basket in combinations(sellers, size)]
    moments = (YESTERDAY, NOW - A_MOMENT, NOW, TOMORROW - A_MOMENT, TOMORROW)
    baskets = list(product(chosen, ("DE", "US", "FR", None), ("EUR", "USD", "JPY"), moments))
    Random(3).shuffle(baskets)
    for basket, country, currency, now in baskets[:600]:
        where = {"country": country, "currency": currency, "now": now}
        expected = await direct(connection, *basket, **where)  # type: ignore[arg-type]
        for _ in range(2):
            found = await kept(connection, shelf, *basket, version=version, **where)  # type: ignore[arg-type]
            assert found == expected
        assert shelf.size <= size_max


async def test_what_is_kept_is_read_once(
    connection: Connection, sellers: tuple[UUID, ...], loads: Loads
) -> None:
    """Whoever comes together with whomever; and the market's own terms are shared, not copied."""
    shelf = TermsShelf()
    version = await version_of(connection)
    await loads()
    first = await kept(connection, shelf, *sellers, version=version)
    assert await loads() == 1
    for size in range(6):
        for basket in combinations(sellers, size):
            await kept(connection, shelf, *basket, version=version)
    assert await loads() == 0
    alone, together = [
        await kept(connection, shelf, *basket, version=version) for basket in ((), sellers[3:])
    ]
    assert len(alone.rates) > 2
    assert alone.zones is together.zones
    assert alone.rates is together.rates
    assert alone.carriers is together.carriers
    assert alone.commission_rules is together.commission_rules
    assert len(first.rates) > len(alone.rates)


async def test_what_was_used_longest_ago_makes_room(connection: Connection, loads: Loads) -> None:
    """Terms count, not sellers only: one with very many doesn't make the memory grow."""
    one, two, three = sorted([await make_shelf_seller(connection) for _ in range(3)])
    for position in range(5):
        await make_rule(connection, position=position, seller_id=two)
    shelf = TermsShelf(size_max=9)
    version = await version_of(connection)
    sizes = []
    for seller in (one, two, one, three, one, two):
        await loads()
        await kept(connection, shelf, seller, version=version, country=None)
        sizes.append((await loads(), shelf.size))
    # The market and `one` count 1 each, `two` 6.
    assert sizes == [(1, 2), (1, 8), (0, 8), (1, 9), (0, 9), (0, 9)]
    # A fourth one pushes out whoever was asked for before all others.
    four = await make_shelf_seller(connection)
    sizes = []
    for seller in (four, two, one, three):
        await loads()
        await kept(connection, shelf, seller, version=version, country=None)
        sizes.append((await loads(), shelf.size))
    assert sizes == [(1, 9), (0, 9), (0, 9), (1, 9)]


async def test_countries_are_bounded(connection: Connection, loads: Loads) -> None:
    shelf = TermsShelf(countries_max=2)
    version = await version_of(connection)
    counts = []
    for country in ("DE", "FR", "DE", "AT", "DE", "FR"):
        await loads()
        await kept(connection, shelf, version=version, country=country)
        counts.append(await loads())
    assert counts == [1, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("offers_are", ["older", "newer"])
async def test_versions_never_mix(connection: Connection, offers_are: str) -> None:
    """The market's terms change between reading the offers and loading a seller's: what comes out
    is of one moment, whichever of the two the shelf already knew."""
    seller = await make_shelf_seller(connection)
    zone_id = await make_zone(connection)
    rate_id = await make_rate(connection, zone_id=zone_id, price_minor=490)
    shelf = TermsShelf()
    older = await version_of(connection)
    if offers_are == "older":
        await kept(connection, shelf, version=older)
    await connection.execute("UPDATE shipping_rate SET price_minor = 590 WHERE id = $1", rate_id)
    await make_rule(connection, position=1, seller_id=seller, rate_bps=700)
    if offers_are == "newer":
        await kept(connection, shelf, version=await version_of(connection))
    # What the shelf knows of the other version doesn't count.
    found = await kept(connection, shelf, seller, version=older)
    assert found == await direct(connection, seller)
    # And so it is what is kept from now on.
    newest = await version_of(connection)
    assert await kept(connection, shelf, seller, version=newest) == found
    assert [rate.price_minor for rate in found.rates] == [590]
    assert [rule.rate_bps for rule in found.commission_rules] == [700]


async def test_an_older_version_that_comes_late_is_not_taken_for_the_newest(
    connection: Connection,
) -> None:
    """A slow transaction loads what was true when it began, after others loaded what is new."""
    rate_id = await make_rate(connection, zone_id=await make_zone(connection), price_minor=490)
    shelf = TermsShelf()
    slow = await market_terms.load(connection, country="DE", seller_ids=(), currency="EUR", now=NOW)
    await connection.execute("UPDATE shipping_rate SET price_minor = 590 WHERE id = $1", rate_id)
    newest = await version_of(connection)
    await kept(connection, shelf, version=newest)
    shelf.keep(slow, country="DE", currency="EUR", now=NOW)
    assert [r.price_minor for r in (await kept(connection, shelf, version=newest)).rates] == [590]


async def test_what_was_undone_is_not_kept(connection: Connection) -> None:
    """The version of a change that was rolled back never comes again for another one."""
    rate_id = await make_rate(connection, zone_id=await make_zone(connection), price_minor=490)
    shelf = TermsShelf()
    for price_minor, is_undone in ((590, True), (690, False)):
        change = connection.transaction()
        await change.start()
        await connection.execute(
            "UPDATE shipping_rate SET price_minor = $2 WHERE id = $1", rate_id, price_minor
        )
        found = await kept(connection, shelf, version=await version_of(connection))
        assert [rate.price_minor for rate in found.rates] == [price_minor]
        await (change.rollback() if is_undone else change.commit())


async def test_without_a_version_nothing_is_kept(connection: Connection, loads: Loads) -> None:
    """Nobody says how new it is, so it is read each time."""
    await connection.execute("DELETE FROM terms_version")
    shelf = TermsShelf()
    for _ in range(2):
        await loads()
        await kept(connection, shelf, version=None)
        assert (await loads(), shelf.size) == (1, 0)


async def test_coupons_are_read_each_time_and_only_where_there_are_codes(
    connection: Connection, loads: Loads
) -> None:
    code = await make_coupon(connection, limit_total=1)
    shelf = TermsShelf()
    version = await version_of(connection)
    await kept(connection, shelf, version=version)
    for used_count, known in ((0, {code.lower()}), (1, set())):
        await connection.execute(
            "UPDATE coupon SET used_count = $2 WHERE code = $1", code, used_count
        )
        await loads()
        found = await kept(connection, shelf, version=version, coupon_codes=[code.upper()])
        assert (set(found.coupons), await loads()) == (known, 1)
    assert await version_of(connection) == version
    assert (await kept(connection, shelf, version=version)).coupons == {}
    assert await loads() == 1
