"""The description of the API, as `/openapi.json` gives it."""

from typing import Any

from tests.api.matrix.routes import bare_application

DOCUMENT: dict[str, Any] = bare_application().openapi()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: {**operation, "path": path, "method": method.upper()}
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
}
