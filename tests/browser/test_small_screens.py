"""What stands where on a phone, and that nothing there is in the way of anything else."""

import pytest
from playwright.async_api import Browser, FloatRect, Locator, Page

from tests.browser.conftest import Troubles
from tests.browser.market import Market
from tests.browser.test_journeys import add
from tests.browser.test_pages import visitor

pytestmark = pytest.mark.browser

FINGER_PIXELS = 44


async def box(place: Locator) -> FloatRect:
    """Where something stands on the screen."""
    found = await place.bounding_box()
    assert found is not None
    return found


async def boxes(places: Locator) -> list[FloatRect]:
    return [await box(place) for place in await places.all()]


def apart(one: FloatRect, other: FloatRect) -> bool:
    """Neither covers any of the other."""
    return (
        one["x"] + one["width"] <= other["x"]
        or other["x"] + other["width"] <= one["x"]
        or one["y"] + one["height"] <= other["y"]
        or other["y"] + other["height"] <= one["y"]
    )


def middle(one: FloatRect) -> float:
    return one["y"] + one["height"] / 2


async def opened(browser: Browser, market: Market, troubles: Troubles, size: str) -> Page:
    context = await visitor(browser, market, theme="light", size=size)
    page = await context.new_page()
    troubles.watch(page)
    return page


@pytest.mark.parametrize("size", ["phone", "narrow"])
@pytest.mark.parametrize("scrolled", [0, 40, 80])
async def test_the_word_that_it_is_in_the_bag_leaves_the_price_to_be_read(
    browser: Browser, market: Market, troubles: Troubles, size: str, scrolled: int
) -> None:
    page = await opened(browser, market, troubles, size)
    for title in ("Stoneware teapot, 1.1 L", "Parlour guitar", "Teddy bear Ole"):
        await add(page, title)
        toast = page.locator(".toast").last
        await toast.wait_for()
        await page.evaluate(f"scrollTo(0, {scrolled})")
        # Looked at once: it goes away by itself after some seconds, and doesn't move before.
        word = await box(toast)
        for covered in (".price.big", ".buy-bar", "h1", "[data-bag-count]"):
            place = await box(page.locator(covered).first)
            assert apart(word, place), (title, covered)
    await page.context.close()


async def signed_in(page: Page, size: str) -> None:
    await page.goto("/register")
    for field, value in (
        ("name", "Ada Lovelace"),
        ("email", f"ada-{size}@example.com"),
        ("password", "correct horse battery staple"),
    ):
        await page.locator(f"#{field}").fill(value)
    await page.locator("main form button").last.click()
    await page.locator(".foot form button").wait_for()


async def test_the_line_at_the_foot_is_one_line(
    browser: Browser, market: Market, troubles: Troubles
) -> None:
    page = await opened(browser, market, troubles, "desktop")
    await signed_in(page, "desktop")
    places = await boxes(page.locator(".foot :is(.logo, a, button, p.muted)"))
    assert len(places) == 7
    heights = [middle(place) for place in places]
    assert max(heights) - min(heights) <= 1
    await page.context.close()


@pytest.mark.parametrize("size", ["phone", "narrow"])
async def test_a_finger_finds_the_way_out_at_the_foot(
    browser: Browser, market: Market, troubles: Troubles, size: str
) -> None:
    page = await opened(browser, market, troubles, size)
    await signed_in(page, size)
    links = await boxes(page.locator(".foot a"))
    way_out = await box(page.locator(".foot form button"))
    for place in (*links, way_out):
        assert place["height"] >= FINGER_PIXELS
    # A line of its own: nothing beside it that is pressed by mistake.
    for other in (*links, *await boxes(page.locator(".foot p"))):
        assert other["y"] + other["height"] <= way_out["y"] + 0.5 or (
            way_out["y"] + way_out["height"] <= other["y"] + 0.5
        )
    await page.context.close()


@pytest.mark.parametrize("size", ["desktop", "phone", "narrow"])
async def test_the_fields_of_an_address_fill_their_lines(
    browser: Browser, market: Market, troubles: Troubles, size: str
) -> None:
    page = await opened(browser, market, troubles, size)
    await add(page, "Teddy bear Ole")
    await page.locator("[data-bag-count]:not([hidden])").wait_for()
    await page.goto("/checkout")
    line = await box(page.locator("#line1"))
    rows: dict[float, list[FloatRect]] = {}
    for name in ("postal_code", "city", "region"):
        place = await box(page.locator(f"#{name}"))
        rows.setdefault(round(place["y"]), []).append(place)
        label = await box(page.locator(f"label[for={name}]"))
        assert label["height"] < 30, f"the label of {name} is broken"
    for row in rows.values():
        assert abs(row[0]["x"] - line["x"]) <= 1
        end = row[-1]["x"] + row[-1]["width"]
        assert abs(end - line["x"] - line["width"]) <= 1
    await page.context.close()
