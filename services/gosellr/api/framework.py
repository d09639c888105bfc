"""The framework, less what has nothing to do here.

Each layer around a request is passed again whenever the request goes on after it has waited.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.middleware import Middleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from gosellr.api.route_table import RouteTable


class Application(FastAPI):
    """The framework's application; whole where it `is_traced`, so that all is seen."""

    def __init__(self, *, is_traced: bool, **rest: Any) -> None:
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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if self._is_traced or self.root_path or scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        if self.middleware_stack is None:
            self.middleware_stack = self.build_middleware_stack()
        await self.middleware_stack(scope, receive, send)
