"""Every route declares who may use it; an application with one that doesn't won't start."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gosellr.utils.permissions import Permission


class UndeclaredRoute(RuntimeError):
    """A route without a policy: deny by default means not to start at all."""


class Policy:
    """The base of the dependencies that decide: `permission` is None for what is public."""

    permission: Permission | None = None


def policies_of(dependant: Dependant) -> Iterator[Policy]:
    """The policies among a route's dependencies, at any depth."""
    if isinstance(dependant.call, Policy):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from policies_of(inner)


def require_policies(app: FastAPI) -> None:
    """Refuse an application with an undeclared route.

    Raises:
        UndeclaredRoute: naming every route without a policy, or with more than one.
    """
    wrong = [
        f"{sorted(route.methods)} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute) and len(list(policies_of(route.dependant))) != 1
    ]
    if wrong:
        raise UndeclaredRoute("routes without exactly one policy: " + ", ".join(wrong))
