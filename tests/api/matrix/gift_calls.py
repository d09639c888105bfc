"""How the operations of gift cards and store credit are called."""

from collections.abc import Sequence

from tests.api.matrix.callers import Scope
from tests.api.matrix.request import Call, Of

_AMOUNT = {"amount": 1000, "currency": "EUR"}
_ORDER = {"order_id": Of("paid_order")}
# That order is one of goods: 404 is the operation's own answer.
_NO_CARD = frozenset({404})

GIFT_SALES: dict[str, Sequence[Call]] = {
    "list_gift_card_offers": [Call()],
    "set_gift_card_offer": [Call(path={"currency": "EUR"}, body={"amounts": [_AMOUNT]})],
    # Nothing is for sale here: 422 is the operation's own answer.
    "create_gift_card_purchase": [
        Call(
            body={
                "amount": _AMOUNT,
                "payment_method": "sandbox",
                "payment_token": "tok_ok",
                "email": "new@example.com",
            },
            reached=frozenset({422}),
        )
    ],
    "get_gift_card_purchase": [Call(scope=Scope.RECEIPT, path=_ORDER, reached=_NO_CARD)],
    "create_gift_card_code": [Call(scope=Scope.BUYER, path=_ORDER, reached=_NO_CARD)],
    "refund_gift_card_purchase": [
        Call(scope=Scope.MARKET, path=_ORDER, body={"reason": "for a test"}, reached=_NO_CARD)
    ],
}

_WORTH = {"amount": {"amount": 100, "currency": "EUR"}}
_REASON = {"reason": "for a test"}
_CARD = {"card_id": Of("gift_card")}
_USER = {"user_id": Of("user")}

STORED_VALUE: dict[str, Sequence[Call]] = {
    "list_gift_cards": [Call()],
    "issue_gift_card": [Call(body=_WORTH)],
    # Nobody knows a code here: 422 is the operation's own answer.
    "check_gift_card": [Call(body={"code": "0000-0000-0000-0000"}, reached=frozenset({422}))],
    "get_gift_card": [Call(scope=Scope.MARKET, path=_CARD)],
    "deactivate_gift_card": [Call(scope=Scope.MARKET, path=_CARD)],
    "get_my_store_credit": [Call()],
    "get_store_credit": [Call(scope=Scope.MARKET, path=_USER)],
    "grant_store_credit": [Call(scope=Scope.MARKET, body={**_WORTH, **_REASON}, path=_USER)],
}

_NUMBER = {"number": Of("paid_number")}
GIFT_PAGES: dict[str, Sequence[Call]] = {
    "GET /gift-cards": [Call(reached=frozenset({200}))],
    "POST /gift-cards": [Call(form={"currency": "EUR"}, reached=frozenset({422}))],
    "GET /orders/{number}/gift-card": [Call(scope=Scope.RECEIPT, path=_NUMBER, reached=_NO_CARD)],
    "POST /orders/{number}/gift-card": [
        Call(scope=Scope.RECEIPT, path=_NUMBER, form={}, reached=_NO_CARD)
    ],
    "GET /operator/gift-card-offers": [Call(scope=Scope.STAFF, reached=frozenset({200}))],
    "POST /operator/gift-card-offers": [
        Call(
            scope=Scope.STAFF,
            form={"currency": "EUR", "amounts": "25 50", "on_sale": "1"},
            reached=frozenset({303}),
        )
    ],
    # That card was issued, not bought: 404 is the operation's own answer.
    "POST /operator/gift-cards/{card_id}/take-back": [
        Call(scope=Scope.STAFF, path=_CARD, form={"reason": "for a test"}, reached=_NO_CARD)
    ],
}
