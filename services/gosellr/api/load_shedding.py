"""Past saturation some are sent away at once, so that those who are let in are served fast.

What everybody waits for is a connection to the database, or to be written with others. Where
whoever comes now would stand in such queues for too long, at the pace at which they move, or
whoever stands first in one has done so, one more would only make all of them later. Where too many
stand in them nobody needs to know the pace: a crowd may come in one moment, before anybody has been
served. It is asked at the door: a purchase that has begun is never sent away in the middle.
Those who look around give way before those who change something, most of all who buy.

Programs that change something are asked for by the `Doorkeeper` first, before anything is made of
their request: when there are many times too many, saying no must cost less than what is done.
"""

from collections.abc import Awaitable
from functools import cached_property
from os import urandom

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gosellr.api.errors import problem
from gosellr.api.middleware import API_HEADERS
from gosellr.api.room import PREFIX
from gosellr.core.errors import DomainError, ServiceUnavailable
from gosellr.core.front_door import RawHeaders, Refusal
from gosellr.resources import Resources

_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
# How long anybody may wait and how many may, for those who look and for the others.
# What is looked at takes a tenth of what an order does.
LOOKERS = (0.15, 100)
BUYERS = (0.3, 40)
# Where it stays so, another process takes some, before anybody is sent away by this one.
WAITING = (0.1, 20)
# What is served from memory or disk waits for nobody; and whoever asks whether the process is well
# would take it out of service when it is needed most.
_ALWAYS = ("/healthz", "/readyz", "/static/", "/media/")
_CHANGING = frozenset({b"POST", b"PUT", b"PATCH", b"DELETE"})
_API = f"{PREFIX}/".encode()
_TOLD_MORE = frozenset({b"x-request-id", b"origin"})
_SOME_ID = b"0" * 32


class LoadShedding:
    """Answers 503 with `Retry-After` while the queue for the database is too long."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass the request on, or send its caller away."""
        if scope["type"] == "http":
            resources: Resources = scope["app"].state.resources
            seconds, places = LOOKERS if scope["method"] in _LOOKING else BUYERS
            if resources.db.is_crowded(seconds=seconds, places=places) and not scope[
                "path"
            ].startswith(_ALWAYS):
                return _send_away(scope, receive, send)
        return self._app(scope, receive, send)


async def _send_away(scope: Scope, receive: Receive, send: Send) -> None:
    render = scope["app"].exception_handlers[DomainError]
    response = await render(Request(scope), _crowded())
    await response(scope, receive, send)


class Doorkeeper:
    """Sends programs away that would change something: with the application's own answer, spelled
    out once. Who has named a request or comes from another site's page is told more, in there."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources

    def refusal(self, method: bytes, url: bytes, headers: RawHeaders) -> Refusal | None:
        """See `core.front_door`."""
        seconds, places = BUYERS
        if (
            method not in _CHANGING
            or not self._resources.db.is_crowded(seconds=seconds, places=places)
            or not url.startswith(_API)
            or any(name in _TOLD_MORE for name, _ in headers)
        ):
            return None
        request_id = urandom(16).hex().encode()
        head, body = self._answer
        return Refusal(head.replace(_SOME_ID, request_id), body.replace(_SOME_ID, request_id))

    def is_waited_inside(self) -> bool:
        """See `core.front_door`. A database may be slow, or far away, while the processor rests."""
        seconds, places = WAITING
        return self._resources.db.is_crowded(seconds=seconds, places=places)

    @cached_property
    def _answer(self) -> Refusal:
        error = _crowded()
        response = problem(
            status=error.status,
            code=error.code,
            title=error.title,
            detail=error.detail,
            request_id=_SOME_ID.decode(),
            headers=error.headers,
        )
        headers = [*response.raw_headers, (b"x-request-id", _SOME_ID), *API_HEADERS]
        lines = b"".join(b"%b: %b\r\n" % header for header in headers)
        return Refusal(b"HTTP/1.1 503 Service Unavailable\r\n" + lines, bytes(response.body))


def _crowded() -> ServiceUnavailable:
    return ServiceUnavailable("More people ask than can be answered at this moment")
