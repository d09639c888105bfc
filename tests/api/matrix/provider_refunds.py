"""How the operations of money that went astray at a provider are called."""

from collections.abc import Sequence

from tests.api.matrix.callers import Scope
from tests.api.matrix.request import Call, Fixed

PROVIDER_REFUNDS: dict[str, Sequence[Call]] = {
    "list_provider_refunds": [Call(scope=Scope.MARKET)],
    # Nothing of the kind waits here: 404 is the operation's own answer.
    "resolve_provider_refund": [
        Call(
            scope=Scope.MARKET,
            path={"provider_refund_id": Fixed("provider_movement")},
            body={"note": "for a test"},
            reached=frozenset({404}),
        )
    ],
    "list_payment_returns": [Call(scope=Scope.MARKET)],
    "resolve_payment_return": [
        Call(
            scope=Scope.MARKET,
            path={"payment_return_id": Fixed("provider_movement")},
            body={"note": "for a test"},
            reached=frozenset({404}),
        )
    ],
}
