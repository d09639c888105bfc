"""Tables as people and their spreadsheets make them: read as they are meant, or refused by row."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.money import MAX_AMOUNT_MINOR, to_decimal_string
from gosellr.utils.movement_csv import MovementFlaw
from gosellr.utils.movement_documents import read_document
from tests.utils.test_stripe_csv import HEADER as STRIPE

HEADER = "reference,kind,amount,currency,occurred_at,fee,related"
AT = "2026-03-03"
NINES, LONG = "9" * 40, "x" * 201


def table(*rows: str) -> str:
    return "\n".join([HEADER, *rows])


def stripe(name: str, more: str = "eur,1.00,0,1.00", at: str = "2026-09-14 10:02:11") -> str:
    return f"{name},{at},,{more},charge,ch,,pi,,,,,"


def flaw_of(text: str) -> tuple[int, str]:
    with pytest.raises(MovementFlaw) as flaw:
        list(read_document(text))
    return flaw.value.row, flaw.value.column


def test_a_cell_may_go_over_lines_and_hold_any_letter() -> None:
    text = table(f'"T\r\n1",charge,1.00,EUR,{AT},,"a\u2028b\x0bc"', f"T2,charge,2.00,EUR,{AT},,")
    first, second = read_document(text.replace("\n", "\r\n").replace("\r\r", "\r"))
    assert (first.reference, first.related) == ("T\r\n1", "a\u2028b\x0bc")
    assert (second.reference, second.amount_minor, second.row) == ("T2", 200, 2)
    [one, other] = read_document(
        "\n".join([STRIPE, stripe('"txn\u2028_1"'), stripe("txn_2")]).replace(",,pi", ',"a\nb",pi')
    )
    assert (one.reference, other.reference) == ("txn\u2028_1", "txn_2")


def test_a_fee_below_zero_came_back_with_a_refund() -> None:
    [one] = read_document(table(f"T1,refund,-12.34,EUR,{AT},-0.59,"))
    assert (one.amount_minor, one.fee_minor) == (-1_234, -59)


@pytest.mark.parametrize("amount", ["1,000.00", "1.000,00", "1 000.00", "12,50", "+1", "1e3", "１"])
def test_amounts_of_other_habits_are_refused(amount: str) -> None:
    assert flaw_of(table(f'T1,charge,"{amount}",EUR,{AT},,')) == (1, "amount")
    row = stripe("txn_1", f'eur,"{amount}",0,1.00')
    assert flaw_of(f"{STRIPE}\n{row}") == (1, "gross")


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (f"T1,charge,1.001,EUR,{AT},,", "amount"),
        (f"T1,charge,1.5,JPY,{AT},,", "amount"),
        (f"T1,charge,{NINES},EUR,{AT},,", "amount"),
        (f"T1,charge,1,eur,{AT},,", "amount"),
        (f"T1,charge,1,EUR,{AT},=1+1,", "fee"),
        (f"T1,charge,1,EUR,{AT},-0.30,", "fee"),
        ("T1,charge,1,EUR,03.03.2026,,", "occurred_at"),
        ("T1,charge,1,EUR,0001-01-01T00:00+14:00,,", "occurred_at"),
        ("T1,charge,1,EUR,9999-12-31,,", "occurred_at"),
        (f"T\0,charge,1,EUR,{AT},,", "reference"),
        (f"T1,charge,1,EUR,{AT},,{LONG}", "related"),
        (f"T1,charge,1,EUR,{AT},,,", "reference"),
        (f'"T1,charge,1,EUR,{AT},,', "reference"),
    ],
)
def test_what_can_t_be_is_named_by_its_row(row: str, column: str) -> None:
    assert flaw_of(table(f"T0,charge,1,EUR,{AT},,", row)) == (2, column)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (stripe("txn_\0"), "balance_transaction_id"),
        (stripe("txn_1", at="0001-01-01 00:00:00"), "created_utc"),
        (stripe("txn_1").replace(",pi,", f",{LONG},"), "payment_intent_id"),
        (stripe("txn_1", "xxq,1.00,0,1.00"), "gross"),
    ],
)
def test_the_same_of_stripe_s(row: str, column: str) -> None:
    assert flaw_of("\n".join([STRIPE, stripe("txn_0"), row])) == (2, column)


@pytest.mark.parametrize("text", ["", "\ufeff", "\n\n", "a;b\n1;2\n"])
def test_a_file_of_nothing_or_of_something_else(text: str) -> None:
    assert flaw_of(text) == (0, "reference")


def test_a_column_stands_there_once() -> None:
    assert flaw_of(f"{HEADER},amount\nT1,charge,1,EUR,{AT},,,9") == (0, "amount")
    assert flaw_of("\n".join([f"{STRIPE},gross", f"{stripe('txn_1')},9"])) == (0, "gross")


def test_a_name_stands_there_once() -> None:
    one, other = f"T1,charge,1,EUR,{AT},,", f"T2,charge,1,EUR,{AT},,"
    assert flaw_of(table(one, other, one)) == (3, "reference")
    assert flaw_of("\n".join([STRIPE, stripe("txn_1"), stripe("txn_1")])) == (2, "reference")


def test_moments_have_their_zone_or_are_in_utc() -> None:
    text = table(*(
        f"T{at},charge,1,EUR,{at},," for at in (AT, f"{AT}T10:00:00", f"{AT}T10:00:00+02:00")
    ))  # fmt: skip
    day = datetime(2026, 3, 3, tzinfo=UTC)
    ten = day.replace(hour=10, tzinfo=timezone(timedelta(hours=2)))
    assert [one.occurred_at for one in read_document(text)] == [
        day, day.replace(hour=10), ten,
    ]  # fmt: skip


@given(
    st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR), st.sampled_from(["EUR", "JPY", "KWD", "USD"])
)
def test_every_amount_is_read_to_the_minor_unit(amount_minor: int, currency: str) -> None:
    text = table(f"T1,other,{to_decimal_string(amount_minor, currency)},{currency},{AT},,")
    assert [one.amount_minor for one in read_document(text)] == [amount_minor]
