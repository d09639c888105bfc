"""Past saturation some are sent away at once, so that those who are let in are served fast.

What everybody waits for is a connection to the database, or to be written with others. Where
whoever comes now would stand in such queues for too long, at the pace at which they move, or
whoever stands first in one has done so, one more would only make all of them later. Where too many
stand in them nobody needs to know the pace: a crowd may come in one moment, before anybody has been
served. It is asked at the door, once: a purchase that has begun is never sent away in the middle.
Those who look around give way before those who change something, most of all who buy.
"""

from collections.abc import Awaitable

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gosellr.core.errors import DomainError, ServiceUnavailable
from gosellr.resources import Resources

_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
# How long anybody may wait and how many may, for those who look and for the others.
# What is looked at takes a tenth of what an order does.
LOOKERS = (0.15, 100)
BUYERS = (0.3, 40)
# What is served from memory or disk waits for nobody; and whoever asks whether the process is well
# would take it out of service when it is needed most.
_ALWAYS = ("/healthz", "/readyz", "/static/", "/media/")


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
    error = ServiceUnavailable("More people ask than can be answered at this moment")
    render = scope["app"].exception_handlers[DomainError]
    response = await render(Request(scope), error)
    await response(scope, receive, send)
