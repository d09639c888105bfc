"""Every route says who may use it and has a name of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Annotated, Any, TypeAlias

import pytest
from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import compile_path

from gosellr.api.deps import Allow, allow
from gosellr.config import Settings
from gosellr.core import late_routes
from gosellr.core.late_routes import LateRoute
from gosellr.core.route_policy import (
    UndeclaredRoute,
    api_routes,
    asked_policies,
    policies_of,
    require_policies,
)
from gosellr.main import build
from gosellr.utils.permissions import Permission
from tests.house.source import PACKAGE

VERB_NOUN = re.compile(r"^[a-z]+(_[a-z0-9]+)+$")
# What the framework serves by itself: documentation for everybody.
OPEN_TO_ALL = {"/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc", "/static", "/media"}


@asynccontextmanager
async def _nothing() -> Any:
    yield None


@pytest.fixture
def app(settings: Settings) -> FastAPI:
    """The whole application, with nothing opened."""
    return build(settings, open_resources=_nothing)


def test_each_route_has_one_policy(app: FastAPI) -> None:
    counts = {
        (route.path, *sorted(route.methods or ())): len(list(policies_of(route)))
        for route in api_routes(app)
    }
    assert len(counts) >= 2
    assert set(counts.values()) == {1}


def test_policies_are_read_as_the_framework_reads_them(app: FastAPI) -> None:
    for route in api_routes(app):
        assert list(policies_of(route)) == list(asked_policies(route.dependant)), route.path


_ALLOW = Allow(None)


async def _nobody() -> None: ...


class _Asked:
    def __init__(self, viewer: Annotated[Any, Depends(_ALLOW)]) -> None:
        self.viewer = viewer

    async def seen(self, viewer: Annotated[Any, Depends(_ALLOW)]) -> None: ...


Guarded: TypeAlias = Annotated[Any, Depends(_ALLOW)]


async def _in_a_default(viewer: Any = Depends(_ALLOW)) -> None: ...  # noqa: B008
async def _as_words(viewer: "Annotated[Any, Depends(_ALLOW)]") -> None: ...
async def _as_a_name(viewer: "Guarded") -> None: ...
async def _by_its_class(asked: Annotated[_Asked, Depends()]) -> None: ...
async def _by_its_class_alone(asked: _Asked = Depends()) -> None: ...  # noqa: B008
async def _by_a_class(asked: Annotated[Any, Depends(_Asked)]) -> None: ...
async def _by_a_method(seen: Annotated[None, Depends(_Asked(None).seen)]) -> None: ...
async def _by_a_partial(seen: Annotated[None, Depends(partial(_in_a_default))]) -> None: ...
async def _given(seen: Annotated[None, Depends(partial(_in_a_default, viewer=1))]) -> None: ...
async def _overridden(viewer: Annotated[Guarded, Depends(_nobody)]) -> None: ...
async def _unheard(viewer: Annotated[Guarded, Query()] = None) -> None: ...
async def _heard(viewer: Annotated[Any, Query(), Depends(_ALLOW)]) -> None: ...


@wraps(_in_a_default)
async def _wrapped(*_args: Any, **_rest: Any) -> None: ...


@pytest.mark.parametrize(
    ("endpoint", "number"),
    [
        (_in_a_default, 1),
        (_as_words, 1),
        (_as_a_name, 1),
        (_by_its_class, 1),
        (_by_its_class_alone, 1),
        (_by_a_class, 1),
        (_by_a_method, 1),
        (_by_a_partial, 1),
        (_given, 0),
        (_overridden, 0),
        (_unheard, 0),
        (_heard, 1),
        (_wrapped, 1),
    ],
)
def test_a_policy_counts_where_the_framework_asks_it(
    endpoint: Callable[..., Any], number: int
) -> None:
    """Of what stands at a parameter it heeds the last: a policy before that decides nothing."""
    route = APIRoute("/", endpoint)
    assert list(asked_policies(route.dependant)) == [_ALLOW] * number
    assert list(policies_of(route)) == [_ALLOW] * number


def test_paths_are_read_as_the_framework_reads_them(app: FastAPI) -> None:
    read = {route.path: (route.path_format, route.param_convertors) for route in api_routes(app)}
    assert len(read) > 300
    assert read == {path: compile_path(path)[1:] for path in read}


def test_no_route_is_analysed_before_it_is_asked_for() -> None:
    """There are hundreds; to analyse them took a quarter of the time to get ready."""
    script = """
