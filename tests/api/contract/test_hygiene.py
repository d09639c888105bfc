"""The description of the API is complete: named, told, exemplified, and where it was promised."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import jsonschema_rs
import pytest

from tests.api.contract.document import OPERATIONS, SCHEMAS
from tests.api.matrix.calls import CALLS
from tests.api.matrix.routes import all_routes

# The nineteen that were promised first, as they were written down.
PROMISED = (
    "POST /api/v1/products/create",
    "GET /api/v1/products/",
    "GET /api/v1/products/{id}",
    "PUT /api/v1/products/{id}",
    "DELETE /api/v1/products/{id}",
    "POST /api/v1/orders/create",
    "GET /api/v1/orders/",
    "GET /api/v1/orders/{id}",
    "PUT /api/v1/orders/{id}/status",
    "POST /api/v1/orders/{id}/cancel",
    "POST /api/v1/sellers/register",
    "GET /api/v1/sellers/",
    "GET /api/v1/sellers/{id}",
    "PUT /api/v1/sellers/{id}",
    "GET /api/v1/sellers/{id}/products",
    "GET /api/v1/marketplace/stats",
    "GET /api/v1/marketplace/categories",
    "POST /api/v1/marketplace/search",
    "GET /api/v1/marketplace/trending",
)


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON bodies that are sent to us, by operation."""
    for name, operation in OPERATIONS.items():
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            yield name, content["application/json"]


@pytest.mark.parametrize("promise", PROMISED)
def test_promised_endpoints_stand_where_they_were_promised(promise: str) -> None:
    method, path = promise.split()
    known = {
        (operation["method"], "/".join("{id}" if part[:1] == "{" else part for part in parts))
        for operation in OPERATIONS.values()
        for parts in [operation["path"].split("/")]
    }
    assert (method, path) in known
    assert len(PROMISED) == 19


def test_operations_are_told() -> None:
    untold = [
        name
        for name, operation in OPERATIONS.items()
        if not (operation.get("tags") and operation.get("summary") and operation["description"])
    ]
    assert untold == []


def test_document_describes_every_route_of_the_api() -> None:
    assert OPERATIONS.keys() == {route.name for route in all_routes() if not route.is_page}


def test_errors_that_may_always_happen_are_described() -> None:
    wrong = []
    for name, operation in OPERATIONS.items():
        due = {"401", "422", "503"} | ({"400", "413"} if "requestBody" in operation else set())
        if "{" in operation["path"] and "_id}" in operation["path"]:
            due.add("404")
        if due - operation["responses"].keys() and name not in LISTS_OF_ANYBODY:
            wrong.append((name, sorted(due - operation["responses"].keys())))
    assert wrong == []


# A list narrowed by what doesn't exist is empty, not absent.
LISTS_OF_ANYBODY = {"list_seller_products"}


def test_bodies_have_examples_that_fit() -> None:
    for name, content in bodies():
        named = content.get("examples", {}).values()
        examples = [each["value"] for each in named] or content["schema"].get("examples")
        assert examples, f"add an example of {name} to api/schemas/examples.py"
        schema = {**content["schema"], "components": {"schemas": SCHEMAS}}
        validator = jsonschema_rs.validator_for(schema, validate_formats=True)
        for example in examples:
            assert validator.is_valid(example), f"{name}: {json.dumps(example)}"


def _reachable(schema: Any, seen: set[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, list):
        for part in schema:
            yield from _reachable(part, seen)
    elif isinstance(schema, dict):
        reference = str(schema.get("$ref", "")).rpartition("/")[2]
        if reference and reference not in seen:
            seen.add(reference)
            yield reference, SCHEMAS[reference]
            yield from _reachable(SCHEMAS[reference], seen)
        for key, part in schema.items():
            if key not in ("examples", "example", "default", "enum", "const"):
                yield from _reachable(part, seen)


def test_whatever_is_sent_is_bounded() -> None:
    """No unknown field, no number without bounds, no text and no list without an end."""
    unbounded = []
    shapes = dict(_reachable([content for _, content in bodies()], set()))
    assert len(shapes) > 40
    for shape, schema in shapes.items():
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            unbounded.append(f"{shape} takes unknown fields")
        unbounded += [
            f"{shape}.{name}: {reason}"
            for name, value in schema.get("properties", {}).items()
            for reason in _unbounded(value)
        ]
    assert unbounded == []


def _unbounded(schema: dict[str, Any]) -> Iterator[str]:
    inner = [schema[key] for key in ("items", "additionalProperties") if schema.get(key)]
    for part in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *inner):
        yield from _unbounded(part)
    kind = schema.get("type")
    if "enum" in schema or "const" in schema or kind not in _ENDS:
        return
    if kind == "string" and ("pattern" in schema or schema.get("format") in _SHORT):
        return
    for ends in _ENDS[kind]:
        if not ends & schema.keys():
            yield f"{kind} without {' or '.join(sorted(ends))}"


_SHORT = ("uuid", "date-time")
_LEAST, _MOST = {"minimum", "exclusiveMinimum"}, {"maximum", "exclusiveMaximum"}
_ENDS: dict[str, list[set[str]]] = {
    "string": [{"maxLength"}],
    "integer": [_LEAST, _MOST],
    "number": [_LEAST, _MOST],
    "array": [{"maxItems"}],
    "object": [{"maxProperties", "properties"}],
}


async def test_slash_at_the_end_makes_no_difference(client: httpx2.AsyncClient) -> None:
    for operation in OPERATIONS.values():
        if operation["method"] != "GET" or "{" in operation["path"]:
            continue
        bare = operation["path"].rstrip("/")
        answers = [await client.get(path) for path in (bare, bare + "/", bare + "//")]
        assert len({answer.status_code for answer in answers}) == 1, bare
        assert answers[0].status_code not in (301, 302, 307, 308, 404), bare
        if answers[0].status_code == 200:
            assert len({answer.content for answer in answers}) == 1, bare


async def test_slash_at_the_end_makes_no_difference_to_writes(client: httpx2.AsyncClient) -> None:
    for operation in OPERATIONS.values():
        path = operation["path"].rstrip("/")
        if operation["method"] == "GET" or "{" in path:
            continue
        answers = [await client.request(operation["method"], each) for each in (path, path + "/")]
        told = {(answer.status_code, answer.json().get("code")) for answer in answers}
        assert len(told) == 1, path
        assert answers[0].status_code not in (307, 308, 404, 405), path


def test_every_operation_is_called_somewhere() -> None:
    assert OPERATIONS.keys() <= CALLS.keys()
