"""How the papers of orders and sellers are called for."""

from collections.abc import Sequence

from tests.api.matrix.callers import Scope
from tests.api.matrix.request import Call, Of
from tests.conftest import START

_SELLER = {"seller_id": Of("seller")}
_PAID = {"order_id": Of("paid_order")}
_INVOICE = {**_PAID, "document_id": Of("paid_invoice")}
_SHIPPED = {"order_id": Of("shipped_order"), "shipment_id": Of("shipped_shipment")}

_ADDRESS = {"line1": "Lane 1", "city": "Berlin"}

DOCUMENTS: dict[str, Sequence[Call]] = {
    "get_letterhead": [Call(scope=Scope.SELLER, path=_SELLER)],
    # What stands on a shop's papers is its people's alone to say.
    "update_letterhead": [
        Call(
            scope=Scope.SHOP,
            path=_SELLER,
            body={"address": _ADDRESS},
            hidden=frozenset({403, 404}),
        )
    ],
    "list_order_documents": [Call(scope=Scope.ORDER, path=_PAID)],
    "get_order_document": [
        Call(scope=Scope.ORDER, path=_INVOICE),
        Call(scope=Scope.ORDER, path=_INVOICE, query={"format": "csv"}),
    ],
    "get_packing_slip": [Call(scope=Scope.ORDER, path=_SHIPPED)],
    "list_seller_documents": [Call(scope=Scope.SELLER, path=_SELLER)],
    "get_seller_document": [
        Call(scope=Scope.SELLER, path={**_SELLER, "document_id": Of("statement")})
    ],
    "get_seller_statement": [
        Call(scope=Scope.SELLER, path={**_SELLER, "period": START.strftime("%Y-%m")})
    ],
    "get_tax_return": [
        Call(path={"period": "2026-Q1"}),
        Call(path={"period": "2026-03"}, query={"format": "csv"}),
    ],
    # Nothing was owed then, and nothing was handed in.
    "file_tax_return": [
        Call(
            path={"period": "2025-Q4"},
            body={"jurisdiction": "DE", "currency": "EUR"},
            reached=frozenset({404}),
        )
    ],
    "pay_tax_return": [
        Call(
            path={"tax_return_id": "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44"},
            reached=frozenset({404}),
        )
    ],
    "get_tax_report": [Call(path={"year": str(START.year)})],
}
