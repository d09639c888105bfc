"""A shorter way through the framework for what guests do while they buy.

As `short_ways`, for requests with a body: what the framework would hand to the endpoint is known
from its signature, and a guest's request in the plainest form says it without any of its layers.
Whatever is unusual, or wrong, takes the route, which finds the body as it was sent.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from inspect import Parameter, signature
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from fastapi import Request, Response
from fastapi.params import Header
from pydantic import BaseModel, ValidationError
from starlette.types import Scope

from gosellr.api.deps import guest_of, market_of
from gosellr.api.short_ways import Endpoint, take_way
from gosellr.resources import Resources
from gosellr.utils.permissions import Permission, may
from gosellr.utils.viewer import Viewer


class Unusual(Exception):
    """The route has to look at this request."""


Reader: TypeAlias = Callable[[Request], Awaitable[Any]]


def is_guest(scope: Scope) -> bool:
    """Whether nobody signed in asks, and asks nothing in the address."""
    return not scope["query_string"] and all(
        name != b"authorization" for name, _ in scope["headers"]
    )


def guest_way(*, permission: Permission) -> Callable[[Endpoint], Endpoint]:
    """Give the route of an endpoint a shorter way for guests; none where they may not take it.

    Raises:
        TypeError: when the endpoint wants something that no plain request says.
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        if not may(frozenset(), permission):
            return endpoint
        readers = list(_readers(endpoint))

        async def way(request: Request) -> Response | None:
            try:
                said = {name: await read(request) for name, read in readers}
            except Unusual:
                return None
            response: Response = await endpoint(**said)
            return response

        return take_way(endpoint, way, who=is_guest)

    return marked


def _readers(endpoint: Callable[..., Any]) -> Iterator[tuple[str, Reader]]:
    hints = get_type_hints(endpoint, include_extras=True)
    for name, parameter in signature(endpoint).parameters.items():
        yield name, _reader(name, parameter, hints[name])


def _reader(name: str, parameter: Parameter, hint: Any) -> Reader:
    kinds = get_args(hint) if get_origin(hint) in (Union, type(int | str)) else (hint,)
    model = next((kind for kind in kinds if _is_model(kind)), None)
    if model is not None:
        return _body_reader(model, is_optional=parameter.default is not Parameter.empty)
    kind, *notes = get_args(hint) if hasattr(hint, "__metadata__") else (hint,)
    header = next((note for note in notes if isinstance(note, Header)), None)
    if header is not None and header.alias:
        return _header_reader(header.alias)
    if kind is UUID:
        return _id_reader(name)
    if kind in _OWN:
        return _OWN[kind]
    raise TypeError(f"no plain request says {name}")


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


async def _itself(request: Request) -> Request:
    return request


async def _guest(request: Request) -> Viewer:
    return guest_of(request)


async def _resources(request: Request) -> Resources:
    return market_of(request)


_OWN: dict[Any, Reader] = {Request: _itself, Viewer: _guest, Resources: _resources}
Body = TypeVar("Body", bound=BaseModel)


def _body_reader(model: type[Body], *, is_optional: bool) -> Reader:
    async def read(request: Request) -> Body | None:
        sent = await request.body()
        if not sent and is_optional:
            return None
        if request.headers.get("content-type") != "application/json":
            raise Unusual
        try:
            return model.model_validate(json.loads(sent))
        except (ValueError, RecursionError, ValidationError):
            raise Unusual from None

    return read


def _header_reader(alias: str) -> Reader:
    async def read(request: Request) -> str | None:
        return request.headers.get(alias)

    return read


def _id_reader(name: str) -> Reader:
    async def read(request: Request) -> UUID:
        text: str = request.path_params[name]
        try:
            # In the form that it is written in by everybody; others are left to the route.
            found = UUID(text)
        except ValueError:
            raise Unusual from None
        if str(found) != text:
            raise Unusual
        return found

    return read
