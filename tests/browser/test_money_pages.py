"""The pages about money in a real browser: accessible, within their width, and usable."""

import re

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from gosellr.flows import documents
from tests.browser.conftest import SIZES, Troubles
from tests.browser.market import Market
from tests.browser.money import Affairs, make_affairs, sign_in
from tests.browser.test_journeys import add, address
from tests.browser.test_pages import SIDEWAYS, look, visitor
from tests.factories.accounts import User
from tests.factories.stored_value import make_card

pytestmark = pytest.mark.browser

LOOKS = (("light", "desktop"), ("dark", "phone"))


@pytest.fixture(scope="module")
async def affairs(market: Market) -> Affairs:
    return await make_affairs(market)


async def wrong_with(
    browser: Browser,
    market: Market,
    troubles: Troubles,
    axe: str,
    user: User,
    pages: dict[str, str],
    *,
    area: str,
) -> list[str]:
    """What is wrong with pages in two lights, and on a narrow screen."""
    wrong: list[str] = []
    for theme, size in LOOKS:
        context = await visitor(browser, market, theme=theme, size=size)
        await sign_in(context, market, user)
        page = await context.new_page()
        troubles.watch(page)
        for name, path in pages.items():
            answer = await page.goto(path)
            if answer is None or answer.status != 200:
                wrong.append(f"{area} {name}: {answer and answer.status}")
            wrong += await look(page, f"{area}-{name}-{theme}-{size}", axe)
        if size == "phone":
            await page.set_viewport_size({"width": SIZES["narrow"][0], "height": 700})
            for name, path in pages.items():
                await page.goto(path)
                if sideways := await page.evaluate(SIDEWAYS):
                    wrong.append(f"{area} {name}: {sideways} px too wide")
        await context.close()
    return wrong


async def test_a_buyer_s_pages_are_accessible(
    browser: Browser, market: Market, troubles: Troubles, axe: str, affairs: Affairs
) -> None:
    pages, user = affairs.buyer_pages, affairs.buyer
    found = await wrong_with(browser, market, troubles, axe, user, pages, area="buyer")
    assert found == []


async def test_a_seller_s_pages_are_accessible(
    browser: Browser, market: Market, troubles: Troubles, axe: str, affairs: Affairs
) -> None:
    pages, user = affairs.seller_pages, affairs.seller
    found = await wrong_with(browser, market, troubles, axe, user, pages, area="seller")
    assert found == []


async def test_an_operator_s_pages_are_accessible(
    browser: Browser, market: Market, troubles: Troubles, axe: str, affairs: Affairs
) -> None:
    pages, user = affairs.operator_pages, affairs.operator
    found = await wrong_with(browser, market, troubles, axe, user, pages, area="operator")
    assert found == []


async def test_an_operator_looks_before_deciding(
    context: BrowserContext, page: Page, market: Market, affairs: Affairs
) -> None:
    await sign_in(context, market, affairs.operator)
    await page.goto(affairs.operator_pages["case"])
    await page.get_by_label("To the buyer, in EUR").fill("12.50")
    await page.get_by_role("button", name="Show what will move").click()
    await expect(page.get_by_text("The buyer gets")).to_be_visible()
    await page.get_by_role("button", name="Decide", exact=True).click()
    await expect(page.locator("[data-error-summary]")).to_be_focused()
    await page.get_by_label("Why", exact=False).first.fill("Both have a point")
    await page.get_by_role("button", name="Decide", exact=True).click()
    await expect(page.get_by_text("Decided in the middle: €12.50")).to_be_visible()


async def test_a_gift_card_and_a_card_pay_and_the_invoice_opens(
    page: Page, market: Market, affairs: Affairs
) -> None:
    _, code = await make_card(market.resources, 1_000)
    await add(page, "Herbs for a window sill")
    await page.locator("[data-bag-count]:not([hidden])").wait_for()
    await page.goto("/checkout")
    await address(page)
    await page.get_by_label("Gift card code").fill(code)
    await page.get_by_label("What the card shall do").select_option("tok_ok")
    await page.get_by_role("button", name="Pay €").click()
    await expect(page.get_by_text("Paid with gift card and test card.")).to_be_visible()
    order_id = await market.value("SELECT id FROM orders ORDER BY placed_at DESC LIMIT 1")
    await documents.issue_invoices(market.resources.documents, order_ids=[order_id])  # type: ignore[list-item]
    await page.reload()
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name=re.compile("^Invoice INV-")).click()
    download = await waiting.value
    assert download.suggested_filename.endswith(".pdf")
    assert (await download.path()).read_bytes().startswith(b"%PDF-")
