"""Bank files: what the schema of `pain.001.001.09` and the scheme's rulebook ask, and no more."""

import re
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.sepa import (
    AMOUNT_MINOR_MAX,
    NAMESPACE,
    Debtor,
    NotSepa,
    Transfer,
    banking_day,
    pain_001,
    sepa_bic,
    sepa_iban,
    sepa_text,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MARKET = Debtor(name="Markthalle Größe & Söhne", iban="DE89370400440532013000", bic="COBADEFFXXX")
# Every element that may stand in our files, in the order of the schema; + for one that repeats.
TREE: dict[str, list[str]] = {
    "Document": ["CstmrCdtTrfInitn"],
    "CstmrCdtTrfInitn": ["GrpHdr", "PmtInf"],
    "GrpHdr": ["MsgId", "CreDtTm", "NbOfTxs", "CtrlSum", "InitgPty"],
    "InitgPty": ["Nm"],
    "PmtInf": [
        "PmtInfId", "PmtMtd", "BtchBookg", "NbOfTxs", "CtrlSum", "PmtTpInf", "ReqdExctnDt", "Dbtr",
        "DbtrAcct", "DbtrAgt", "ChrgBr", "CdtTrfTxInf+",
    ],
    "PmtTpInf": ["SvcLvl"], "SvcLvl": ["Cd"], "ReqdExctnDt": ["Dt"], "Dbtr": ["Nm"],
    "DbtrAcct": ["Id"], "Id": ["IBAN"], "DbtrAgt": ["FinInstnId"], "FinInstnId": ["BICFI"],
    "CdtTrfTxInf": ["PmtId", "Amt", "Cdtr", "CdtrAcct", "RmtInf"],
    "PmtId": ["EndToEndId"], "Amt": ["InstdAmt"], "Cdtr": ["Nm"], "CdtrAcct": ["Id"],
    "RmtInf": ["Ustrd"],
}  # fmt: skip
LEAVES = {
    "MsgId": r"[A-Za-z0-9\-]{1,35}", "PmtInfId": r"[A-Za-z0-9\-]{1,35}",
    "EndToEndId": r"[A-Za-z0-9\-]{1,35}", "CreDtTm": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    "NbOfTxs": r"[0-9]{1,15}", "CtrlSum": r"[0-9]{1,15}\.[0-9]{2}", "PmtMtd": "TRF",
    "BtchBookg": "true", "Cd": "SEPA", "Dt": r"\d{4}-\d\d-\d\d", "ChrgBr": "SLEV",
    "IBAN": r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}",
    "BICFI": r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?",
    "InstdAmt": r"[0-9]{1,9}\.[0-9]{2}",
    "Nm": r"[A-Za-z0-9/\-?:().,'+ ]{1,70}", "Ustrd": r"[A-Za-z0-9/\-?:().,'+ ]{1,140}",
}  # fmt: skip


def check(element: ET.Element) -> None:
    """Order, number, form and attributes of everything below."""
    space, _, tag = element.tag[1:].partition("}")
    assert space == NAMESPACE
    assert element.attrib == ({"Ccy": "EUR"} if tag == "InstdAmt" else {})
    if tag in LEAVES:
        assert re.fullmatch(LEAVES[tag], element.text or ""), (tag, element.text)
        assert len(element) == 0
        return
    found = [child.tag.partition("}")[2] for child in element]
    expected = TREE[tag]
    if expected[-1].endswith("+"):
        head, repeated = expected[:-1], expected[-1][:-1]
        assert found[: len(head)] == head
        assert set(found[len(head) :]) == {repeated}
    else:
        assert found == expected
    assert not (element.text or "").strip()
    for child in element:
        check(child)


def transfer(number: int = 1, **more: Any) -> Transfer:
    facts = {
        "end_to_end_id": f"{number:032x}", "amount_minor": 12_345, "name": "Ada Lovelace",
        "iban": "NL91ABNA0417164300", "text": "Payout 1",
    }  # fmt: skip
    return Transfer(**{**facts, **more})


def a_file(*transfers: Transfer, **more: Any) -> bytes:
    facts = {"message_id": "m1", "made_at": NOW, "pay_on": date(2026, 3, 2), "debtor": MARKET}
    return pain_001(**{**facts, **more}, transfers=transfers)


def read(content: bytes) -> ET.Element:
    return ET.fromstring(content)  # noqa: S314 - it was written a moment ago


def values(content: bytes, tag: str) -> list[str | None]:
    return [one.text for one in read(content).iter(f"{{{NAMESPACE}}}{tag}")]


def test_a_file_has_the_structure_of_the_schema_and_its_sums() -> None:
    content = a_file(transfer(1), transfer(2, amount_minor=5), transfer(3, amount_minor=100_000))
    check(read(content))
    assert content.startswith(b"<?xml version='1.0' encoding='UTF-8'?>\n<Document xmlns=")
    assert values(content, "NbOfTxs") == ["3", "3"]
    assert values(content, "CtrlSum") == ["1123.50", "1123.50"]
    assert values(content, "InstdAmt") == ["123.45", "0.05", "1000.00"]
    assert values(content, "EndToEndId") == [f"{number:032x}" for number in (1, 2, 3)]
    assert values(content, "Nm")[:2] == ["Markthalle Grosse + Sohne"] * 2
    assert values(content, "IBAN")[0] == MARKET.iban
    assert values(content, "MsgId") == values(content, "PmtInfId") == ["m1"]
    assert values(content, "CreDtTm") == ["2026-03-02T09:00:00Z"]
    assert content == a_file(
        transfer(1), transfer(2, amount_minor=5), transfer(3, amount_minor=100_000)
    )


