"""Checks each request against Stripe's own OpenAPI document, as far as it is kept here."""

import json
import re
from collections.abc import Mapping
from email import message_from_bytes
from email.message import Message
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import jsonschema_rs

from tests.integrations.stripe_api import excerpt

_PART = re.compile(r"\[([^\]]*)\]")


class ContractBroken(AssertionError):
    """A request that Stripe's document doesn't allow."""


class Contract:
    """The requests that may be sent. A path's variable part stands for one word."""

    def __init__(self, requests: Mapping[str, Any]) -> None:
        self._schemas = requests
        self._checks = {
            name: jsonschema_rs.validator_for(schema) for name, schema in requests.items()
        }
        # The longest first: a search is no payment intent by that name.
        self._paths = [
            (name, name.split(" ")[0], re.compile(re.sub(r"{\w+}", r"\\w+", name.split(" ")[1])))
            for name in sorted(requests, key=lambda name: "{" in name)
        ]

    def check(self, request: httpx2.Request) -> tuple[str, dict[str, Any]]:
        """The operation and what it was sent. Raises `ContractBroken`."""
        method = request.method.lower()
        fitting = (
            name
            for name, wanted, path in self._paths
            if method == wanted and path.fullmatch(request.url.path)
        )
        name = next(fitting, None)
        if name is None:
            raise ContractBroken(f"there is no {method} {request.url.path}")
        form = decode(_pairs(request), self._schemas[name])
        faults = [error.message for error in self._checks[name].iter_errors(form)]
        if faults:
            raise ContractBroken(f"{name}: {faults}")
        return name, form


def _pairs(request: httpx2.Request) -> list[tuple[str, str]]:
    """The fields of a request; a file's content stands as text."""
    kind = request.headers.get("Content-Type", "")
    if not kind.startswith("multipart/form-data"):
        raw = request.content if request.method == "POST" else request.url.query
        return parse_qsl(raw.decode(), keep_blank_values=True)
    head = f"Content-Type: {kind}\r\n\r\n".encode()
    parts = message_from_bytes(head + request.content).get_payload()
    assert isinstance(parts, list)
    return [
        (
            str(part.get_param("name", header="Content-Disposition")),
            part.get_payload(decode=True).decode("latin-1"),  # type: ignore[union-attr]
        )
        for part in parts
        if isinstance(part, Message)
    ]


@cache
def kept_contract() -> Contract:
    """The excerpt that is kept here, for the version that we speak."""
    return Contract(excerpt.amended(json.loads(excerpt.OPENAPI.read_text())["requests"]))


def decode(pairs: list[tuple[str, str]], schema: dict[str, Any]) -> dict[str, Any]:
    """A form with brackets as the document it stands for: `a[b][0]=1` is {"a": {"b": [1]}}."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = [name.partition("[")[0], *_PART.findall(name)]
        place = tree
        for key in path:
            place = place.setdefault(key, {})
        if last in place:
            raise ContractBroken(f"{name} stands twice")
        place[last] = value
    shaped: dict[str, Any] = _shaped(tree, schema)
    return shaped


def _shaped(value: Any, schema: dict[str, Any]) -> Any:
    """Everything in a form is text; what it is meant to be, the schema says."""
    branches = schema.get("anyOf", [schema])
    if isinstance(value, dict):
        if any(branch.get("type") == "array" for branch in branches):
            items = next(one for one in branches if one.get("type") == "array").get("items", {})
            return [_shaped(value[key], items) for key in sorted(value, key=int)]
        known: dict[str, Any] = {}
        for branch in branches:
            known |= branch.get("properties", {})
        return {key: _shaped(one, known.get(key, {})) for key, one in value.items()}
    types = {branch.get("type") for branch in branches}
    if "integer" in types and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "boolean" in types and value in {"true", "false"}:
        return value == "true"
    return value
