"""What people do here, in a real browser: find, buy, be refused, try again."""

import re

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.market import Market

pytestmark = pytest.mark.browser

ADDRESS = {
    "E-mail": "ada@example.com",
    "Full name": "Ada Lovelace",
    "Street and number": "12 Analytical Row",
    "Town or city": "Berlin",
}
IMBALANCE = """
SELECT coalesce(sum(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END), 0)
FROM ledger_entry
"""


async def open_product(page: Page, title: str) -> None:
    """From the search to the product's page."""
    await page.goto("/search")
    await page.get_by_role("searchbox", name="Search the market").fill(title)
    await page.keyboard.press("Enter")
    await page.get_by_role("link", name=title).first.click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(title)


async def add(page: Page, title: str) -> None:
    """Put it into the bag."""
    await open_product(page, title)
    await page.get_by_role("button", name="Add to bag").click()


async def address(page: Page) -> None:
    """Write where it goes."""
    for label, value in ADDRESS.items():
        await page.get_by_label(label, exact=True).fill(value)
    await page.get_by_label("Country", exact=True).select_option("DE")
    await page.get_by_label("Postal code").fill("10115")
    await page.get_by_role("button", name="Go on to delivery and payment").click()
    await expect(page.get_by_role("button", name="Pay €")).to_be_visible()


async def price(market: Market, title: str, minor: int) -> None:
    """Set a price, as a seller would between a look and a click."""
    await market.run(
        "UPDATE variant_price SET amount_minor = $2 WHERE variant_id = $1",
        market.products[title].variant_id,
        minor,
    )


async def stock(market: Market, title: str) -> int:
    """How many can be bought."""
    left = await market.value(
        "SELECT sum(on_hand - reserved) FROM stock_level WHERE variant_id = $1",
        market.products[title].variant_id,
    )
    return int(str(left))


async def test_j1_a_guest_buys_from_two_shops_and_pays_once(page: Page, market: Market) -> None:
    pan, plant = "Cast iron frying pan", "Monstera in a clay pot"
    before = [await stock(market, pan), await stock(market, plant)]
    await add(page, pan)
    await expect(page.get_by_role("status").get_by_text("It is in your bag")).to_be_visible()
    await expect(page.locator("[data-bag-count]")).to_have_text("1")
    await add(page, plant)
    await expect(page.locator("[data-bag-count]")).to_have_text("2")
    await page.get_by_role("link", name="Open your bag").first.click()
    await page.get_by_role("link", name="Check out").click()
    await address(page)
    parcel = page.get_by_role("group", name="Parcel 1 from Kettle & Co")
    await parcel.get_by_text("Express").click()
    await expect(page.get_by_role("button", name="Pay €85.30")).to_be_visible()
    await page.get_by_role("button", name="Pay €85.30").click()
    await expect(page.get_by_text("Thank you, Ada.")).to_be_visible()
    for shop in ("Kettle & Co", "Casa Verde"):
        await expect(page.get_by_role("heading", name=re.compile(f"from {shop}"))).to_be_visible()
    await expect(page.locator("dl.sum .total")).to_contain_text("€85.30")
    assert [await stock(market, pan), await stock(market, plant)] == [n - 1 for n in before]
    assert await market.value(IMBALANCE) == 0


async def test_j3_find_by_a_misspelled_word_and_narrow_in_place(
    page: Page, browser: Browser, market: Market
) -> None:
    await page.goto("/search?q=tepot")
    await expect(page.get_by_role("link", name="Stoneware teapot, 1.1 L")).to_be_visible()
    await page.goto("/search")
    await page.locator("html[data-ready]").wait_for()
    everything = await page.locator("article.product").count()
    box = page.get_by_role("checkbox", name="Kettle & Co")
    await box.check()
    await expect(page).to_have_url(re.compile("seller=kettle-co"))
    await expect(page.locator("article.product")).to_have_count(4)
    await expect(page.get_by_role("checkbox", name="Kettle & Co")).to_be_focused()
    await page.get_by_label("To", exact=True).fill("40")
    await page.keyboard.press("Tab")
    await expect(page).to_have_url(re.compile("max_price=40"))
    await expect(page.locator("article.product")).to_have_count(2)
    address_now = page.url
    assert "min_price" not in address_now
    titles = await page.locator("article.product h3").all_inner_texts()
    await page.go_back()
    await expect(page.locator("article.product")).to_have_count(4)
    await page.go_back()
    await expect(page.locator("article.product")).to_have_count(everything)
    plain = await browser.new_context(java_script_enabled=False)
    same = await plain.new_page()
    await same.goto(address_now)
    assert await same.locator("article.product h3").all_inner_texts() == titles
    await plain.close()


