"""The routes of one room, passed over at once by what isn't asked in it."""

from typing import Any

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


class Room(APIRouter):
    """A router of routes that all have `within` in their paths, which is its prefix by itself.

    The framework holds a path against every route of every room before the one that answers,
    which costs a purchase as much as one of its statements.
    """

    def __init__(self, *, prefix: str = "", within: str | None = None, **rest: Any) -> None:
        super().__init__(prefix=prefix, **rest)
        self._within = prefix if within is None else within

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """What the routes say, where they can say anything."""
        if self._within not in scope.get("path", ""):
            return Match.NONE, {}
        return super().matches(scope)
