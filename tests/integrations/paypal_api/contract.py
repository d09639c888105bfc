"""Checks each request, and each answer of the fake, against PayPal's own OpenAPI documents, as far
as they are kept here."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NoReturn

import httpx2
import jsonschema_rs

from tests.integrations.paypal_api import excerpt

_VARIABLE = re.compile(r"{(\w+)}")


class ContractBroken(AssertionError):
    """A request that PayPal's documents don't allow, or an answer that isn't PayPal's."""


class Contract:
    """The requests that may be sent. A path's variable part stands for one word."""

    def __init__(self, operations: Mapping[str, Any]) -> None:
        self._operations = operations
        self._paths = []
        for name in operations:
            method, path = name.split(" ")
            pattern = _VARIABLE.sub(lambda found: f"(?P<{found[1]}>[^/]+)", path)
            self._paths.append((name, method, re.compile(pattern)))

    def check(self, request: httpx2.Request) -> tuple[str, Any]:
        """The operation and what it was sent. Raises `ContractBroken`."""
        method = request.method.lower()
        fitting = (
            (name, found)
            for name, wanted, path in self._paths
            if method == wanted and (found := path.fullmatch(request.url.path))
        )
        name, found = next(fitting, ("", None))
        if found is None:
            raise ContractBroken(f"there is no {method} {request.url.path}")
        operation = self._operations[name]
        for word, schema in operation["path"].items():
            _hold(f"{name}: {word}", schema, found[word])
        for header, schema in operation["headers"].items():
            if header in request.headers:
                _hold(f"{name}: {header}", schema, request.headers[header])
        body = json.loads(request.content, parse_float=_no_floats) if request.content else None
        if operation["body"] is not None and body is not None:
            _hold(name, operation["body"], body)
        elif body:
            raise ContractBroken(f"{name} takes no body")
        return name, body

    def check_answer(self, name: str, status: int, body: Any) -> None:
        """Raises `ContractBroken` unless PayPal could answer so."""
        answers = self._operations[name]["answers"]
        if str(status) not in answers:
            raise ContractBroken(f"{name} never answers {status}")
        schema = answers[str(status)]
        if schema is not None:
            _hold(f"the answer to {name}", schema, body)


@cache
def kept_contract() -> Contract:
    """The excerpt that is kept here."""
    return Contract(json.loads(excerpt.OPENAPI.read_text())["operations"])


def _hold(what: str, schema: Any, value: Any) -> None:
    faults = [error.message for error in _validator(json.dumps(schema)).iter_errors(value)]
    if faults:
        raise ContractBroken(f"{what}: {faults}")


@cache
def _validator(schema: str) -> Any:
    return jsonschema_rs.validator_for(schema)


def _no_floats(text: str) -> NoReturn:
    raise ContractBroken(f"a float: {text}")
