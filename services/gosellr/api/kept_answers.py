"""Public answers given again as they are, before anything else of the application is woken.

Only what every stranger is answered alike: a request that says in any way who asks passes on.
A route that may be answered so says what its answer depends on, before it asks the database.
"""

from collections.abc import Awaitable

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from gosellr.core.byte_cache import ByteCache, Headers, KeptAnswer, Key, Marks
from gosellr.resources import Resources
from gosellr.utils.lazy_dataclasses import dataclass

_TELLING = frozenset({b"authorization", b"cookie", b"x-cart-token", b"x-order-token"})
# What is sorted by what was bought lately is as old as this at most.
SALES_SECONDS = 5.0
_PLACE = "gosellr.kept_at"
# Nobody's next request is as long as this again.
_KEY_LENGTH_MAX = 1_000


class KeptAnswers:
    """Answers what is kept, and notes for the routes where the rest would be kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer, or pass the request on."""
        if scope["type"] != "http" or scope["method"] != "GET":
            return self._app(scope, receive, send)
        asked = None
        for name, value in scope["headers"]:
            if name in _TELLING:
                return self._app(scope, receive, send)
            if name == b"if-none-match" and asked is None:
                asked = value
        key = (scope["path"], scope["query_string"])
        resources: Resources = scope["app"].state.resources
        kept = resources.kept.find(key)
        if kept is None:
            scope[_PLACE] = key
            return self._app(scope, receive, send)
        return _give(kept, asked, send)


async def _give(kept: KeptAnswer, asked: bytes | None, send: Send) -> None:
    if asked is not None and is_known(asked, kept.tag):
        await send(
            {"type": "http.response.start", "status": 304, "headers": kept.headers_unchanged}
        )
        await send({"type": "http.response.body"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": kept.headers})
        await send({"type": "http.response.body", "body": kept.body})


def is_stranger(scope: Scope) -> bool:
    """Whether nothing is said of who asks."""
    if _PLACE in scope:
        return True
    for name, _ in scope["headers"]:  # noqa: SIM110 - an expression costs a call for each
        if name in _TELLING:
            return False
    return True


def is_known(asked: bytes, tag: bytes) -> bool:
    """Whether an `If-None-Match` names this tag, or any."""
    return asked in (tag, b"*") or tag in {
        one.strip().removeprefix(b"W/") for one in asked.split(b",")
    }


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the answer to a request that is being worked on."""

    cache: ByteCache
    key: Key
    marks: Marks
    seconds: float | None

    def keep(self, *, body: bytes, tag: bytes, headers: Headers, unchanged: Headers) -> None:
        """Let the next who asks have this answer."""
        answer = KeptAnswer(body, tag, headers, unchanged)
        self.cache.keep(self.key, answer, marks=self.marks, seconds=self.seconds)


def keeper_of(request: Request, *names: str, seconds: float | None = None) -> Keeper | None:
    """What may keep the answer, if anything does; called before the database is asked.

    The answer is made of what these names stand for, and true for so many seconds at most.
    """
    key: Key | None = request.scope.get(_PLACE)
    if key is None or len(key[0]) + len(key[1]) > _KEY_LENGTH_MAX:
        return None
    cache: ByteCache = request.app.state.resources.kept
    marks = cache.begin(names)
    return None if marks is None else Keeper(cache, key, marks, seconds)