@given(
    amounts=st.lists(st.integers(1, AMOUNT_MINOR_MAX), min_size=1, max_size=20),
    name=st.text(min_size=1, max_size=120),
)
def test_whatever_is_in_it_fits_the_schema_and_sums_exactly(amounts: list[int], name: str) -> None:
    try:
        sepa_text(name, length_max=70)
    except NotSepa:
        name = "X"
    content = a_file(
        *(transfer(number, amount_minor=one, name=name) for number, one in enumerate(amounts))
    )
    check(read(content))
    whole = sum(amounts)
    assert values(content, "CtrlSum") == [f"{whole // 100}.{whole % 100:02}"] * 2


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("José Ñandú Çelik", "Jose Nandu Celik"),
        ("Straße 5", "Strasse 5"),
        ("Łódź Ørsted", "Lodz Orsted"),
        ("A_B & C; D", "A-B + C. D"),
        ("  two\t lines\nhere ", "two lines here"),
        ("//a//b//", "a/b"),
        ("Ада 7", "... 7"),
        ("x" * 90, "x" * 70),
    ],
)
def test_text_is_written_in_the_letters_of_the_scheme(text: str, plain: str) -> None:
    assert sepa_text(text, length_max=70) == plain


def test_what_no_bank_takes_is_refused() -> None:
    for wrong in ("", "???", "Ада", "/"):
        with pytest.raises(NotSepa):
            sepa_text(wrong, length_max=70)
    for wrong in ("DE89370400440532013001", "DE8937", "BR1800360305000010009795493C1"):
        with pytest.raises(NotSepa):
            sepa_iban(wrong)
    for wrong in ("COBADE", "cobadeff12", "COBADEFFXXXX", "COBA1EFF"):
        with pytest.raises(NotSepa):
            sepa_bic(wrong)
    assert sepa_bic("cobadeff") == "COBADEFF"
    for wrong in (0, -1, AMOUNT_MINOR_MAX + 1, True, 1.5):
        with pytest.raises(NotSepa):
            transfer(amount_minor=wrong)
    for wrong in ("", "x" * 36, "a b", "ä"):
        with pytest.raises(NotSepa):
            transfer(end_to_end_id=wrong)
    with pytest.raises(NotSepa, match="between 1 and 1000"):
        a_file()
    with pytest.raises(NotSepa, match="one id"):
        a_file(transfer(1), transfer(1))
    assert "DE89" not in repr(MARKET)
    assert "NL91" not in repr(transfer())


def test_a_bank_is_asked_to_pay_on_a_weekday() -> None:
    for day, asked in ((2, 2), (6, 6), (7, 9), (8, 9), (9, 9)):
        assert banking_day(datetime(2026, 3, day, 22, tzinfo=UTC)) == date(2026, 3, asked)


def test_the_day_is_the_one_that_banks_go_by() -> None:
    """After midnight in Frankfurt yesterday is over, whatever the clocks of UTC say."""
    for moment, asked in (
        # Friday 23:59 and Saturday 00:00 there, in winter and in summer.
        ("2026-03-06T22:59Z", "2026-03-06"),
        ("2026-03-06T23:00Z", "2026-03-09"),
        ("2026-07-03T21:59Z", "2026-07-03"),
        ("2026-07-03T22:00Z", "2026-07-06"),
        # A Monday is over as well.
        ("2026-03-02T23:30Z", "2026-03-03"),
        # The nights in which the clocks change: 00:59 and 01:00 UTC of the last Sundays.
        ("2026-03-28T22:59Z", "2026-03-30"),
        ("2026-03-29T22:00Z", "2026-03-30"),
        ("2026-10-25T22:59Z", "2026-10-26"),
        ("2026-10-26T23:00Z", "2026-10-27"),
    ):
        assert banking_day(datetime.fromisoformat(moment)) == date.fromisoformat(asked), moment


def test_a_bank_is_asked_to_pay_on_no_bank_holiday() -> None:
    for moment, asked in (
        # From the Thursday before Easter to the Tuesday after it.
        ("2026-04-02T12:00Z", "2026-04-02"),
        ("2026-04-03T12:00Z", "2026-04-07"),
        ("2026-04-06T12:00Z", "2026-04-07"),
        # 1 May is a Friday, and Christmas a Friday and a Saturday.
        ("2026-05-01T12:00Z", "2026-05-04"),
        ("2026-12-25T12:00Z", "2026-12-28"),
        # In Frankfurt it is the first of January already.
        ("2026-12-31T12:00Z", "2026-12-31"),
        ("2026-12-31T23:30Z", "2027-01-04"),
        ("2024-12-25T12:00Z", "2024-12-27"),
    ):
        assert banking_day(datetime.fromisoformat(moment)) == date.fromisoformat(asked), moment
