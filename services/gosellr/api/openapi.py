"""The description of the API, told as it is: errors are problem documents (RFC 9457)."""

from typing import Any

from fastapi import FastAPI

from gosellr.api.errors import PROBLEM_TYPE
from gosellr.api.schemas.common import MEANINGS, Problem
from gosellr.api.schemas.examples import BODY_EXAMPLES
from gosellr.core.route_policy import api_routes, policies_of
from gosellr.utils.permissions import Permission, Role, may

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
# What the framework assumes of input that doesn't fit; ours is a problem like any other.
_UNUSED = ("HTTPValidationError", "ValidationError")

_Permissions = dict[tuple[str, str], Permission | None]


def describe_problems(app: FastAPI) -> None:
    """Let the application describe its errors by their own media type and shape."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _describe_problems(describe(), _permissions(app))
        return describe()

    app.openapi = openapi  # type: ignore[method-assign]


def _permissions(app: FastAPI) -> _Permissions:
    return {
        (route.path or "", method.lower()): policy.permission
        for route in api_routes(app)
        for policy in policies_of(route)
        for method in route.methods or ()
    }


def _describe_problems(document: dict[str, Any], permissions: _Permissions) -> None:
    components = document.setdefault("components", {})
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = components.get("schemas", {}) | schema.pop("$defs", {}) | {"Problem": schema}
    components["schemas"] = {name: schemas[name] for name in sorted(schemas) if name not in _UNUSED}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            # A path parameter with a converter has lost it here, and is public anyway.
            _add_common(operation, permissions.get((path, method)))
            _add_examples(operation)
            for status, response in operation["responses"].items():
                if status.isdigit() and int(status) >= 400:
                    response["content"] = {PROBLEM_TYPE: {"schema": _PROBLEM}}


def _add_common(operation: dict[str, Any], permission: Permission | None) -> None:
    """What any operation of this kind may answer, said or not: a token that is no good, a role
    that isn't enough, input that can't be read, a database that is away."""
    common = {401, 422, 503}
    if permission is not None and not all(may({role}, permission) for role in Role):
        common.add(403)
    if "requestBody" in operation:
        common |= {400, 413}
    for status in sorted(common):
        operation["responses"].setdefault(str(status), {"description": MEANINGS[status]})


def _add_examples(operation: dict[str, Any]) -> None:
    for number, example in enumerate(BODY_EXAMPLES.get(operation["operationId"], ()), start=1):
        content = operation["requestBody"]["content"]["application/json"]
        content.setdefault("examples", {})[f"example {number}"] = {"value": example}
