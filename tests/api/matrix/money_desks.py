"""How the operator's pages of balances, payouts, and money that is waited for are called."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.api.matrix.callers import Scope
from tests.api.matrix.request import Call, Fixed, Of

SEEN = frozenset({200})
SENT_ON = frozenset({303})
NOT_NOW = frozenset({409})
WRONG = frozenset({422})

_REASON = {"reason": "for a test"}
_SELLER = {"seller_id": Of("seller")}
_ADJUSTMENT = {"adjustment_id": Fixed("adjustment")}
_FILE = {"file_id": Fixed("bank_file")}
# Let in; there is no such thing in this world.
NOTHING = frozenset({404})
_SENT = {"transaction_id": "out-1", "sent_on": "2026-03-02"}
_RECEIPT = {"receipt_id": Fixed("provider_movement")}
_REFUND = {"hand_refund_id": Fixed("provider_movement")}
_PARCEL = {"seller_order_id": Fixed("provider_movement")}
_BUYER = {"user_id": Of("user")}
_RULE = {"rule_id": Fixed("reserve_rule")}
_COMMISSION = {"rule_id": Fixed("commission_rule")}
_TAX_RATE = {"rate_id": Fixed("tax_rate")}
_PROPOSAL = {"proposal_id": Fixed("proposal")}


def _page(
    path: Mapping[str, Of | Fixed | str] | None = None,
    *,
    query: Mapping[str, Any] | None = None,
    reached: frozenset[int] = SEEN,
) -> Call:
    return Call(scope=Scope.STAFF, path=path or {}, query=query or {}, reached=reached)


def _form(
    fields: Mapping[str, Any] | None = None,
    *,
    path: Mapping[str, Of | Fixed | str] | None = None,
    reached: frozenset[int] = SENT_ON,
) -> Call:
    # Those of our pages that are one wish bear a key; to the others it says nothing.
    form = {"key": "once", **(fields or {})}
    return Call(scope=Scope.STAFF, path=path or {}, form=form, reached=reached)


DESKS: dict[str, Sequence[Call]] = {
    "GET /operator/balances": [_page()],
    "GET /operator/balances/{seller_id}": [_page(_SELLER)],
    # Nobody owes anything here.
    "POST /operator/balances/{seller_id}/plan": [
        _form(
            {"plan_currency": "EUR", "kind": "share", "share": "50"},
            path=_SELLER,
            reached=NOT_NOW,
        )
    ],
    "POST /operator/balances/{seller_id}/plan/end": [
        _form({"currency": "EUR"}, path=_SELLER, reached=frozenset({404}))
    ],
    "POST /operator/balances/{seller_id}/write-offs": [
        _form(
            {"amount": "1.00", "currency": "EUR", **_REASON},
            path=_SELLER,
            reached=NOT_NOW,
        )
    ],
    "GET /operator/transactions": [_page(), _page(query={"format": "csv"})],
    "GET /operator/tax-report": [_page(), _page(query={"format": "csv"})],
    # Nothing is asked of this seller.
    "GET /operator/tax-report/sellers/{seller_id}": [_page(_SELLER, reached=NOTHING)],
    "POST /operator/tax-report/sellers/{seller_id}/unhold": [
        _form(_REASON, path=_SELLER, reached=NOTHING)
    ],
    "POST /operator/tax-report/sellers/{seller_id}/hold": [_form(path=_SELLER, reached=NOTHING)],
    "GET /operator/tax-returns": [_page(), _page(query={"format": "csv"})],
    "POST /operator/tax-returns/{period}/file": [
        _form(
            {"jurisdiction": "DE", "currency": "EUR"}, path={"period": "2025-Q4"}, reached=NOTHING
        )
    ],
    "POST /operator/tax-returns/{tax_return_id}/pay": [
        _form(
            {"period": "2025-Q4"},
            path={"tax_return_id": "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44"},
            reached=NOTHING,
        )
    ],
    "GET /operator/payment-ways": [_page()],
    "GET /operator/adjustments": [_page()],
    "POST /operator/adjustments": [
        _form(
            {
                **{f"side-{row}": side for row, side in enumerate(("debit", "credit"))},
                **{f"account-{row}": kind for row, kind in enumerate(("bank", "fee_income"))},
                **{f"amount-{row}": "1.00" for row in range(2)},
                **{f"currency-{row}": "EUR" for row in range(2)},
                **_REASON,
            }
        )
    ],
    "GET /operator/adjustments/new": [_page()],
    "POST /operator/adjustments/rows": [_form({"rows": "2", "add": "1"}, reached=SEEN)],
    "GET /operator/adjustments/{adjustment_id}": [_page(_ADJUSTMENT)],
    "POST /operator/adjustments/{adjustment_id}/approve": [
        _form(path=_ADJUSTMENT, reached=SENT_ON | NOT_NOW)
    ],
    "POST /operator/adjustments/{adjustment_id}/reject": [
        _form(_REASON, path=_ADJUSTMENT, reached=SENT_ON | NOT_NOW)
    ],
    "GET /operator/commission-rules": [_page()],
    "POST /operator/commission-rules": [_form({"rate": "5"})],
    "GET /operator/commission-rules/simulate": [_page()],
    "POST /operator/commission-rules/simulate": [
        _form(
            {"from": "2026-02-01", "to": "2026-03-01", "rule": "new", "rate": "5"},
            reached=SEEN | WRONG,
        )
    ],
    "GET /operator/commission-rules/{rule_id}": [_page(_COMMISSION)],
    "POST /operator/commission-rules/{rule_id}": [
        _form({"rate": "7", "currency": "EUR"}, path=_COMMISSION)
    ],
    "POST /operator/commission-rules/{rule_id}/end": [_form(path=_COMMISSION)],
    "GET /operator/tax-rates": [_page()],
    "POST /operator/tax-rates": [
        _form(
            {
                "country": "FI",
                "class": "standard",
                "rate": "25.5",
                "included": "yes",
                "remitted_by": "seller",
            },
            reached=SENT_ON | NOT_NOW,
        )
    ],
    "GET /operator/tax-rates/{rate_id}": [_page(_TAX_RATE)],
    "POST /operator/tax-rates/{rate_id}": [
        _form(
            {"rate": "18", "included": "yes", "remitted_by": "seller", "starts_on": "2026-01-01"},
            path=_TAX_RATE,
        )
    ],
    "POST /operator/tax-rates/{rate_id}/end": [_form(path=_TAX_RATE, reached=SENT_ON | WRONG)],
    "GET /operator/proposals": [_page()],
    "GET /operator/proposals/{proposal_id}": [_page(_PROPOSAL)],
    "POST /operator/proposals/{proposal_id}/approve": [
        _form(path=_PROPOSAL, reached=SENT_ON | NOT_NOW)
    ],
    "POST /operator/proposals/{proposal_id}/reject": [
        _form(_REASON, path=_PROPOSAL, reached=SENT_ON | NOT_NOW)
    ],
    "GET /operator/reserve-rules": [_page()],
    "POST /operator/reserve-rules": [_form({"scope": "market", "rate": "0", "days": "30"})],
    "POST /operator/reserve-rules/{rule_id}/end": [_form(path=_RULE)],
    "GET /operator/payouts/run/preview": [_page()],
    # Nobody has anything available; the answer says so.
    "POST /operator/payouts/run": [_form({"currency": "EUR"}, reached=SEEN)],
    # It was sent.
    "POST /operator/payouts/{payout_id}/never-sent": [
        _form({"unsent": "looked there"}, path={"payout_id": Of("payout")}, reached=NOT_NOW)
    ],
    "POST /operator/payouts/{payout_id}/was-paid": [
        _form({"paid": "looked there"}, path={"payout_id": Of("payout")}, reached=NOT_NOW)
    ],
    # What pays in this world gives nothing back.
    "POST /operator/payouts/{payout_id}/recall": [
        _form({"recall": "too much"}, path={"payout_id": Of("payout")}, reached=SEEN),
        _form(
            {"recall": "too much", "sure": "yes"},
            path={"payout_id": Of("payout")},
            reached=NOT_NOW,
        ),
    ],
    # It wasn't paid by a file.
    "POST /operator/payouts/{payout_id}/fail": [
        _form({"failure": "came back"}, path={"payout_id": Of("payout")}, reached=NOT_NOW)
    ],
    "GET /operator/bank-files": [_page()],
    # The market has no bank account here.
    "POST /operator/bank-files": [_form(reached=NOT_NOW)],
    "GET /operator/bank-files/{file_id}": [_page(_FILE)],
    "GET /operator/bank-files/{file_id}/document": [_page(_FILE)],
    "POST /operator/bank-files/{file_id}/execute": [_form(path=_FILE, reached=SENT_ON | NOT_NOW)],
    "POST /operator/bank-files/{file_id}/reject": [
        _form(_REASON, path=_FILE, reached=SENT_ON | NOT_NOW)
    ],
    "GET /operator/transfers": [_page()],
    # What stands in the world is no transfer of the bank's.
    "GET /operator/transfers/receipts/{receipt_id}": [_page(_RECEIPT, reached=NOTHING)],
    "POST /operator/transfers/receipts/{receipt_id}/assign": [
        _form({"reference": "RF18539007547034"}, path=_RECEIPT, reached=NOTHING)
    ],
    "POST /operator/transfers/receipts/{receipt_id}/returned": [
        _form(_SENT, path=_RECEIPT, reached=NOTHING)
    ],
    "GET /operator/transfers/refunds/{hand_refund_id}": [_page(_REFUND, reached=NOTHING)],
    "POST /operator/transfers/refunds/{hand_refund_id}/sent": [
        _form(_SENT, path=_REFUND, reached=NOTHING)
    ],
    "POST /operator/transfers/refunds/{hand_refund_id}/failed": [
        _form(_REASON, path=_REFUND, reached=NOTHING)
    ],
    "GET /operator/cash": [_page()],
    "GET /operator/cash/{seller_order_id}": [_page(_PARCEL, reached=NOTHING)],
    "POST /operator/cash/{seller_order_id}/received": [
        _form({"amount": "1.00"}, path=_PARCEL, reached=NOTHING)
    ],
    "POST /operator/cash/{seller_order_id}/refused": [
        _form(_REASON, path=_PARCEL, reached=NOTHING)
    ],
    "GET /operator/credit": [_page()],
    "GET /operator/credit/{user_id}": [_page(_BUYER)],
    "POST /operator/credit/{user_id}": [
        _form({"amount": "1.00", "currency": "EUR", **_REASON}, path=_BUYER)
    ],
}

_SHOP = {"seller_id": Of("seller")}
_ACCOUNT = {**_SHOP, "provider": "elsewhere"}

SHOP_DESKS: dict[str, Sequence[Call]] = {
    "GET /seller/{seller_id}/debts": [Call(scope=Scope.SHOP, path=_SHOP, reached=SEEN)],
    "GET /seller/{seller_id}/tax-identity": [Call(scope=Scope.SHOP, path=_SHOP, reached=SEEN)],
    # Nobody's password is known here: 422 is the page's own answer.
    "POST /seller/{seller_id}/tax-identity": [
        Call(scope=Scope.SHOP, path=_SHOP, form={"kind": "entity"}, reached=WRONG)
    ],
    "GET /seller/{seller_id}/letterhead": [Call(scope=Scope.SHOP, path=_SHOP, reached=SEEN)],
    # A street and no town: 422 is the page's own answer.
    "POST /seller/{seller_id}/letterhead": [
        Call(scope=Scope.SHOP, path=_SHOP, form={"line1": "Lane 1"}, reached=WRONG)
    ],
    "GET /seller/{seller_id}/payout-accounts": [Call(scope=Scope.SHOP, path=_SHOP, reached=SEEN)],
    # No provider of this world keeps accounts for sellers: 404 is the page's own answer.
    "POST /seller/{seller_id}/payout-accounts/{provider}": [
        Call(scope=Scope.SHOP, path=_ACCOUNT, form={}, reached=NOTHING)
    ],
    "POST /seller/{seller_id}/payout-accounts/{provider}/refresh": [
        Call(scope=Scope.SHOP, path=_ACCOUNT, form={}, reached=NOTHING)
    ],
}
