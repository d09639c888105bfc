"""The description of the API, told as it is: errors are problem documents (RFC 9457)."""

from typing import Any

from fastapi import FastAPI

from gosellr.api.errors import PROBLEM_TYPE
from gosellr.api.schemas.common import Problem

_PROBLEM = {"$ref": "#/components/schemas/Problem"}
# What the framework assumes of input that doesn't fit; ours is a problem like any other.
_UNUSED = ("HTTPValidationError", "ValidationError")


def describe_problems(app: FastAPI) -> None:
    """Let the application describe its errors by their own media type and shape."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            _describe_problems(describe())
        return describe()

    app.openapi = openapi  # type: ignore[method-assign]


def _describe_problems(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _UNUSED:
        schemas.pop(name, None)
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {}) | {"Problem": schema}
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status.isdigit() and int(status) >= 400:
                    response["content"] = {PROBLEM_TYPE: {"schema": _PROBLEM}}
