"""Every route declares who may use it; an application with one that doesn't won't start."""

from collections.abc import Callable, Iterator
from functools import cache
from inspect import Parameter, signature
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_typed_signature
from fastapi.params import Body, Depends, Param
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from gosellr.utils.permissions import Permission


class UndeclaredRoute(RuntimeError):
    """A route without a policy: deny by default means not to start at all."""


class Policy:
    """The base of the dependencies that decide: `permission` is None for what is public."""

    permission: Permission | None = None


def policies_of(route: RouteContext | APIRoute) -> Iterator[Policy]:
    """The policies among a route's dependencies, at any depth.

    Read from the declarations themselves, as the framework reads them: its own analysis of a route
    takes a hundred times as long, and waits until the route is asked for.
    """
    for depends in route.dependencies:
        yield from _policies(depends.dependency)
    yield from _policies(route.endpoint)


def asked_policies(dependant: Dependant) -> Iterator[Policy]:
    """The policies that the framework will ask, by its own analysis of a route."""
    call: object = dependant.call
    if isinstance(call, Policy):
        yield call
    for inner in dependant.dependencies:
        yield from asked_policies(inner)


def _policies(call: object) -> Iterator[Policy]:
    if isinstance(call, Policy):
        yield call
    if callable(call):
        for parameter in _parameters(call):
            yield from _policies(_wanted(parameter))


@cache
def _parameters(call: Callable[..., Any]) -> tuple[Parameter, ...]:
    declared = signature(call)
    if any(isinstance(one.annotation, str) for one in declared.parameters.values()):
        declared = get_typed_signature(call)
    return tuple(declared.parameters.values())


def _wanted(parameter: Parameter) -> object:
    """What the framework asks for the parameter, if it asks anything.

    Of all that stands at it the framework heeds the last: a policy under another declaration, as
    where an alias is declared anew, would never be asked.
    """
    annotation, default = parameter.annotation, parameter.default
    notes = [
        note
        for note in getattr(annotation, "__metadata__", ())
        if isinstance(note, (Param, Body, Depends))
    ]
    heeded = notes[-1] if notes else default
    if not isinstance(heeded, Depends):
        return None
    return heeded.dependency or getattr(annotation, "__origin__", annotation)


def api_routes(app: FastAPI) -> list[RouteContext]:
    """Every operation of the application, also of routers inside of routers."""
    return [
        context
        for context in iter_route_contexts(app.routes)
        if isinstance(context.original_route, APIRoute)
    ]


def open_doors(app: FastAPI, *routers: APIRouter) -> None:
    """Serve the routers' routes as they are.

    To include a router is to analyse each of its routes once more, for every application that
    does, which costs more than all else that putting an application together does.
    """
    for router in routers:
        app.router.routes.extend(router.routes)


def require_policies(app: FastAPI) -> None:
    """Refuse an application with an undeclared route.

    Raises:
        UndeclaredRoute: naming every route without a policy, or with more than one.
    """
    wrong = [
        f"{sorted(route.methods or ())} {route.path}"
        for route in api_routes(app)
        if len(list(policies_of(route))) != 1
    ]
    if wrong:
        raise UndeclaredRoute("routes without exactly one policy: " + ", ".join(wrong))
