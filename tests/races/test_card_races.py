"""The cards of the catalogue while listings, their seller, the tree and the stock change at once.

In each test the first command has written and not committed when its rival begins.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.jobs import cards
from gosellr.jobs.audit import audit_market
from gosellr.models.events import FactType, RecordedFact
from gosellr.resources import Resources
from gosellr.services import (
    card_service,
    category_service,
    product_edit_service,
    product_service,
    seller_service,
)
from gosellr.services.seller_service import SellerStep
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.catalogue import make_category, make_product
from tests.factories.sales import NOW, Shop, buy, cancel, make_shop

ROW_LOCK = "SELECT xmax::text FROM product WHERE id = $1"
OPERATOR = Viewer(roles=frozenset({Role.OPERATOR}))
WAITERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
CARD = """
SELECT visible, card::json ->> 'status' AS status, card::json ->> 'availability' AS availability,
       card::json -> 'category' ->> 'path' AS path, card::json ->> 'title' AS title
FROM product_card WHERE product_id = $1
"""


async def meet(
    live: Resources,
    first: Callable[[Connection], Awaitable[Any]],
    rival: Coroutine[Any, Any, Any],
) -> None:
    """Let the rival begin between what `first` writes and its commit."""
    async with live.db.connection() as writing:
        async with writing.transaction():
            await first(writing)
            late = asyncio.create_task(rival)
            async with live.db.connection() as looking:
                while not (late.done() or await looking.fetchval(WAITERS)):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        await late


def sold(shop: Shop) -> RecordedFact:
    """What the feed tells of an order for a shop's product."""
    said = {"product_ids": [str(shop.product.id)]}
    order_id = uuid4()
    return RecordedFact(1, order_id, FactType.ORDER_PLACED, "order", order_id, said, NOW)


async def card_of(live: Resources, product_id: UUID) -> dict[str, Any]:
    async with live.db.connection() as looking:
        return dict(await looking.fetchrow(CARD, product_id) or {})


async def is_sound(live: Resources) -> bool:
    later = live.clock.now() + timedelta(days=1)
    return await audit_market(live.db, gateways=live.gateways, now=later) == []


async def archive(connection: Connection, shop: Shop) -> None:
    await product_service.archive_product(
        connection, viewer=OPERATOR, product_id=shop.product.id, now=NOW
    )


async def suspend(connection: Connection, shop: Shop, step: SellerStep) -> None:
    await seller_service.move_seller(
        connection, viewer=OPERATOR, seller_id=shop.seller.id, step=step, reason="why", now=NOW
    )


async def retitle(connection: Connection, shop: Shop, **changes: Any) -> None:
    await product_edit_service.update_product(
        connection, viewer=OPERATOR, product_id=shop.product.id, changes=changes, now=NOW
    )


async def test_what_is_archived_while_its_seller_s_cards_are_written_stays_hidden(
    live: Resources,
) -> None:
    shop = await transact(live.db, make_shop)
    await meet(
        live,
        lambda writing: archive(writing, shop),
        transact(live.db, card_service.refresh_sellers, seller_ids=[shop.seller.id], now=NOW),
    )
    card = await card_of(live, shop.product.id)
    assert (card["visible"], card["status"]) == (False, "archived")
    assert await is_sound(live)


async def test_what_is_archived_while_its_seller_comes_back_stays_hidden(live: Resources) -> None:
    shop = await transact(live.db, make_shop)
    await transact(live.db, suspend, shop, SellerStep.SUSPEND)
    await meet(
        live,
        lambda writing: archive(writing, shop),
        transact(live.db, suspend, shop, SellerStep.REINSTATE),
    )
    assert (await card_of(live, shop.product.id))["visible"] is False
    assert await is_sound(live)


async def test_what_is_listed_while_its_seller_is_suspended_is_hidden_in_the_end(
    live: Resources,
) -> None:
    shop = await transact(live.db, make_shop)
    category_id = await transact(live.db, make_category)
    listed: list[UUID] = []

    async def list_another(writing: Connection) -> None:
        made = await make_product(writing, seller=shop.seller, category_id=category_id)
        listed.append(made.id)
        await transact(live.db, suspend, shop, SellerStep.SUSPEND)

    fact = RecordedFact(
        1, shop.seller.id, FactType.SELLER_SUSPENDED, "seller", shop.seller.id, {}, NOW
    )
    await meet(live, list_another, cards.refresh_cards_of_seller(live, fact))
    assert (await card_of(live, listed[0]))["visible"] is False
    assert await is_sound(live)


async def test_what_moves_into_a_category_that_is_being_renamed_says_its_new_path(
    live: Resources,
) -> None:
    shop = await transact(live.db, make_shop)
    category_id = await transact(live.db, make_category, name="Old name of it")
    await meet(
        live,
        lambda writing: retitle(writing, shop, category_id=category_id),
        transact(
            live.db,
            category_service.update_category,
            category_id=category_id,
            changes={"name": "New name of it", "slug": "new-name-of-it"},
            now=NOW,
        ),
    )
    assert (await card_of(live, shop.product.id))["path"] == "new-name-of-it"
    assert await is_sound(live)


async def test_what_sells_out_while_its_listing_is_changed_says_both(live: Resources) -> None:
    shop = await transact(live.db, make_shop, stock=1)

    async def change_and_sell(writing: Connection) -> None:
        await retitle(writing, shop, title="Another title")
        await buy(live, (shop, 1))

    await meet(live, change_and_sell, cards.refresh_cards_of_orders(live, [sold(shop)]))
    card = await card_of(live, shop.product.id)
    assert (card["title"], card["availability"]) == ("Another title", "sold_out")
    assert await is_sound(live)


async def test_what_is_sold_again_while_its_listing_is_changed_is_sold_out(
    live: Resources,
) -> None:
    """Its card says so before and must say so in the end; in between somebody saw it come back."""
    shop = await transact(live.db, make_shop, stock=1)
    placed = await buy(live, (shop, 1))
    await cards.refresh_cards_of_orders(live, [sold(shop)])
    await cancel(live, placed, viewer=OPERATOR)

    async def change_and_sell(writing: Connection) -> None:
        await retitle(writing, shop, title="Another title")
        await buy(live, (shop, 1))

    await meet(live, change_and_sell, cards.refresh_cards_of_orders(live, [sold(shop)]))
    card = await card_of(live, shop.product.id)
    assert (card["title"], card["availability"]) == ("Another title", "sold_out")
    assert await is_sound(live)


async def test_what_is_sold_and_not_sold_out_waits_for_nobody(live: Resources) -> None:
    """Nor does it write the listing's row: each page of a large market would be written so."""
    shop = await transact(live.db, make_shop, stock=50)
    await buy(live, (shop, 1))
    async with live.db.connection() as looking:
        before = await looking.fetchval(ROW_LOCK, shop.product.id)
        await cards.refresh_cards_of_orders(live, [sold(shop)])
        assert await looking.fetchval(ROW_LOCK, shop.product.id) == before


async def test_while_it_is_looked_nobody_writes_a_listing(live: Resources) -> None:
    """Else what was seen of the stock before the sale could be written after the look."""
    shop = await transact(live.db, make_shop, stock=1)
    await buy(live, (shop, 1))

    async def look(reading: Connection) -> None:
        looked = await card_service.find_misstated(reading, product_ids=[shop.product.id])
        assert looked == [shop.product.id]

    await meet(live, look, transact(live.db, retitle, shop, title="Another title"))
    card = await card_of(live, shop.product.id)
    assert (card["title"], card["availability"]) == ("Another title", "sold_out")