async def test_j4_a_price_that_rose_is_asked_about_first(page: Page, market: Market) -> None:
    board = "Bread board in oak"
    await add(page, board)
    await expect(page.locator("[data-bag-count]")).to_have_text("1")
    await page.goto("/checkout")
    await address(page)
    await expect(page.get_by_role("button", name="Pay €32.80")).to_be_visible()
    orders = await market.value("SELECT count(*) FROM orders")
    await price(market, board, 3090)
    try:
        await page.get_by_role("button", name="Pay €32.80").click()
        change = page.get_by_text("the price changed from")
        await expect(change).to_contain_text("€28.90")
        await expect(change).to_contain_text("€30.90")
        assert await market.value("SELECT count(*) FROM orders") == orders
        await page.get_by_role("button", name="Pay €34.80").click()
        await expect(page.get_by_text("Thank you, Ada.")).to_be_visible()
    finally:
        await price(market, board, 2890)


async def test_j5_declined_then_a_good_card_is_one_order(page: Page, market: Market) -> None:
    cups = "Tea cups, set of four"
    before = await stock(market, cups)
    orders = int(str(await market.value("SELECT count(*) FROM orders")))
    await add(page, cups)
    await expect(page.locator("[data-bag-count]")).to_have_text("1")
    await page.goto("/checkout")
    await address(page)
    card = page.get_by_label("What the card shall do")
    await card.select_option("tok_declined")
    await page.get_by_role("button", name="Pay €55.90").click()
    await expect(page.get_by_role("alert")).to_contain_text("The payment was declined")
    await expect(page.get_by_text("12 Analytical Row")).to_be_visible()
    assert await stock(market, cups) == before - 1, "the goods are held"
    await card.select_option("tok_ok")
    await page.get_by_role("button", name="Pay €55.90").click()
    await expect(page.get_by_text("Thank you, Ada.")).to_be_visible()
    assert await market.value("SELECT count(*) FROM orders") == orders + 1
    assert await stock(market, cups) == before - 1
    captured = await market.value(
        "SELECT count(*) FROM payment WHERE status = 'captured' AND order_id ="
        " (SELECT id FROM orders ORDER BY number DESC LIMIT 1)"
    )
    assert captured == 1


async def test_a_slow_bank_resolves_while_one_watches(page: Page, market: Market) -> None:
    await add(page, "Herbs for a window sill")
    await expect(page.locator("[data-bag-count]")).to_have_text("1")
    await page.goto("/checkout")
    await address(page)
    await page.get_by_label("What the card shall do").select_option("tok_requires_action")
    await page.get_by_role("button", name="Pay €").click()
    await page.get_by_role("button", name="Yes, pay").click()
    await expect(page.get_by_text("Thank you, Ada.")).to_be_visible()


async def test_the_light_turns_at_once_and_stays(page: Page) -> None:
    await page.goto("/")
    await page.locator("html[data-ready]").wait_for()
    async with page.expect_response("**/theme"):
        await page.get_by_role("button", name="Light or dark").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.goto("/search")
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


async def test_a_purchase_needs_no_script(browser: Browser, market: Market) -> None:
    context: BrowserContext = await browser.new_context(
        base_url=market.url, java_script_enabled=False, viewport={"width": 390, "height": 844}
    )
    page = await context.new_page()
    await add(page, "Sunflower, one metre")
    await expect(page).to_have_url(re.compile("/bag$"))
    await page.get_by_label("Quantity of Sunflower").select_option("2")
    await page.get_by_role("button", name="Update").click()
    await page.get_by_role("link", name="Check out").click()
    await address(page)
    await page.get_by_text("Express").click()
    await page.get_by_role("button", name="Update the total").click()
    await page.get_by_role("button", name="Pay €38.90").click()
    await expect(page.get_by_text("Thank you, Ada.")).to_be_visible()
    await context.close()
