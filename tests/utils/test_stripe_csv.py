"""Stripe's itemised balance changes: read as Stripe writes them, to the minor unit."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from gosellr.utils.movement_csv import MovementFlaw
from gosellr.utils.movement_documents import read_document
from gosellr.utils.reconciliation import MovementKind as K

HEADER = (
    "balance_transaction_id,created_utc,available_on_utc,currency,gross,fee,net,"
    "reporting_category,source_id,description,payment_intent_id,customer_facing_amount,"
    "customer_facing_currency,payment_metadata[gosellr_attempt],refund_metadata[gosellr_refund],"
    "transfer_metadata[gosellr_payout]"
)
KEY = "0192f000-0000-7000-8000-00000000000"


def read(*rows: str) -> list[tuple[object, ...]]:
    return [
        (one.reference, one.kind, one.amount_minor, one.fee_minor, one.currency, one.key,
         one.related)
        for one in read_document("\n".join([HEADER, *rows]))
    ]  # fmt: skip


def test_every_kind_of_row() -> None:
    at = "2026-09-14 10:02:11,2026-09-16 00:00:00"
    assert read(
        f'txn_1,{at},eur,600.00,8.70,591.30,charge,ch_1,"Order 7, gift",pi_1,600.00,eur,{KEY}1,,',
        f"txn_2,{at},eur,-20.00,0.00,-20.00,refund,re_1,,pi_1,-20.00,eur,,{KEY}2,",
        f"txn_3,{at},eur,-600.00,15.00,-615.00,dispute,dp_1,,pi_1,,,,,",
        f"txn_4,{at},eur,600.00,-15.00,615.00,dispute_reversal,dp_1,,pi_1,,,,,",
        f"txn_5,{at},eur,-50.00,0.00,-50.00,transfer,tr_1,,,,,,,{KEY}3",
        f"txn_6,{at},eur,-400.00,0.00,-400.00,payout,po_1,,,,,,,",
        f"txn_7,{at},eur,-0.30,0.00,-0.30,fee,,Billing,,,,,,",
        f"txn_10,{at},eur,-20.00,-0.30,-19.70,refund,re_2,,pi_1,-20.00,eur,,{KEY}4,",
        f"txn_8,{at},eur,5.00,0.00,5.00,topup,tu_1,,,,,,,",
        # What moves nothing is passed over.
        f"txn_11,{at},eur,0.00,0.00,0.00,other_adjustment,,,,,,,,",
        f"txn_9,{at},eur,1.00,0.05,0.95,charge,ch_9,,pi_9,,,not ours,,",
    ) == [
        ("txn_1", K.CHARGE, 60_000, 870, "EUR", UUID(f"{KEY}1"), "pi_1"),
        ("txn_2", K.REFUND, -2_000, 0, "EUR", UUID(f"{KEY}2"), "re_1"),
        ("txn_3", K.CHARGEBACK, -60_000, 1_500, "EUR", None, "dp_1"),
        ("txn_4", K.CHARGEBACK, 61_500, 0, "EUR", None, "dp_1"),
        ("txn_5", K.PAYOUT, -5_000, 0, "EUR", UUID(f"{KEY}3"), "tr_1"),
        ("txn_6", K.SETTLEMENT, -40_000, 0, "EUR", None, "po_1"),
        ("txn_7", K.FEE, -30, 0, "EUR", None, None),
        ("txn_10", K.REFUND, -2_000, -30, "EUR", UUID(f"{KEY}4"), "re_2"),
        ("txn_8", K.OTHER, 500, 0, "EUR", None, "tu_1"),
        ("txn_9", K.CHARGE, 100, 5, "EUR", None, "pi_9"),
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # As Stripe's interface tells it: 100.00 EUR settled as 108.00 USD less 2.41.
        ("usd,108.00,2.41,105.59,charge,ch_1,,pi_1,100.00,eur", (10_000, 223, "EUR")),
        ("eur,120.00,2.65,117.35,charge,ch_1,,pi_1,12000,jpy", (12_000, 265, "JPY")),
        ("eur,-120.00,0.00,-120.00,refund,re_1,,pi_1,-12000.00,jpy", (-12_000, 0, "JPY")),
        ("usd,-108.00,-2.41,-105.59,refund,re_1,,pi_1,-100.00,eur", (-10_000, -223, "EUR")),
        ("jpy,12000.00,265,11735,charge,ch_1,,pi_1,,", (12_000, 265, "JPY")),
        ("kwd,12.340,0.271,12.069,charge,ch_1,,pi_1,,", (12_340, 271, "KWD")),
        ("kwd,12.3400,0.271,12.069,charge,ch_1,,pi_1,,", (12_340, 271, "KWD")),
    ],
)
def test_amounts_are_the_buyer_s_in_the_minor_units_of_their_currency(
    row: str, expected: tuple[object, ...]
) -> None:
    [one] = read(f"txn_1,2026-09-14 10:02:11,2026-09-16 00:00:00,{row},,,")
    assert one[2:5] == expected


def test_moments_are_in_utc() -> None:
    text = f"\ufeff{HEADER}\r\ntxn_1,2026-09-14 10:02:11,,eur,1.00,0,1.00,charge,ch,,,,,,,\r\n"
    [one] = read_document(text)
    assert one.occurred_at == datetime(2026, 9, 14, 10, 2, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("txn_1,yesterday,,eur,1.00,0.00,1.00,charge,ch,,,,,,,", "created_utc"),
        ("txn_1,2026-09-14 10:02:11,,eur,1.005,0.00,1.00,charge,ch,,,,,,,", "gross"),
        ("txn_1,2026-09-14 10:02:11,,eur,1e2,0.00,1.00,charge,ch,,,,,,,", "gross"),
        ("txn_1,2026-09-14 10:02:11,,eur,1.00,,1.00,charge,ch,,,,,,,", "fee"),
        ("txn_1,2026-09-14 10:02:11,,xxx,1.00,0.00,1.00,charge,ch,,,,,,,", "gross"),
        (",2026-09-14 10:02:11,,eur,1.00,0.00,1.00,charge,ch,,,,,,,", "balance_transaction_id"),
        ("txn_1,2026-09-14 10:02:11,,eur,1.00,0.00,1.00,charge,ch,,,,usd,,,",
         "customer_facing_amount"),
        ("txn_1,2026-09-14 10:02:11,,eur,1.00,0.00,1.00,charge,ch,,,,,,,,,,",
         "balance_transaction_id"),
    ],
)  # fmt: skip
def test_what_can_t_be_read_is_named(row: str, column: str) -> None:
    with pytest.raises(MovementFlaw) as flaw:
        read(row)
    assert (flaw.value.row, flaw.value.column) == (1, column)


def test_a_column_that_is_missing_is_named_and_other_tables_are_read_as_ever() -> None:
    with pytest.raises(MovementFlaw) as flaw:
        list(read_document("balance_transaction_id,created_utc\n"))
    assert (flaw.value.row, flaw.value.column) == (0, "currency")
    text = "reference,kind,amount,currency,occurred_at\nr,payout,-1.50,EUR,2026-03-02T09:00:00Z\n"
    [one] = read_document(text)
    assert (one.kind, one.amount_minor) == (K.PAYOUT, -150)
