"""A shorter way through the framework for what strangers read and search most.

A route's parameters, dependencies and policy cost as much as its query. A stranger brings nothing
that they would look at, and its permissions are known; so what is asked in the plainest form is
answered by a function beside the route. Whatever is unusual, or wrong, takes the route.
"""

import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from gosellr.api.kept_answers import is_stranger
from gosellr.api.room import RoomRoute
from gosellr.utils.permissions import Permission, may
from gosellr.utils.viewer import Viewer

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
ShortWay = Callable[[Request], Awaitable[Response | None]]

STRANGER = Viewer()
WAY = "gosellr_short_way"
_WHO = "gosellr_short_way_for"
# What anybody asks in plain words is shorter.
_BODY_BYTES_MAX = 16_384


def short_way(way: ShortWay, *, permission: Permission | None) -> Callable[[Endpoint], Endpoint]:
    """Give the route of an endpoint a shorter way, which answers None where it can't be taken.

    There is none where strangers haven't the permission, if one is needed.
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        if permission is None or may(frozenset(), permission):
            take_way(endpoint, way, who=is_stranger)
        return endpoint

    return marked


def take_way(endpoint: Endpoint, way: ShortWay, *, who: Callable[[Scope], bool]) -> Endpoint:
    """Let those for whom `who` holds take this way to the endpoint."""
    setattr(endpoint, WAY, way)
    setattr(endpoint, _WHO, who)
    return endpoint


async def plain_json(request: Request) -> Any:
    """What a short body says in JSON, read as the framework reads it.

    Raises:
        ValueError: for any other body, perhaps before it was read.
    """
    headers = request.scope["headers"]
    kinds = [value for name, value in headers if name == b"content-type"]
    lengths = [value for name, value in headers if name == b"content-length"]
    if kinds != [b"application/json"] or len(lengths) != 1 or len(lengths[0]) > 5:
        raise ValueError("not plainly JSON")
    if not lengths[0].isdigit() or int(lengths[0]) > _BODY_BYTES_MAX:
        raise ValueError("not plainly short")
    parts: list[bytes] = []
    more = True
    while more:
        message = await request.receive()
        if message["type"] != "http.request":
            raise ValueError("gone before all was said")
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    try:
        return json.loads(b"".join(parts))
    except RecursionError as error:
        raise ValueError("too deep") from error


class _PlainRequest(Request):
    """A request whose body is mostly there at once, and read without a stream."""

    async def body(self) -> bytes:
        """The whole body."""
        if not hasattr(self, "_body"):
            parts: list[bytes] = []
            more = True
            while more:
                message = await self.receive()
                if message["type"] == "http.disconnect":
                    raise ClientDisconnect
                if message["type"] == "http.request":
                    parts.append(message.get("body", b""))
                    more = message.get("more_body", False)
            # Where the framework looks for it, whoever asks after this.
            self._body = b"".join(parts)
        return self._body


class _Receiver:
    """Remembers what was received, for whoever has to read it again."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._seen: list[Message] = []

    async def first(self) -> Message:
        """The next message."""
        message = await self._receive()
        self._seen.append(message)
        return message

    async def again(self) -> Message:
        """The messages that were seen from the first one on, then those that follow."""
        return self._seen.pop(0) if self._seen else await self._receive()


class ShortRoute(RoomRoute):
    """A route that sends whom it is for the shorter way, where its endpoint has one."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        if scope["method"] not in (self.methods or ()):
            # A path that is known under another method comes here to be refused.
            await super().handle(scope, receive, send)
            return
        way: ShortWay | None = getattr(self.endpoint, WAY, None)
        if way is not None and getattr(self.endpoint, _WHO)(scope):
            receiver = _Receiver(receive)
            response = await way(_PlainRequest(scope, receiver.first))
            if response is not None:
                await response(scope, receive, send)
                return
            receive = receiver.again
        await self.whole(scope, receive, send)
