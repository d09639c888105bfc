"""Cuts out of PayPal's OpenAPI documents what the market's requests, and their answers, need.

`python -m tests.integrations.paypal_api.excerpt <folder with the documents>` writes `openapi.json`
and `examples.json` beside this file. Descriptions stay behind: names, types, lengths, forms and
allowed values are what a request is checked against. The documents are PayPal's, under the Apache
licence in `LICENSE`.
"""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OPENAPI = HERE / "openapi.json"
EXAMPLES = HERE / "examples.json"

ORDERS = "checkout_orders_v2.json"
PAYMENTS = "payments_payment_v2.json"
PAYOUTS = "payments_payouts_batch_v1.json"
DISPUTES = "customer_disputes_v1.json"
WEBHOOKS = "notifications_webhooks_v1.json"
REPORTS = "reporting_transactions_v1.json"
KEPT_REPORTS = HERE / "reporting.json"

USED = (
    (ORDERS, "post", "/v2/checkout/orders", "200"),
    (ORDERS, "get", "/v2/checkout/orders/{id}", "200"),
    (ORDERS, "patch", "/v2/checkout/orders/{id}", "204"),
    (ORDERS, "post", "/v2/checkout/orders/{id}/authorize", "201"),
    (ORDERS, "post", "/v2/checkout/orders/{id}/capture", "201"),
    (PAYMENTS, "post", "/v2/payments/authorizations/{authorization_id}/capture", "201"),
    (PAYMENTS, "post", "/v2/payments/authorizations/{authorization_id}/reauthorize", "201"),
    (PAYMENTS, "post", "/v2/payments/authorizations/{authorization_id}/void", "200"),
    (PAYMENTS, "post", "/v2/payments/captures/{capture_id}/refund", "201"),
    (PAYOUTS, "post", "/v1/payments/payouts", "201"),
    (PAYOUTS, "get", "/v1/payments/payouts/{id}", "200"),
    (PAYMENTS, "get", "/v2/payments/captures/{capture_id}", "200"),
    (DISPUTES, "get", "/v1/customer/disputes", "200"),
    (DISPUTES, "get", "/v1/customer/disputes/{id}", "200"),
    (DISPUTES, "post", "/v1/customer/disputes/{id}/provide-evidence", "200"),
    (DISPUTES, "post", "/v1/customer/disputes/{id}/accept-claim", "200"),
)
USED_REPORTS = ((REPORTS, "get", "/v1/reporting/transactions", "200"),)
"""Of a document that isn't always at hand with the others: kept in a file of its own."""

_KEPT = (
    "type", "enum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "required",
    "minimum", "maximum",
)  # fmt: skip
_DEPTH_MAX = 8
# Most of the documents, and never sent or read.
_LEFT_OUT = frozenset(
    {
        "payer", "application_context", "shipping", "supplementary_data", "breakdown",
        "payment_instruction", "platform_fees", "attributes", "stored_credential", "card",
        "processor_response", "network_transaction_reference", "seller_protection",
        "alternate_notification_method", "address", "name", "phone", "tax_info",
        "birth_date", "vault_id", "billing_agreement_id", "currency_conversion", "exchange_rate",
        "payer_info", "shipping_info", "cart_info", "store_info", "auction_info", "incentive_info",
    }
)  # fmt: skip
_SOURCES = frozenset({"paypal"})


def operations_of(
    folder: Path, *, used: tuple[tuple[str, str, str, str], ...] = USED
) -> dict[str, Any]:
    """What each used operation takes and answers, by "method path"."""
    documents = {name: json.loads((folder / name).read_text()) for name, *_ in used}
    found = {}
    for name, method, path, answered in used:
        document = documents[name]
        operation = document["paths"][path][method]
        parameters = [_resolved(one, document) for one in operation.get("parameters", [])]
        body = _resolved(operation.get("requestBody", {}), document)
        found[f"{method} {path}"] = {
            "headers": _schemas(parameters, "header", document),
            "path": _schemas(parameters, "path", document),
            "query": _schemas(parameters, "query", document),
            "body": _content(body, document, strict=True),
            "form": _form(name, path, body, document),
            "answers": {
                status: _content(_resolved(answer, document), document, strict=False)
                for status, answer in operation["responses"].items()
                if status == answered
            },
        }
    return found


