"""Money that operators and shops give back, in a real browser: by named ways, by the word of two,
within what there is, and where no provider says what it took."""

import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, expect

from gosellr.core.transact import transact
from gosellr.integrations.payments.sandbox import FILE_NAME
from gosellr.models.order_values import Order
from gosellr.services import release_service
from gosellr.services.payment_captures import CapturePending
from gosellr.utils.ids import order_number
from gosellr.utils.order_states import OrderStatus
from tests.browser.market import Market
from tests.browser.money import sign_in
from tests.factories.accounts import User, make_operator, make_user
from tests.factories.captures import at_shipment, sandbox_of
from tests.factories.sales import Shop, buy, part_of, read, ship, step
from tests.factories.stored_value import by_bank, by_card, credit_of, make_card
from tests.flows.test_captures_settled import AnswersInDollars

pytestmark = pytest.mark.browser


async def an_operator(market: Market) -> User:
    async with market.resources.db.connection() as connection:
        return await make_operator(connection, now=datetime.now(UTC))


def shop_of(market: Market, seller: str, title: str) -> Shop:
    return Shop(market.sellers[seller], market.products[title])


def part_path(order: Order, shop: Shop, base: str = "/operator") -> tuple[str, str]:
    """The order's page, and that of the shop's part of it."""
    page = f"{base}/orders/{order_number(order.number)}"
    return page, f"{page}/parts/{part_of(order, shop).id}"


async def test_a_refund_goes_back_by_the_ways_that_are_named(
    context: BrowserContext, page: Page, market: Market
) -> None:
    shop = shop_of(market, "Casa Verde", "Sunflower, one metre")
    _, code = await make_card(market.resources, 1_000)
    order = await buy(market.resources, (shop, 2), tenders=[by_card(code), by_bank()])
    await sign_in(context, market, await an_operator(market))
    _, part = part_path(order, shop)
    await page.goto(f"{part}/refund")
    await page.get_by_label("Or a free amount").fill("12.00")
    await page.get_by_label("Why").fill("One leaf is brown")
    await page.get_by_label("Back to: Gift card").fill("9.00")
    await page.get_by_label("Back to: Test card").fill("2.00")
    await page.get_by_role("button", name="See what it takes from whom").click()
    told = page.locator("[data-error-summary]")
    await expect(told).to_contain_text("The ways that you name take €11.00, and €12.00 goes back")
    await page.get_by_label("Back to: Test card").fill("3.00")
    await page.get_by_role("button", name="See what it takes from whom").click()
    await expect(page.get_by_role("heading", name="The way it goes back")).to_be_visible()
    await page.get_by_role("button", name="Refund €12.00").click()
    await expect(page.get_by_text("The refund is made")).to_be_visible()
    after = await read(market.resources, order)
    assert {one.method: one.refunded_minor for one in after.payments} == {
        "gift_card": 900, "sandbox": 300,
    }  # fmt: skip


async def test_a_large_refund_is_proposed_by_one_and_approved_by_another(
    context: BrowserContext, page: Page, market: Market
) -> None:
    shop = shop_of(
        market,
        "Nordlys Studio",
        "Parlour guitar in solid spruce with a very long name that must never push anything aside",
    )
    order = await buy(market.resources, (shop, 1))
    await sign_in(context, market, await an_operator(market))
    _, part = part_path(order, shop)
    await page.goto(f"{part}/refund")
    await page.get_by_label("Or a free amount").fill("400.00")
    await page.get_by_label("Why").fill("It came without its case")
    await page.get_by_role("button", name="See what it takes from whom").click()
    await page.get_by_role("button", name="Propose to refund €400.00").click()
    await expect(page.get_by_text("You proposed it")).to_be_visible()
    await expect(page.get_by_role("button", name="Approve it")).to_have_count(0)
    assert (await read(market.resources, order)).refunded_minor == 0
    proposal = page.url
    await sign_in(context, market, await an_operator(market))
    await page.goto(proposal)
    await page.get_by_role("button", name="Approve it").click()
    await expect(page.get_by_text("It is approved, and done.")).to_be_visible()
    assert (await read(market.resources, order)).refunded_minor == 40_000


async def test_a_shop_gives_no_more_credit_than_is_available_to_it(
    context: BrowserContext, page: Page, market: Market
) -> None:
    settings = market.resources.settings.model_copy(update={"release_days": 0})
    resources = replace(market.resources, settings=settings)
    shop = shop_of(market, "Nordlys Studio", "Teddy bear Ole")
    async with resources.db.connection() as connection:
        buyer = await make_user(connection, now=datetime.now(UTC))
    order = await buy(resources, (shop, 1), buyer=buyer)
    await ship(resources, order, shop)
    await step(resources, order, OrderStatus.DELIVERED, viewer=shop.viewer)
    await transact(resources.db, release_service.release_due, now=datetime.now(UTC))
    await sign_in(context, market, shop.seller.owner)
    home, part = part_path(order, shop, f"/seller/{shop.seller.id}")
    await page.goto(f"{part}/credit")
    await page.get_by_label("How much").fill("99999.00")
    await page.get_by_label("Why").fill("Sorry for the wait")
    await page.get_by_role("button", name="Give it").click()
    await expect(page.locator("[data-error-summary]")).to_contain_text("is available to you")
    await page.get_by_label("How much").fill("5.00")
    await page.get_by_role("button", name="Give it").click()
    await expect(page.get_by_text("The credit is granted")).to_be_visible()
    assert page.url.split("?")[0].endswith(home)
    assert await credit_of(resources, buyer) == {"EUR": 500}


async def test_an_operator_says_that_money_was_taken(
    context: BrowserContext, page: Page, market: Market
) -> None:
    odd: Any = AnswersInDollars(sandbox_of(market.resources))
    unclear = at_shipment(replace(market.resources, gateways={"sandbox": odd}))
    shop = shop_of(market, "Kettle & Co", "Cast iron frying pan")
    order = await buy(unclear, (shop, 1))
    with pytest.raises(CapturePending):
        await ship(unclear, order, shop)
    # Whoever asks again is told the same, and an hour has passed.
    asked = await market.value("SELECT id FROM payment_capture WHERE order_id = $1", order.id)
    with closing(sqlite3.connect(market.resources.settings.home / FILE_NAME)) as journal:
        journal.execute("UPDATE movement SET currency = 'USD' WHERE movement_id = ?", (str(asked),))
        journal.commit()
    await market.run(
        "UPDATE payment_capture SET created_at = created_at - interval '2 hours'"
        " WHERE order_id = $1",
        order.id,
    )
    await sign_in(context, market, await an_operator(market))
    home, _ = part_path(order, shop)
    await page.goto(home)
    await page.get_by_role("link", name="Say what became of it").click()
    await expect(page.get_by_role("heading", name="What was asked for")).to_be_visible()
    await page.get_by_label("How you know").fill("They said so on the phone")
    await page.get_by_role("button", name="It was taken").click()
    await expect(page.get_by_text("The money is booked as taken")).to_be_visible()
    await expect(page).to_have_url(re.compile(re.escape(home)))
    assert (await read(market.resources, order)).captured_minor == order.total_minor
