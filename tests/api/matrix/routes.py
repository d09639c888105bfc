"""Every route of the application as data, read from the application itself."""

import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from gosellr.config import Settings
from gosellr.core.route_policy import api_routes, policies_of
from gosellr.main import build
from gosellr.utils.permissions import Permission


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: of the API by its operation id, a page by its method and path."""

    name: str
    method: str
    path: str
    permission: Permission | None
    is_page: bool

    @property
    def is_read(self) -> bool:
        """Whether it only looks."""
        return self.method == "GET"


def bare_application() -> FastAPI:
    """The whole application with nothing behind it."""

    @asynccontextmanager
    async def nothing() -> Any:
        yield None

    home = Path(tempfile.gettempdir())
    secret = "a secret of the test run, long enough to be taken"
    return build(
        Settings(home=home, database_url="", secret_key=secret, rate_limits=False, demo=True),
        open_resources=nothing,
    )


def all_routes() -> list[Route]:
    """What may be called, in the order of the application."""
    found = []
    for context in api_routes(bare_application()):
        [policy] = policies_of(context)
        operation_id = getattr(context.original_route, "operation_id", None)
        for method in sorted(context.methods or ()):
            name = operation_id or f"{method} {context.path}"
            found.append(
                Route(name, method, context.path or "", policy.permission, operation_id is None)
            )
    return found
