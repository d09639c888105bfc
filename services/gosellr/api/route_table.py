"""The route of a request found by the words of its path, where the framework tries them in turn.

Whatever isn't plainly one route's (an unknown path, a method that isn't taken there, a folder of
files) is left to the framework's router, which answers it as if there were no table.
"""

from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import field
from typing import Any, TypeAlias

from fastapi import APIRouter
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from starlette.convertors import StringConvertor
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gosellr.api.short_ways import ShortRoute
from gosellr.core.late_routes import LateRoute
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class End:
    """A route at the end of its path: what answers, and at which places its parameters stand."""

    route: APIRoute
    answer: ASGIApp
    places: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class _Template:
    """A route and the words of its path; None for those that are anybody's to choose."""

    words: tuple[str | None, ...]
    end: End

    def fits(self, place: int, word: str) -> bool:
        """Whether a path that has this word there may be this route's."""
        known = self.words[place]
        return known == word or (known is None and word != "")


@dataclass(slots=True)
class _Branch:
    """How paths go on: by a word that some route knows, or by any other; and what ends here."""

    words: "dict[str, _Branch]" = field(default_factory=dict)
    other: "_Branch | None" = None
    ends: dict[str, End] = field(default_factory=dict)


Found: TypeAlias = tuple[APIRoute, ASGIApp, dict[str, Any]]


class RouteTable:
    """Answers by the route that the framework's router would choose."""

    def __init__(self, router: APIRouter) -> None:
        self._router = router
        # Closes the files of forms, as the framework has it around all routes.
        self._otherwise = AsyncExitStackMiddleware(router)
        self._root = _grown(list(_templates(router.routes)), 0)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer by the route, or let the framework find out what there is to say."""
        found = self.find(scope)
        if found is None:
            return self._otherwise(scope, receive, send)
        route, answer, values = found
        scope.setdefault("router", self._router)
        scope["route"] = route
        scope["endpoint"] = route.endpoint
        scope["path_params"] = values
        return answer(scope, receive, send)

    def find(self, scope: Scope) -> Found | None:
        """The first route that takes this path and method, what answers by it, and the values of
        its parameters; None where only the framework can tell."""
        path = scope["path"] if scope["type"] == "http" else "\n"
        # An expression for a whole line passes over the end of the line.
        if path[-1:] == "\n" or scope.get("root_path") or "path_params" in scope:
            return None
        branch, words = self._root, path.split("/")
        for word in words:
            further = branch.words.get(word)
            if further is None:
                further = branch.other if word else None
                if further is None:
                    return None
            branch = further
        end = branch.ends.get(scope["method"])
        if end is None:
            return None
        return end.route, end.answer, {name: words[place] for name, place in end.places}


def _templates(routes: Sequence[BaseRoute]) -> Iterator[_Template]:
    """The routes whose paths are words; without those that one before them might be taken for."""
    wide: list[_Reach] = []
    for route in routes:
        reach = _reach_of(route)
        words = _words_of(route) if isinstance(route, APIRoute) and route.methods else None
        if words is None or not isinstance(route, APIRoute):
            wide.append(reach)
        elif not any(reach.meets(one) for one in wide):
            places = tuple(
                (word[1:-1], place)
                for place, word in enumerate(route.path_format.split("/"))
                if words[place] is None
            )
            yield _Template(words, End(route, _answer_of(route), places))


@dataclass(frozen=True, slots=True)
class _Reach:
    """What the paths of a route begin with; where it isn't open, its only path."""

    beginning: str
    is_open: bool

    def meets(self, other: "_Reach") -> bool:
        """Whether there may be a path of both."""
        mine, its = self.beginning, other.beginning
        return (
            mine == its
            or (other.is_open and mine.startswith(its))
            or (self.is_open and its.startswith(mine))
        )


def _reach_of(route: BaseRoute) -> _Reach:
    if isinstance(route, Route):
        return _Reach(route.path.partition("{")[0], bool(route.param_convertors))
    return _Reach(str(getattr(route, "path", "")).partition("{")[0], is_open=True)


def _words_of(route: APIRoute) -> tuple[str | None, ...] | None:
    words: list[str | None] = []
    for word in route.path_format.split("/"):
        if "{" not in word:
            words.append(word)
        elif type(route.param_convertors.get(word[1:-1])) is StringConvertor:
            words.append(None)
        else:
            return None
    return tuple(words)


def _answer_of(route: APIRoute) -> ASGIApp:
    if isinstance(route, ShortRoute):
        return route.handle
    if isinstance(route, LateRoute):
        return route.answer
    return AsyncExitStackMiddleware(route.app)


def _grown(templates: Sequence[_Template], place: int) -> _Branch:
    branch = _Branch()
    further = [one for one in templates if len(one.words) > place]
    for one in templates:
        if len(one.words) == place:
            for method in one.end.route.methods or ():
                # The first that was declared answers.
                branch.ends.setdefault(method, one.end)
    for word in {one.words[place] for one in further} - {None}:
        if word is not None:
            fitting = [one for one in further if one.fits(place, word)]
            branch.words[word] = _grown(fitting, place + 1)
    others = [one for one in further if one.words[place] is None]
    if others:
        branch.other = _grown(others, place + 1)
    return branch
