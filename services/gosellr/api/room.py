"""The routes of one room, each passed over at once where it isn't asked."""

from collections.abc import Callable
from typing import Any

from starlette.routing import Match
from starlette.types import Scope

from gosellr.core.late_routes import LateRoute, LateRouter

PREFIX = "/api/v1"


class RoomRoute(LateRoute):
    """A route that is passed over by the words that its path begins with.

    The framework holds a path against every route before the one that answers, which costs a
    purchase as much as one of its statements.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **rest: Any) -> None:
        super().__init__(path, endpoint, **rest)
        self._beginning = path.partition("{")[0]

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """What the route says, where it can say anything."""
        if self._beginning not in scope.get("path", ""):
            return Match.NONE, {}
        return super().matches(scope)


class Room(LateRouter):
    """A router of routes that bear their whole paths, so that an application takes them as they
    are: `within` and then the prefix."""

    def __init__(self, *, prefix: str = "", within: str = PREFIX, **rest: Any) -> None:
        super().__init__(prefix=within + prefix, **({"route_class": RoomRoute} | rest))
