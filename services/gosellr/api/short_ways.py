"""A shorter way through the framework for what strangers read most.

A route's parameters, dependencies and policy cost as much as its query. A stranger brings nothing
that they would look at, and its permissions are known; so what is asked in the plainest form is
answered by a function beside the route. Whatever is unusual, or wrong, takes the route.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message, Receive, Scope, Send

from gosellr.api.kept_answers import is_stranger
from gosellr.utils.permissions import Permission, may
from gosellr.utils.viewer import Viewer

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
ShortWay = Callable[[Request], Awaitable[Response | None]]

STRANGER = Viewer()
WAY = "gosellr_short_way"
_WHO = "gosellr_short_way_for"


def short_way(way: ShortWay, *, permission: Permission) -> Callable[[Endpoint], Endpoint]:
    """Give the route of an endpoint a shorter way, which answers None where it can't be taken.

    There is none where strangers haven't the permission.
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        if may(frozenset(), permission):
            take_way(endpoint, way, who=is_stranger)
        return endpoint

    return marked


def take_way(endpoint: Endpoint, way: ShortWay, *, who: Callable[[Scope], bool]) -> Endpoint:
    """Let those for whom `who` holds take this way to the endpoint."""
    setattr(endpoint, WAY, way)
    setattr(endpoint, _WHO, who)
    return endpoint


class ShortRoute(APIRoute):
    """A route that sends whom it is for the shorter way, where its endpoint has one."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        way: ShortWay | None = getattr(self.endpoint, WAY, None)
        # A path that is known under another method comes here to be refused.
        if scope["method"] not in (self.methods or ()):
            way = None
        if way is not None and getattr(self.endpoint, _WHO)(scope):
            request = Request(scope, receive)
            response = await way(request)
            if response is not None:
                await response(scope, receive, send)
                return
            receive = _once_more(request, receive)
        await super().handle(scope, receive, send)


def _once_more(request: Request, receive: Receive) -> Receive:
    """What brings the body that was read already, and then goes on."""
    body: bytes | None = getattr(request, "_body", None)
    if body is None:
        return receive
    is_brought = False

    async def receive_again() -> Message:
        nonlocal is_brought
        if is_brought:
            return await receive()
        is_brought = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again
