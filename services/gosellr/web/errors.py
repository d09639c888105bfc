"""Errors as pages for people; programs keep getting problem documents."""

import logging
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import WebSocketRequestValidationError
from starlette.responses import RedirectResponse, Response

from gosellr.core.errors import DomainError, NotAllowed, NotAuthenticated, NotFound
from gosellr.web.pages import market_of, place_of, site_of, viewer_view
from gosellr.web.rendering import client_events
from gosellr.web.session import stranger_of, visit_of
from gosellr.web.storefront.finding import Wanted, pick_products
from gosellr.web.views import ErrorView, LayoutView, LinkView

Handler = Callable[[Request, Any], Awaitable[Response]]

_log = logging.getLogger("gosellr.pages")

_MACHINES = ("/api/", "/.well-known/", "/static/", "/media/", "/openapi.json")
_NEAR_MATCHES = 5
_WORDS = re.compile(r"\w+")
_TEXTS = {
    400: ("That address can't be read", "Something in it isn't as it should be."),
    403: ("This page is not yours", "Sign in as somebody who may see it."),
    404: ("Nothing lives here", "The address has a typing mistake, or what was here is gone."),
    405: ("This address takes forms only", "Go back to the page with the form."),
    413: ("That was too much at once", "No form of ours is as long as that."),
    422: ("That address can't be read", "Something in it isn't as it should be."),
    429: ("A little too fast", "Wait a moment before you try this again."),
    503: ("Back in a moment", "The market is catching its breath. Nothing was changed."),
}
_BROKEN = ("That did not work", "Something broke on our side. We have been told about it.")


def install_error_pages(app: FastAPI) -> None:
    """Let browsers see a page where programs get a problem document."""
    for kind, handler in list(app.exception_handlers.items()):
        if kind is not WebSocketRequestValidationError:
            page = partial(_answer, otherwise=cast("Handler", handler))
            app.add_exception_handler(kind, page)


def wants_page(request: Request) -> bool:
    """Whether a person looks at the answer."""
    if request.scope["path"].startswith(_MACHINES):
        return False
    accepts = request.headers.get("accept", "")
    return "text/html" in accepts or request.headers.get("HX-Request") == "true"


async def _answer(request: Request, error: Exception, *, otherwise: Handler) -> Response:
    if not wants_page(request):
        return await otherwise(request, error)
    if isinstance(error, NotAuthenticated):
        return _to_sign_in(request)
    status = await _status_of(request, error, otherwise)
    layout = await _layout(request, known=status < 500)
    if request.headers.get("HX-Request") == "true" and status < 500 and status != 404:
        # A part of a page can't become an error page: the sentence is enough.
        detail = error.detail if isinstance(error, DomainError) else _texts(status)[0]
        headers = {**client_events(toast=str(detail)), "HX-Reswap": "none"}
        return Response(status_code=status, headers=headers)
    title, message = _texts(status)
    if isinstance(error, DomainError) and not isinstance(error, NotAllowed | NotFound):
        title, message = error.title, error.detail
    view = ErrorView(
        status,
        title,
        message,
        # Only what broke on our side is worth writing to us about.
        request_id=getattr(request.state, "request_id", "") if status >= 500 else "",
        suggestions=await _near_matches(request) if status == 404 else (),
    )
    return site_of(request).renderer.respond(
        request,
        "store/error.html",
        layout=layout,
        status=status,
        personal=True,
        headers=error.headers if isinstance(error, DomainError) else None,
        error=view,
    )


async def _status_of(request: Request, error: Exception, otherwise: Handler) -> int:
    """The status that programs get, which also logs what has to be logged."""
    if isinstance(error, DomainError):
        return error.status
    return (await otherwise(request, error)).status_code


def _texts(status: int) -> tuple[str, str]:
    return _TEXTS.get(status, _BROKEN)


def _to_sign_in(request: Request) -> Response:
    """Signing in comes first, and then the page that was asked for."""
    path = place_of(request) if request.method == "GET" else "/"
    target = f"/sign-in?next={quote(path, safe='')}"
    if request.headers.get("HX-Request") == "true":
        return Response(status_code=200, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})


async def _layout(request: Request, *, known: bool) -> LayoutView:
    """What surrounds an error: the visitor where that can be told, never another error."""
    market, site = market_of(request), site_of(request)
    visit = getattr(request.state, "visit", None)
    if visit is None:
        visit = stranger_of(request, market)
        if known:
            try:
                visit = await visit_of(request, market)
            except Exception as trouble:  # noqa: BLE001 - the page matters more than the name
                _log.warning("visitor unknown on an error page: %s", type(trouble).__name__)
    return LayoutView(
        csrf_token=visit.csrf_token,
        path=place_of(request),
        theme=visit.theme,
        viewer=viewer_view(visit.viewer),
        categories=site.known_categories,
        demo=site.demo,
    )


async def _near_matches(request: Request) -> tuple[LinkView, ...]:
    """What a wrong product address may have meant: products that share a word with it."""
    path = request.url.path
    words = _WORDS.findall(path.removeprefix("/p/")) if path.startswith("/p/") else []
    if not words:
        return ()
    wanted = Wanted(query=" or ".join(words[:8]))
    try:
        found = await pick_products(market_of(request), wanted, limit=_NEAR_MATCHES)
    except Exception as trouble:  # noqa: BLE001 - suggestions are a courtesy
        _log.warning("no near matches: %s", type(trouble).__name__)
        return ()
    return tuple(LinkView(one.title, one.href) for one in found)
