"""Every page in a real browser: accessible, within its width, in any light and on any screen."""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from tests.browser.conftest import SIZES, Troubles
from tests.browser.market import Market
from tests.browser.test_journeys import add, address

pytestmark = pytest.mark.browser

PATHS = {
    "home": "/",
    "search": "/search",
    "nothing-found": "/search?q=zeppelin&max_price=1",
    "category": "/c/kitchen-table",
    "product": "/p/stoneware-teapot-1-1-l",
    "sold-out": "/p/cactus-collection",
    "shop": "/s/casa-verde",
    "sign-in": "/sign-in",
    "register": "/register",
    "not-found": "/p/stoneware-kettle",
    "empty-bag": "/bag",
}
RULES = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
LOOKS = [(theme, size) for theme in ("light", "dark") for size in ("desktop", "phone")]
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def look(page: Page, name: str, axe: str) -> list[str]:
    """What is wrong with the page as it stands; kept as a picture where one is asked for."""
    if folder := os.environ.get("BROWSER_SHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate("rules => axe.run(document, rules)", RULES)
    wrong = [
        f"{name}: {one['id']}: {node['html'][:120]}"
        for one in found["violations"]
        for node in one["nodes"]
    ]
    sideways = await page.evaluate(SIDEWAYS)
    return [*wrong, *([f"{name}: {sideways} px too wide"] if sideways else [])]


async def visitor(browser: Browser, market: Market, *, theme: str, size: str) -> BrowserContext:
    width, height = SIZES[size]
    return await browser.new_context(
        base_url=market.url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        bypass_csp=True,
    )


@pytest.mark.parametrize(("theme", "size"), LOOKS)
async def test_every_page_is_accessible(
    browser: Browser, market: Market, troubles: Troubles, axe: str, theme: str, size: str
) -> None:
    context = await visitor(browser, market, theme=theme, size=size)
    page = await context.new_page()
    troubles.watch(page)
    wrong: list[str] = []
    for name, path in PATHS.items():
        await page.goto(path)
        wrong += await look(page, f"{name}-{theme}-{size}", axe)
    await purchase(page, f"{theme}-{size}", axe, wrong)
    await context.close()
    assert wrong == []


async def purchase(page: Page, look_of: str, axe: str, wrong: list[str]) -> None:
    """The pages that are reached only by buying."""
    for title in ("Teddy bear Ole", "Herbs for a window sill"):
        await add(page, title)
        await page.locator("[data-bag-count]:not([hidden])").wait_for()
    await page.goto("/bag")
    wrong += await look(page, f"bag-{look_of}", axe)
    await page.goto("/checkout")
    wrong += await look(page, f"checkout-address-{look_of}", axe)
    await page.get_by_role("button", name="Go on to delivery and payment").click()
    await page.get_by_role("alert").wait_for()
    wrong += await look(page, f"checkout-errors-{look_of}", axe)
    await address(page)
    wrong += await look(page, f"checkout-{look_of}", axe)
    await page.get_by_label("What the card shall do").select_option("tok_declined")
    await page.get_by_role("button", name="Pay €").click()
    await page.get_by_text("The payment was declined").wait_for()
    wrong += await look(page, f"pay-{look_of}", axe)
    await page.get_by_label("What the card shall do").select_option("tok_requires_action")
    await page.get_by_role("button", name="Pay €").click()
    await page.get_by_role("button", name="Yes, pay").wait_for()
    wrong += await look(page, f"bank-{look_of}", axe)
    await page.get_by_role("button", name="Yes, pay").click()
    await page.get_by_text("Thank you, Ada.").wait_for()
    wrong += await look(page, f"order-{look_of}", axe)


async def test_nothing_is_wider_than_a_narrow_screen(
    browser: Browser, market: Market, troubles: Troubles
) -> None:
    context = await visitor(browser, market, theme="light", size="narrow")
    page = await context.new_page()
    troubles.watch(page)
    wide = {}
    for name, path in PATHS.items():
        await page.goto(path)
        if sideways := await page.evaluate(SIDEWAYS):
            wide[name] = sideways
    await add(page, "Teddy bear Ole")
    await page.locator("[data-bag-count]:not([hidden])").wait_for()
    for path in ("/bag", "/checkout"):
        await page.goto(path)
        if sideways := await page.evaluate(SIDEWAYS):
            wide[path] = sideways
    await context.close()
    assert wide == {}
