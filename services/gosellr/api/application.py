"""The application: every door, and what surrounds them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from gosellr.api import health
from gosellr.api.errors import install_error_handlers
from gosellr.api.middleware import OneSpelling, RequestId
from gosellr.api.policy import require_policies
from gosellr.config import Settings
from gosellr.resources import Resources

PREFIX = "/api/v1"
DESCRIPTION = "Many sellers, one storefront, one payment, books that are right to the cent."

Opener = Callable[[], AbstractAsyncContextManager[Resources]]


def create_app(*, settings: Settings, open_resources: Opener) -> FastAPI:
    """Build the application.

    Raises:
        UndeclaredRoute: when a route says nothing about who may use it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_resources() as resources:
            app.state.resources = resources
            yield

    app = FastAPI(
        title="GoSellr",
        description=DESCRIPTION,
        version="0.1.0",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.include_router(health.router)
    install_error_handlers(app)
    require_policies(app)
    with_slash = [
        route.path
        for route in app.routes
        if isinstance(route, APIRoute) and route.path != "/" and route.path.endswith("/")
    ]
    app.add_middleware(OneSpelling, with_slash=with_slash)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["ETag", "X-Request-ID", "Idempotency-Replayed", "Retry-After"],
        )
    if settings.allowed_hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts))
    app.add_middleware(RequestId)
    return app
