import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from gosellr.utils import ledger
from gosellr.utils.ledger import (
    ACCOUNT_KINDS,
    FIRST_SEAL,
    GUARDED_KINDS,
    Direction,
    Entry,
    InvalidEntry,
    Side,
    TransactionDraft,
    TransactionKind,
    Unbalanced,
    UnknownAccount,
    account_kind,
    account_owner,
    assert_balanced,
    batch_root,
    imbalance,
    is_guarded,
    reversed_entries,
    seal_hash,
    transaction_bytes,
    transaction_hash,
)
from gosellr.utils.money import UnknownCurrency

ANN, ORDER, LINE = (UUID(int=number) for number in (1, 2, 3))
DEBIT, CREDIT = Direction
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def test_every_account_function_names_an_account_of_the_chart() -> None:
    named = {
        ledger.gateway_clearing("sandbox"): "sandbox",
        ledger.dispute_receivable("sandbox"): "sandbox",
        ledger.refund_in_transit("sandbox"): "sandbox",
        ledger.tax_payable("DE"): "DE",
        ledger.seller_receivable(ANN): str(ANN),
        ledger.seller_pending(ANN): str(ANN),
        ledger.seller_available(ANN): str(ANN),
        ledger.seller_reserve(ANN): str(ANN),
        ledger.payout_in_transit(ANN): str(ANN),
        ledger.store_credit(ANN): str(ANN),
        ledger.gift_card(ANN): str(ANN),
        ledger.stored_value_held(ORDER): str(ORDER),
        ledger.BANK: None,
        ledger.COMMISSION: None,
        ledger.FEE_INCOME: None,
        ledger.BREAKAGE: None,
        ledger.GATEWAY_FEE: None,
        ledger.PROMOTION_COST: None,
        ledger.GOODWILL_COST: None,
        ledger.CHARGEBACK_LOSS: None,
        ledger.BAD_DEBT: None,
        ledger.SUSPENSE: None,
    }
    assert {account_kind(account).name for account in named} == set(ACCOUNT_KINDS)
    assert {account: account_owner(account) for account in named} == named


def test_the_chart_says_side_and_guard() -> None:
    assert account_kind(ledger.seller_receivable(ANN)).side is Side.ASSET
    assert account_kind(ledger.seller_pending(ANN)).side is Side.LIABILITY
    assert account_kind(ledger.COMMISSION).side is Side.INCOME
    assert account_kind(ledger.GATEWAY_FEE).side is Side.EXPENSE
    assert {"seller_available", "seller_reserve", "store_credit", "gift_card"} == GUARDED_KINDS
    assert is_guarded(ledger.gift_card(ANN))
    assert not is_guarded(ledger.seller_pending(ANN))


@pytest.mark.parametrize("account", ["", "cash", "bank:x", "bank:", "gift_card", "gift_card:"])
def test_names_outside_the_chart_are_refused(account: str) -> None:
    with pytest.raises(UnknownAccount):
        Entry(account, DEBIT, 1, "EUR")


@pytest.mark.parametrize("amount", [0, -1, 1.0, True])
def test_an_entry_needs_a_positive_whole_amount_and_a_currency(amount: Any) -> None:
    with pytest.raises(InvalidEntry):
        Entry(ledger.BANK, DEBIT, amount, "EUR")
    with pytest.raises(UnknownCurrency):
        Entry(ledger.BANK, DEBIT, 1, "EURO")


def test_debits_raise_assets_and_expenses_and_credits_the_others() -> None:
    def change(account: str, direction: Direction) -> int:
        return Entry(account, direction, 5, "EUR").balance_change_minor

    assert change(ledger.BANK, DEBIT) == change(ledger.GATEWAY_FEE, DEBIT) == 5
    assert change(ledger.COMMISSION, CREDIT) == change(ledger.gift_card(ANN), CREDIT) == 5
    assert change(ledger.gift_card(ANN), DEBIT) == change(ledger.BANK, CREDIT) == -5


def test_each_currency_must_balance_by_itself() -> None:
    entries = (
        Entry(ledger.BANK, DEBIT, 100, "EUR"),
        Entry(ledger.SUSPENSE, CREDIT, 100, "JPY"),
        Entry(ledger.BANK, DEBIT, 7, "KWD"),
        Entry(ledger.SUSPENSE, CREDIT, 7, "KWD"),
    )
    assert imbalance(entries) == {"EUR": 100, "JPY": -100}
    with pytest.raises(Unbalanced, match="EUR"):
        TransactionDraft(TransactionKind.SETTLEMENT, entries)
    assert_balanced(entries[2:])


