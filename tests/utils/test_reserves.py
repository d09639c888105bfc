"""The rolling reserve, reckoned: exact in every currency, decided by one rule."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.reserves import (
    Held,
    InvalidReserveRule,
    ReserveRule,
    ReserveScope,
    RiskMeasure,
    SaleFacts,
    SellerRisk,
    governing_rule,
    kept_back,
    taken_from,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANN, BEN, LAMPS, HOME, SALE = (UUID(int=number) for number in range(1, 6))


def rule(number: int = 1, scope: str = "market", **more: Any) -> ReserveRule:
    terms = {"rate_bps": 1000, "days": 30, **more}
    return ReserveRule(id=UUID(int=number), scope=ReserveScope(scope), **terms)


def sale(**more: Any) -> SaleFacts:
    facts = {"seller_id": ANN, "currency": "EUR", "seller_since": NOW - timedelta(days=100)}
    return SaleFacts(**{**facts, **more})


@pytest.mark.parametrize(
    ("scope", "terms", "field"),
    [
        ("seller", {}, "seller_id"),
        ("market", {"seller_id": ANN}, "seller_id"),
        ("category", {}, "category_id"),
        ("new_account", {}, "younger_than_days"),
        ("risk", {"measure": RiskMeasure.REFUNDS}, "above_bps"),
        ("market", {"rate_bps": 10_001}, "rate_bps"),
        ("market", {"days": 181}, "days"),
        ("market", {"valid_from": NOW, "valid_to": NOW}, "valid_to"),
    ],
)
def test_a_rule_names_what_its_scope_needs(scope: str, terms: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidReserveRule) as refusal:
        rule(scope=scope, **terms)
    assert refusal.value.field == field


def test_the_sellers_own_decides_else_the_highest_then_the_longest_then_the_oldest() -> None:
    market = rule(1)
    lamps = rule(2, "category", category_id=LAMPS, rate_bps=2000)
    longer = rule(3, "new_account", younger_than_days=200, rate_bps=2000, days=60)
    younger = rule(4, "new_account", younger_than_days=300, rate_bps=2000, days=60)
    own = rule(5, "seller", seller_id=ANN, rate_bps=100)
    rules = [market, younger, lamps, longer]
    lamp = sale(category_ids=frozenset({LAMPS, HOME}))
    assert governing_rule(rules, lamp, now=NOW) == longer
    assert governing_rule([market, lamps], lamp, now=NOW) == lamps
    assert governing_rule([market, lamps], sale(), now=NOW) == market
    assert governing_rule([*rules, own], lamp, now=NOW) == own
    assert governing_rule([*rules, own], sale(seller_id=BEN), now=NOW) == longer
    assert governing_rule([], lamp, now=NOW) is None


def test_dates_of_validity_begin_and_end_before_their_end() -> None:
    dated = rule(valid_from=NOW, valid_to=NOW + timedelta(days=1))
    for moment, is_there in (
        (NOW - timedelta(microseconds=1), False),
        (NOW, True),
        (NOW + timedelta(days=1, microseconds=-1), True),
        (NOW + timedelta(days=1), False),
    ):
        assert (governing_rule([dated], sale(), now=moment) is dated) is is_there


def test_young_means_younger_than_so_many_days() -> None:
    young = rule(scope="new_account", younger_than_days=10)
    for days, is_young in ((9, True), (10, False), (11, False)):
        facts = sale(seller_since=NOW - timedelta(days=days))
        assert (governing_rule([young], facts, now=NOW) is young) is is_young


@pytest.mark.parametrize(
    ("measure", "risk", "above"),
    [
        ("open_disputes", {"sale_count": 100, "open_dispute_count": 1}, 100),
        ("chargebacks", {"sale_count": 300, "chargeback_count": 3}, 100),
        ("refunds", {"sold_minor": 10_000, "refunded_minor": 800}, 800),
    ],
)
def test_a_risk_is_above_a_rate_and_not_at_it(
    measure: str, risk: dict[str, int], above: int
) -> None:
    facts = sale(risk=SellerRisk(**risk))
    for above_bps, is_risky in ((above - 1, True), (above, False)):
        risky = rule(scope="risk", measure=RiskMeasure(measure), above_bps=above_bps)
        assert (governing_rule([risky], facts, now=NOW) is risky) is is_risky
    unsold = rule(scope="risk", measure=RiskMeasure(measure), above_bps=0)
    assert governing_rule([unsold], sale(), now=NOW) is None


def test_rounded_half_up_and_never_above_the_cap() -> None:
    tenth = rule(caps={"EUR": 100})
    for base, held, kept in (
        (1000, 0, 100), (1004, 0, 100), (105, 0, 11), (104, 0, 10), (4, 0, 0), (5, 0, 1),
        (1000, 40, 60), (1000, 100, 0), (1000, 130, 0),
    ):  # fmt: skip
        assert kept_back(tenth, base_minor=base, held_minor=held, currency="EUR") == kept
    assert kept_back(tenth, base_minor=9000, held_minor=500, currency="JPY") == 900
    assert kept_back(None, base_minor=9000, held_minor=0, currency="EUR") == 0
    with pytest.raises(ValueError, match="negative"):
        kept_back(tenth, base_minor=-1, held_minor=0, currency="EUR")


MINOR = st.integers(0, 10**12)


@given(
    base=MINOR, held=MINOR, rate=st.integers(0, 10_000), cap=st.none() | MINOR,
    currency=st.sampled_from(["JPY", "USD", "KWD"]),
)  # fmt: skip
def test_what_is_kept_back_is_within_every_bound(
    base: int, held: int, rate: int, cap: int | None, currency: str
) -> None:
    caps = {} if cap is None else {currency: cap}
    kept = kept_back(
        rule(rate_bps=rate, caps=caps), base_minor=base, held_minor=held, currency=currency
    )
    assert 0 <= kept <= base
    exact = base * rate
    assert 2 * (kept * 10_000 - exact) <= 10_000
    if cap is None:
        assert 2 * (exact - kept * 10_000) < 10_000
    elif kept:
        assert held + kept <= cap


@given(
    held=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 3)), min_size=1, max_size=8),
    data=st.data(),
)
def test_what_is_taken_sums_exactly_and_no_hold_gives_more_than_it_has(
    held: list[tuple[int, int]], data: st.DataObject
) -> None:
    holds = [
        Held(UUID(int=100 + number), UUID(int=200 + number), minor, NOW + timedelta(days=days))
        for number, (minor, days) in enumerate(held)
    ]
    whole = sum(one.held_minor for one in holds)
    amount = data.draw(st.integers(0, whole))
    taken = taken_from(holds, amount, seller_order_id=SALE)
    assert sum(taken.values()) == amount
    by_id = {one.id: one for one in holds}
    assert all(0 < minor <= by_id[key].held_minor for key, minor in taken.items())
    # Whatever is taken of one, all that is free sooner was taken whole.
    if taken:
        last = max(by_id[key].release_at for key in taken)
        sooner = [one for one in holds if one.release_at < last and one.held_minor]
        assert all(taken.get(one.id) == one.held_minor for one in sooner)
    with pytest.raises(ValueError, match="more than the reserve holds"):
        taken_from(holds, whole + 1, seller_order_id=SALE)


def test_a_refund_takes_its_own_sales_hold_first() -> None:
    later, sooner, own = (
        Held(UUID(int=number), UUID(int=50 + number), 100, NOW + timedelta(days=days))
        for number, days in ((1, 20), (2, 10), (3, 30))
    )
    taken = taken_from([later, sooner, own], 250, seller_order_id=own.seller_order_id)
    assert taken == {own.id: 100, sooner.id: 100, later.id: 50}