def examples_of(folder: Path) -> dict[str, Any]:
    """PayPal's own examples of what is sent and read here, and how a token is asked for.

    `requests` and `answers` by "method path", `report` as it is proven, `refusals` by status,
    `token` by the address and the flow that all documents name alike.
    """
    documents = {
        name: json.loads((folder / name).read_text())
        for name in (ORDERS, PAYMENTS, PAYOUTS, DISPUTES, WEBHOOKS)
    }
    found: dict[str, Any] = {"requests": {}, "answers": {}, "refusals": {}}
    for name, method, path, _ in USED:
        operation = documents[name]["paths"][path][method]
        body = _resolved(operation.get("requestBody", {}), documents[name])
        for example in _examples(body):
            found["requests"][f"{method} {path}"] = example
        for status in ("200", "201"):
            answer = _resolved(operation["responses"].get(status, {}), documents[name])
            for example in _examples(answer):
                found["answers"][f"{method} {path}"] = example
    proof = documents[WEBHOOKS]["paths"]["/v1/notifications/verify-webhook-signature"]["post"]
    [proven] = _examples(_resolved(proof["requestBody"], documents[WEBHOOKS]))
    found["report"] = proven["webhook_event"]
    for status in ("500", "503"):
        schema = documents[ORDERS]["components"]["schemas"][f"error_{status}"]
        found["refusals"][status] = schema["example"]
    [token] = {
        (flow, said["tokenUrl"])
        for document in documents.values()
        for flow, said in document["components"]["securitySchemes"]["Oauth2"]["flows"].items()
    }
    found["token"] = {"flow": token[0], "url": token[1]}
    return found


def _examples(holder: dict[str, Any]) -> list[Any]:
    content = holder.get("content", {}).get("application/json", {})
    return [one["value"] for one in content.get("examples", {}).values()]


def _schemas(parameters: list[dict[str, Any]], place: str, document: Any) -> dict[str, Any]:
    return {
        one["name"]: _cut(one["schema"], document, strict=True)
        for one in parameters
        if one["in"] == place
    }


def _form(name: str, path: str, body: dict[str, Any], document: Any) -> Any:
    """What a form with files takes: the names of its files, and what goes with them as JSON.

    Of the latter the document tells only the parts: they stand among its schemas.
    """
    content = body.get("content", {}).get("multipart/form-data")
    if name != DISPUTES or content is None:
        return None
    said: dict[str, Any] = {
        "provide-evidence": {
            "evidences": {
                "type": "array", "minItems": 1, "maxItems": 100,
                "items": {"$ref": "#/components/schemas/evidence"},
            },
        },
        "accept-claim": {
            "note": {"type": "string", "minLength": 1, "maxLength": 2000},
            "accept_claim_type": {"$ref": "#/components/schemas/accept_claim_type"},
        },
    }[path.rpartition("/")[2]]  # fmt: skip
    return {
        "files": sorted(_resolved(content["schema"], document)["properties"]),
        "input": _cut({"type": "object", "properties": said}, document, strict=True),
    }


def _content(holder: dict[str, Any], document: Any, *, strict: bool) -> Any:
    content = holder.get("content", {}).get("application/json")
    return None if content is None else _cut(content["schema"], document, strict=strict)


def _resolved(schema: dict[str, Any], document: Any) -> dict[str, Any]:
    while "$ref" in schema:
        found = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _cut(
    schema: dict[str, Any], document: Any, *, strict: bool, name: str = "", depth: int = 0
) -> dict[str, Any]:
    """A schema without references and words; a strict one knows all names that there are."""
    schema = _resolved(schema, document)
    parts = [_resolved(part, document) for part in schema.get("allOf", [])]
    kept = {key: schema[key] for key in _KEPT if key in schema}
    properties = dict(schema.get("properties", {}))
    for part in parts:
        merged = _flat(part, document)
        properties |= merged.get("properties", {})
        kept |= {key: merged[key] for key in _KEPT if key in merged}
    if "items" in schema:
        kept["items"] = _cut(schema["items"], document, strict=strict, depth=depth + 1)
    if properties and depth < _DEPTH_MAX:
        if name == "payment_source":
            properties = {key: one for key, one in properties.items() if key in _SOURCES}
        kept["properties"] = {
            key: _cut(one, document, strict=strict, name=key, depth=depth + 1)
            for key, one in properties.items()
            if key not in _LEFT_OUT and (strict or key != "payment_source")
        }
        if strict:
            kept["additionalProperties"] = False
    return kept


def _flat(schema: dict[str, Any], document: Any) -> dict[str, Any]:
    """A schema with what its own parts say."""
    schema = _resolved(schema, document)
    flat = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", []):
        merged = _flat(part, document)
        flat |= {key: value for key, value in merged.items() if key != "properties"}
        flat["properties"] = {**flat.get("properties", {}), **merged.get("properties", {})}
    return flat


def main(folder: str) -> None:
    """Write the excerpt."""
    excerpt = {
        "source": "PayPal's Orders v2, Payments v2, Payouts v1, Disputes v1, Apache 2.0, shortened",
        "operations": operations_of(Path(folder)),
    }
    OPENAPI.write_text(json.dumps(excerpt, indent=0, sort_keys=True) + "\n")
    examples = {
        "source": "PayPal's own examples in the same documents and in Webhooks v1, Apache 2.0",
        **examples_of(Path(folder)),
    }
    EXAMPLES.write_text(json.dumps(examples, indent=0, sort_keys=True) + "\n")
    if (Path(folder) / REPORTS).is_file():
        reports = {
            "source": "PayPal's Transaction Search v1, Apache 2.0, shortened",
            "operations": operations_of(Path(folder), used=USED_REPORTS),
        }
        KEPT_REPORTS.write_text(json.dumps(reports, indent=0, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
