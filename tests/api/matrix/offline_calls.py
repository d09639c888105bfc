"""How the operations of payments without a provider are called."""

from collections.abc import Sequence
from typing import Any

from tests.api.matrix.callers import Scope
from tests.api.matrix.provider_refunds import PROVIDER_REFUNDS
from tests.api.matrix.request import Call, Of

_AMOUNT = {"amount": {"amount": 100, "currency": "EUR"}}
_REASON = {"reason": "for a test"}
_SELLER = {"seller_id": Of("seller")}
_SENT = {"transaction_id": "OUT-1", "sent_on": "2026-03-03"}
_NOBODYS = "00000000-0000-7000-8000-000000000000"


def _by_hand(parameter: str, body: Any) -> Call:
    """Nothing was transferred here: 404 is the operation's own answer."""
    return Call(path={parameter: _NOBODYS}, body=body, reached=frozenset({404}))


TRANSFERS: dict[str, Sequence[Call]] = {
    **PROVIDER_REFUNDS,
    "create_receipt": [
        Call(
            scope=Scope.MARKET,
            body={
                "reference": "RF18539007547034",
                **_AMOUNT,
                "value_date": "2026-03-03",
                "transaction_id": "IN-1",
            },
        )
    ],
    "import_bank_statement": [
        Call(
            files={
                "file": (
                    "statement.csv",
                    b"transaction_id,amount,currency,value_date\nIN-2,1.00,EUR,2026-03-03\n",
                    "text/csv",
                )
            }
        )
    ],
    "assign_receipt": [_by_hand("receipt_id", {"reference": "RF18539007547034"})],
    "return_receipt": [_by_hand("receipt_id", _SENT)],
    "list_hand_refunds": [Call(scope=Scope.MARKET)],
    "send_hand_refund": [_by_hand("hand_refund_id", _SENT)],
    "fail_hand_refund": [_by_hand("hand_refund_id", _REASON)],
    # Nothing was transferred here: 409 is the operation's own answer.
    "set_refund_account": [
        Call(
            scope=Scope.BUYER,
            path={"order_id": Of("paid_order")},
            body={"iban": "DE89370400440532013000", "holder": "Ada"},
            reached=frozenset({409}),
        )
    ],
}


_LIMITS = {"limits": [{"amount": 100, "currency": "EUR"}]}


def _door(body: Any = None, **path: Of) -> Call:
    """Of the seller's: nothing is paid in cash here, so 409 is the operation's own answer."""
    return Call(
        scope=Scope.SELLER,
        path={"order_id": Of("paid_order"), **path},
        body=body,
        reached=frozenset({409}),
    )


CASH: dict[str, Sequence[Call]] = {
    "record_cash": [_door({"seller_order_id": Of("paid_part"), **_AMOUNT})],
    "refuse_parcel": [_door({"seller_order_id": Of("paid_part"), **_REASON})],
    # Nothing was refunded here: 404 is the operation's own answer.
    "hand_back_refund": [
        Call(
            path={"order_id": Of("paid_order"), "refund_id": _NOBODYS},
            reached=frozenset({404}),
        )
    ],
    # Nothing of it is being taken: 409 is the operation's own answer.
    "settle_capture": [
        Call(
            scope=Scope.MARKET,
            path={"order_id": Of("paid_order")},
            body={"seller_order_id": Of("paid_part"), "outcome": "failed", **_REASON},
            reached=frozenset({409}),
        )
    ],
    "settle_refund": [
        Call(
            scope=Scope.MARKET,
            path={"order_id": Of("paid_order"), "refund_id": _NOBODYS},
            body={"outcome": "arrived", **_REASON},
            reached=frozenset({404}),
        )
    ],
    "get_cash_terms": [Call(scope=Scope.SELLER, path=_SELLER)],
    "update_cash_terms": [Call(scope=Scope.SELLER, path=_SELLER, body=_LIMITS)],
}


def _called_off() -> Call:
    """It is paid for already: 409 is the operation's own answer."""
    return Call(
        scope=Scope.ORDER,
        path={"order_id": Of("paid_order")},
        body={
            "seller_order_id": Of("paid_part"),
            "items": [{"order_item_id": Of("paid_line"), "quantity": 1}],
            **_REASON,
        },
        reached=frozenset({409}),
    )


REDUCTIONS: dict[str, Sequence[Call]] = {
    "create_reduction": [_called_off()],
    "preview_reduction": [_called_off()],
    "preview_payout_run": [Call(scope=Scope.MARKET)],
}
