"""How the pages of money and of cases are called: a buyer's, a shop's, and the market's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.api.matrix.callers import Scope
from tests.api.matrix.money_desks import DESKS, SHOP_DESKS
from tests.api.matrix.order_desks import ORDER_DESKS
from tests.api.matrix.request import Call, Fixed, Of
from tests.conftest import START

SEEN = frozenset({200})
# Done, and sent on to the page that says so.
SENT_ON = frozenset({303})
# Let in; it can't be done in this state, and the page says so.
NOT_NOW = frozenset({409})
# Let in; what was typed is wrong, and the page says so.
WRONG = frozenset({422})

_REASON = {"reason": "for a test"}
_SAID = {"body": "Look here"}
_FILE = {"file": ("b.pdf", b"%PDF-1.7 more", "application/pdf")}
_CSV = {"format": "csv"}
_REPORT_FILE = {
    "report": (
        "r.csv",
        b"reference,kind,amount,currency,occurred_at\nm-9,fee,-1.00,EUR,2026-03-02T09:00:00Z\n",
        "text/csv",
    )
}
_STATEMENT_FILE = {
    "statement": (
        "s.csv",
        b"transaction_id,amount,currency,value_date\nb-9,1.00,EUR,2026-03-02\n",
        "text/csv",
    )
}
_CASE = Of("delivered_dispute")
_CASE_FILE = Of("delivered_dispute_file")

Path = Mapping[str, Of | Fixed | str]
Fields = Mapping[str, Any]


def _page(scope: Scope, path: Path | None = None, query: Fields | None = None) -> Call:
    return Call(scope=scope, path=path or {}, query=query or {}, reached=SEEN)


def _form(
    scope: Scope,
    path: Path | None = None,
    fields: Fields | None = None,
    *,
    reached: frozenset[int] = SENT_ON,
    files: Fields | None = None,
) -> Call:
    # Those of our pages that are one wish bear a key; to the others it says nothing.
    form = {"key": "once", **(fields or {})}
    return Call(scope=scope, path=path or {}, form=form, files=files, reached=reached)


_NO_LETTER = {"destination_id": "01900000-0000-7000-8000-000000000000"}
_BOUGHT = {"number": Of("delivered_number")}
_BOUGHT_CASE = {**_BOUGHT, "dispute_id": _CASE}
_REPORT = {
    "line": Of("delivered_second_line"),
    "reason": "not_as_described",
    "wish": "refund",
    "message": "It is another lamp",
    "key": "once",
}

# Support and operators have pages of their own for cases; a buyer's are the buyer's alone.
BUYERS: dict[str, Sequence[Call]] = {
    "GET /account": [_page(Scope.PERSON)],
    "GET /account/cases": [_page(Scope.PERSON)],
    "GET /account/payments": [_page(Scope.PERSON), _page(Scope.PERSON, query=_CSV)],
    "GET /account/password": [_page(Scope.PERSON)],
    # Nobody's password is known here: 422 is the page's own answer.
    "POST /account/password": [
        _form(Scope.PERSON, fields={"current_password": "wrong"}, reached=WRONG)
    ],
    # Nobody knows a code here: 422 is the page's own answer.
    "POST /account/gift-card": [
        _form(Scope.PERSON, fields={"code": "0000-0000-0000-0000"}, reached=WRONG)
    ],
    "GET /orders/{number}/shipments/{shipment_id}/packing-slip": [
        _page(
            Scope.RECEIPT, {"number": Of("shipped_number"), "shipment_id": Of("shipped_shipment")}
        )
    ],
    "GET /orders/{number}/problems/new": [_page(Scope.BUYER, _BOUGHT)],
    "POST /orders/{number}/problems": [
        _form(Scope.BUYER, _BOUGHT, _REPORT),
        _form(Scope.BUYER, _BOUGHT, _REPORT, files=_FILE),
    ],
    "GET /orders/{number}/problems/{dispute_id}": [_page(Scope.BUYER, _BOUGHT_CASE)],
    "GET /orders/{number}/problems/{dispute_id}/export": [_page(Scope.BUYER, _BOUGHT_CASE)],
    "GET /orders/{number}/problems/{dispute_id}/evidence/{file_id}": [
        _page(Scope.BUYER, {**_BOUGHT_CASE, "file_id": _CASE_FILE})
    ],
    "POST /orders/{number}/problems/{dispute_id}/messages": [
        _form(Scope.BUYER, _BOUGHT_CASE, _SAID)
    ],
    "POST /orders/{number}/problems/{dispute_id}/evidence": [
        _form(Scope.BUYER, _BOUGHT_CASE, files=_FILE)
    ],
    "POST /orders/{number}/problems/{dispute_id}/accept": [_form(Scope.BUYER, _BOUGHT_CASE)],
    # It is the shop's turn.
    "POST /orders/{number}/problems/{dispute_id}/escalate": [
        _form(Scope.BUYER, _BOUGHT_CASE, _REASON, reached=NOT_NOW)
    ],
}

_SHOP = {"seller_id": Of("seller")}
_SHOP_CASE = {**_SHOP, "dispute_id": _CASE}
_PAPER = {**_SHOP, "document_id": Of("statement")}
_MONTH: Path = {**_SHOP, "period": START.strftime("%Y-%m")}

SHOPS: dict[str, Sequence[Call]] = {
    # Sent on to a shop of one's own; whoever has none gets what isn't there.
    "GET /seller": [Call(reached=SENT_ON | {404})],
    # Every member is sent on to the first page that is theirs.
    "GET /seller/{seller_id}": [
        Call(scope=Scope.SHOP, path=_SHOP, reached=SENT_ON, below_role=SENT_ON)
    ],
    "GET /seller/{seller_id}/money": [_page(Scope.SHOP, _SHOP)],
    "GET /seller/{seller_id}/transactions": [
        _page(Scope.SHOP, _SHOP),
        _page(Scope.SHOP, _SHOP, _CSV),
    ],
    "GET /seller/{seller_id}/papers": [_page(Scope.SHOP, _SHOP)],
    "GET /seller/{seller_id}/papers/{document_id}": [
        _page(Scope.SHOP, _PAPER),
        _page(Scope.SHOP, _PAPER, _CSV),
    ],
    "GET /seller/{seller_id}/statements/{period}": [
        _page(Scope.SHOP, _MONTH),
        _page(Scope.SHOP, _MONTH, _CSV),
    ],
    "GET /seller/{seller_id}/payouts": [_page(Scope.SHOP, _SHOP)],
    # Nothing is available here any more.
    "POST /seller/{seller_id}/payouts": [
        _form(Scope.SHOP, _SHOP, {"currency": "EUR"}, reached=NOT_NOW)
    ],
    "GET /seller/{seller_id}/payouts/{payout_id}": [
        _page(Scope.SHOP, {**_SHOP, "payout_id": Of("payout")})
    ],
    "GET /seller/{seller_id}/payout-settings": [_page(Scope.SHOP, _SHOP)],
    "POST /seller/{seller_id}/payout-settings": [_form(Scope.SHOP, _SHOP, {"schedule": "daily"})],
    "POST /seller/{seller_id}/payout-settings/confirm": [
        _form(Scope.SHOP, _SHOP, {"own_password": "wrong"}, reached=frozenset({422}))
    ],
    "GET /payout-changes/{destination_id}": [
        Call(path=_NO_LETTER, reached=frozenset({404})),
    ],
    "POST /payout-changes/{destination_id}": [
        Call(path=_NO_LETTER, form={"token": "none"}, reached=frozenset({404})),
    ],
    # Nobody's password is known here: 422 is the page's own answer.
    "POST /seller/{seller_id}/payout-account": [
        _form(
            Scope.SHOP,
            _SHOP,
            {
                "method": "sandbox",
                "holder": "Ada",
                "iban": "DE89370400440532013000",
                "password": "wrong",
            },
            reached=WRONG,
        )
    ],
    "GET /seller/{seller_id}/cases": [
        _page(Scope.SHOP, _SHOP),
        _page(Scope.SHOP, _SHOP, {"view": "all"}),
    ],
    "GET /seller/{seller_id}/cases/{dispute_id}": [_page(Scope.SHOP, _SHOP_CASE)],
    "GET /seller/{seller_id}/cases/{dispute_id}/export": [_page(Scope.SHOP, _SHOP_CASE)],
    "GET /seller/{seller_id}/cases/{dispute_id}/evidence/{file_id}": [
        _page(Scope.SHOP, {**_SHOP_CASE, "file_id": _CASE_FILE})
    ],
    "POST /seller/{seller_id}/cases/{dispute_id}/messages": [
        _form(Scope.SHOP, _SHOP_CASE, _SAID),
        _form(Scope.SHOP, _SHOP_CASE, {**_SAID, "answer": "yes"}),
    ],
    "POST /seller/{seller_id}/cases/{dispute_id}/evidence": [
        _form(Scope.SHOP, _SHOP_CASE, files=_FILE)
    ],
    "POST /seller/{seller_id}/cases/{dispute_id}/accept": [_form(Scope.SHOP, _SHOP_CASE)],
    "POST /seller/{seller_id}/cases/{dispute_id}/escalate": [
        _form(Scope.SHOP, _SHOP_CASE, _REASON)
    ],
}

_ANY_CASE = {"dispute_id": _CASE}
_ANY_PAYOUT = {"payout_id": Of("payout")}
_ANY_CARD = {"card_id": Of("gift_card")}
_MOVEMENT = {"movement_id": Fixed("provider_movement")}
_GATEWAY = {"gateway": "sandbox"}
_LETTER = {"letter_id": Fixed("letter")}
_AWARD = {"amount": "1.00", "decision": "half"}

STAFFS: dict[str, Sequence[Call]] = {
    "GET /operator": [_page(Scope.STAFF)],
    "GET /operator/explain": [
        _page(Scope.STAFF),
        *(
            _page(Scope.STAFF, query={"subject": Of(kind)})
            for kind in ("paid_number", "payout", "seller")
        ),
    ],
    "GET /operator/cases": [_page(Scope.STAFF), _page(Scope.STAFF, query={"view": "all"})],
    "GET /operator/cases/{dispute_id}": [_page(Scope.STAFF, _ANY_CASE)],
    "GET /operator/cases/{dispute_id}/export": [_page(Scope.STAFF, _ANY_CASE)],
    "GET /operator/cases/{dispute_id}/evidence/{file_id}": [
        _page(Scope.STAFF, {**_ANY_CASE, "file_id": _CASE_FILE})
    ],
    "POST /operator/cases/{dispute_id}/messages": [_form(Scope.STAFF, _ANY_CASE, _SAID)],
    "POST /operator/cases/{dispute_id}/evidence": [_form(Scope.STAFF, _ANY_CASE, files=_FILE)],
    # That case is a seller's to give in to: 409 is the operation's own answer.
    "POST /operator/cases/{dispute_id}/accept": [
        _form(Scope.STAFF, _ANY_CASE, reached=frozenset({409}))
    ],
    "POST /operator/cases/{dispute_id}/decide": [
        # What it would move, shown.
        _form(Scope.STAFF, _ANY_CASE, _AWARD, reached=SEEN),
        _form(Scope.STAFF, _ANY_CASE, {**_AWARD, "sure": "yes"}),
    ],
    "GET /operator/gift-cards": [_page(Scope.STAFF)],
    # The code is shown by the answer itself.
    "POST /operator/gift-cards": [
        _form(Scope.STAFF, fields={"amount": "10.00", "currency": "EUR"}, reached=SEEN)
    ],
    "GET /operator/gift-cards/{card_id}": [_page(Scope.STAFF, _ANY_CARD)],
    "POST /operator/gift-cards/{card_id}/deactivate": [_form(Scope.STAFF, _ANY_CARD)],
    "GET /operator/letters": [_page(Scope.STAFF), _page(Scope.STAFF, query={"status": "dead"})],
    "GET /operator/letters/{letter_id}": [_page(Scope.STAFF, _LETTER)],
    "POST /operator/letters/{letter_id}/resend": [
        _form(Scope.STAFF, _LETTER, reached=SENT_ON | NOT_NOW)
    ],
    "GET /operator/payouts": [_page(Scope.STAFF)],
    "GET /operator/payouts/{payout_id}": [_page(Scope.STAFF, _ANY_PAYOUT)],
    # It was paid already.
    "POST /operator/payouts/{payout_id}/approve": [
        _form(Scope.STAFF, _ANY_PAYOUT, reached=NOT_NOW)
    ],
    "POST /operator/payouts/{payout_id}/cancel": [
        _form(Scope.STAFF, _ANY_PAYOUT, _REASON, reached=NOT_NOW)
    ],
    "POST /operator/payouts/{payout_id}/retry": [_form(Scope.STAFF, _ANY_PAYOUT, reached=NOT_NOW)],
    "POST /operator/payouts/{payout_id}/hold": [_form(Scope.STAFF, _ANY_PAYOUT, _REASON)],
    "POST /operator/payouts/{payout_id}/unhold": [_form(Scope.STAFF, _ANY_PAYOUT)],
    "GET /operator/reconciliation": [_page(Scope.STAFF)],
    "POST /operator/reconciliation/match": [_form(Scope.STAFF, fields=_GATEWAY)],
    # Nobody there tells us anything.
    "POST /operator/reconciliation/pull": [
        _form(Scope.STAFF, fields={"gateway": "elsewhere"}, reached=NOT_NOW)
    ],
    # What became of a file is said by the inbox itself.
    "POST /operator/reconciliation/reports": [
        _form(Scope.STAFF, fields=_GATEWAY, files=_REPORT_FILE, reached=SEEN)
    ],
    "POST /operator/reconciliation/payment-returns/{return_id}/resolve": [
        _form(
            Scope.STAFF,
            fields={"note": "for a test"},
            path={"return_id": Fixed("provider_movement")},
            reached=frozenset({404}),
        )
    ],
    "POST /operator/reconciliation/refunds/{told_id}/resolve": [
        _form(
            Scope.STAFF,
            fields={"note": "for a test"},
            path={"told_id": Fixed("provider_movement")},
            reached=frozenset({404}),
        )
    ],
    "POST /operator/reconciliation/statements": [
        _form(Scope.STAFF, files=_STATEMENT_FILE, reached=SEEN)
    ],
    "GET /operator/reconciliation/{movement_id}": [_page(Scope.STAFF, _MOVEMENT)],
    "POST /operator/reconciliation/{movement_id}/resolve": [
        _form(Scope.STAFF, _MOVEMENT, {"resolution": "fee", "note": "monthly"})
    ],
    # Nobody explained it, and it doesn't wait in suspense.
    "POST /operator/reconciliation/{movement_id}/approve": [
        _form(Scope.STAFF, _MOVEMENT, reached=NOT_NOW)
    ],
    "POST /operator/reconciliation/{movement_id}/reject": [
        _form(Scope.STAFF, _MOVEMENT, reached=NOT_NOW)
    ],
    "POST /operator/reconciliation/{movement_id}/clear": [
        _form(Scope.STAFF, _MOVEMENT, {"resolution": "fee"}, reached=NOT_NOW)
    ],
}

MONEY_PAGES: dict[str, Sequence[Call]] = {
    **BUYERS, **SHOPS, **STAFFS, **DESKS, **SHOP_DESKS, **ORDER_DESKS,
}  # fmt: skip
