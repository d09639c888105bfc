"""The application: every door, and what surrounds them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.util import find_spec
from typing import Protocol

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from gosellr.api import (
    accounts,
    adjustments,
    bank_files,
    bank_transfers,
    card_releases,
    carts,
    cash,
    categories,
    commission,
    disputes,
    documents,
    events,
    gift_cards,
    gift_deliveries,
    gift_sales,
    health,
    imports,
    jobs,
    ledger,
    letterheads,
    letters,
    marketplace,
    media,
    order_steps,
    orders,
    payment_returns,
    payout_accounts,
    payout_changes,
    payout_settings,
    payouts,
    products,
    promotions,
    proposals,
    provider_refunds,
    receivables,
    reconciliation,
    reductions,
    refunds,
    reserves,
    reviews,
    sellers,
    shipments,
    shipping,
    stock,
    store_credit,
    tax_identities,
    tax_returns,
    taxes,
    value_moves,
    webhooks,
)
from gosellr.api.errors import install_error_handlers
from gosellr.api.framework import Application
from gosellr.api.kept_answers import KeptAnswers
from gosellr.api.load_shedding import Doorkeeper, LoadShedding
from gosellr.api.middleware import BodyLimit, OneSpelling, RequestId
from gosellr.api.openapi import describe_problems
from gosellr.api.room import PREFIX
from gosellr.core.front_door import DOORKEEPER
from gosellr.core.route_policy import api_routes, open_doors, require_policies
from gosellr.resources import Resources

DESCRIPTION = "Many sellers, one storefront, one payment, books that are right to the cent."

# Every door of the API. Where two routes might take a path, the first of them answers.
ROOMS = (
    products,
    marketplace,
    carts,
    orders,
    categories,
    order_steps,
    accounts,
    sellers,
    media,
    imports,
    stock,
    shipping,
    taxes,
    promotions,
    commission,
    shipments,
    reductions,
    refunds,
    payouts,
    payout_settings,
    payout_changes,
    reserves,
    receivables,
    adjustments,
    proposals,
    bank_files,
    payout_accounts,
    tax_identities,
    letterheads,
    tax_returns,
    reconciliation,
    provider_refunds,
    payment_returns,
    bank_transfers,
    cash,
    gift_sales,
    gift_deliveries,
    card_releases,
    gift_cards,
    value_moves,
    store_credit,
    disputes,
    reviews,
    webhooks,
    ledger,
    documents,
    events,
    jobs,
    letters,
)

# The longest body is a product with all its variants, the longest upload a file to import.
BODY_BYTES_MAX = 4 * 1024 * 1024
UPLOAD_BYTES_MAX = 65 * 1024 * 1024
# Whether OpenTelemetry is there to be told of requests. Where it isn't, each request would ask
# again whether somebody has set it up meanwhile, which takes a twentieth of a kept answer's time.
_IS_TRACED = find_spec("opentelemetry.sdk") is not None

Opener = Callable[[], AbstractAsyncContextManager[Resources]]


class DoorSettings(Protocol):
    """What the doors need to know before the process has opened anything."""

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The host names that are answered; empty for all."""

    @property
    def cors_origins(self) -> tuple[str, ...]:
        """The sites whose pages may call; empty for none."""


def create_app(*, settings: DoorSettings, open_resources: Opener) -> FastAPI:
    """Build the application.

    Raises:
        UndeclaredRoute: when a route says nothing about who may use it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Doorkeeper]]:
        async with open_resources() as resources, resources.watching():
            app.state.resources = resources
            yield {DOORKEEPER: Doorkeeper(resources)}

    app = Application(
        is_traced=_IS_TRACED,
        title="GoSellr",
        description=DESCRIPTION,
        version="0.1.0",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    open_doors(app, health.router, accounts.well_known, media.files)
    open_doors(app, *(room.router for room in ROOMS))
    install_error_handlers(app)
    require_policies(app)
    describe_problems(app)
    with_slash = [
        route.path
        for route in api_routes(app)
        if route.path is not None and route.path != "/" and route.path.endswith("/")
    ]
    app.add_middleware(
        BodyLimit,
        bytes_max=BODY_BYTES_MAX,
        upload_bytes_max=UPLOAD_BYTES_MAX,
        upload_paths=[f"{PREFIX}/media", f"{PREFIX}/imports"],
        upload_endings=("/evidence", "/problems"),
    )
    app.add_middleware(LoadShedding)
    app.add_middleware(KeptAnswers)
    app.add_middleware(OneSpelling, with_slash=with_slash)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=[
                "ETag",
                "X-Request-ID",
                "Idempotency-Replayed",
                "Retry-After",
                "RateLimit",
                "RateLimit-Policy",
            ],
        )
    if settings.allowed_hosts:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(settings.allowed_hosts))
    app.add_middleware(RequestId)
    return app