def test_a_reversal_exchanges_the_sides_and_keeps_the_rest() -> None:
    entry = Entry(ledger.COMMISSION, DEBIT, 5, "EUR", ORDER, LINE)
    assert reversed_entries([entry]) == (Entry(ledger.COMMISSION, CREDIT, 5, "EUR", ORDER, LINE),)


def booked(**changes: Any) -> bytes:
    facts: dict[str, Any] = {
        "transaction_id": ANN,
        "kind": TransactionKind.SETTLEMENT,
        "cause_type": "settlement",
        "cause_id": ORDER,
        "idempotency_key": "é",
        "effective_at": NOON,
        "booked_at": NOON + timedelta(microseconds=1),
        "actor": "system",
        "entries": [
            Entry(ledger.BANK, DEBIT, 100, "EUR", ORDER, LINE),
            Entry(ledger.gateway_clearing("sandbox"), CREDIT, 100, "EUR"),
        ],
    }
    return transaction_bytes(**facts | changes)


def test_the_canonical_form_is_fixed_forever() -> None:
    identifier = "00000000-0000-0000-0000-00000000000"
    assert booked() == (
        '{"entries":['
        '{"account":"bank","amount_minor":100,"currency":"EUR","direction":"debit",'
        f'"order_line_id":"{identifier}3","seller_order_id":"{identifier}2"}},'
        '{"account":"gateway_clearing:sandbox","amount_minor":100,"currency":"EUR",'
        '"direction":"credit"}],'
        '"transaction":{"actor":"system","booked_at":"2026-11-22T12:00:00.000001+00:00",'
        f'"cause_id":"{identifier}2","cause_type":"settlement",'
        f'"effective_at":"2026-11-22T12:00:00.000000+00:00","id":"{identifier}1",'
        '"idempotency_key":"\\u00e9","kind":"settlement"}}'
    ).encode("ascii")
    assert json.loads(booked())["transaction"]["idempotency_key"] == "é"
    assert transaction_hash(booked()) == sha256(booked()).digest()


@pytest.mark.parametrize("given", list(product((None, ANN), repeat=4)))
def test_an_entry_is_spelled_as_sorted_json(given: tuple[UUID | None, ...]) -> None:
    entry = Entry(ledger.gateway_clearing("sandbox"), CREDIT, 10**20, "EUR", *given)
    fields = {
        "account": "gateway_clearing:sandbox",
        "amount_minor": 10**20,
        "currency": "EUR",
        "direction": "credit",
        "seller_order_id": entry.seller_order_id,
        "order_line_id": entry.order_line_id,
        "refund_id": entry.refund_id,
        "payout_id": entry.payout_id,
    }
    kept = {name: value for name, value in fields.items() if value is not None}
    spelled = json.dumps(kept, sort_keys=True, separators=(",", ":"), default=str)
    assert booked(entries=[entry]).startswith(f'{{"entries":[{spelled}],'.encode())


def test_reading_order_and_time_zone_do_not_change_the_form_but_every_fact_does() -> None:
    reread = [
        Entry(ledger.gateway_clearing("sandbox"), CREDIT, 100, "EUR"),
        Entry(ledger.BANK, DEBIT, 100, "EUR", ORDER, LINE),
    ]
    elsewhere = NOON.astimezone(timezone(timedelta(hours=9)))
    assert booked(entries=reread, effective_at=elsewhere) == booked()
    changes: list[dict[str, Any]] = [
        {"kind": TransactionKind.SALE},
        {"cause_type": "x"},
        {"cause_id": ANN},
        {"idempotency_key": "e"},
        {"effective_at": NOON + timedelta(microseconds=1)},
        {"booked_at": NOON},
        {"actor": "x"},
        {"transaction_id": ORDER},
        {"order_id": ORDER},
        {"corrects_id": ORDER},
        {"facts": {"note": "x"}},
        {"entries": reread[:1]},
        {"entries": [replace(reread[0], refund_id=ORDER), reread[1]]},
        {"entries": [replace(reread[0], payout_id=ORDER), reread[1]]},
        {"entries": reversed_entries(reread)},
    ]
    assert len({booked(), *(booked(**change) for change in changes)}) == len(changes) + 1
    with pytest.raises(ValueError, match="no time zone"):
        booked(effective_at=NOON.replace(tzinfo=None))


def test_a_seal_chains_hashes_of_full_length() -> None:
    first, second = sha256(b"1").digest(), sha256(b"2").digest()
    root = batch_root([first, second])
    assert root == sha256(first + second).digest()
    assert root != batch_root([second, first])
    seal = seal_hash(previous_hash=FIRST_SEAL, root_hash=root)
    assert seal == sha256(bytes(32) + root).digest()
    with pytest.raises(ValueError, match="32 bytes"):
        batch_root([first + second])
