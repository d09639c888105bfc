"""How each operation of the API is called: a route that has no entry here fails the matrix."""

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

from PIL import Image

from tests.api.matrix.callers import Scope
from tests.api.matrix.document_calls import DOCUMENTS
from tests.api.matrix.gift_calls import GIFT_SALES, PAYOUT_CHANGES, STORED_VALUE
from tests.api.matrix.letter_calls import LETTERS
from tests.api.matrix.offline_calls import CASH, REDUCTIONS, TRANSFERS
from tests.api.matrix.proposal_calls import PROPOSALS
from tests.api.matrix.request import Call, Fixed, Of
from tests.factories.orders import ADDRESS

EUR = "EUR"
OK = frozenset({200, 201, 202, 204})
# Let in; what is asked for isn't possible in this state.
OR_STATE = OK | {409}


def _picture() -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (32, 32), (10, 200, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def _of(kind: str, parameter: str) -> dict[str, Of]:
    return {parameter: Of(kind)}


def _market(body: Any = None, *, reached: frozenset[int] = OK, **path: Of | Fixed) -> Call:
    return Call(scope=Scope.MARKET, path=path, body=body, reached=reached)


def _seller(
    body: Any = None, *, reached: frozenset[int] = OK, query: Any = None, **path: Of | Fixed
) -> Call:
    return Call(scope=Scope.SELLER, path=path, body=body, query=query or {}, reached=reached)


def _seller_hides(**path: Of) -> Call:
    """Members whose role doesn't reach it get what everybody gets: there is nothing."""
    return Call(scope=Scope.SELLER, path=path, below_role=frozenset({403, 404}))


def _cart(body: Any = None, *, reached: frozenset[int] = OK, **path: Of) -> Call:
    return Call(scope=Scope.BUYER, path={"cart_id": Of("cart"), **path}, body=body, reached=reached)


def _order(kind: str, body: Any = None, *, reached: frozenset[int] = OK, **path: Of) -> Call:
    return Call(
        scope=Scope.ORDER, path={"order_id": Of(f"{kind}_order"), **path}, body=body,
        reached=reached,
    )  # fmt: skip


def _mine(body: Any = None, *, reached: frozenset[int] = OK, **more: Any) -> Call:
    return Call(scope=Scope.NONE, body=body, reached=reached, **more)


def _refund(line: str = "paid_line") -> dict[str, Any]:
    return {
        "seller_order_id": Of("paid_part"),
        "items": [
            {"order_item_id": Of(line), "quantity": 1},
            {"order_item_id": Of("paid_second_line"), "quantity": 1},
        ],
        "reason": "broken",
    }


_SELLER_ID = {"seller_id": Of("seller")}
_PRODUCT = {
    "title": "Lamp",
    "category_id": Fixed("category"),
    "variants": [{"sku": "NEW-1", "price": {"amount": 100, "currency": EUR}, "stock": 1}],
}
_ZONE = {"name": "Near", "countries": ["AT"]}
_COUPON = {"code": "NEWCODE", "kind": "percent", "value_bps": 500}
_REASON = {"reason": "for a test"}

ACCOUNTS: dict[str, Sequence[Call]] = {
    "get_health": [_mine()],
    "get_readiness": [_mine()],
    "list_keys": [_mine()],
    "register_account": [
        _mine({"email": "new@example.com", "password": "a long pass phrase", "name": "New"})
    ],
    "create_token": [
        # Nobody's password is known here: 401 is the operation's own answer.
        Call(form={"username": "nobody@example.com", "password": "wrong"}, reached=frozenset({401}))
    ],
    "refresh_token": [_mine({"refresh_token": "unknown"}, reached=frozenset({401}))],
    # Nobody's password is known here: 422 is the operation's own answer.
    "change_password": [
        _mine(
            {"current_password": "wrong", "new_password": "a long pass phrase"},
            reached=frozenset({422}),
        )
    ],
    "end_session": [_mine()],
    "get_me": [_mine()],
}

SELLERS: dict[str, Sequence[Call]] = {
    "register_seller": [
        _mine({"name": "My own", "legal_name": "My own Ltd", "email": "me@example.com",
               "country": "DE"})
    ],
    "list_sellers": [_mine()],
    "get_seller": [_market(seller_id=Of("seller"))],
    "update_seller": [_seller({"description": "Changed"}, seller_id=Of("seller"))],
    "approve_seller": [_market(seller_id=Of("applied"))],
    "reject_seller": [_market(_REASON, seller_id=Of("applied"))],
    "suspend_seller": [_market(_REASON, seller_id=Of("seller"))],
    "reinstate_seller": [_market(seller_id=Of("suspended"))],
    "list_members": [_seller(seller_id=Of("seller"))],
    "add_member": [
        _seller({"email": Fixed("joiner_email"), "role": "viewer"}, seller_id=Of("seller"))
    ],
    "change_member": [
        _seller({"role": "finance"}, seller_id=Of("seller"), user_id=Of("member"))
    ],
    "remove_member": [_seller(seller_id=Of("seller"), user_id=Of("member"))],
}  # fmt: skip

CATALOGUE: dict[str, Sequence[Call]] = {
    "create_product": [_seller(_PRODUCT | _SELLER_ID)],
    "list_products": [
        _mine(),
        # The list of one's own, for those who have one.
        Call(query={"status": "all"}, reached=OK | {401, 403}),
    ],
    "list_seller_products": [
        Call(scope=Scope.MARKET, path={"seller_id": Of("seller")}, absent=OK)
    ],
    "get_product": [
        _market(product_id=Of("product")),
        Call(scope=Scope.MEMBERS, path={"product_id": Of("draft")}),
    ],
    "update_product": [
        _seller({"title": "Changed"}, product_id=Of("product")),
        _seller(
            {"variants": [{"id": Of("variant"), "low_stock_at": 1},
                          {"id": Of("second_variant"), "low_stock_at": 1}]},
            product_id=Of("product"),
        ),
        _seller({"media": [{"id": Of("media")}]}, product_id=Of("product")),
    ],
    "delete_product": [_seller(product_id=Of("product"))],
    "archive_product": [_seller(product_id=Of("product"))],
    "submit_product": [_seller(product_id=Of("draft"))],
    "approve_product": [_market(product_id=Of("draft"), reached=OR_STATE)],
    "reject_product": [_market(_REASON, product_id=Of("draft"), reached=OR_STATE)],
    "list_categories": [_mine()],
    "get_category": [_market(reference=Fixed("category"))],
    "create_category": [_mine({"name": "Brand new"})],
    "update_category": [_market({"name": "Renamed"}, category_id=Fixed("spare_category"))],
    "delete_category": [_market(category_id=Fixed("spare_category"))],
    "create_media": [
        Call(
            scope=Scope.SELLER,
            form=_SELLER_ID,
            files={"file": ("b.png", _picture(), "image/png")},
        )
    ],
    "create_import": [
        Call(
            scope=Scope.SELLER,
            form={"format": "gosellr", **_SELLER_ID},
            files={"file": ("new.csv", b"sku,title,price\nNEW-9,Lamp,10.00\n", "text/csv")},
        )
    ],
    "list_imports": [_mine(), _mine(query=_SELLER_ID, absent=OK)],
    "get_import_template": [_mine()],
    "get_import": [_seller_hides(import_id=Of("import"))],
    "list_import_errors": [_seller_hides(import_id=Of("import"))],
    "get_media_file": [Call(path={"key": "unknown"}, reached=frozenset({404}))],
    "get_stock": [_seller(variant_id=Of("variant"))],
    "adjust_stock": [
        _seller({"delta": 1, "reason": "received"}, variant_id=Of("variant")),
        _seller(
            {"delta": 1, "reason": "received", "location_id": Of("location")},
            variant_id=Of("variant"),
        ),
    ],
    "list_stock_movements": [_seller(variant_id=Of("variant"))],
    "list_stock_locations": [Call(scope=Scope.SELLER, query=_SELLER_ID, absent=OK)],
    "create_stock_location": [_seller({"name": "Annex", **_SELLER_ID})],
    "list_reviews": [_market(product_id=Of("product"))],
    "create_review": [
        Call(
            scope=Scope.BUYER,
            path={"product_id": Of("product")},
            body={"rating": 5, "order_item_id": Of("delivered_line")},
        )
    ],
}  # fmt: skip

CARTS: dict[str, Sequence[Call]] = {
    "create_cart": [_mine()],
    "get_cart": [_cart()],
    "add_cart_item": [_cart({"variant_id": Fixed("variant"), "quantity": 1})],
    "update_cart_item": [_cart({"quantity": 3}, item_id=Of("item"))],
    "delete_cart_item": [_cart(item_id=Of("item"))],
    "update_cart_addresses": [_cart({"email": "changed@example.com"})],
    "list_cart_shipping_options": [_cart()],
    "choose_cart_shipping": [_cart({"choices": {Of("seller"): Of("rate")}})],
    "add_cart_coupon": [_cart({"code": Of("coupon_code")})],
    "delete_cart_coupons": [_cart()],
    "acknowledge_cart_prices": [_cart()],
    # Whoever isn't signed in has nothing to merge it into.
    "merge_cart": [
        Call(
            scope=Scope.BUYER,
            path={"cart_id": Of("cart")},
            reached=OK | {401},
            hidden=frozenset({401, 404}),
        )
    ],
}

TERMS: dict[str, Sequence[Call]] = {
    "list_shipping_zones": [_mine()],
    "create_shipping_zone": [_seller(_ZONE | _SELLER_ID)],
    "update_shipping_zone": [_seller({"name": "Changed"}, zone_id=Of("zone"))],
    "delete_shipping_zone": [_seller(zone_id=Of("zone"))],
    "list_shipping_rates": [_mine()],
    "create_shipping_rate": [
        _seller({"zone_id": Of("zone"), "name": "Fast", "price": {"amount": 900, "currency": EUR},
                 "by": "flat", "delivery_days": [1, 2]})
    ],
    "update_shipping_rate": [_seller({"name": "Changed"}, rate_id=Of("rate"))],
    "delete_shipping_rate": [_seller(rate_id=Of("rate"))],
    "list_tax_rates": [_mine()],
    "create_tax_rate": [_mine({"country": "AT", "rate_bps": 2000, "class": "standard",
                               "included": True})],
    "update_tax_rate": [_market({"rate_bps": 1800}, rate_id=Fixed("tax_rate"))],
    "list_promotions": [_mine()],
    "create_promotion": [_seller(_COUPON | _SELLER_ID)],
    "update_promotion": [_seller({"limit_total": 5}, coupon_id=Of("coupon"))],
    "delete_promotion": [_seller(coupon_id=Of("coupon"))],
    "list_commission_rules": [_mine()],
    "create_commission_rule": [_mine({"rate_bps": 500})],
    "update_commission_rule": [_market({"rate_bps": 700}, rule_id=Fixed("commission_rule"))],
    "delete_commission_rule": [_market(rule_id=Fixed("commission_rule"))],
    "simulate_commission_rules": [_mine({"rules": {"add": [{"rate_bps": 500}]}})],
}  # fmt: skip

ORDERS: dict[str, Sequence[Call]] = {
    "create_order": [
        Call(
            scope=Scope.BUYER,
            body={"cart_id": Of("cart"), "payment_method": "sandbox", "payment_token": "tok_ok"},
        ),
        _mine({"items": [{"variant_id": Fixed("variant"), "quantity": 1}],
               "email": "new@example.com", "shipping_address": ADDRESS,
               "payment_method": "sandbox", "payment_token": "tok_ok"}),
    ],
    "create_payment": [
        Call(
            scope=Scope.BUYER,
            path={"order_id": Of("unpaid_order")},
            body={"payment_method": "sandbox", "payment_token": "tok_ok"},
            reached=OR_STATE,
        )
    ],
    "list_orders": [_mine(), Call(query={"as": "seller"}), Call(query={"as": "operator"})],
    "get_order": [_order("paid")],
    "update_order_status": [
        _order("paid", {"status": "processing"}, reached=OR_STATE),
        _order("paid", {"status": "processing", "seller_order_id": Of("paid_part")},
               reached=OR_STATE),
    ],
    "cancel_order": [
        _order("paid", _REASON),
        _order("paid", {"seller_order_id": Of("paid_part"), **_REASON}),
    ],
    "create_shipment": [
        _order(
            "paid",
            {"seller_order_id": Of("paid_part"), "carrier": "dhl", "tracking_number": "T1",
             "items": [{"order_item_id": Of("paid_line"), "quantity": 1},
                       {"order_item_id": Of("paid_second_line"), "quantity": 1}]},
        )
    ],
    "update_shipment": [
        _order("shipped", {"status": "delivered"}, shipment_id=Of("shipped_shipment"))
    ],
    "create_refund": [_order("paid", _refund())],
    "preview_refund": [_order("paid", _refund())],
    "list_refunds": [_order("paid")],
    "receive_gateway_report": [
        Call(path={"gateway": "sandbox"}, content=b"{}", reached=frozenset({400}))
    ],
}  # fmt: skip

RECONCILIATION: dict[str, Sequence[Call]] = {
    "get_reconciliation": [_market()],
    "import_movements": [
        _market(
            {
                "gateway": "sandbox",
                "movements": [
                    {
                        "reference": "fee 1",
                        "kind": "fee",
                        "amount": {"amount": -300, "currency": EUR},
                        "occurred_at": "2026-03-02T09:00:00Z",
                    }
                ],
            },
        )
    ],
    # The table is read after the caller: 422 is the operation's own answer.
    "import_movement_document": [_market(reached=frozenset({422}))],
    "pull_movements": [_market({"gateway": "nobody"}, reached=frozenset({409}))],
    "list_provider_movements": [_market()],
    "get_provider_movement": [_market(movement_id=Fixed("provider_movement"))],
    "resolve_movement": [
        _market(
            {"resolution": "fee", "note": "monthly"},
            movement_id=Fixed("provider_movement"),
            reached=OR_STATE,
        )
    ],
    "approve_movement": [_market(movement_id=Fixed("provider_movement"), reached=OR_STATE)],
    "reject_movement": [_market(movement_id=Fixed("provider_movement"), reached=OR_STATE)],
    "clear_suspense": [
        _market(
            {"resolution": "fee"}, movement_id=Fixed("provider_movement"), reached=OR_STATE
        )
    ],
}  # fmt: skip


def _case(body: Any = None, *, reached: frozenset[int] = OK, **more: Any) -> Call:
    path = {"dispute_id": Of("delivered_dispute"), **more.pop("path", {})}
    return Call(scope=Scope.ORDER, path=path, body=body, reached=reached, **more)


DISPUTES: dict[str, Sequence[Call]] = {
    "create_dispute": [
        Call(
            scope=Scope.BUYER,
            body={"order_id": Of("delivered_order"), "order_item_id": Of("delivered_second_line"),
                  "reason": "not_as_described", "message": "It is another lamp"},
        )
    ],
    "list_disputes": [_mine(), _mine(query=_SELLER_ID, absent=OK)],
    "get_dispute": [_case()],
    "export_dispute": [_case()],
    "create_dispute_message": [_case({"body": "Look here"})],
    "create_dispute_evidence": [
        _case(files={"file": ("b.pdf", b"%PDF-1.7 more", "application/pdf")})
    ],
    "get_dispute_evidence": [_case(path={"file_id": Of("delivered_dispute_file")})],
    # Whose turn it isn't was let in all the same.
    "accept_dispute": [_case(reached=OR_STATE)],
    "escalate_dispute": [_case({"reason": "Please look"}, reached=OR_STATE)],
    "preview_decision": [
        _market({"share_bps": 5000}, dispute_id=Of("delivered_dispute"), reached=OR_STATE)
    ],
    "decide_dispute": [
        _market({"share_bps": 5000, "reason": "half"}, dispute_id=Of("delivered_dispute"))
    ],
}  # fmt: skip


def _provider_account(*, reached: frozenset[int]) -> Call:
    return Call(
        scope=Scope.SELLER, path={"seller_id": Of("seller"), "provider": "stripe"}, reached=reached
    )


def _of_shop(call: Call) -> Call:
    """Where a shop's money goes is its people's alone: operators are told that it isn't theirs."""
    return replace(call, scope=Scope.SHOP, hidden=frozenset({403, 404}))


PAYOUTS: dict[str, Sequence[Call]] = {
    "list_payouts": [_mine(), _mine(query=_SELLER_ID, absent=OK)],
    # Nothing is available here any more.
    "create_payout": [_seller({"currency": EUR, **_SELLER_ID}, reached=frozenset({409}))],
    "run_payouts": [_mine({})],
    "get_payout": [_seller_hides(payout_id=Of("payout"))],
    "list_payout_entries": [_seller_hides(payout_id=Of("payout"))],
    "get_payout_ledger": [_market(payout_id=Of("payout"))],
    "approve_payout": [_market(payout_id=Of("payout"), reached=OR_STATE)],
    "cancel_payout": [_market(_REASON, payout_id=Of("payout"), reached=OR_STATE)],
    "deny_payout": [_market(_REASON, payout_id=Of("payout"), reached=frozenset({409}))],
    "affirm_payout": [_market(_REASON, payout_id=Of("payout"), reached=frozenset({409}))],
    "retry_payout": [_market(payout_id=Of("payout"), reached=OR_STATE)],
    "get_payout_settings": [_seller(seller_id=Of("seller"))],
    "update_payout_settings": [_seller({"schedule": "daily"}, seller_id=Of("seller"))],
    "hold_payouts": [_market(_REASON, seller_id=Of("seller"))],
    "unhold_payouts": [_market(seller_id=Of("seller"))],
    "get_payout_destination": [_seller(seller_id=Of("seller"))],
    # No provider here keeps accounts for sellers: 404 and 422 are the operations' own answers.
    "get_payout_account": [_provider_account(reached=frozenset({404}))],
    "connect_payout_account": [_of_shop(_provider_account(reached=frozenset({422})))],
    "create_onboarding_link": [_of_shop(_provider_account(reached=frozenset({404})))],
    "refresh_payout_account": [_provider_account(reached=frozenset({404}))],
    "recall_payout": [_market(_REASON, payout_id=Of("payout"), reached=OR_STATE)],
    "get_payout_recall": [_market(payout_id=Of("payout"), reached=OK | {404})],
    "get_tax_identity": [_seller(seller_id=Of("seller"))],
    # Nothing is asked of this seller.
    "lift_tax_hold": [_market(_REASON, seller_id=Of("seller"), reached=frozenset({404}))],
    "restore_tax_hold": [_market(seller_id=Of("seller"), reached=frozenset({404}))],
    # Nobody's password is known here: 422 is the operation's own answer.
    "update_tax_identity": [
        _of_shop(_seller(
            {"kind": "entity", "legal_name": "Lampo", "no_tax_number": True,
             "no_registration_number": True, "password": "wrong",
             "address": {"line1": "Lane 1", "city": "Berlin", "country": "DE"}},
            seller_id=Of("seller"),
            reached=frozenset({422}),
        ))
    ],
    "update_payout_destination": [
        _of_shop(_seller(
            {"method": "sandbox", "holder": "Ada", "iban": "DE89370400440532013000",
             "password": "wrong"},
            seller_id=Of("seller"),
            reached=frozenset({422}),
        ))
    ],
}  # fmt: skip

_PLAN = {"currency": EUR, "kind": "share", "share_bps": 3000}
_ENTRIES = [
    {"account": "goodwill_cost", "direction": "debit", "amount": 5, "currency": EUR},
    {"account": "fee_income", "direction": "credit", "amount": 5, "currency": EUR},
]
BALANCES: dict[str, Sequence[Call]] = {
    "list_reserve_rules": [_mine()],
    "create_reserve_rule": [_mine({"scope": "market", "rate_bps": 0, "days": 30})],
    "update_reserve_rule": [_mine({"rate_bps": 1}, path={"rule_id": Fixed("reserve_rule")})],
    "delete_reserve_rule": [_mine(path={"rule_id": Fixed("reserve_rule")})],
    "list_seller_reserves": [_seller(seller_id=Of("seller"))],
    "list_receivables": [_mine(), _mine(query=_SELLER_ID, absent=OK)],
    "list_recovery_plans": [_seller(seller_id=Of("seller"))],
    # Nobody owes anything here: 409 is the operation's own answer, 404 where no plan is in force.
    "agree_recovery_plan": [_market(_PLAN, seller_id=Of("seller"), reached=frozenset({409}))],
    "end_recovery_plan": [
        _market({"currency": EUR}, seller_id=Of("seller"), reached=frozenset({404}))
    ],
    "create_write_off": [
        _market(
            {"amount": {"amount": 100, "currency": EUR}, **_REASON},
            seller_id=Of("seller"),
            reached=frozenset({409}),
        )
    ],
    "list_adjustments": [_mine()],
    "create_adjustment": [_mine({"entries": _ENTRIES, **_REASON})],
    "get_adjustment": [_mine(path={"adjustment_id": Fixed("adjustment")})],
    "approve_adjustment": [
        _mine(path={"adjustment_id": Fixed("adjustment")}, reached=OR_STATE)
    ],
    "reject_adjustment": [
        _mine(_REASON, path={"adjustment_id": Fixed("adjustment")}, reached=OR_STATE)
    ],
    "list_bank_files": [_mine()],
    # Without a bank account of the market's own: 409 is the operation's own answer.
    "create_bank_file": [_mine(reached=frozenset({409}))],
    "get_bank_file": [_mine(path={"file_id": Fixed("bank_file")})],
    "get_bank_file_document": [_mine(path={"file_id": Fixed("bank_file")})],
    "execute_bank_file": [_mine({}, path={"file_id": Fixed("bank_file")}, reached=OR_STATE)],
    "reject_bank_file": [_mine(_REASON, path={"file_id": Fixed("bank_file")}, reached=OR_STATE)],
    "fail_payout": [_market(_REASON, payout_id=Of("payout"), reached=frozenset({409}))],
}  # fmt: skip

BOOKS: dict[str, Sequence[Call]] = {
    "get_order_ledger": [_market(order_id=Of("paid_order"))],
    "get_seller_balance": [_seller(seller_id=Of("seller"))],
    "get_seller_ledger": [_seller(seller_id=Of("seller"))],
    "list_seller_transactions": [_seller(seller_id=Of("seller"))],
    "list_my_transactions": [_mine(), _mine(query={"order_id": Of("paid_order")}, absent=OK)],
    "list_transactions": [_mine(), _mine(query={"seller": Of("seller")})],
    "get_stats": [_mine()],
    "get_category_tree": [_mine()],
    "search_products": [_mine({"query": "lamp", "filters": {"seller": Of("seller")}}, absent=OK)],
    "list_trending_products": [_mine()],
    "list_events": [_mine()],
    "list_dead_jobs": [_mine()],
    "retry_dead_job": [Call(path={"job_id": "1"}, reached=frozenset({404}))],
}

CALLS: dict[str, Sequence[Call]] = {
    **ACCOUNTS, **SELLERS, **CATALOGUE, **CARTS, **TERMS, **ORDERS, **DISPUTES, **PAYOUTS,
    **RECONCILIATION, **TRANSFERS, **CASH, **REDUCTIONS, **BALANCES,
    **STORED_VALUE, **GIFT_SALES, **PAYOUT_CHANGES, **BOOKS, **DOCUMENTS, **LETTERS, **PROPOSALS,
}  # fmt: skip
