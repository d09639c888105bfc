"""A shorter way through the framework for what strangers read most.

A route's parameters, dependencies and policy cost as much as its query. A stranger brings nothing
that they would look at, and its permissions are known; so what is asked in the plainest form is
answered by a function beside the route. Whatever is unusual, or wrong, takes the route.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from gosellr.api.kept_answers import is_stranger
from gosellr.utils.permissions import Permission, may
from gosellr.utils.viewer import Viewer

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
ShortWay = Callable[[Request], Awaitable[Response | None]]

STRANGER = Viewer()
_NAME = "gosellr_short_way"


def short_way(way: ShortWay, *, permission: Permission) -> Callable[[Endpoint], Endpoint]:
    """Give the route of an endpoint a shorter way, which answers None where it can't be taken.

    There is none where strangers haven't the permission.
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        if may(frozenset(), permission):
            setattr(endpoint, _NAME, way)
        return endpoint

    return marked


class ShortRoute(APIRoute):
    """A route that sends strangers the shorter way, where its endpoint has one."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        way: ShortWay | None = getattr(self.endpoint, _NAME, None)
        if way is not None and is_stranger(scope):
            response = await way(Request(scope, receive))
            if response is not None:
                await response(scope, receive, send)
                return
        await super().handle(scope, receive, send)
