"""Whatever the market's terms become, in whichever process: the next order and bag have them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.transact import transact
from gosellr.queries import offers
from gosellr.queries.offers import WantedGoods
from gosellr.services import commission_service, shipping_service, tax_service
from gosellr.services.commission_service import Word
from gosellr.services.shipping_service import RateDraft
from gosellr.services.terms_shelf import TermsShelf, terms_of
from tests.factories.carts import Bag, make_bag
from tests.factories.orders import ADDRESS, order_body, place
from tests.factories.sales import NOW, Shop, make_shop
from tests.races.webs import OPERATOR, Web, open_web, settings_of

DAY = timedelta(days=1)


@dataclass(slots=True)
class Prices:
    """A process that sells and one of another host that sets the terms; the terms' ids."""

    seller: Web
    setter: Web
    clock: ManualClock
    shop: Shop
    bag: Bag
    terms: dict[str, UUID]

    async def sets(self, command: Callable[..., Awaitable[Any]], /, **arguments: Any) -> Any:
        """Run a command of the process that sets the terms."""
        return await transact(self.setter.market.db, command, **arguments)

    async def seen(self) -> tuple[Any, ...]:
        """Delivery, tax and commission of an order placed now, or why there is none; and the bag
        must say the same."""
        bag = await self.bag.show()
        answer = await place(self.seller.client, order_body((self.shop.product.variant_id, 1)))
        order = answer.json()
        if answer.status_code != 201:
            assert order["code"] in {issue["code"] for issue in bag["issues"]}
            return (order["code"],)
        names = ("shipping_total", "tax_total")
        told = [order[name]["amount"] for name in names]
        assert [bag[name]["amount"] for name in names] == told
        async with self.seller.market.db.connection() as connection:
            commission_minor = await connection.fetchval(
                "SELECT sum(commission_minor)::bigint FROM seller_order WHERE order_id = $1",
                UUID(order["id"]),
            )
        return (*told, commission_minor)


async def _begin(prices: Prices) -> None:
    """Ten per cent of commission, nineteen of tax, and 4.90 to send it."""
    tax = await prices.sets(
        tax_service.create_rate,
        fields={
            "country": "DE", "region": None, "tax_class": "standard", "rate_bps": 1900,
            "included": True, "valid_from": NOW - DAY, "valid_to": None,
        },
    )  # fmt: skip
    zone = await prices.sets(
        shipping_service.create_zone, viewer=OPERATOR, seller_id=None, now=NOW,
        fields={"name": "Here", "countries": ("DE",)},
    )  # fmt: skip
    rate = await prices.sets(
        shipping_service.create_rate, viewer=OPERATOR, zone_id=zone.id, now=NOW,
        draft=RateDraft(name="Parcel", currency="EUR", delivery_days=(1, 2), price_minor=490),
    )  # fmt: skip
    rule = await prices.sets(
        commission_service.create_rule,
        word=Word(None),
        position=None,
        name="",
        terms={"rate_bps": 1000},
        now=NOW,
    )
    prices.terms = {"tax": tax.id, "zone": zone.id, "rate": rate.rate.id, "rule": rule.rule.id}
    prices.bag = await make_bag(prices.seller.client)
    await prices.bag.put(prices.shop.product.variant_id)
    await prices.bag.change("PUT", "/addresses", json={"shipping_address": ADDRESS})


@pytest.fixture
async def prices(
    request: pytest.FixtureRequest,
    cluster: Cluster,
    fresh_database: Callable[[str], str],
    tmp_path: Path,
) -> AsyncIterator[Prices]:
    clock = ManualClock(NOW)
    database = fresh_database(request.node.nodeid)
    dsn = cluster.dsn(role=APPLICATION_ROLE, database=database)
    async with AsyncExitStack() as stack:
        webs = []
        for host in ("here", "there"):
            home = tmp_path / host
            home.mkdir()
            web = open_web(settings_of(dsn, home), clock)
            webs.append(await stack.enter_async_context(web))
        seller, setter = webs
        shop = await transact(setter.market.db, make_shop, price_minor=11_900)
        made = Prices(seller, setter, clock, shop, None, {})  # type: ignore[arg-type]
        await _begin(made)
        yield made


async def tax_comes(prices: Prices) -> None:
    await prices.sets(
        tax_service.create_rate,
        fields={
            "country": "DE", "region": None, "tax_class": "shipping", "rate_bps": 0,
            "included": True, "valid_from": NOW, "valid_to": None,
        },
    )  # fmt: skip


async def tax_changes(prices: Prices) -> None:
    await prices.sets(
        tax_service.change_rate, rate_id=prices.terms["tax"], changes={"rate_bps": 700}
    )


async def tax_ends(prices: Prices) -> None:
    await prices.sets(
        tax_service.change_rate, rate_id=prices.terms["tax"], changes={"valid_to": NOW}
    )


async def zone_comes(prices: Prices) -> None:
    """The shop's own, in which it sends nothing yet."""
    await prices.sets(
        shipping_service.create_zone, viewer=OPERATOR, seller_id=prices.shop.seller.id, now=NOW,
        fields={"name": "Not here", "countries": ("DE",)},
    )  # fmt: skip


async def zone_changes(prices: Prices) -> None:
    await prices.sets(
        shipping_service.change_zone, viewer=OPERATOR, zone_id=prices.terms["zone"],
        changes={"countries": ("FR",)},
    )  # fmt: skip


async def zone_goes(prices: Prices) -> None:
    await prices.sets(
        shipping_service.archive_zone, viewer=OPERATOR, zone_id=prices.terms["zone"], now=NOW
    )


