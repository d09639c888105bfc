"""One market and one browser for the run; a fresh context, without memory, for each test."""

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)

from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.resources import open_resources
from tests.browser.market import Market, fill, free_port, served, settings_of
from tests.conftest import CHEAP

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
# A guard against what never comes, on the slowest of machines; nothing is measured by it.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)
SIZES = {"desktop": (1280, 900), "phone": (390, 844), "narrow": (320, 700)}


@pytest.fixture(scope="session")
async def market(
    tmp_path_factory: pytest.TempPathFactory,
    cluster: Cluster,
    fresh_database: Callable[[str], str],
) -> AsyncIterator[Market]:
    """A market with goods in it, served by a process of its own."""
    home = tmp_path_factory.mktemp("market")
    database_url = cluster.dsn(role=APPLICATION_ROLE, database=fresh_database("browser"))
    settings = settings_of(home=home, database_url=database_url, port=free_port())
    async with open_resources(settings, password_costs=CHEAP) as resources:
        products, sellers = await fill(resources)
        with served(settings, log=home / "web.log") as url:
            yield Market(url, resources, products, sellers)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The system's Chromium; a run without it fails."""
    executable = os.environ.get("CHROMIUM")
    if not executable:
        pytest.fail("Say where Chromium is: CHROMIUM=/usr/bin/chromium (make test-browser does)")
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=executable, args=[*ARGUMENTS])
        yield opened
        await opened.close()


class Troubles(list[str]):
    """What a page complained about; a wanted refusal is the browser's own line, and no trouble."""

    def watch(self, page: Page) -> None:
        """Listen to a page from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        wanted = "Failed to load resource: the server responded with a status of 4"
        if message.type in ("error", "warning") and not message.text.startswith(wanted):
            self.append(f"{message.type}: {message.text}")


@pytest.fixture
async def troubles() -> AsyncIterator[Troubles]:
    """Console and page errors of the test, which fail it."""
    found = Troubles()
    yield found
    assert found == []


@pytest.fixture
async def context(market: Market, browser: Browser) -> AsyncIterator[BrowserContext]:
    """A visitor's browser on a desktop."""
    width, height = SIZES["desktop"]
    opened = await browser.new_context(
        base_url=market.url, viewport={"width": width, "height": height}
    )
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    await opened.close()


@pytest.fixture
async def page(context: BrowserContext, troubles: Troubles) -> Page:
    """A page whose complaints are heard."""
    opened = await context.new_page()
    troubles.watch(opened)
    return opened


@pytest.fixture
def axe() -> str:
    """The source of axe-core."""
    return (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
