"""Bodies to begin with, by operation: what `/docs` shows, and what a reader copies."""

from typing import Any

_ID = "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44"
_OTHER_ID = "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e45"
_ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "Marktstraße 1",
    "city": "Berlin",
    "postal_code": "10115",
    "country": "DE",
}
_PRICE = {"amount": 4900, "currency": "EUR"}
_ITEMS = [{"variant_id": _ID, "quantity": 2}]
_SENT_ITEMS = [{"order_item_id": _OTHER_ID, "quantity": 1}]
_REASON = {"reason": "The papers are complete"}
_REFUND = {"seller_order_id": _ID, "items": _SENT_ITEMS, "reason": "Arrived with a scratch"}

BODY_EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "register_account": [
        {"email": "ada@example.com", "password": "a long pass phrase", "name": "Ada Lovelace"}
    ],
    "change_password": [
        {"current_password": "a long pass phrase", "new_password": "another, as long"}
    ],
    "refresh_token": [{"refresh_token": "the one of the last answer"}],
    "end_session": [{"everywhere": True}],
    "register_seller": [
        {
            "name": "Lampo",
            "legal_name": "Lampo GmbH",
            "email": "hello@lampo.example",
            "country": "DE",
            "description": "Lamps, made one at a time",
        }
    ],
    "update_seller": [{"description": "Lamps and shades", "version": 1}],
    "approve_seller": [_REASON],
    "reject_seller": [{"reason": "The register of companies doesn't know the name"}],
    "suspend_seller": [{"reason": "Parcels don't arrive"}],
    "reinstate_seller": [_REASON],
    "add_member": [{"email": "grace@example.com", "role": "fulfilment"}],
    "change_member": [{"role": "manager"}],
    "create_product": [
        {
            "title": "Linen shirt",
            "description": "Airy and cool.",
            "category_id": _ID,
            "options": [{"name": "Size", "values": ["S", "M"]}],
            "variants": [
                {"sku": "SHIRT-S", "price": _PRICE, "stock": 12, "options": {"Size": "S"}},
                {"sku": "SHIRT-M", "price": _PRICE, "stock": 8, "options": {"Size": "M"}},
            ],
            "status": "active",
        }
    ],
    "update_product": [
        {"title": "Linen shirt, washed", "variants": [{"sku": "SHIRT-S", "price": _PRICE}]}
    ],
    "reject_product": [{"reason": "The picture shows something else"}],
    "create_category": [{"name": "Table lamps", "parent_id": _ID}],
    "update_category": [{"name": "Desk lamps", "version": 1}],
    "adjust_stock": [{"delta": 10, "reason": "A delivery came in"}],
    "create_stock_location": [{"name": "Annex"}],
    "create_cart": [{"currency": "EUR"}],
    "add_cart_item": [{"variant_id": _ID, "quantity": 2}],
    "update_cart_item": [{"quantity": 3}],
    "update_cart_addresses": [{"email": "ada@example.com", "shipping_address": _ADDRESS}],
    "choose_cart_shipping": [{"choices": {_ID: _OTHER_ID}}],
    "add_cart_coupon": [{"code": "SPRING26"}],
    "acknowledge_cart_prices": [{"version": 4}],
    "create_shipping_zone": [{"name": "Germany", "countries": ["DE"]}],
    "update_shipping_zone": [{"countries": ["DE", "AT"]}],
    "create_shipping_rate": [
        {"zone_id": _ID, "name": "Parcel", "price": _PRICE, "delivery_days": [2, 4]}
    ],
    "update_shipping_rate": [{"price": _PRICE}],
    "create_tax_rate": [{"country": "DE", "class": "reduced", "rate_bps": 700, "included": True}],
    "update_tax_rate": [{"rate_bps": 500}, {"remitted_by": "marketplace"}],
    "create_promotion": [
        {"code": "SPRING26", "kind": "percent", "value_bps": 1000, "limit_per_customer": 1}
    ],
    "update_promotion": [{"limit_total": 500}],
    "create_commission_rule": [
        {"name": "Lamps", "match": {"category_id": _ID}, "rate_bps": 1200, "vat_bps": 1900}
    ],
    "update_commission_rule": [{"rate_bps": 1100, "version": 1}],
    "simulate_commission_rules": [
        {
            "from": "2026-02-01T00:00:00Z",
            "to": "2026-03-01T00:00:00Z",
            "rules": {"change": [{"id": _ID, "rate_bps": 1100}]},
            "commission_on_refunds": "full_less_fixed",
        }
    ],
    "create_order": [
        {
            "cart_id": _ID,
            "payment_method": "sandbox",
            "payment_token": "tok_ok",
            "expected_total": {"amount": 9800, "currency": "EUR"},
        },
        {
            "items": _ITEMS,
            "email": "ada@example.com",
            "shipping_address": _ADDRESS,
            "payment_method": "sandbox",
            "payment_token": "tok_ok",
        },
        {
            "cart_id": _ID,
            "payment_method": [
                {"method": "gift_card", "token": "7K3M-Q9XD-42HB-TW8R"},
                {"method": "sandbox", "token": "tok_ok"},
            ],
        },
    ],
    "issue_gift_card": [
        {"amount": {"amount": 5000, "currency": "EUR"}, "note": "For a parcel that was lost"}
    ],
    "set_gift_card_offer": [
        {
            "amounts": [
                {"amount": 2500, "currency": "EUR"},
                {"amount": 5000, "currency": "EUR"},
            ],
            "minimum": {"amount": 1000, "currency": "EUR"},
            "maximum": {"amount": 20000, "currency": "EUR"},
            "valid_days": 1095,
        }
    ],
    "create_gift_card_purchase": [
        {
            "amount": {"amount": 5000, "currency": "EUR"},
            "payment_method": "sandbox",
            "payment_token": "tok_ok",
            "email": "ada@example.com",
            "recipient_name": "Grace",
            "message": "Happy birthday",
        }
    ],
    "refund_gift_card_purchase": [{"reason": "The buyer has changed their mind"}],
    "send_gift_card": [{"recipient_email": "grace@example.com"}],
    "extend_gift_card": [{"expires_at": "2028-12-31T23:00:00Z"}],
    "claim_gift_card": [{"claim_id": _ID, "token": "the one of the letter's link"}],
    "confirm_payouts": [{"password": "a long pass phrase"}],
    "withdraw_payout_change": [{"token": "the one of the letter's link"}],
    "check_gift_card": [{"code": "7K3M-Q9XD-42HB-TW8R"}],
    "grant_store_credit": [
        {"amount": {"amount": 1000, "currency": "EUR"}, "reason": "The parcel came a week late"}
    ],
    "give_store_credit": [
        {
            "seller_order_id": _ID,
            "amount": {"amount": 500, "currency": "EUR"},
            "reason": "Sorry for the scratch",
        }
    ],
    "create_payment": [{"payment_method": "sandbox", "payment_token": "tok_ok"}],
    "update_order_status": [{"status": "processing"}],
    "cancel_order": [{"reason": "Ordered by mistake"}],
    "create_reduction": [
        {"seller_order_id": _ID, "items": _SENT_ITEMS, "reason": "One is enough after all"}
    ],
    "preview_reduction": [
        {"seller_order_id": _ID, "items": _SENT_ITEMS, "reason": "One is enough after all"}
    ],
    "create_shipment": [
        {
            "seller_order_id": _ID,
            "carrier": "dhl",
            "tracking_number": "JD014600003SE",
            "items": _SENT_ITEMS,
        }
    ],
    "update_shipment": [{"status": "delivered"}],
    "create_refund": [_REFUND],
    "preview_refund": [_REFUND, {**_REFUND, "ways": [{"payment_id": _ID, "amount": _PRICE}]}],
    "create_payout": [{"currency": "EUR"}],
    "run_payouts": [{"currency": "EUR"}],
    "create_reserve_rule": [
        {"scope": "market", "rate_bps": 1000, "days": 30, "caps": [_PRICE]},
        {"scope": "risk", "measure": "refunds", "above_bps": 800, "rate_bps": 3000, "days": 90},
    ],
    "update_reserve_rule": [{"rate_bps": 500, "valid_to": "2027-01-01T00:00:00Z", "version": 1}],
    "agree_recovery_plan": [
        {"currency": "EUR", "kind": "share", "share_bps": 3000},
        {"currency": "EUR", "kind": "instalments", "instalment": _PRICE, "every_days": 30},
    ],
    "end_recovery_plan": [{"currency": "EUR"}],
    "create_write_off": [{"amount": _PRICE, "reason": "The company was struck off"}],
    "file_tax_return": [{"jurisdiction": "DE", "currency": "EUR", "reference": "E-2026-Q1-0815"}],
    "create_adjustment": [
        {
            "entries": [
                {
                    "account": "goodwill_cost",
                    "direction": "debit",
                    "amount": 500,
                    "currency": "EUR",
                },
                {
                    "account": f"seller_available:{_ID}",
                    "direction": "credit",
                    "amount": 500,
                    "currency": "EUR",
                },
            ],
            "reason": "A parcel that we lost",
        }
    ],
    "reject_proposal": [{"reason": "Below what we agreed on"}],
    "reject_adjustment": [{"reason": "The parcel turned up"}],
    "execute_bank_file": [{"failed": [{"payout_id": _ID, "reason": "The account is closed"}]}],
    "reject_bank_file": [{"reason": "The bank asks for another date"}],
    "fail_payout": [{"reason": "The account is closed"}],
    "cancel_payout": [{"reason": "The seller asked to wait"}],
    "deny_payout": [{"reason": "It stands in none of the lists of PayPal"}],
    "affirm_payout": [{"reason": "It stands in the statement of PayPal of 3 March"}],
    "update_payout_settings": [
        {"schedule": "weekly", "weekday": 5, "minimums": [{"amount": 5000, "currency": "EUR"}]},
        {"schedule": "monthly", "day_of_month": 31, "version": 1},
    ],
    "hold_payouts": [{"reason": "The papers of the company are missing"}],
    "lift_tax_hold": [{"reason": "We have seen the certificate of the tax office"}],
    "recall_payout": [{"reason": "Sent to the wrong shop"}],
    "update_payout_destination": [
        {
            "method": "sandbox",
            "holder": "Lampo GmbH",
            "iban": "DE89 3704 0044 0532 0130 00",
            "password": "a long pass phrase",
        },
        {
            "method": "paypal",
            "holder": "Lampo GmbH",
            "email": "payments@lampo.example",
            "password": "a long pass phrase",
        },
    ],
    "update_tax_identity": [
        {
            "kind": "entity",
            "legal_name": "Lampo GmbH",
            "address": {
                "line1": "Lindenallee 4",
                "postal_code": "10115",
                "city": "Berlin",
                "country": "DE",
            },
            "tax_numbers": [{"number": "30/123/45678", "country": "DE"}],
            "vat_number": "DE123456789",
            "registration_number": "HRB 12345",
            "establishments": ["FR"],
            "password": "a long pass phrase",
        },
        {
            "kind": "individual",
            "first_name": "Ada",
            "last_name": "Lampo",
            "address": {
                "line1": "12 Analytical Row",
                "postal_code": "4000",
                "city": "Liège",
                "country": "BE",
            },
            "tax_numbers": [],
            "no_tax_number": True,
            "birth_date": "1984-05-17",
            "birth_city": "Namur",
            "birth_country": "BE",
            "password": "a long pass phrase",
            "version": 1,
        },
    ],
    "update_letterhead": [
        {
            "address": {"line1": "Lindenallee 4", "postal_code": "10115", "city": "Berlin"},
            "tax_id": "DE123456789",
            "registration_number": "HRB 12345, Amtsgericht Charlottenburg",
            "email": "invoices@lampo.example",
        },
        {"tax_id": "30/123/45678", "registration_number": None, "version": 1},
    ],
    "import_movements": [
        {
            "gateway": "stripe",
            "movements": [
                {
                    "reference": "txn_1Pq2",
                    "kind": "charge",
                    "amount": {"amount": 12000, "currency": "EUR"},
                    "fee": 380,
                    "related": "ch_3Pq2",
                    "occurred_at": "2026-03-02T09:00:00Z",
                },
                {
                    "reference": "txn_1Pq9",
                    "kind": "settlement",
                    "amount": {"amount": -11620, "currency": "EUR"},
                    "occurred_at": "2026-03-04T06:00:00Z",
                },
            ],
        }
    ],
    "pull_movements": [{"gateway": "sandbox"}],
    "resolve_provider_refund": [{"note": "Refunded by hand: the order was a twin"}],
    "resolve_payment_return": [{"note": "The provider's own error, told to them"}],
    "resolve_movement": [{"resolution": "fee", "note": "The provider's monthly fee"}],
    "clear_suspense": [{"resolution": "income"}],
    "create_receipt": [
        {
            "reference": "RF18 5390 0754 7034",
            "amount": _PRICE,
            "value_date": "2026-03-03",
            "transaction_id": "2026030312345",
        }
    ],
    "assign_receipt": [{"reference": "RF18 5390 0754 7034"}],
    "return_receipt": [{"transaction_id": "2026030312346", "sent_on": "2026-03-04"}],
    "send_hand_refund": [{"transaction_id": "2026030312347", "sent_on": "2026-03-04"}],
    "settle_capture": [
        {
            "seller_order_id": _ID,
            "outcome": "failed",
            "reason": "The provider says that it took nothing",
        }
    ],
    "settle_refund": [{"outcome": "failed", "reason": "The provider says that nothing was sent"}],
    "fail_hand_refund": [{"reason": "The account is closed"}],
    "set_refund_account": [{"iban": "DE89 3704 0044 0532 0130 00", "holder": "Ada Lovelace"}],
    "update_cash_terms": [{"limits": [{"amount": 30000, "currency": "EUR"}]}],
    "record_cash": [{"seller_order_id": _ID, "amount": _PRICE}],
    "refuse_parcel": [{"seller_order_id": _ID, "reason": "Nobody opened"}],
    "create_dispute": [
        {
            "order_id": _ID,
            "order_item_id": _OTHER_ID,
            "quantity": 1,
            "reason": "damaged",
            "message": "The shade is broken; a picture follows.",
        }
    ],
    "create_dispute_message": [{"body": "It left us whole: see the picture.", "answer": True}],
    "escalate_dispute": [{"reason": "The picture shows another lamp"}],
    "preview_decision": [{"share_bps": 5000}],
    "decide_dispute": [
        {"share_bps": 5000, "reason": "It works, but it is scratched"},
        {"amount": _PRICE, "reason": "It never worked"},
    ],
    "create_review": [{"rating": 5, "title": "Just right", "body": "Warm light, quick parcel."}],
}