async def rate_comes(prices: Prices) -> None:
    await prices.sets(
        shipping_service.create_rate, viewer=OPERATOR, zone_id=prices.terms["zone"], now=NOW,
        draft=RateDraft(name="Letter", currency="EUR", delivery_days=(3, 9), price_minor=238),
    )  # fmt: skip


async def rate_changes(prices: Prices) -> None:
    await prices.sets(
        shipping_service.change_rate, viewer=OPERATOR, rate_id=prices.terms["rate"],
        changes={"price_minor": 595},
    )  # fmt: skip


async def rate_goes(prices: Prices) -> None:
    await prices.sets(
        shipping_service.archive_rate, viewer=OPERATOR, rate_id=prices.terms["rate"], now=NOW
    )


async def rule_comes(prices: Prices) -> None:
    """Before the market's, and for this shop only."""
    await prices.sets(
        commission_service.create_rule, word=Word(None), position=1, name="", now=NOW,
        terms={"rate_bps": 300, "seller_id": prices.shop.seller.id},
    )  # fmt: skip


async def rule_changes(prices: Prices) -> None:
    await prices.sets(
        commission_service.change_rule, word=Word(None), rule_id=prices.terms["rule"], version=None,
        changes={"rate_bps": 500}, now=NOW,
    )  # fmt: skip


async def rule_goes(prices: Prices) -> None:
    await prices.sets(
        commission_service.archive_rule, word=Word(None), rule_id=prices.terms["rule"], now=NOW
    )


# Goods of 119.00 with 19.00 of tax in them, and 0.78 in the 4.90 for the parcel.
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (tax_comes, (490, 1900, 1000)),
        (tax_changes, (490, 779 + 32, 1112)),
        (tax_ends, (490, 0, 1190)),
        (zone_comes, ("no_shipping_option",)),
        (zone_changes, ("no_shipping_option",)),
        (zone_goes, (0, 1900, 1000)),
        (rate_comes, (238, 1900 + 38, 1000)),
        (rate_changes, (595, 1900 + 95, 1000)),
        (rate_goes, ("no_shipping_option",)),
        (rule_comes, (490, 1978, 300)),
        (rule_changes, (490, 1978, 500)),
        (rule_goes, (490, 1978, 0)),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
async def test_a_change_is_seen_by_the_next_order_and_bag(
    prices: Prices, change: Callable[[Prices], Awaitable[None]], expected: tuple[Any, ...]
) -> None:
    for _ in range(2):
        assert await prices.seen() == (490, 1978, 1000)
    await change(prices)
    for _ in range(2):
        assert await prices.seen() == expected


async def test_a_tax_begins_and_ends_at_its_moment_while_it_is_kept(prices: Prices) -> None:
    """Nothing changes in the database when a rate's time has come."""
    await prices.sets(
        tax_service.change_rate, rate_id=prices.terms["tax"], changes={"valid_to": NOW + DAY}
    )
    await prices.sets(
        tax_service.create_rate,
        fields={
            "country": "DE", "region": None, "tax_class": "standard", "rate_bps": 700,
            "included": True, "valid_from": NOW + DAY, "valid_to": NOW + 2 * DAY,
        },
    )  # fmt: skip
    moment = timedelta(microseconds=1)
    for after, tax_minor in (
        (timedelta(), 1978), (DAY - moment, 1978), (DAY, 811), (2 * DAY - moment, 811),
        (2 * DAY, 0), (timedelta(), 1978),
    ):  # fmt: skip
        prices.clock.set(NOW + after)
        _, told_minor, _ = await prices.seen()
        assert (after, told_minor) == (after, tax_minor)


async def test_what_is_not_committed_is_not_seen(prices: Prices) -> None:
    assert await prices.seen() == (490, 1978, 1000)

    async def change(connection: Connection) -> None:
        await shipping_service.change_rate(
            connection, viewer=OPERATOR, rate_id=prices.terms["rate"],
            changes={"price_minor": 595},
        )  # fmt: skip
        assert await prices.seen() == (490, 1978, 1000)

    await prices.sets(change)
    assert await prices.seen() == (595, 1995, 1000)


async def test_a_change_by_hand_is_seen(prices: Prices) -> None:
    """The database itself tells of it, whoever makes it."""
    assert await prices.seen() == (490, 1978, 1000)
    async with prices.setter.market.db.connection() as connection:
        await connection.execute("UPDATE shipping_rate SET price_minor = 595")
    assert await prices.seen() == (595, 1995, 1000)


@pytest.mark.parametrize("is_kept", [False, True], ids=["nothing kept", "the market's kept"])
async def test_a_change_between_the_offers_and_the_terms_is_not_mixed(
    prices: Prices, is_kept: bool
) -> None:
    """One transaction reads the offers; another commits; then the first wants the terms. A shop's
    terms that are loaded now don't go with the market's that were kept before."""
    shelf = TermsShelf()

    async def terms(connection: Connection, *sellers: UUID, version: UUID | None) -> Any:
        return await terms_of(
            connection, shelf=shelf, version=version, country="DE", seller_ids=sellers,
            currency="EUR", coupon_codes=(), customer_key=None, now=NOW,
        )  # fmt: skip

    async def buy(connection: Connection) -> None:
        wanted = WantedGoods([(prices.shop.product.variant_id, 1)], "EUR")
        (found,) = await offers.of_requests(connection, [wanted])
        if is_kept:
            assert (await terms(connection, version=found.terms_version)).commission_rules
        await rule_goes(prices)
        await rule_comes(prices)
        mine = await terms(connection, prices.shop.seller.id, version=found.terms_version)
        assert [rule.rate_bps for rule in mine.commission_rules] == [300]

    await transact(prices.seller.market.db, buy)
