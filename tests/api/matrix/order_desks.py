"""How a shop's and the operator's pages about orders are called."""

from collections.abc import Sequence

from tests.api.matrix.callers import Scope
from tests.api.matrix.request import Call, Of

_SEEN = frozenset({200})
# Let in; nothing was typed, and the page says so.
_WRONG = frozenset({422})
_NOTHING = frozenset({404})
_KNOWN = frozenset({409})
_OUTCOME = "/operator/orders/{number}/refunds/{refund_id}/outcome"
_CAPTURE = "/operator/orders/{number}/parts/{part_id}/capture"
_CREDIT = "/seller/{seller_id}/orders/{number}/parts/{part_id}/credit"
_SOLD = {"seller_id": Of("seller"), "number": Of("paid_number"), "part_id": Of("paid_part")}
_BOUGHT = {"number": Of("paid_number"), "part_id": Of("paid_part")}
_NO_REFUND = {"number": Of("paid_number"), "refund_id": "00000000-0000-7000-8000-000000000000"}


def _calls(scope: Scope, base: str, own: dict[str, Of]) -> dict[str, Sequence[Call]]:
    order = {**own, "number": Of("paid_number")}
    part = {**order, "part_id": Of("paid_part")}
    form = f"{base}/orders/{{number}}/parts/{{part_id}}/call-off"
    refund = f"{base}/orders/{{number}}/parts/{{part_id}}/refund"
    return {
        f"GET {base}/orders": [Call(scope=scope, path=own, reached=_SEEN)],
        f"GET {base}/orders/{{number}}": [Call(scope=scope, path=order, reached=_SEEN)],
        f"GET {form}": [Call(scope=scope, path=part, reached=_SEEN)],
        f"POST {form}/preview": [Call(scope=scope, path=part, form={}, reached=_WRONG)],
        f"POST {form}": [Call(scope=scope, path=part, form={}, reached=_WRONG)],
        f"GET {refund}": [Call(scope=scope, path=part, reached=_SEEN)],
        f"POST {refund}/preview": [Call(scope=scope, path=part, form={}, reached=_WRONG)],
        f"POST {refund}": [Call(scope=scope, path=part, form={}, reached=_WRONG)],
    }


ORDER_DESKS: dict[str, Sequence[Call]] = {
    **_calls(Scope.STAFF, "/operator", {}),
    # Nothing was refunded here: 404 is the page's own answer.
    f"GET {_OUTCOME}": [Call(scope=Scope.STAFF, path=_NO_REFUND, reached=_NOTHING)],
    f"POST {_OUTCOME}": [
        Call(
            scope=Scope.STAFF,
            path=_NO_REFUND,
            form={"outcome": "arrived", "reason": "for a test"},
            reached=_NOTHING,
        )
    ],
    # Its money was taken long ago: 409 is the page's own answer.
    f"GET {_CAPTURE}": [Call(scope=Scope.STAFF, path=_BOUGHT, reached=_KNOWN)],
    f"POST {_CAPTURE}": [
        Call(
            scope=Scope.STAFF,
            path=_BOUGHT,
            form={"outcome": "taken", "reason": "for a test"},
            reached=_KNOWN,
        )
    ],
    **_calls(Scope.SHOP, "/seller/{seller_id}", {"seller_id": Of("seller")}),
    f"GET {_CREDIT}": [Call(scope=Scope.SHOP, path=_SOLD, reached=_SEEN)],
    f"POST {_CREDIT}": [Call(scope=Scope.SHOP, path=_SOLD, form={}, reached=_WRONG)],
}
