"""How the operations of gift cards and store credit are called."""

from collections.abc import Sequence

from tests.api.matrix.callers import Scope
from tests.api.matrix.request import Call, Of

_AMOUNT = {"amount": 1000, "currency": "EUR"}
_ORDER = {"order_id": Of("paid_order")}
# That order is one of goods: 404 is the operation's own answer.
_NO_CARD = frozenset({404})
_NO_LETTER = "01900000-0000-7000-8000-000000000000"

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
    "send_gift_card": [Call(scope=Scope.BUYER, path=_ORDER, body={}, reached=_NO_CARD)],
    # Nobody has such a letter: 404 is the operation's own answer.
    "claim_gift_card": [Call(body={"claim_id": _NO_LETTER, "token": "none"}, reached=_NO_CARD)],
    "list_value_moves": [Call(scope=Scope.RECEIPT, path=_ORDER)],
    "create_replacement_card_code": [
        Call(scope=Scope.BUYER, path={**_ORDER, "card_id": Of("gift_card")}, reached=_NO_CARD)
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
    "list_gift_card_releases": [Call()],
    "extend_gift_card": [
        # That card has no end: 422 is the operation's own answer.
        Call(
            scope=Scope.MARKET,
            path=_CARD,
            body={"expires_at": "2030-01-01T00:00:00Z"},
            reached=frozenset({409, 422}),
        )
    ],
    # Its code was told when it was made, to somebody else: both are the operation's own answer.
    "create_issued_card_code": [
        Call(scope=Scope.MARKET, path=_CARD, reached=frozenset({403, 409}))
    ],
    "deactivate_gift_card": [Call(scope=Scope.MARKET, path=_CARD)],
    "get_my_store_credit": [Call()],
    "get_store_credit": [Call(scope=Scope.MARKET, path=_USER)],
    # Nothing is available to the shop yet: 409 is the operation's own answer. It is for the shop's
    # people alone, and operators are told that it isn't theirs.
    "give_store_credit": [
        Call(
            scope=Scope.SHOP,
            hidden=frozenset({403, 404}),
            path={"order_id": Of("paid_order")},
            body={"seller_order_id": Of("paid_part"), **_WORTH, **_REASON},
            reached=frozenset({409, 422}),
        )
    ],
    "grant_store_credit": [Call(scope=Scope.MARKET, body={**_WORTH, **_REASON}, path=_USER)],
}

# What a letter about a changed payout account leads to.
PAYOUT_CHANGES: dict[str, Sequence[Call]] = {
    # Nobody's password is known here: 422 is the operation's own answer. It is for the shop's
    # people alone, and operators are told that it isn't theirs.
    "confirm_payouts": [
        Call(
            scope=Scope.SHOP,
            hidden=frozenset({403, 404}),
            path={"seller_id": Of("seller")},
            body={"password": "wrong"},
            reached=frozenset({422}),
        )
    ],
    "withdraw_payout_change": [
        Call(path={"destination_id": _NO_LETTER}, body={"token": "none"}, reached=frozenset({404}))
    ],
}

_NUMBER = {"number": Of("paid_number")}
GIFT_PAGES: dict[str, Sequence[Call]] = {
    "GET /gift-cards": [Call(reached=frozenset({200}))],
    "POST /gift-cards": [Call(form={"currency": "EUR"}, reached=frozenset({422}))],
    "GET /orders/{number}/gift-card": [Call(scope=Scope.RECEIPT, path=_NUMBER, reached=_NO_CARD)],
    "POST /orders/{number}/gift-card": [
        Call(scope=Scope.RECEIPT, path=_NUMBER, form={}, reached=_NO_CARD)
    ],
    "POST /orders/{number}/gift-card/send": [
        Call(scope=Scope.RECEIPT, path=_NUMBER, form={"key": "once"}, reached=_NO_CARD)
    ],
    "GET /gift-cards/claims/{claim_id}": [Call(path={"claim_id": _NO_LETTER}, reached=_NO_CARD)],
    "POST /gift-cards/claims/{claim_id}": [
        Call(path={"claim_id": _NO_LETTER}, form={"token": "none"}, reached=_NO_CARD)
    ],
    "GET /orders/{number}/replacement-cards/{card_id}": [
        Call(scope=Scope.RECEIPT, path=_NUMBER | _CARD, reached=_NO_CARD)
    ],
    "POST /orders/{number}/replacement-cards/{card_id}": [
        Call(scope=Scope.RECEIPT, path=_NUMBER | _CARD, form={}, reached=_NO_CARD)
    ],
    "GET /operator/gift-card-offers": [Call(scope=Scope.STAFF, reached=frozenset({200}))],
    "POST /operator/gift-card-offers": [
        Call(
            scope=Scope.STAFF,
            form={"currency": "EUR", "amounts": "25 50", "on_sale": "1"},
            reached=frozenset({303}),
        )
    ],
    "GET /operator/gift-card-releases": [Call(scope=Scope.STAFF, reached=frozenset({200}))],
    "POST /operator/gift-cards/{card_id}/extend": [
        Call(
            scope=Scope.STAFF,
            path=_CARD,
            form={"expires_on": "2030-01-01"},
            reached=frozenset({303, 409, 422}),
        )
    ],
    "POST /operator/gift-cards/{card_id}/code": [
        Call(scope=Scope.STAFF, path=_CARD, form={}, reached=frozenset({403, 409}))
    ],
    # That card was issued, not bought: 404 is the operation's own answer.
    "POST /operator/gift-cards/{card_id}/take-back": [
        Call(scope=Scope.STAFF, path=_CARD, form={"reason": "for a test"}, reached=_NO_CARD)
    ],
}
