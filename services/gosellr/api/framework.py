"""The framework, less what has nothing to do here.

Each layer around a request is passed again whenever the request goes on after it has waited.
"""

import asyncio
from typing import Any

from fastapi import FastAPI, Request
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gosellr.api.route_table import RouteTable
from gosellr.core.route_policy import api_routes


class Application(FastAPI):
    """The framework's application; whole where it `is_traced`, so that all is seen."""

    def __init__(self, *, is_traced: bool, **rest: Any) -> None:
        self._description: dict[str, bytes] = {}
        self._describing = asyncio.Lock()
        super().__init__(
            telemetry=TelemetryConfig(tracing=is_traced, metrics=is_traced, logs=is_traced), **rest
        )
        self._is_traced = is_traced

    def build_middleware_stack(self) -> ASGIApp:
        """The layers: errors that nobody expected outside, those that were named inside.

        Left out are one that tells a tracer of errors, one that is for applications within others
        whose bodies are limited, and one that closes files, which the table of routes puts around
        what may open some.
        """
        if self._is_traced:
            return super().build_middleware_stack()
        named: dict[Any, Any] = dict(self.exception_handlers)
        crash = named.pop(Exception)
        layers = [
            Middleware(ServerErrorMiddleware, handler=crash, debug=self.debug),
            *self.user_middleware,
            Middleware(ExceptionMiddleware, handlers=named, debug=self.debug),
        ]
        app: ASGIApp = RouteTable(self.router)
        for layer, args, kwargs in reversed(layers):
            app = layer(app, *args, **kwargs)
        return app

    def setup(self) -> None:
        """Add the pages that describe the API, with a description that lets others go first."""
        if self.openapi_url:
            self.add_route(self.openapi_url, self._describe, include_in_schema=False)
        super().setup()

    async def _describe(self, request: Request) -> Response:
        """The description: made once, in seconds, in which everybody else is answered as well."""
        root = request.scope.get("root_path", "").rstrip("/")
        async with self._describing:
            if root not in self._description:
                for route in api_routes(self):
                    getattr(route, "dependant", None)  # Looked at here, one at a time.
                    await asyncio.sleep(0)
                self._description[root] = await asyncio.to_thread(self._described, root)
        return Response(self._description[root], media_type="application/json")

    def _described(self, root: str) -> bytes:
        document = self.openapi()
        if root and self.root_path_in_servers:
            document = document | {"servers": [{"url": root}, *document.get("servers", [])]}
        return bytes(JSONResponse(document).body)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if self._is_traced or self.root_path or scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)
