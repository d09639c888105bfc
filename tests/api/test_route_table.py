"""What the table finds, and all around it, answers as the whole framework does."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute, Match

from gosellr.api import application
from gosellr.api.route_table import RouteTable
from gosellr.config import Settings
from gosellr.main import build
from gosellr.resources import Resources
from tests.factories.applications import open_nothing

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "")
FILLINGS = (str(uuid4()), "create", "items", "ä %", "..", "x\n", "")
ODD = (
    "", "/", "//", "*", "api/v1/carts", "/api", "/api/v1", "/api/v1/", "/api/v1/nothing",
    "/api/v1/carts/x/items/y/z", "/static/site.css", "/static", "/static/", "/c/a/b/c", "/c/",
    "/docs", "/openapi.json", "/openapi.json/x", "/api/v1/categories/a/b", "/API/v1/carts",
)  # fmt: skip
# What nobody can tell by words: folders, paths of any length, and what might be taken for one.
WIDE = {
    "/c/{path:path}",
    "/api/v1/categories/{reference:path}",
    "/api/v1/categories/{category_id}",
    "/static",
}
OURS = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"}


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    return build(settings, open_resources=open_nothing)


def paths_of(app: FastAPI) -> Iterator[str]:
    for route in app.router.routes:
        template: str = getattr(route, "path_format", "")
        for filling in FILLINGS:
            path = re.sub(r"{[^}]*}", lambda _, word=filling: word, template)
            yield from (path, path + "/", path + "/more", path + "\n", path.removesuffix("/"))
    yield from ODD


def scope_of(method: str, path: str) -> dict[str, Any]:
    return {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}


def chosen(routes: list[BaseRoute], scope: dict[str, Any]) -> tuple[BaseRoute, Any] | None:
    for route in routes:
        match, said = route.matches(dict(scope))
        if match is Match.FULL:
            return route, said.get("path_params")
    return None


def test_the_table_finds_what_the_router_would_choose(app: FastAPI) -> None:
    table, found, left = RouteTable(app.router), 0, set()
    for path in dict.fromkeys(paths_of(app)):
        likely = [
            route
            for route in app.router.routes
            if route.matches(scope_of("GET", path))[0] is not Match.NONE
        ]
        for method in METHODS:
            scope = scope_of(method, path)
            expected, said = chosen(likely, scope), table.find(scope)
            if said is not None:
                assert expected == (said[0], said[2]), (method, path)
                found += 1
            elif expected is not None and not path.endswith("\n"):
                left.add(getattr(expected[0], "path", ""))
    assert left == WIDE | OURS
    assert found > 2_000


def test_what_is_within_another_application_is_left_to_the_router(app: FastAPI) -> None:
    table = RouteTable(app.router)
    scope = scope_of("POST", "/api/v1/carts")
    assert table.find(scope) is not None
    assert table.find({**scope, "root_path": "/market"}) is None
    assert table.find({**scope, "path_params": {"tenant": "a"}}) is None
    assert table.find({**scope, "type": "websocket"}) is None


@pytest.fixture
def both(
    resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> tuple[httpx2.AsyncClient, httpx2.AsyncClient]:
    """Callers of the application as it is served, and of one with all that the framework has."""
    settings = resources.settings.model_copy(update={"cors_origins": ("https://shop.example",)})
    market = replace(resources, settings=settings)

    def caller(*, is_traced: bool) -> httpx2.AsyncClient:
        monkeypatch.setattr(application, "_IS_TRACED", is_traced)
        app = build(settings, open_resources=open_nothing)
        app.state.resources = market
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        return httpx2.AsyncClient(transport=transport, base_url="http://market.test")

    return caller(is_traced=False), caller(is_traced=True)


def told(response: httpx2.Response) -> tuple[int, list[tuple[str, str]], str]:
    headers = [
        (name, value)
        for name, value in response.headers.multi_items()
        if name not in ("x-request-id", "content-security-policy", "content-length", "set-cookie")
    ]
    text = re.sub(r"[0-9a-f]{32}|[0-9a-f-]{36}|[\w-]{43}|nonce=\S+", "*", response.text)
    return response.status_code, headers, text


ASKED = (
    "/api/v1/carts", "/api/v1/carts/", "/api/v1/carts//", "/api/v1/products", "/api/v1/products/",
    "/api/v1/products?limit=0", f"/api/v1/products/{uuid4()}", "/api/v1/products/x",
    f"/api/v1/carts/{uuid4()}/items", f"/api/v1/orders/{uuid4()}", "/api/v1/orders/create",
    "/api/v1/categories/a/b", "/api/v1/nothing", "/", "/nothing", "/p/nothing", "/sign-in",
    "/sign-in/", "/c/a/b", "/bag", "/operator", "/healthz", "/docs", "/static/nothing.css",
    "/media/nothing", "/.well-known/jwks.json",
)  # fmt: skip


async def test_every_answer_is_that_of_the_whole_framework(
    both: tuple[httpx2.AsyncClient, httpx2.AsyncClient],
) -> None:
    lean, whole = both
    said = set()
    for method, path, accept in product(METHODS[:7], ASKED, ("application/json", "text/html")):
        headers = {"Accept": accept, "Origin": "https://shop.example"}
        mine = await lean.request(method, path, headers=headers)
        assert told(mine) == told(await whole.request(method, path, headers=headers)), path
        assert mine.headers["x-request-id"]
        said.add(mine.status_code)
    assert {200, 201, 401, 404, 405, 422} <= said


async def test_what_is_wrong_with_a_request_is_said_alike(
    both: tuple[httpx2.AsyncClient, httpx2.AsyncClient],
) -> None:
    async def in_pieces(number: int) -> Any:
        for _ in range(number):
            yield b" " * 1024 * 1024

    asked: list[tuple[int, dict[str, Any]]] = [
        (400, {"content": b"{", "headers": {"content-type": "application/json"}}),
        (422, {"json": {"what": 1}}),
        (413, {"content": b" " * (4 * 1024 * 1024 + 1)}),
        (413, {"content": b"{}", "headers": {"content-length": "9" * 30}}),
        (201, {"content": b"", "headers": {"x-cart-token": "x" * 5000}}),
        (401, {"content": b"", "headers": {"authorization": "Bearer x"}}),
    ]
    for status, parts in asked:
        answers = [await one.post("/api/v1/carts", **parts) for one in both]
        assert told(answers[0]) == told(answers[1])
        assert answers[0].status_code == status
    answers = [await one.post("/api/v1/carts", content=in_pieces(5)) for one in both]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].status_code == 413
    preflight = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    answers = [await one.options("/api/v1/carts", headers=preflight) for one in both]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].headers["access-control-allow-origin"] == "https://shop.example"


async def test_a_defect_is_answered_and_logged_alike(
    both: tuple[httpx2.AsyncClient, httpx2.AsyncClient],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    monkeypatch.setattr(Resources, "carts", None)
    given = {"X-Request-ID": "mine-1"}
    answers = [await one.post("/api/v1/carts", headers=given) for one in both]
    assert told(answers[0]) == told(answers[1])
    assert answers[0].status_code == 500
    assert answers[0].json()["request_id"] == "mine-1"
    logged = [one.getMessage() for one in caplog.records if one.name == "gosellr.errors"]
    assert logged == ["unexpected error in request mine-1"] * 2
