"""The whole application in process. Putting it together takes longer than most tests, so it is
lent to one after the other; what it works on is each test's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
from fastapi import FastAPI

from gosellr.config import Settings
from gosellr.main import build
from gosellr.resources import Resources
from gosellr.web.pages import Site

_idle: dict[tuple[object, ...], list[FastAPI]] = {}


def _kind(settings: Settings) -> tuple[object, ...]:
    """All that the application is built by: what else the settings say is in the resources."""
    return (
        settings.cors_origins,
        settings.allowed_hosts,
        settings.base_url,
        settings.payment_pages,
        settings.demo_enabled,
        settings.is_loopback,
    )


@asynccontextmanager
async def open_nothing() -> AsyncIterator[Resources]:
    """Called in process, nothing is opened."""
    raise RuntimeError("the resources are the test's")
    yield


@asynccontextmanager
async def caller_of(
    market: Resources, *, base_url: str = "http://market.test"
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the application over these resources."""
    idle = _idle.setdefault(_kind(market.settings), [])
    app = idle.pop() if idle else build(market.settings, open_resources=open_nothing)
    app.state.resources = market
    # What pages share for a while is this market's, too.
    known: Site = app.state.site
    app.state.site = Site(
        assets=known.assets, renderer=known.renderer, base_url=known.base_url, demo=known.demo
    )
    transport = httpx2.ASGITransport(app=app, client=("203.0.113.7", 4711))
    try:
        async with httpx2.AsyncClient(transport=transport, base_url=base_url) as caller:
            yield caller
    finally:
        del app.state.resources
        idle.append(app)
