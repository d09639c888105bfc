"""Cuts out of Stripe's OpenAPI document and its fixtures what the market's requests need.

`python -m tests.integrations.stripe_api.excerpt <document.json> <fixtures.json>` writes
`openapi.json` and `fixtures.json` beside this file. Descriptions stay behind: names, types, lengths
and allowed values are what a request is checked against.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OPENAPI = HERE / "openapi.json"
FIXTURES = HERE / "fixtures.json"

USED = (
    ("post", "/v1/checkout/sessions"),
    ("get", "/v1/checkout/sessions"),
    ("get", "/v1/checkout/sessions/{session}"),
    ("post", "/v1/checkout/sessions/{session}/expire"),
    ("post", "/v1/payment_intents"),
    ("get", "/v1/payment_intents"),
    ("get", "/v1/payment_intents/search"),
    ("get", "/v1/payment_intents/{intent}"),
    ("post", "/v1/payment_intents/{intent}/capture"),
    ("post", "/v1/payment_intents/{intent}/cancel"),
    ("get", "/v1/balance_transactions"),
    ("get", "/v1/refunds"),
    ("post", "/v1/refunds"),
    ("get", "/v1/disputes"),
    ("get", "/v1/disputes/{dispute}"),
    ("post", "/v1/disputes/{dispute}"),
    ("post", "/v1/files"),
    ("get", "/v1/accounts"),
    ("post", "/v1/accounts"),
    ("get", "/v1/accounts/{account}"),
    ("post", "/v1/account_links"),
    ("get", "/v1/transfers"),
    ("post", "/v1/transfers"),
    ("get", "/v1/transfers/{transfer}"),
    ("post", "/v1/transfers/{id}/reversals"),
    ("get", "/v1/balance_transactions"),
)
RESOURCES = (
    "account", "balance_transaction", "charge", "checkout.session", "dispute", "event",
    "payment_intent", "payout", "refund", "transfer", "transfer_reversal",
)  # fmt: skip
_KEPT = ("type", "enum", "maxLength", "required", "anyOf")
_DEPTH_MAX = 5
# Half of the document, and never sent.
_LEFT_OUT = frozenset(
    {
        "payment_method_data", "amount_details", "individual", "company", "documents", "settings",
        "bank_account",
    }
)  # fmt: skip
# Of these only what is sent, or a third of the document would be kept for one word.
_ONLY = {
    "payment_method_options": {"card"},
    "payment_method_options.card": {"request_multicapture"},
}
_FREE = {"metadata"}

# What the version that we speak (2026-09-30.endive and later) has changed since the document, as
# Stripe's own library for that version says (`spoken`).
_AMENDED = ("/v1/checkout/sessions", "/v1/payment_intents")


def requests_of(document: dict[str, Any]) -> dict[str, Any]:
    """The schema of each used request, by "method path"."""
    found = {}
    for method, path in USED:
        operation = document["paths"][path][method]
        if method == "get":
            schema = {
                "type": "object",
                "properties": {
                    one["name"]: _strict(one["schema"])
                    for one in operation["parameters"]
                    if one["in"] == "query"
                },
                "required": [
                    one["name"]
                    for one in operation["parameters"]
                    if one["in"] == "query" and one.get("required")
                ],
                "additionalProperties": False,
            }
        else:
            # A form; only files come in another one.
            [content] = operation["requestBody"]["content"].values()
            schema = _strict(content["schema"])
        found[f"{method} {path}"] = schema
    return found


def amended(requests: dict[str, Any]) -> dict[str, Any]:
    """The same for the version that we speak."""
    for path in _AMENDED:
        properties = requests[f"post {path}"]["properties"]
        if kinds := properties.pop("payment_method_types", None):
            properties["allowed_payment_method_types"] = kinds
    return requests


def _strict(schema: dict[str, Any], *, name: str = "", depth: int = 0) -> dict[str, Any]:
    kept = {key: schema[key] for key in _KEPT if key in schema and key != "anyOf"}
    if "anyOf" in schema:
        kept["anyOf"] = [_strict(one, name=name, depth=depth) for one in schema["anyOf"]]
    if "items" in schema:
        kept["items"] = _strict(schema["items"], depth=depth)
    properties = schema.get("properties")
    if properties is not None and depth < _DEPTH_MAX:
        under = f"{name}." if name in _ONLY else ""
        kept["properties"] = {
            key: _strict(one, name=under + key, depth=depth + 1)
            for key, one in properties.items()
            if key not in _LEFT_OUT and key in _ONLY.get(name, {key})
        }
        kept["additionalProperties"] = False
    elif name in _FREE and schema.get("type") == "object":
        kept["additionalProperties"] = {"type": "string", "maxLength": 500}
    return kept


def _without_secret(resource: dict[str, Any]) -> dict[str, Any]:
    """It looks like one, and who searches for leaked secrets should find none here."""
    return {name: value for name, value in resource.items() if name != "client_secret"}


def main(document_file: str, fixtures_file: str) -> None:
    """Write both excerpts."""
    document = json.loads(Path(document_file).read_text())
    excerpt = {
        "source": f"{document['info']['title']} {document['info']['version']}, MIT licence, Stripe",
        "requests": requests_of(document),
    }
    OPENAPI.write_text(json.dumps(excerpt, indent=0, sort_keys=True) + "\n")
    resources = json.loads(Path(fixtures_file).read_text())["resources"]
    chosen = {name: _without_secret(resources[name]) for name in RESOURCES}
    FIXTURES.write_text(json.dumps(chosen, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:3])
