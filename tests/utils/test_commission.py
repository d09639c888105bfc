import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.commission import (
    CommissionLine,
    CommissionRule,
    CommissionTerms,
    InvalidCommissionRule,
    commission_for,
    commission_for_shipping,
    matching_rule,
)
from gosellr.utils.money import AmountOutOfBounds

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SELLER, PRODUCT, SHOES, CLOTHES, BOOKS = (UUID(int=number) for number in range(1, 6))


def a_line(**changes: Any) -> CommissionLine:
    facts: dict[str, Any] = {
        "currency": "EUR",
        "seller_id": SELLER,
        "product_id": PRODUCT,
        "category_ids": frozenset({SHOES, CLOTHES}),
        "goods_minor": 12_000,
        "tax_minor": 2000,
        "tax_included": True,
    }
    return CommissionLine(**facts | changes)


def a_rule(number: int = 10, **changes: Any) -> CommissionRule:
    facts: dict[str, Any] = {"id": UUID(int=number), "position": number, "rate_bps": 1000}
    return CommissionRule(**facts | changes)


def test_the_worked_example_of_the_sale() -> None:
    terms = commission_for(line=a_line(), rules=[a_rule(vat_bps=2000)], at=NOON)
    assert (terms.base_minor, terms.commission_minor, terms.vat_minor) == (10_000, 1000, 200)


def test_tax_on_top_of_the_price_is_no_part_of_the_base() -> None:
    line = a_line(goods_minor=10_000, tax_minor=2000, tax_included=False)
    assert commission_for(line=line, rules=[a_rule()], at=NOON).commission_minor == 1000


@pytest.mark.parametrize(
    ("condition", "matches"),
    [
        ({}, True),
        ({"seller_id": SELLER}, True),
        ({"seller_id": PRODUCT}, False),
        ({"product_id": PRODUCT}, True),
        ({"product_id": SELLER}, False),
        ({"category_id": CLOTHES}, True),
        ({"category_id": BOOKS}, False),
        ({"currency": "EUR"}, True),
        ({"currency": "USD"}, False),
        ({"currency": "EUR", "value_from_minor": 12_000}, True),
        ({"currency": "EUR", "value_from_minor": 12_001}, False),
        ({"currency": "EUR", "value_to_minor": 12_001}, True),
        ({"currency": "EUR", "value_to_minor": 12_000}, False),
        ({"valid_from": NOON}, True),
        ({"valid_from": NOON + timedelta(microseconds=1)}, False),
        ({"valid_to": NOON + timedelta(microseconds=1)}, True),
        ({"valid_to": NOON}, False),
        ({"seller_id": SELLER, "category_id": BOOKS}, False),
    ],
)
def test_all_conditions_of_a_rule_must_hold(condition: dict[str, Any], matches: bool) -> None:
    assert a_rule(**condition).matches(a_line(), NOON) is matches


def test_the_first_matching_rule_by_position_wins() -> None:
    rules = [
        a_rule(30, rate_bps=3000),
        a_rule(20, rate_bps=2000),
        a_rule(10, rate_bps=1000, category_id=BOOKS),
        a_rule(21, rate_bps=2100, position=20),
    ]
    won = matching_rule(line=a_line(), rules=rules, at=NOON)
    assert won is rules[1]
    assert matching_rule(line=a_line(), rules=[rules[2]], at=NOON) is None


def test_without_a_rule_there_is_no_commission() -> None:
    assert commission_for(line=a_line(), rules=[], at=NOON) == CommissionTerms(base_minor=10_000)


@pytest.mark.parametrize(
    ("amounts", "commission_minor"),
    [
        ({"fixed_minor": 50}, 1050),
        ({"minimum_minor": 1500}, 1500),
        ({"minimum_minor": 500}, 1000),
        ({"cap_minor": 800}, 800),
        ({"cap_minor": 0}, 0),
        ({"fixed_minor": 50, "minimum_minor": 1040, "cap_minor": 1045}, 1045),
        ({"fixed_minor": 99_999}, 10_000),
        ({"fixed_minor": 99_999, "vat_bps": 2000}, 8333),
    ],
)
def test_fixed_minimum_cap_and_the_base_bound_it(
    amounts: dict[str, int], commission_minor: int
) -> None:
    terms = commission_for(line=a_line(), rules=[a_rule(currency="EUR", **amounts)], at=NOON)
    assert terms.commission_minor == commission_minor


@given(
    base=st.integers(0, 10**9),
    rate=st.integers(0, 10_000),
    fixed=st.integers(0, 10**9),
    vat=st.integers(0, 30_000),
)
def test_commission_and_vat_never_take_more_than_the_base(
    base: int, rate: int, fixed: int, vat: int
) -> None:
    rule = a_rule(currency="EUR", rate_bps=rate, fixed_minor=fixed, vat_bps=vat)
    line = a_line(goods_minor=base, tax_minor=0)
    terms = commission_for(line=line, rules=[rule], at=NOON)
    assert 0 <= terms.commission_minor + terms.vat_minor <= base


def test_shipping_follows_the_first_winner_that_asks_for_it() -> None:
    rules = [
        a_rule(10, category_id=BOOKS, rate_bps=500),
        a_rule(20, category_id=SHOES, rate_bps=2000, on_shipping=True, vat_bps=1000),
        a_rule(30, rate_bps=3000, on_shipping=True, currency="EUR", fixed_minor=70),
    ]
    lines = [
        a_line(category_ids=frozenset[UUID]()),
        a_line(),
        a_line(category_ids=frozenset({BOOKS})),
    ]

    def on_shipping(of: list[CommissionLine]) -> CommissionTerms:
        return commission_for_shipping(shipping_base_minor=500, lines=of, rules=rules, at=NOON)

    terms = on_shipping(lines)
    assert (terms.rule_id, terms.commission_minor, terms.vat_minor) == (UUID(int=20), 100, 10)
    # The fixed part of the last rule was its line's, so shipping pays the rate alone.
    assert on_shipping(lines[:1]).commission_minor == 150
    assert on_shipping(lines[2:]) == CommissionTerms(base_minor=500)


@pytest.mark.case(42)
def test_case_42_frozen_terms_survive_json_and_later_changes_of_the_rule() -> None:
    terms = commission_for(
        line=a_line(), rules=[a_rule(currency="EUR", fixed_minor=5, vat_bps=2000)], at=NOON
    )
    stored = json.loads(json.dumps(terms.as_dict()))
    assert stored["rule_id"] == str(UUID(int=10))
    assert CommissionTerms.from_dict(stored | {"added_later": 1}) == terms
    nothing = CommissionTerms(base_minor=7)
    assert CommissionTerms.from_dict(json.loads(json.dumps(nothing.as_dict()))) == nothing


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate_bps": -1},
        {"rate_bps": 10_001},
        {"fixed_minor": 5},
        {"cap_minor": 0},
        {"currency": "EUR", "minimum_minor": 2, "cap_minor": 1},
    ],
)
def test_a_rule_that_contradicts_itself_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidCommissionRule):
        a_rule(**wrong)


def test_a_negative_amount_in_a_rule_is_refused() -> None:
    with pytest.raises(AmountOutOfBounds):
        a_rule(currency="EUR", cap_minor=-1)