import gosellr.main
from gosellr.core.late_routes import LateRoute
routes = gosellr.main.application().routes
late = [route for route in routes if isinstance(route, LateRoute)]
print(len(late), sum("dependant" in vars(route) for route in late), len(routes) - len(late))
"""
    said = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        check=True,
        text=True,
    )
    late, analysed, others = map(int, said.stdout.split())
    assert late > 400
    assert analysed == 0
    assert others <= len(OPEN_TO_ALL)


async def test_route_whose_policies_were_read_wrongly_answers_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def get_shown() -> None: ...

    route = LateRoute("/shown", get_shown)
    monkeypatch.setattr(late_routes, "policies_of", lambda _: [Allow(None)])
    for _ in range(2):
        with pytest.raises(UndeclaredRoute, match="/shown"):
            await route.answer({}, _never, _never)


async def _never(*_: object) -> Any:
    raise AssertionError("nothing is read or sent")


def test_no_route_beside_the_policies(app: FastAPI) -> None:
    """A plain route or a mounted application would pass by every policy."""
    beside = {
        context.path
        for context in iter_route_contexts(app.routes)
        if not isinstance(context.original_route, APIRoute)
    }
    assert beside <= OPEN_TO_ALL


def test_routes_are_analysed_once_for_all_applications(settings: Settings, app: FastAPI) -> None:
    """An analysis of a route takes longer than most of its answers, and there are hundreds."""
    another = build(settings, open_resources=_nothing)
    shared = {id(context.original_route) for context in iter_route_contexts(app.routes)}
    assert [route.path for route in another.routes if isinstance(route, APIRoute)] == [
        route.path for route in api_routes(app)
    ]
    assert {id(route) for route in another.routes if isinstance(route, APIRoute)} <= shared


def test_errors_are_described_without_a_model_each(app: FastAPI) -> None:
    analysed = {
        status for route in api_routes(app) for status in route.response_fields if status >= 400
    }
    assert analysed == set()


def test_operations_are_named_verb_noun_and_once(app: FastAPI) -> None:
    names = [
        operation["operationId"]
        for path in app.openapi()["paths"].values()
        for operation in path.values()
    ]
    assert [name for name in names if not VERB_NOUN.match(name)] == []
    assert len(names) == len(set(names))


def _app() -> FastAPI:
    return FastAPI(openapi_url=None)


async def test_application_with_an_undeclared_route_does_not_start() -> None:
    app = _app()

    @app.get("/open")
    async def get_open() -> None: ...

    with pytest.raises(UndeclaredRoute, match="/open"):
        require_policies(app)


async def test_application_with_two_policies_on_a_route_does_not_start() -> None:
    app = _app()

    @app.get("/both")
    async def get_both(
        _one: Annotated[Any, allow(Permission.PRODUCT_READ)],
        _two: Annotated[Any, Depends(Allow(None))],
    ) -> None: ...

    with pytest.raises(UndeclaredRoute, match="/both"):
        require_policies(app)


async def test_application_with_an_undeclared_route_of_a_router_does_not_start() -> None:
    app, outer, inner = _app(), APIRouter(prefix="/outer"), APIRouter(prefix="/inner")

    @inner.get("/open")
    async def get_open() -> None: ...

    outer.include_router(inner)
    app.include_router(outer)
    with pytest.raises(UndeclaredRoute, match="/outer/inner/open"):
        require_policies(app)


async def test_application_with_one_policy_each_starts() -> None:
    app = _app()

    @app.get("/one")
    async def get_one(_viewer: Annotated[Any, allow(Permission.PRODUCT_READ)]) -> None: ...

    require_policies(app)


def _calls_of(dependant: Dependant) -> Iterator[Callable[..., object]]:
    """A route's own function and those it depends on, at any depth."""
    if dependant.call is not None:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls_of(inner)


def test_no_request_is_sent_through_a_thread(app: FastAPI) -> None:
    """What isn't awaited runs in a thread, which costs more than the query it is there for."""
    threaded = {
        f"{call.__module__}.{call.__qualname__}"
        for route in api_routes(app)
        for call in _calls_of(route.dependant)
        if not iscoroutinefunction(call) and not iscoroutinefunction(type(call).__call__)
    }
    assert threaded == set()
