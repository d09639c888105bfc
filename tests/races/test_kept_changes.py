"""What one process has changed no other gives out any more: at once where they share a host, and
within a moment where they don't."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import uuid4

import pytest

from gosellr.core.transact import transact
from gosellr.jobs import cards, upkeep
from gosellr.models.events import FactType, RecordedFact
from gosellr.services import (
    category_service,
    inventory_service,
    product_edit_service,
    product_service,
    review_service,
    seller_service,
)
from gosellr.services.checkout_service import Tender
from gosellr.services.review_service import NewReview
from gosellr.services.seller_service import SellerStep
from gosellr.utils.order_states import OrderStatus
from tests.factories.catalogue import make_product
from tests.factories.sales import NOW, buy, cancel, make_buyer, ship, step
from tests.races.webs import OPERATOR, PRICES, Stage, edit, edit_title, told, until


async def edit_price(stage: Stage) -> None:
    await edit(stage, variants=({"id": stage.shop.product.variant_id, "prices": PRICES},))


async def count_stock(stage: Stage) -> None:
    await edit(stage, variants=({"id": stage.shop.product.variant_id, "stock": 9},))


async def sell_out(stage: Stage) -> None:
    await stage.does(
        inventory_service.adjust_stock,
        viewer=stage.shop.viewer,
        variant_id=stage.shop.product.variant_id,
        delta=-5,
        reason="broken",
    )


async def archive(stage: Stage) -> None:
    await stage.does(
        product_service.archive_product,
        viewer=stage.shop.viewer,
        product_id=stage.shop.product.id,
    )


async def archive_rival(stage: Stage) -> None:
    await stage.does(product_service.archive_product, viewer=OPERATOR, product_id=stage.rival.id)


async def order(stage: Stage) -> None:
    await buy(stage.writer.market, (stage.shop, 2))


async def suspend(stage: Stage) -> None:
    await stage.does(
        seller_service.move_seller,
        viewer=OPERATOR,
        seller_id=stage.shop.seller.id,
        step=SellerStep.SUSPEND,
        reason="for a test",
    )


async def rename_seller(stage: Stage) -> None:
    await stage.does(
        seller_service.update_seller,
        viewer=stage.shop.viewer,
        seller_id=stage.shop.seller.id,
        changes={"name": "Another name"},
        version=None,
    )


async def rename_category(stage: Stage) -> None:
    await stage.does(
        category_service.update_category,
        category_id=stage.shop.product.category_id,
        changes={"name": f"Another {uuid4().hex[:8]}"},
    )


async def list_more(stage: Stage) -> None:
    await transact(
        stage.writer.market.db,
        make_product,
        seller=stage.shop.seller,
        category_id=stage.shop.product.category_id,
    )


async def assert_told(stage: Stage, change: Callable[[Stage], Awaitable[None]], path: str) -> None:
    """The change is seen here at once, and there in a moment."""
    before = await stage.reader.keep(path)

    async def is_there() -> bool:
        return await stage.stranger.keep(path) == before

    await until(is_there)
    await change(stage)
    after = told(await stage.reader.get(path))
    assert after == await stage.reader.truth(path)
    assert after != before

    async def has_heard() -> bool:
        return told(await stage.stranger.get(path)) == after

    await until(has_heard)


PAGE, RIVAL, LIST, SHELF, TREE, CATEGORIES, CATEGORY = range(7)


def path_of(stage: Stage, which: int) -> str:
    return (
        stage.page,
        stage.rival_page,
        "/products/",
        f"/sellers/{stage.shop.seller.id}/products",
        "/marketplace/categories",
        "/categories?limit=100",
        f"/categories/{stage.shop.product.category_id}",
    )[which]


@pytest.mark.parametrize(
    ("change", "which"),
    [
        (edit_title, PAGE),
        (edit_title, LIST),
        (edit_price, PAGE),
        (edit_price, RIVAL),
        (edit_price, SHELF),
        (count_stock, PAGE),
        (sell_out, PAGE),
        (sell_out, RIVAL),
        (sell_out, SHELF),
        (archive, PAGE),
        (archive, RIVAL),
        (archive, LIST),
        (archive, TREE),
        (order, PAGE),
        (suspend, PAGE),
        (suspend, RIVAL),
        (suspend, SHELF),
        (suspend, CATEGORY),
        (rename_seller, PAGE),
        (rename_category, PAGE),
        (rename_category, SHELF),
        (rename_category, TREE),
        (rename_category, CATEGORIES),
        (rename_category, CATEGORY),
        (list_more, SHELF),
        (list_more, TREE),
    ],
)
async def test_a_change_is_told(
    stage: Stage, change: Callable[[Stage], Awaitable[None]], which: int
) -> None:
    await assert_told(stage, change, path_of(stage, which))


async def test_a_review_is_told(stage: Stage) -> None:
    buyer = await transact(stage.writer.market.db, make_buyer)
    placed = await buy(stage.writer.market, (stage.shop, 1), buyer=buyer)
    await ship(stage.writer.market, placed, stage.shop)
    await step(stage.writer.market, placed, OrderStatus.DELIVERED, viewer=stage.shop.viewer)

    async def review(stage: Stage) -> None:
        await stage.does(
            review_service.post_review,
            viewer=buyer.viewer,
            product_id=stage.shop.product.id,
            review=NewReview(rating=4, title="Good", body="Very bright"),
        )

    shelf = path_of(stage, SHELF)
    before = await stage.reader.keep(shelf), await stage.reader.keep(stage.rival_page)
    await assert_told(stage, review, stage.page)
    for path, was in zip((shelf, stage.rival_page), before, strict=True):
        now = told(await stage.reader.get(path))
        assert now == await stage.reader.truth(path)
        assert now != was


async def test_what_goes_back_on_sale_is_told(stage: Stage) -> None:
    market = stage.writer.market
    placed = await buy(market, (stage.shop, 2))

    async def call_off(stage: Stage) -> None:
        await cancel(market, placed, viewer=OPERATOR)

    await assert_told(stage, call_off, stage.page)
    await buy(market, (stage.shop, 2), tenders=[Tender(method="sandbox", token="tok_declined")])

    async def let_expire(stage: Stage) -> None:
        stage.clock.advance(timedelta(days=1))
        await upkeep.expire_holds(market)

    await assert_told(stage, let_expire, stage.page)


async def test_an_order_keeps_the_lists_until_the_word_for_stock_changes(stage: Stage) -> None:
    shelf = path_of(stage, SHELF)
    listed = await stage.reader.keep(shelf)
    rival = await stage.reader.keep(stage.rival_page)
    await stage.stranger.keep(shelf)
    placed = await buy(stage.writer.market, (stage.shop, 5))
    assert stage.reader.is_kept(shelf)
    fact = RecordedFact(
        sequence=1,
        id=uuid4(),
        type=FactType.ORDER_PLACED,
        aggregate_type="order",
        aggregate_id=placed.id,
        data={"product_ids": [str(stage.shop.product.id)]},
        occurred_at=NOW,
    )
    await cards.refresh_cards_of_orders(stage.writer.market, [fact])
    now = told(await stage.reader.get(shelf))
    assert now[1]["items"][0]["availability"] == "sold_out"
    assert now != listed
    offers = told(await stage.reader.get(stage.rival_page))[1]["offers"]
    assert offers != rival[1]["offers"]
    assert {offer["in_stock"] for offer in offers} == {True, False}

    async def has_heard() -> bool:
        return told(await stage.stranger.get(shelf)) == now

    await until(has_heard)
    # Told twice, it has nothing to say.
    await stage.reader.keep(shelf)
    await cards.refresh_cards_of_orders(stage.writer.market, [fact])
    assert stage.reader.is_kept(shelf)


async def test_what_is_committed_late_is_heard_of(stage: Stage) -> None:
    async with stage.writer.market.db.connection() as slow, slow.transaction():
        await product_edit_service.update_product(
            slow,
            viewer=stage.shop.viewer,
            product_id=stage.shop.product.id,
            changes={"title": "Late"},
            now=NOW,
        )
        # The stranger looks while it runs, at something that began later and is over.
        await assert_told(stage, archive_rival, stage.rival_page)
        before = await stage.stranger.keep(stage.page)
    assert before[1]["title"] == "Lamp"

    async def has_heard() -> bool:
        return bool(told(await stage.stranger.get(stage.page))[1]["title"] == "Late")

    await until(has_heard)


async def test_a_seller_s_new_name_reaches_the_lists_with_their_cards(stage: Stage) -> None:
    shelf = path_of(stage, SHELF)
    await rename_seller(stage)

    async def refresh(stage: Stage) -> None:
        fact = RecordedFact(
            sequence=1,
            id=uuid4(),
            type=FactType.SELLER_UPDATED,
            aggregate_type="seller",
            aggregate_id=stage.shop.seller.id,
            data={"fields": ["name"]},
            occurred_at=NOW,
        )
        await cards.refresh_cards_of_seller(stage.writer.market, fact)

    await assert_told(stage, refresh, shelf)
