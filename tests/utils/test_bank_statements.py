"""Transfers as buyers are asked for them and as banks tell of them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.bank_lines import BankLine, StatementFlaw, read_table
from gosellr.utils.camt import read_camt
from gosellr.utils.creditor_reference import (
    InvalidReference,
    in_groups,
    parse_reference,
    reference_of,
    references_in,
    with_check_digits,
)
from gosellr.utils.money import Money
from gosellr.utils.payto import Transfer, read_payto
from gosellr.utils.receipts import applied

SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BODIES = st.text(SIGNS, min_size=1, max_size=21)
IBAN = "DE89370400440532013000"


def test_a_reference_as_the_standard_makes_it() -> None:
    assert with_check_digits("539007547034") == "RF18539007547034"
    assert parse_reference("rf18 5390 0754 7034") == "RF18539007547034"
    assert in_groups("RF18539007547034") == "RF18 5390 0754 7034"


@given(BODIES)
def test_every_reference_passes_its_own_check(body: str) -> None:
    reference = with_check_digits(body)
    assert parse_reference(in_groups(reference).lower()) == reference
    assert reference.endswith(body)


@given(BODIES, st.data())
def test_another_sign_of_its_kind_is_always_found(body: str, data: st.DataObject) -> None:
    reference = with_check_digits(body)
    place = data.draw(st.integers(2, len(reference) - 1))
    kind = [one for one in SIGNS if one.isdigit() == reference[place].isdigit()]
    wrong = data.draw(st.sampled_from([one for one in kind if one != reference[place]]))
    with pytest.raises(InvalidReference):
        parse_reference(reference[:place] + wrong + reference[place + 1 :])


@given(st.text("0123456789", min_size=2, max_size=21), st.data())
def test_two_exchanged_digits_are_always_found(body: str, data: st.DataObject) -> None:
    reference = with_check_digits(body)
    places = [i for i in range(4, len(reference) - 1) if reference[i] != reference[i + 1]]
    if places:
        at = data.draw(st.sampled_from(places))
        swapped = reference[:at] + reference[at + 1] + reference[at] + reference[at + 2 :]
        with pytest.raises(InvalidReference):
            parse_reference(swapped)


@pytest.mark.parametrize("body", ["", "A" * 22, "ä", "A B"])
def test_what_is_no_body_of_a_reference(body: str) -> None:
    with pytest.raises(InvalidReference):
        with_check_digits(body)


@given(st.uuids(), st.text(max_size=60), st.text(max_size=60))
def test_our_reference_is_found_wherever_it_was_written(
    payment_id: UUID, before: str, after: str
) -> None:
    reference = reference_of(payment_id)
    assert reference == reference_of(payment_id) == parse_reference(reference)
    assert reference in references_in(f"{before} {in_groups(reference).lower()} {after}")
    assert references_in(f"{before}{reference[:-1]}") in ((), references_in(before))


def test_several_references_are_all_found_once() -> None:
    # Of random ids, one pair in some ten thousand makes a third one where the two meet.
    one, other = reference_of(UUID(int=1)), reference_of(UUID(int=2))
    assert references_in(f"{one}/{other} {one}") == (one, other)


@given(
    st.text(max_size=70).filter(str.strip),
    st.integers(1, 10**12),
    st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_a_transfer_survives_its_address(holder: str, amount_minor: int, currency: str) -> None:
    transfer = Transfer(
        iban=IBAN,
        bic="COBADEFF",
        holder=holder,
        amount=Money(amount_minor, currency),
        reference="RF18539007547034",
    )
    assert read_payto(transfer.as_uri()) == transfer
    assert read_payto("https://bank.example/pay") is None
    assert read_payto(None) is None


@given(st.integers(1, 10**9), st.lists(st.integers(1, 10**9), max_size=6))
def test_pieces_pay_all_or_nothing(amount_minor: int, pieces: list[int]) -> None:
    done = applied(amount_minor, pieces)
    assert done.is_complete is (sum(pieces) >= amount_minor)
    assert sum(done.used_minor) == (amount_minor if done.is_complete else 0)
    assert all(0 <= used <= piece for used, piece in zip(done.used_minor, pieces, strict=True))


def test_a_table_of_transfers() -> None:
    rows = list(
        read_table(
            "transaction_id,amount,currency,value_date,reference,text,payer_name,payer_iban\n"
            "A1,12.50,EUR,2026-03-03,RF18 5390 0754 7034,thank you,Ada,DE89 3704 0044 0532 0130 00"
            "\nA2,-3,EUR,2026-03-04T10:00:00+00:00,,,,not an iban\n"
        )
    )
    assert rows == [
        BankLine(
            transaction_id="A1",
            amount_minor=1250,
            currency="EUR",
            value_date=datetime(2026, 3, 3, tzinfo=UTC),
            text="RF18 5390 0754 7034 thank you",
            payer_name="Ada",
            payer_iban=IBAN,
        ),
        BankLine(
            transaction_id="A2",
            amount_minor=-300,
            currency="EUR",
            value_date=datetime(2026, 3, 4, 10, tzinfo=UTC),
        ),
    ]


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ("transaction_id,amount,currency", 0, "value_date"),
        ("transaction_id,amount,currency,value_date,colour", 0, "colour"),
        ("transaction_id,amount,currency,value_date\nA,1.001,EUR,2026-03-03", 1, "amount"),
        ("transaction_id,amount,currency,value_date\nA,0,EUR,2026-03-03", 1, "amount"),
        ("transaction_id,amount,currency,value_date\nA,1,XXQ,2026-03-03", 1, "amount"),
        ("transaction_id,amount,currency,value_date\nA,1,EUR,3.3.2026", 1, "value_date"),
        ("transaction_id,amount,currency,value_date\n,1,EUR,2026-03-03", 1, "transaction_id"),
        ("transaction_id,amount,currency,value_date\nA,1,EUR,2026-03-03,x", 1, "transaction_id"),
        ("transaction_id,amount,currency,value_date,amount\nA,1,EUR,2026-03-03,9", 0, "amount"),
        ("transaction_id,amount,currency,value_date\nA\0,1,EUR,2026-03-03", 1, "transaction_id"),
        ("transaction_id,amount,currency,value_date\nA,1,EUR,1026-03-03", 1, "value_date"),
        (
            "transaction_id,amount,currency,value_date\nA,1,EUR,0001-01-01T00:00+14:00",
            1,
            "value_date",
        ),
        (
            "transaction_id,amount,currency,value_date\nA,1,EUR,9999-12-31T23:00-14:00",
            1,
            "value_date",
        ),
    ],
)
def test_what_is_wrong_with_a_table_is_said(text: str, row: int, column: str) -> None:
    with pytest.raises(StatementFlaw) as flaw:
        list(read_table(text))
    assert (flaw.value.row, flaw.value.column) == (row, column)


def test_a_column_that_is_not_known_is_told_which_ones_are() -> None:
    with pytest.raises(StatementFlaw) as flaw:
        list(read_table("transaction_id,amount,currency,value_date,booking_date"))
    assert str(flaw.value) == (
        "This column isn't known; known are transaction_id, amount, currency, value_date,"
        " reference, text, payer_name, payer_iban"
    )


def test_a_cell_may_have_several_lines() -> None:
    text = (
        "transaction_id,amount,currency,value_date,text\r\n"
        'A,1,EUR,2026-03-03,"RF18 5390\r\nthen"\r\n'
        "B,2,EUR,2026-03-03,a\u2028b\r\n"
    )
    first, second = read_table(text)
    assert first.text.split() == ["RF18", "5390", "then"]
    assert (second.transaction_id, second.text) == ("B", "a\u2028b")


ENTRY = """
<Ntry><NtryRef>N1</NtryRef><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>
<Sts>{status}</Sts><BookgDt><Dt>2026-03-02</Dt></BookgDt><ValDt><Dt>2026-03-03</Dt></ValDt>
<AcctSvcrRef>{name}</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>
"""
DETAIL = """
<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy="EUR">{amount}</Amt>
<RltdPties><Dbtr><Nm>Ada &amp; Co</Nm></Dbtr><DbtrAcct><Id><IBAN>DE89370400440532013000</IBAN></Id>
</DbtrAcct></RltdPties><RmtInf><Ustrd>first half </Ustrd><Ustrd>second</Ustrd><Strd><CdtrRefInf>
<Ref>RF18539007547034</Ref></CdtrRefInf></Strd></RmtInf></TxDtls>
"""


def camt(*entries: str, head: str = "") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}'
        '<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>'
        f"<Stmt><Id>1</Id><Acct><Id><IBAN>{IBAN}</IBAN></Id></Acct>{''.join(entries)}</Stmt>"
        "</BkToCstmrStmt></Document>"
    ).encode()


def entry(
    amount: str, *details: str, way: str = "CRDT", status: str = "BOOK", name: str = "B1"
) -> str:
    return ENTRY.format(amount=amount, way=way, status=status, name=name, details="".join(details))


def test_a_statement_in_camt() -> None:
    lines = list(
        read_camt(
            camt(
                entry("12.5000", DETAIL.format(amount="12.50")),
                entry("5.00", way="DBIT", name="B2"),
                entry("7.00", status="PDNG", name="B3"),
                entry("1", status="<Cd>BOOK</Cd>", name="B4"),
            )
        )
    )
    assert [(one.transaction_id, one.amount_minor) for one in lines] == [
        ("B1", 1250), ("B2", -500), ("B4", 100),
    ]  # fmt: skip
    assert lines[0].text == "RF18539007547034 first half  second NOTPROVIDED"
    assert (lines[0].payer_name, lines[0].payer_iban) == ("Ada & Co", IBAN)
    assert lines[0].value_date == datetime(2026, 3, 3, tzinfo=UTC)


def test_a_collective_entry_gives_its_payments() -> None:
    both = DETAIL.format(amount="2.00") + DETAIL.format(amount="3.00")
    lines = list(read_camt(camt(entry("5.00", both))))
    assert [(one.transaction_id, one.amount_minor) for one in lines] == [
        ("B1/1", 200), ("B1/2", 300),
    ]  # fmt: skip
    with pytest.raises(StatementFlaw) as flaw:
        list(read_camt(camt(entry("5.01", both))))
    assert (flaw.value.row, flaw.value.column) == (1, "amount")


def by_number(amount: str) -> str:
    """An entry that its bank names by its place in the statement alone."""
    return entry(amount, name="").replace("N1", "1")


def test_an_entry_s_number_says_nothing_beyond_its_statement() -> None:
    first, second = camt(by_number("12.50")), camt(by_number("12.50")).replace(b"<Id>1<", b"<Id>2<")
    names = [one.transaction_id for content in (first, second) for one in read_camt(content)]
    assert names == ["1/1", "2/1"]
    both = DETAIL.format(amount="2.00") + DETAIL.format(amount="3.00")
    numbered = entry("5.00", both, name="").replace("N1", "7")
    assert [one.transaction_id for one in read_camt(camt(numbered))] == ["1/7/1", "1/7/2"]
    named = DETAIL.format(amount="2.00").replace("<Refs>", "<Refs><AcctSvcrRef>B9</AcctSvcrRef>")
    assert [one.transaction_id for one in read_camt(camt(entry("2.00", named, name="")))] == ["B9"]
    with pytest.raises(StatementFlaw):
        list(read_camt(camt(by_number("1.00")).replace(b"<Id>1</Id>", b"", 1)))


def numbered(number: str, amount: str, name: str, *details: str) -> str:
    """An entry with its place in the statement."""
    return entry(amount, *details, name=name).replace("N1", number)


@pytest.mark.parametrize("word", ["NONREF", "NotProvided", "NOREF", "0000000000"])
def test_what_stands_at_several_entries_names_none_of_them(word: str) -> None:
    content = camt(
        numbered("1", "12.50", word), numbered("2", "12.50", word), numbered("3", "1.00", "B3"),
        numbered("4", "2.00", "B3", DETAIL.format(amount="2.00")),
    )  # fmt: skip
    assert [one.transaction_id for one in read_camt(content)] == ["1/1", "1/2", "1/3", "1/4"]


def test_a_word_for_no_name_is_none_also_where_it_stands_once() -> None:
    for word in ("NONREF", "NOTPROVIDED"):
        both = "".join(
            DETAIL.format(amount=amount).replace(
                "<Refs>", f"<Refs><AcctSvcrRef>{word}</AcctSvcrRef>"
            )
            for amount in ("2.00", "3.00")
        )
        content = camt(numbered("1", "1.00", word), numbered("2", "5.00", word, both))
        assert [one.transaction_id for one in read_camt(content)] == ["1/1", "1/2/1", "1/2/2"]
        once = camt(numbered("1", "1.00", word, DETAIL.format(amount="1.00").replace(
            "<Refs>", f"<Refs><TxId>{word}</TxId>"
        )))  # fmt: skip
        assert [one.transaction_id for one in read_camt(once)] == ["1/1"]
        with pytest.raises(StatementFlaw):
            list(read_camt(camt(entry("1.00", name=word).replace("<NtryRef>N1</NtryRef>", ""))))


def test_a_statement_says_whose_it_is() -> None:
    [line] = read_camt(camt(entry("1.00")).replace(b"<IBAN>DE89", b"<IBAN>de89 "))
    assert line.account == IBAN
    elsewhere = camt(entry("1.00")).replace(
        f"<IBAN>{IBAN}</IBAN>".encode(), b"<Othr><Id>12-345</Id></Othr>"
    )
    assert [one.account for one in read_camt(elsewhere)] == ["12-345"]


RETURN = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls>"
CODE = "<BkTxCd><Domn><Fmly><SubFmlyCd>{}</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls>"


def test_what_a_bank_undid_is_a_reversal() -> None:
    plain = entry("2.00", DETAIL.format(amount="2.00"))
    undone = [
        plain.replace("<Sts>", "<RvslInd>true</RvslInd><Sts>"),
        plain.replace("<Sts>", "<RvslInd>1</RvslInd><Sts>").replace("CRDT", "DBIT"),
        plain.replace("</TxDtls>", RETURN),
        plain.replace("<NtryDtls>", CODE.format("RRTN")),
    ]
    usual = [
        plain,
        plain.replace("<Sts>", "<RvslInd>false</RvslInd><Sts>"),
        plain.replace("<NtryDtls>", CODE.format("ESCT")),
    ]
    lines = [one for each in undone for one in read_camt(camt(each))]
    assert [one.amount_minor for one in lines] == [200, -200, 200, 200]
    assert all(one.is_reversal for one in lines)
    assert not any(one.is_reversal for each in usual for one in read_camt(camt(each)))


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b"no xml", 0),
        (b"<Document><Other/></Document>", 0),
        (b"<?xml version='1.0' encoding='no-such'?><Document/>", 0),
        (b"<?xml version='1.0' encoding='gb2312'?><Document/>", 0),
        (b"<a>" * 50 + b"</a>" * 50, 0),
        (camt(head=LAUGHS), 0),
        (camt(head='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), 0),
        (camt(entry("1.00")).replace(b"<Acct>", b"<Other>").replace(b"</Acct>", b"</Other>"), 0),
        (camt(entry("1.00", way="")), 1),
        (camt(entry("-1.00")), 1),
        (camt(entry("1.001")), 1),
        (camt(entry("1.00", name="").replace("<NtryRef>N1</NtryRef>", "")), 1),
    ],
)
def test_what_is_no_statement_is_refused(content: bytes, row: int) -> None:
    with pytest.raises(StatementFlaw) as flaw:
        list(read_camt(content))
    assert flaw.value.row == row


def test_an_entry_of_nothing_and_a_day_with_a_zone_stop_no_payment() -> None:
    dated = entry("1.00").replace("2026-03-03<", "2026-03-03+01:00<")
    lines = list(read_camt(camt(entry("0.00", name="CLOSING"), dated)))
    assert [one.amount_minor for one in lines] == [100]
    assert lines[0].value_date == datetime(2026, 3, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ['"transaction_id"x,amount,currency,value_date\n', "x" * 140_000 + "\n"]
)
def test_a_heading_that_is_no_csv_is_a_flaw(text: str) -> None:
    with pytest.raises(StatementFlaw):
        list(read_table(text))
