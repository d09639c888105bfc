"""A shorter way through the framework for what guests do while they buy.

As `short_ways`, for requests with a body: what the framework would hand to the endpoint is known
from its signature, and a guest's request in the plainest form says it without any of its layers.
Whatever is unusual, or wrong, takes the route, which finds the body as it was sent.
"""

import json
import re
from collections.abc import Callable, Iterator
from inspect import Parameter, signature
from typing import Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from fastapi import Request, Response
from fastapi.params import Header
from pydantic import BaseModel, ValidationError
from starlette.types import Scope

from gosellr.api.deps import guest_of, market_of
from gosellr.api.headers import header_of
from gosellr.api.short_ways import Endpoint, take_way
from gosellr.resources import Resources
from gosellr.utils.permissions import Permission, may
from gosellr.utils.viewer import Viewer


class Unusual(Exception):
    """The route has to look at this request."""


# What says an argument: a request, and its body.
Reader: TypeAlias = Callable[[Request, bytes], Any]


def is_guest(scope: Scope) -> bool:
    """Whether nobody signed in asks, and asks nothing in the address."""
    return not scope["query_string"] and header_of(scope, b"authorization") is None


def guest_way(*, permission: Permission) -> Callable[[Endpoint], Endpoint]:
    """Give the route of an endpoint a shorter way for guests; none where they may not take it.

    Raises:
        TypeError: when the endpoint wants something that no plain request says.
    """

    def marked(endpoint: Endpoint) -> Endpoint:
        if not may(frozenset(), permission):
            return endpoint
        readers = list(_readers(endpoint))
        has_body = any(map(_model_of, get_type_hints(endpoint).values()))

        async def way(request: Request) -> Response | None:
            try:
                sent = await request.body() if has_body else b""
                said = {name: read(request, sent) for name, read in readers}
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
    model = _model_of(hint)
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


def _model_of(hint: Any) -> type[BaseModel] | None:
    """What the body is read as, where this argument is the body."""
    kinds = get_args(hint) if get_origin(hint) in (Union, type(int | str)) else (hint,)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _itself(request: Request, _sent: bytes) -> Request:
    return request


def _guest(request: Request, _sent: bytes) -> Viewer:
    return guest_of(request)


def _resources(request: Request, _sent: bytes) -> Resources:
    return market_of(request)


_CANONICAL_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OWN: dict[Any, Reader] = {Request: _itself, Viewer: _guest, Resources: _resources}
Body = TypeVar("Body", bound=BaseModel)


def _body_reader(model: type[Body], *, is_optional: bool) -> Reader:
    def read(request: Request, sent: bytes) -> Body | None:
        if not sent and is_optional:
            return None
        if header_of(request.scope, b"content-type") != "application/json":
            raise Unusual
        try:
            return model.model_validate(json.loads(sent))
        except (ValueError, RecursionError, ValidationError):
            raise Unusual from None

    return read


def _header_reader(alias: str) -> Reader:
    name = alias.lower().encode()

    def read(request: Request, _sent: bytes) -> str | None:
        return header_of(request.scope, name)

    return read


def _id_reader(name: str) -> Reader:
    def read(request: Request, _sent: bytes) -> UUID:
        text: str = request.scope["path_params"][name]
        # In the form that it is written in by everybody; others are left to the route.
        if _CANONICAL_ID.fullmatch(text) is None:
            raise Unusual
        return UUID(text)

    return read
