"""The market inside this process: one application, one connection, and every statement seen.

What is asked goes through the whole application but over no socket, and no job worker runs
beside it. So a statement that is seen belongs to the request that is being answered.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.speed.client import Answer, Caller
from gosellr.config import Settings
from gosellr.core.db import Database
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.main import build
from gosellr.resources import Resources, open_resources

OnQuery = Callable[[Any], None]


class InsideWire:
    """A connection to an application of this process: HTTP bytes become a call of it."""

    is_open = True

    def __init__(self, app: Any) -> None:
        self._app = app

    async def ask(self, request: bytes) -> Answer:
        """Have a request answered."""
        scope, body = _scope_of(request)
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            said.append(message)

        await self._app(scope, receive, send)
        lines = [b"%s: %s" % (name, value) for name, value in said[0].get("headers", ())]
        head = b"\r\n".join([b"HTTP/1.1 %d" % said[0]["status"], *lines, b""])
        return Answer(said[0]["status"], head, b"".join(one.get("body", b"") for one in said[1:]))

    def close(self) -> None:
        """Nothing was opened."""


def _scope_of(request: bytes) -> tuple[dict[str, Any], bytes]:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    method, target, _ = first.decode().split(" ")
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [
            (name.lower(), value) for name, value in (line.split(b": ", 1) for line in lines)
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    return scope, body


@asynccontextmanager
async def inside(
    cluster: Cluster, *, on_query: OnQuery | None = None, cache_mb: int = 0
) -> AsyncIterator[Caller]:
    """Open the market of a running cluster in this process, and a caller of it."""
    dsn = cluster.dsn(role=APPLICATION_ROLE)
    settings = _settings(cluster.home, dsn, cache_mb=cache_mb)

    @asynccontextmanager
    async def opener() -> AsyncIterator[Resources]:
        async with open_resources(settings) as resources:
            seen = await Database.connect(
                dsn, max_size=1, on_query=on_query, generations=resources.db.generations
            )
            try:
                yield replace(resources, db=seen)
            finally:
                await resources.hot_stock.settle()
                await seen.close()

    app = build(settings, open_resources=opener)
    async with app.router.lifespan_context(app):
        yield Caller(wire=InsideWire(app), port=0, number=0)


def _settings(home: Path, dsn: str, *, cache_mb: int) -> Settings:
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        home=home,
        database_url=dsn,
        cache_mb=cache_mb,
        rate_limits=False,
        log_level="warning",
        demo=False,
        default_currency="EUR",
    )
