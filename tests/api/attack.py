"""Hostile requests made out of good ones: where the fields of a body are, and what to put there."""

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2

from tests.api.contract.document import OPERATIONS, SCHEMAS
from tests.api.matrix.callers import Caller, Verdict
from tests.api.matrix.calls import CALLS
from tests.api.matrix.request import Call
from tests.api.matrix.routes import Route, all_routes
from tests.api.matrix.world import World

ROUTES: dict[str, Route] = {route.name: route for route in all_routes() if not route.is_page}
Place = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Good:
    """A call that would go well, by somebody who may make it."""

    name: str
    method: str
    path: str
    body: Any
    headers: dict[str, str]


def json_bodies() -> list[str]:
    """The operations that take JSON."""
    return sorted(
        name
        for name, operation in OPERATIONS.items()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    )


def schema_of(name: str) -> dict[str, Any]:
    """The shape of an operation's JSON body."""
    content: dict[str, Any] = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    return resolved(content["schema"])


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A shape instead of its reference; of something or null, the something."""
    for part in schema.get("anyOf", ()):
        if part.get("type") != "null":
            return {**{key: value for key, value in schema.items() if key != "anyOf"},
                    **resolved(part)}  # fmt: skip
    if "$ref" in schema:
        found: dict[str, Any] = SCHEMAS[schema["$ref"].rpartition("/")[2]]
        return resolved(found)
    return schema


def caller_of(world: World, name: str, call: Call) -> Caller:
    """Somebody who may make this call."""
    for candidate in ("operator", "owner", "buyer"):
        caller = world.callers[candidate]
        if caller.verdict(ROUTES[name], call.scope, "one") is Verdict.REACHED:
            return caller
    return world.callers["anonymous"]


def good(world: World, name: str, call: Call | None = None) -> Good:
    """The operation's first call of the matrix, or another, on things that are the caller's."""
    call = call or CALLS[name][0]
    caller = caller_of(world, name, call)
    path, arguments = call.request(
        OPERATIONS[name]["path"], world.estates["one"].things, world.fixed, ""
    )
    return Good(name, ROUTES[name].method, path, arguments.get("json"), caller.headers)


def objects(
    schema: dict[str, Any], body: Any, place: Place = ()
) -> Iterator[tuple[Place, dict[str, Any], Any]]:
    """Every object that a body is or may hold: its place, its shape, and a body that has it."""
    yield place, schema, body
    for name, shape in schema.get("properties", {}).items():
        inner, here = resolved(shape), (*place, name)
        items = resolved(inner.get("items", {}))
        if "properties" in inner:
            filled = put(body, here, _get(body, here) or sample(inner))
            yield from objects(inner, filled, here)
        elif "properties" in items:
            filled = put(body, here, _get(body, here) or [sample(items)])
            yield from objects(items, filled, (*here, 0))


def fields(schema: dict[str, Any], body: Any) -> Iterator[tuple[Place, dict[str, Any], Any]]:
    """Every field that a body has or may have: its place, its shape, and a body around it."""
    for place, shape, filled in objects(schema, {} if body is None else body):
        for name, inner in shape.get("properties", {}).items():
            yield (*place, name), resolved(inner), filled


def _get(body: Any, place: Place) -> Any:
    for part in place:
        try:
            body = body[part]
        except (KeyError, IndexError, TypeError):
            return None
    return body


def put(body: Any, place: Place, value: Any) -> Any:
    """A body with another value at a place."""
    changed = copy.deepcopy(body)
    target = changed
    for part in place[:-1]:
        target = target[part]
    target[place[-1]] = value
    return changed


def sample(shape: dict[str, Any]) -> Any:
    """Something that fits a shape."""
    shape = resolved(shape)
    if shape.get("examples"):
        return shape["examples"][0]
    for key in ("const", "default"):
        if shape.get(key) is not None:
            return shape[key]
    if shape.get("type") == "object":
        properties = shape.get("properties", {})
        return {name: sample(properties[name]) for name in shape.get("required", ())}
    if shape.get("type") == "array":
        return [sample(shape["items"])] if shape.get("minItems") else []
    plain = {
        "integer": shape.get("minimum", 1),
        "number": shape.get("minimum", 1),
        "boolean": False,
        "string": str(uuid4()) if shape.get("format") == "uuid" else "text",
    }
    return shape["enum"][0] if "enum" in shape else plain[shape["type"]]


async def send(
    world: World, call: Good, content: bytes, *, content_type: str = "application/json"
) -> httpx2.Response:
    """Send these bytes as a call, and take it back."""
    return await world.ask(
        call.method,
        call.path,
        headers={
            "Idempotency-Key": uuid4().hex, "Content-Type": content_type, **call.headers,
        },
        content=content,
    )  # fmt: skip


async def send_json(world: World, call: Good, body: Any) -> httpx2.Response:
    """Send a body as JSON, whatever is in it."""
    return await send(world, call, json.dumps(body).encode())
