"""Checks each request, and each answer of the fake, against PayPal's own OpenAPI documents, as far
as they are kept here."""

import json
import re
from collections.abc import Mapping
from email import message_from_bytes
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
        _check_query(name, operation["query"], dict(request.url.params))
        if operation["form"] is not None:
            return name, _form(name, request, operation["form"])
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


def _check_query(name: str, schemas: Any, asked: Mapping[str, str]) -> None:
    if schemas and asked.keys() - schemas.keys():
        raise ContractBroken(f"{name} isn't asked by {sorted(asked)}")
    for word, schema in schemas.items():
        if word in asked:
            is_number = schema.get("type") == "integer" and asked[word].isdigit()
            _hold(f"{name}: {word}", schema, int(asked[word]) if is_number else asked[word])


def _form(name: str, request: httpx2.Request, form: Any) -> Any:
    """What was said in a form, and the names, types and bytes of its files."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.content).get_payload()
    if not isinstance(parts, list):
        raise ContractBroken(f"{name} takes a form")
    said, files = None, []
    for part in parts:
        field = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if field == "input" and isinstance(content, bytes):
            said = json.loads(content, parse_float=_no_floats)
        elif field in form["files"]:
            files.append((part.get_filename(), part.get_content_type(), content))
        else:
            raise ContractBroken(f"{name} takes no {field}")
    _hold(name, form["input"], said)
    return {"input": said, "files": files}


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
