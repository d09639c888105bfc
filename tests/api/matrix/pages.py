"""How each page is called; whatever names something of somebody's is tried on everybody."""

from collections.abc import Sequence
from typing import Any

from tests.api.matrix.callers import Scope
from tests.api.matrix.gift_calls import GIFT_PAGES
from tests.api.matrix.money_pages import MONEY_PAGES
from tests.api.matrix.request import Call, Fixed, Of

SHOWN = frozenset({200, 303})
# What was typed is wrong, and the page says so.
OR_WRONG = SHOWN | {422}
# Without a bag of one's own there is nothing to change: back to the bag.
_NOBODYS = "0192f000-0000-7000-8000-000000000000"
NOT_THERE = frozenset({303, 404})


def _page(scope: Scope = Scope.NONE, **more: Any) -> Call:
    more.setdefault("reached", SHOWN)
    return Call(scope=scope, **more)


def _form(scope: Scope = Scope.NONE, **more: Any) -> Call:
    fields = more.pop("fields", {})
    return _page(scope, form=fields, **more)


def _number(kind: str) -> dict[str, Of]:
    return {"number": Of(f"{kind}_number")}


PAGES: dict[str, Sequence[Call]] = {
    "GET /": [_page()],
    "GET /favicon.ico": [_page(reached=frozenset({302}))],
    "GET /search": [_page(query={"q": "lamp"})],
    "GET /c/{path:path}": [_page(path={"path": "lamps"})],
    "GET /p/{slug}": [_page(Scope.MARKET, path={"slug": Of("product_slug")})],
    "GET /s/{slug}": [_page(Scope.MARKET, path={"slug": Of("seller_slug")})],
    "GET /bag": [_page()],
    "POST /bag/items": [_form(fields={"variant_id": Fixed("variant"), "quantity": "1"})],
    "POST /bag/items/{item_id}": [
        _form(Scope.BUYER, path={"item_id": Of("item")}, fields={"quantity": "1"}, hidden=NOT_THERE)
    ],
    "POST /bag/items/{item_id}/remove": [
        _form(Scope.BUYER, path={"item_id": Of("item")}, hidden=NOT_THERE)
    ],
    "POST /bag/delivery": [_form()],
    "POST /bag/coupons": [_form(fields={"code": Of("coupon_code")}, reached=OR_WRONG)],
    "POST /bag/coupons/remove": [_form()],
    "GET /checkout": [_page()],
    "GET /checkout/delivery": [_page()],
    "GET /checkout/address": [_page()],
    "POST /checkout/delivery": [_form(reached=OR_WRONG)],
    "POST /checkout/address": [_form(reached=OR_WRONG)],
    "POST /checkout": [_form(reached=OR_WRONG)],
    "GET /orders": [_page(reached=SHOWN | {401})],
    "GET /orders/{number}": [_page(Scope.RECEIPT, path=_number("paid"))],
    "GET /orders/{number}/documents/{document_id}": [
        _page(Scope.RECEIPT, path={**_number("paid"), "document_id": Of("paid_invoice")})
    ],
    "GET /orders/{number}/pay": [_page(Scope.RECEIPT, path=_number("unpaid"))],
    "POST /orders/{number}/pay": [
        _form(
            Scope.RECEIPT,
            path=_number("unpaid"),
            fields={
                "idempotency_key": "once",
                "payment_method": "sandbox",
                "payment_token": "tok_ok",
            },
            reached=SHOWN | {409},
        )
    ],
    "POST /orders/{number}/cancel": [_form(Scope.RECEIPT, path=_number("paid"))],
    "GET /sign-in": [_page()],
    "POST /sign-in": [
        _form(fields={"email": "nobody@example.com", "password": "wrong"}, reached=OR_WRONG)
    ],
    "GET /register": [_page()],
    "POST /register": [_form(reached=OR_WRONG)],
    "POST /sign-out": [_form()],
    "POST /theme": [_form(fields={"theme": "dark"})],
    "GET /payments/return/{attempt_id}": [
        _page(Scope.MARKET, path={"attempt_id": Of("unpaid_attempt")})
    ],
    # Nobody has such an account here: 404 is the page's own answer.
    "GET /payout-accounts/{account_id}/return": [
        _page(path={"account_id": _NOBODYS}, reached=frozenset({404}))
    ],
    "GET /payout-accounts/{account_id}/onboarding": [
        _page(path={"account_id": _NOBODYS}, reached=frozenset({404}))
    ],
    # This is no demo market.
    "GET /demo": [_page(reached=frozenset({404}))],
    "POST /demo/{role}": [_form(path={"role": "buyer"}, reached=frozenset({404}))],
    "GET /sandbox/pay/{attempt_id}": [
        _page(Scope.MARKET, path={"attempt_id": Of("unpaid_attempt")})
    ],
    "POST /sandbox/pay/{attempt_id}": [
        _form(Scope.MARKET, path={"attempt_id": Of("unpaid_attempt")})
    ],
    **GIFT_PAGES,
    **MONEY_PAGES,
}
