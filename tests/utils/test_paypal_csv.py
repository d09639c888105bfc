"""PayPal's settlement report: read as PayPal writes it, to the minor unit, and only as a whole."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.integrations.payments.paypal_amounts import to_paypal
from gosellr.integrations.payments.paypal_reports import read_movement
from gosellr.utils.movement_csv import MovementFlaw, MovementRow
from gosellr.utils.movement_documents import provider_of, read_document
from gosellr.utils.reconciliation import MovementKind as K

ATTEMPT = "0192f000-0000-7000-8000-000000000001"
REFUND = "0192f000-0000-7000-8000-000000000002"
AT = "2026/09/14 03:02:11 -0700"

OPENED = '"RH",2026/09/15 05:01:00 -0700,"A","MERCHANT1",9\n"FH",01\n'
SECTION = '"SH",2026/09/14 00:00:00 -0700,2026/09/14 23:59:59 -0700,"MERCHANT1",""\n'
COLUMNS = (
    '"CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type",'
    '"Transaction Event Code","Transaction Initiation Date","Transaction Completion Date",'
    '"Transaction  Debit or Credit","Gross Transaction Amount","Gross Transaction Currency",'
    '"Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID"\n'
)
CLOSED = '"SC",9\n"RF","EUR",0,0,0,0\n"RC",9\n"FF",9\n'


def body(
    name: str, code: str, way: str, amount: str, *, currency: str = "EUR", fee_way: str = "",
    fee: str = "", fee_currency: str | None = None, custom: str = "", reference: str = "",
    at: str = AT,
) -> str:  # fmt: skip
    kept = fee_currency if fee_currency is not None else currency if fee else ""
    cells = ("SB", name, "", reference, "TXN" if reference else "", code)
    told = (way, amount, currency, fee_way, fee, kept, custom, "BUYER1")
    return ",".join([f'"{one}"' for one in cells] + [at, at] + [f'"{one}"' for one in told]) + "\n"


def sums(came: int, went: int, currency: str = "EUR") -> str:
    return f'"SF","{currency}",{came},{went},0,0,"CR",0,"CR",0,1\n'


def read(text: str) -> list[MovementRow]:
    return list(read_document(text))


def flaw_of(text: str) -> tuple[int, str]:
    with pytest.raises(MovementFlaw) as flaw:
        read(text)
    return flaw.value.row, flaw.value.column


def test_every_kind_of_row() -> None:
    text = (
        OPENED + SECTION + COLUMNS
        + body("C", "T0006", "CR", "10000", fee_way="DR", fee="349", custom=f"gosellr.{ATTEMPT}")
        + body("R", "T1107", "DR", "2000", fee_way="CR", fee="70",
               custom=f"gosellr.{ATTEMPT}.{REFUND}", reference="C")
        + body("B", "T1201", "DR", "10000", reference="C")
        + body("W", "T1202", "CR", "10000", reference="C")
        + body("P", "T0001", "DR", "5000", custom=f"gosellr.{ATTEMPT}")
        + body("F", "T0106", "DR", "1500")
        + body("S", "T0400", "DR", "40000")
        + body("N", "T0006", "CR", "0", fee_way="DR", fee="0")
        + body("X", "T9900", "CR", "500", custom="gosellr.somebody's")
        + body("J", "T0006", "CR", "1200", currency="JPY", fee_way="DR", fee="40")
        + sums(20_500, 58_500) + sums(1_200, 0, "JPY") + sums(0, 0, "USD") + CLOSED
    )  # fmt: skip
    assert provider_of(text) == provider_of("\ufeff" + SECTION) == "paypal"
    assert [
        (one.reference, one.kind, one.amount_minor, one.fee_minor, one.currency, one.key,
         one.related)
        for one in read("\ufeff" + text.replace("\n", "\r\n"))
    ] == [
        ("C", K.CHARGE, 10_000, 349, "EUR", UUID(ATTEMPT), None),
        ("R", K.REFUND, -2_000, -70, "EUR", UUID(REFUND), "R"),
        ("B", K.CHARGEBACK, -10_000, 0, "EUR", None, "C"),
        ("W", K.CHARGEBACK, 10_000, 0, "EUR", None, "C"),
        ("P", K.PAYOUT, -5_000, 0, "EUR", UUID(ATTEMPT), None),
        ("F", K.CHARGEBACK, 0, 1_500, "EUR", None, None),
        ("S", K.SETTLEMENT, -40_000, 0, "EUR", None, None),
        ("X", K.OTHER, 500, 0, "EUR", None, None),
        ("J", K.CHARGE, 1_200, 40, "JPY", None, None),
    ]  # fmt: skip
    assert {one.occurred_at for one in read(text)} == {datetime(2026, 9, 14, 10, 2, 11, tzinfo=UTC)}


@given(
    code=st.sampled_from(["T0006", "T1107", "T1106", "T1201", "T0001", "T0400", "T0106", "T9900"]),
    change=st.integers(-10_000_000, 10_000_000),
    fee=st.integers(-100_000, 100_000),
    custom=st.sampled_from(["", "others", f"gosellr.{ATTEMPT}", f"gosellr.{ATTEMPT}.{REFUND}"]),
    reference=st.sampled_from(["", "C1"]),
    seconds=st.integers(0, 100_000_000),
)
def test_a_movement_is_the_same_one_whichever_way_it_came(
    code: str, change: int, fee: int, custom: str, reference: str, seconds: int
) -> None:
    def value(minor: int) -> str:
        written = to_paypal(abs(minor), "EUR") if minor else "0.00"
        return f"-{written}" if minor < 0 else written

    def way(minor: int) -> str:
        return "DR" if minor < 0 else "CR"

    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    told = read_movement({
        "transaction_id": "N1",
        "transaction_event_code": code,
        "transaction_initiation_date": moment.isoformat(),
        "transaction_amount": {"currency_code": "EUR", "value": value(change)},
        "fee_amount": {"currency_code": "EUR", "value": value(fee)},
        "transaction_status": "S",
        "custom_field": custom or None,
        "paypal_reference_id": reference or None,
    })  # fmt: skip
    written = body(
        "N1", code, way(change), str(abs(change)), fee_way=way(fee), fee=str(abs(fee)),
        custom=custom, reference=reference, at=moment.strftime("%Y/%m/%d %H:%M:%S +0000"),
    )  # fmt: skip
    came, went = max(change, 0), max(-change, 0)
    found = read(SECTION + COLUMNS + written + sums(came, went))
    if told is None:
        assert not found
        return
    [row] = found
    key = None if row.key is None else str(row.key)
    assert (
        row.reference, row.kind, row.amount_minor, row.fee_minor, row.currency, row.related,
        row.occurred_at, key,
    ) == (
        told.reference, told.kind, told.amount_minor, told.fee_minor, told.currency,
        told.gateway_reference, told.occurred_at, told.movement_id,
    )  # fmt: skip
    assert row.amount_minor - row.fee_minor == change + fee


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        (body("", "T0006", "CR", "100"), "Transaction ID"),
        (body("T" * 201, "T0006", "CR", "100"), "Transaction ID"),
        (body("T1", "", "CR", "100"), "Transaction Event Code"),
        (body("T1", "T0006", "", "100"), "Transaction Debit or Credit"),
        (body("T1", "T0006", "IN", "100"), "Transaction Debit or Credit"),
        (body("T1", "T0006", "CR", "1.00"), "Gross Transaction Amount"),
        (body("T1", "T0006", "CR", "-100"), "Gross Transaction Amount"),
        (body("T1", "T0006", "CR", ""), "Gross Transaction Amount"),
        (body("T1", "T0006", "CR", "9" * 18), "Gross Transaction Amount"),
        (body("T1", "T0006", "CR", "100", currency="XXY"), "Gross Transaction Amount"),
        (body("T1", "T0006", "CR", "100", currency="HUF"), "Gross Transaction Amount"),
        (body("T1", "T0006", "CR", "100", currency=""), "Gross Transaction Currency"),
        (body("T1", "T0006", "CR", "100", fee_way="", fee="5"), "Fee Debit or Credit"),
        (body("T1", "T0006", "CR", "100", fee_way="DR", fee="x"), "Fee Amount"),
        (body("T1", "T0006", "CR", "100", fee_way="DR", fee="5", fee_currency="USD"),
         "Fee Currency"),
        (body("T1", "T0006", "CR", "100", at="2026-09-14T03:02:11Z"),
         "Transaction Initiation Date"),
        (body("T1", "T0006", "CR", "100").rstrip() + ",more\n", "Transaction ID"),
        ('"SB","T1"\n', "Transaction ID"),
    ],
)  # fmt: skip
def test_what_can_t_be_read_is_named(wrong: str, column: str) -> None:
    good = body("T0", "T0006", "CR", "100")
    assert flaw_of(SECTION + COLUMNS + good + wrong + sums(200, 0)) == (2, column)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (OPENED, "CH"),
        (OPENED + SECTION, "CH"),
        (SECTION + body("T1", "T0006", "CR", "100") + sums(100, 0), "CH"),
        (OPENED + COLUMNS + body("T1", "T0006", "CR", "100") + sums(100, 0), "SH"),
        (OPENED + SECTION + COLUMNS.replace('"Fee Currency"', '"Fee"'), "Fee Currency"),
        (OPENED + SECTION + COLUMNS.replace("Invoice ID", "Custom Field"), "Custom Field"),
        (OPENED + SECTION + COLUMNS.replace("Consumer ID", "Transactional Status"),
         "Transactional Status"),
        (OPENED + '"ZZ",1\n', "ZZ"),
        (OPENED + SECTION.replace("MERCHANT1", "") + COLUMNS, "SH"),
        # Two accounts in one report.
        (SECTION + COLUMNS + sums(0, 0) + SECTION.replace("MERCHANT1", "MERCHANT2"), "SH"),
        # Cut off, by a row, and by a section; and a row that somebody changed, or moved.
        (SECTION + COLUMNS + body("T1", "T0006", "CR", "100"), "SF"),
        (SECTION + COLUMNS + body("T1", "T0006", "CR", "100") + SECTION, "SF"),
        (SECTION + COLUMNS + body("T1", "T0006", "CR", "100") + sums(100, 0, "USD"), "SF"),
        (SECTION + COLUMNS + body("T1", "T0006", "CR", "100") + sums(101, 0), "SF"),
        (SECTION + COLUMNS + body("T1", "T0006", "DR", "100") + sums(100, 0), "SF"),
        (SECTION + COLUMNS + sums(1, 0), "SF"),
        (SECTION + COLUMNS + '"SF"\n', "SF"),
    ],
)  # fmt: skip
def test_a_report_that_isn_t_whole_is_none(text: str, column: str) -> None:
    assert flaw_of(text) == (0, column)


def test_broken_quotes_are_named_with_the_last_row() -> None:
    good = body("T0", "T0006", "CR", "100")
    assert flaw_of(SECTION + COLUMNS + good + '"SB","T1"x,\n') == (1, "Transaction ID")


def test_a_cell_may_go_over_lines() -> None:
    written = body("T1", "T0006", "CR", "100", custom="a gift,\nfor you\u2028and me")
    [one] = read(SECTION + COLUMNS + written + sums(100, 0))
    assert (one.reference, one.key) == ("T1", None)


@pytest.mark.parametrize("account", [None, "MERCHANT1"])
def test_a_report_of_the_market_s_own_account_is_read(account: str | None) -> None:
    text = SECTION + COLUMNS + body("T1", "T0006", "CR", "100") + sums(100, 0)
    [one] = read_document(text, account=account)
    assert one.reference == "T1"


def test_a_report_of_another_account_is_refused_before_its_first_row() -> None:
    text = OPENED + SECTION + COLUMNS + body("T1", "T0006", "CR", "100") + sums(100, 0)
    with pytest.raises(MovementFlaw, match="account MERCHANT1") as flaw:
        next(read_document(text, account="MERCHANT2"))
    assert (flaw.value.row, flaw.value.column) == (0, "SH")
