"""Documents' numbers and months, the figures of a statement, and what stands on a sheet."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.document_sheets import Speaker, breakable, breakable_code
from gosellr.utils.document_tables import table_of
from gosellr.utils.document_views import sheet_of
from gosellr.utils.document_words import word
from gosellr.utils.documents import (
    LANGUAGES,
    DocumentKind,
    InvalidPeriod,
    document_hash,
    document_number,
    language_of,
    month_after,
    month_before,
    month_bounds,
    month_of,
    series_of,
)
from gosellr.utils.ledger import TransactionKind
from gosellr.utils.statement_figures import (
    POT_OF_ACCOUNT,
    REFUND_KINDS,
    Kept,
    PotChange,
    statement_figures,
)
from gosellr.utils.tax_summary import taxed_amounts, taxes_by_rate, totals_of

MARCH = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KINDS = [*(kind.value for kind in TransactionKind), "booked_by_a_later_release"]


def test_numbers_say_series_and_place() -> None:
    assert series_of(DocumentKind.INVOICE, at=MARCH) == "INV-2026"
    assert series_of(DocumentKind.COMMISSION_INVOICE, at=MARCH) == "COM-2026"
    assert document_number("INV-2026", 7) == "INV-2026-00007"
    assert document_number("CN-2026", 123_456) == "CN-2026-123456"
    with pytest.raises(ValueError, match="from 1"):
        document_number("INV-2026", 0)


def test_each_kind_has_a_series_of_its_own() -> None:
    assert len({series_of(kind, at=MARCH) for kind in DocumentKind}) == len(DocumentKind)


def test_months_follow_each_other_over_the_year() -> None:
    assert month_bounds("2026-12") == (
        datetime(2026, 12, 1, tzinfo=UTC),
        datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert month_of(MARCH) == "2026-03"
    assert month_before(MARCH) == "2026-02"
    assert month_before(datetime(2026, 1, 1, tzinfo=UTC)) == "2025-12"
    assert month_after("2026-12") == "2027-01"


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026-3", "26-03", "2026-03-01", "", "x"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(InvalidPeriod):
        month_bounds(text)


def test_a_hash_tells_any_change() -> None:
    known = {
        "document_id": UUID(int=1), "kind": "invoice", "number": "INV-2026-00001",
        "issuer": "market", "content": {"total_minor": 1, "name": "Ä"},
    }  # fmt: skip
    digest = document_hash(**known)
    assert document_hash(**{**known, "content": {"name": "Ä", "total_minor": 1}}) == digest
    for name, other in (
        ("document_id", UUID(int=2)), ("kind", "credit_note"), ("number", "INV-2026-00002"),
        ("issuer", "x"), ("content", {"total_minor": 2, "name": "Ä"}),
    ):  # fmt: skip
        assert document_hash(**{**known, name: other}) != digest


def test_languages_by_country() -> None:
    assert [language_of(code) for code in ("AT", "FR", "ES", "JP", "")] == [
        "de", "fr", "es", "en", "en",
    ]  # fmt: skip
    for language in LANGUAGES:
        assert word("invoice", language)
    assert word("invoice", "xx") == "Invoice"
    assert word("booked_later", "de") == "Booked later"


minors = st.integers(min_value=0, max_value=10**9)
changes = st.lists(
    st.builds(
        PotChange,
        st.sampled_from(KINDS),
        st.sampled_from(sorted(POT_OF_ACCOUNT)),
        st.integers(min_value=-(10**9), max_value=10**9),
        minors,
        minors,
    ),
    max_size=30,
)
kept = st.dictionaries(
    st.sampled_from(KINDS),
    st.builds(Kept, *[st.integers(min_value=-(10**9), max_value=10**9)] * 3),
    max_size=5,
)


@given(changes=changes, kept=kept)
def test_opening_and_movements_make_closing(
    changes: list[PotChange], kept: dict[str, Kept]
) -> None:
    found = statement_figures(changes, kept=kept, counts={})
    assert found.opening_minor == sum(change.before_minor for change in changes)
    moved = sum(change.in_minor - change.out_minor for change in changes)
    assert sum(group.amount_minor for group in found.groups) == moved
    assert found.closing_minor == found.opening_minor + moved
    assert found.closing_minor == sum(pot.closing_minor for pot in found.pots)


@given(changes=changes, kept=kept)
def test_what_was_kept_stands_on_the_statement_as_it_was_booked(
    changes: list[PotChange], kept: dict[str, Kept]
) -> None:
    found = statement_figures(changes, kept=kept, counts={})
    lines = {group.key: group.amount_minor for group in found.groups}
    sale = ("sale", "sale_on_delivery")
    assert lines.get("commission", 0) == -sum(
        kept.get(kind, Kept()).commission_minor for kind in sale
    )
    assert lines.get("commission_vat_returned", 0) == -sum(
        kept.get(kind, Kept()).vat_minor for kind in REFUND_KINDS
    )


def test_a_sale_is_shown_gross_with_what_was_kept_beside_it() -> None:
    found = statement_figures(
        [
            PotChange("sale", "seller_pending", 0, 8_800, 0),
            PotChange("payout_confirmed", "payout_in_transit", 5_000, 0, 5_000),
        ],
        kept={"sale": Kept(commission_minor=1_000, vat_minor=200)},
        counts={"sale": 2, "payout_confirmed": 1},
    )
    assert [(group.key, group.count, group.amount_minor) for group in found.groups] == [
        ("sales", 2, 10_000),
        ("commission", 2, -1_000),
        ("commission_vat", 2, -200),
        ("payouts", 1, -5_000),
    ]
    assert (found.opening_minor, found.closing_minor) == (5_000, 8_800)


@given(
    lines=st.lists(st.tuples(st.sampled_from([0, 700, 1900]), minors, st.booleans()), max_size=8)
)
def test_taxes_by_rate_sum_to_the_lines(lines: list[tuple[int, int, bool]]) -> None:
    listed = [
        {
            "tax_rate_bps": rate,
            **taxed_amounts(
                goods_minor=goods, tax_minor=goods * rate // 12_000, tax_included=included
            ),
        }
        for rate, goods, included in lines
    ]
    rates = taxes_by_rate(listed)
    totals = totals_of(listed, promotion_minor=0)
    for part in ("net_minor", "tax_minor", "gross_minor"):
        assert sum(rate[part] for rate in rates) == totals[part]
    assert totals["payable_minor"] == sum(line["gross_minor"] for line in listed)


def an_invoice(**more: object) -> dict[str, object]:
    """One of 11.90 with 19 % inside, of which the market bore 1.90."""
    party = {
        "name": "Lampo GmbH", "trade_name": "Lampo", "address_lines": ["Marktstraße 1"],
        "country": "DE", "email": "hello@lampo.example", "tax_id": "",
    }  # fmt: skip
    line = {
        "kind": "goods", "sku": "L-1", "title": "Lamp", "options": "S", "quantity": 1,
        "unit_price_minor": 1190, "discount_minor": 0, "tax_rate_bps": 1900, "net_minor": 1000,
        "tax_minor": 190, "gross_minor": 1190,
    }  # fmt: skip
    return {
        "kind": "invoice", "language": "de", "currency": "EUR", "tax_included": True,
        "number": "INV-2026-00001", "issued_at": MARCH.isoformat(),
        "supplied_at": MARCH.isoformat(), "issuer": party, "recipient": party,
        "order_number": "GS-10001", "seller_order_number": "GS-10001-1", "lines": [line],
        "taxes": taxes_by_rate([line]), "totals": totals_of([line], promotion_minor=190), **more,
    }  # fmt: skip


def test_a_sheet_speaks_the_language_that_was_asked_for() -> None:
    german = sheet_of(an_invoice(), today=date(2026, 3, 3))
    assert german.title == "Rechnung"
    assert german.made_on == date(2026, 3, 2)
    assert german.totals[-1] == ("Bezahlt", "10,00\N{NO-BREAK SPACE}€\N{NO-BREAK SPACE}EUR")
    english = sheet_of(an_invoice(), language="en", today=date(2026, 3, 3))
    assert english.title == "Invoice"
    assert ("Borne by the marketplace", "−€1.90") in english.totals


def test_a_currency_keeps_its_own_decimals() -> None:
    assert Speaker("en", "JPY").money(1500) == "JP¥1,500"
    table = table_of(an_invoice(currency="JPY"))
    assert [str(cell) for cell in table.rows[0][-5:-1]] == ["1000", "190", "1190", "JPY"]
    assert [str(cell) for cell in table_of(an_invoice()).rows[0][-5:-1]] == [
        "10.00", "1.90", "11.90", "EUR",
    ]  # fmt: skip


def test_a_word_too_long_for_a_line_may_be_broken() -> None:
    assert breakable("short words stay") == "short words stay"
    broken = breakable("x" * 40)
    assert broken.replace("\N{ZERO WIDTH SPACE}", "") == "x" * 40
    assert broken.count("\N{ZERO WIDTH SPACE}") == 1
    assert breakable_code("x" * 40).count("\N{ZERO WIDTH SPACE}") == 3
    assert breakable_code("SOFA-XL-GREEN-VELVET") == "SOFA-XL-GREEN-VELVET"


_BETWEEN_OWN_ACCOUNTS = {
    TransactionKind.RELEASE, TransactionKind.RESERVE_RELEASED, TransactionKind.DEBT_RECOVERED,
    TransactionKind.DISPUTE_FROZEN, TransactionKind.DISPUTE_RELEASED,
}  # fmt: skip
_OF_NO_SELLER = {
    TransactionKind.PROVIDER_FEE, TransactionKind.SETTLEMENT, TransactionKind.STORED_VALUE_HELD,
    TransactionKind.STORED_VALUE_RETURNED, TransactionKind.STORED_VALUE_MOVED,
    TransactionKind.GIFT_CARD_ISSUED, TransactionKind.GIFT_CARD_SOLD,
    TransactionKind.GIFT_CARD_RELEASED, TransactionKind.GIFT_CARD_RESTORED,
    TransactionKind.STORE_CREDIT_GRANTED, TransactionKind.STRAY_CAPTURE,
    TransactionKind.STRAY_RETURN, TransactionKind.RECONCILED, TransactionKind.SUSPENSE_CLEARED,
    TransactionKind.CHARGEBACK_WON, TransactionKind.CHARGEBACK_MADE_GOOD,
}  # fmt: skip


@pytest.mark.parametrize(
    "kind", sorted(set(TransactionKind) - _BETWEEN_OWN_ACCOUNTS - _OF_NO_SELLER)
)
def test_what_can_move_a_seller_s_total_has_a_word_in_every_language(kind: TransactionKind) -> None:
    change = PotChange(kind.value, "seller_available", 0, 0, 500)
    [group] = statement_figures([change], kept={}, counts={kind.value: 1}).groups
    # What stands under the name of its kind is told by that, in English, where it has no word.
    if group.key == kind.value:
        assert len({word(group.key, language) for language in LANGUAGES}) == len(LANGUAGES)
