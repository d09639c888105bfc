"""Routes that the framework analyses when they are first asked for.

To find out what an endpoint takes and answers costs more than most of its answers, and there are
hundreds: a quarter of the time in which a process gets ready. What a route is found by, and who may
use it, is read when it is declared.
"""

from collections.abc import Awaitable, Callable
from functools import cached_property
from typing import Any

from fastapi import APIRouter
from fastapi.middleware.asyncexitstack import AsyncExitStackMiddleware
from fastapi.routing import APIRoute
from starlette.convertors import CONVERTOR_TYPES
from starlette.routing import PARAM_REGEX, compile_path, get_name
from starlette.types import ASGIApp, Receive, Scope, Send

from gosellr.core.route_policy import UndeclaredRoute, asked_policies, policies_of


class LateRoute(APIRoute):
    """A route of the framework; what isn't read at once is there when it is looked at."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: set[str] | list[str] | None = None,
        name: str | None = None,
        **rest: Any,
    ) -> None:
        self.path = path
        self.endpoint = endpoint
        self.methods = {method.upper() for method in methods or ["GET"]}
        self.name = get_name(endpoint) if name is None else name
        self.dependencies = list(rest.get("dependencies") or [])
        self.include_in_schema = rest.get("include_in_schema", True)
        # As the framework reads a path, without the expression that few routes are held against.
        self.path_format = PARAM_REGEX.sub(r"{\1}", path)
        self.param_convertors = {
            named: CONVERTOR_TYPES[kind.lstrip(":") or "str"]
            for named, kind in PARAM_REGEX.findall(path)
        }
        self._declared: dict[str, Any] | None = {"methods": methods, "name": name, **rest}

    def __getattr__(self, name: str) -> Any:
        """What has not been looked at yet.

        Raises:
            UndeclaredRoute: when the framework would ask other policies than were read at the
                start: nobody is answered then.
        """
        if name == "path_regex":
            self.path_regex = compile_path(self.path)[0]
            return self.path_regex
        declared = self.__dict__.get("_declared")
        if declared is None:
            raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
        self._declared = None
        super().__init__(self.path, self.endpoint, **declared)
        if list(asked_policies(self.dependant)) != list(policies_of(self)):
            del self.app
            self._declared = declared
            raise UndeclaredRoute(f"{self.path} isn't asked for as it was declared")
        return getattr(self, name)

    @cached_property
    def whole(self) -> ASGIApp:
        """What answers, with what closes the files of forms around it, as around all routes."""
        return AsyncExitStackMiddleware(self.app)

    def answer(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer a request of this path and method."""
        return self.whole(scope, receive, send)


class LateRouter(APIRouter):
    """A router of such routes."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**({"route_class": LateRoute} | rest))
