"""Every route declares who may use it; an application with one that doesn't won't start."""

from collections.abc import Iterator

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts

from gosellr.utils.permissions import Permission


class UndeclaredRoute(RuntimeError):
    """A route without a policy: deny by default means not to start at all."""


class Policy:
    """The base of the dependencies that decide: `permission` is None for what is public."""

    permission: Permission | None = None


def policies_of(dependant: Dependant) -> Iterator[Policy]:
    """The policies among a route's dependencies, at any depth."""
    call: object = dependant.call
    if isinstance(call, Policy):
        yield call
    for inner in dependant.dependencies:
        yield from policies_of(inner)


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
        if len(list(policies_of(route.dependant))) != 1
    ]
    if wrong:
        raise UndeclaredRoute("routes without exactly one policy: " + ", ".join(wrong))
