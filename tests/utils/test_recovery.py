"""Debts, reckoned: how old they are, and how much of a seller's money goes to them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.recovery import (
    InvalidPlan,
    PlanKind,
    RecoveryPlan,
    recovered_at_payout,
    recovered_of,
)

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def share(bps: int = 3000) -> RecoveryPlan:
    return RecoveryPlan(id=UUID(int=1), kind=PlanKind.SHARE, starts_at=NOW, share_bps=bps)


def instalments(minor: int = 500, days: int = 30, recovered: int = 0) -> RecoveryPlan:
    return RecoveryPlan(
        id=UUID(int=1), kind=PlanKind.INSTALMENTS, starts_at=NOW, instalment_minor=minor,
        every_days=days, recovered_minor=recovered,
    )  # fmt: skip


@pytest.mark.parametrize(
    "terms",
    [
        {"kind": PlanKind.SHARE},
        {"kind": PlanKind.SHARE, "share_bps": 1, "every_days": 3},
        {"kind": PlanKind.INSTALMENTS, "instalment_minor": 1},
        {"kind": PlanKind.INSTALMENTS, "share_bps": 1, "instalment_minor": 1, "every_days": 3},
    ],
)
def test_a_plan_has_the_terms_of_its_kind(terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidPlan):
        RecoveryPlan(id=UUID(int=1), starts_at=NOW, **terms)


def test_without_a_plan_all_goes_to_the_debt_first() -> None:
    for money, owed, taken in ((1000, 300, 300), (200, 300, 200), (200, 0, 0), (200, -5, 0)):
        assert recovered_of(money, owed_minor=owed, plan=None, now=NOW) == taken
        assert recovered_at_payout(money, owed_minor=owed, plan=None, now=NOW) == taken


def test_a_share_is_taken_when_money_becomes_available_and_not_again() -> None:
    for money, owed, taken in ((1000, 900, 300), (1000, 200, 200), (5, 900, 2), (4, 900, 1)):
        assert recovered_of(money, owed_minor=owed, plan=share(), now=NOW) == taken
    assert recovered_at_payout(1000, owed_minor=900, plan=share(), now=NOW) == 0


def test_instalments_are_due_period_by_period_and_once() -> None:
    for plan, moment, due in (
        (instalments(), NOW - DAY, 0),
        (instalments(), NOW, 500),
        (instalments(recovered=200), NOW + 29 * DAY, 300),
        (instalments(recovered=500), NOW + 29 * DAY, 0),
        (instalments(recovered=500), NOW + 30 * DAY, 500),
        (instalments(recovered=500), NOW + 95 * DAY, 1500),
    ):
        assert plan.due_minor(now=moment) == due
        for take in (recovered_of, recovered_at_payout):
            assert take(10_000, owed_minor=9000, plan=plan, now=moment) == due
            assert take(10_000, owed_minor=100, plan=plan, now=moment) == min(due, 100)
            assert take(50, owed_minor=9000, plan=plan, now=moment) == min(due, 50)


PLANS = st.one_of(
    st.none(),
    st.builds(share, st.integers(1, 10_000)),
    st.builds(instalments, st.integers(1, 10**6), st.integers(1, 60), st.integers(0, 10**7)),
)


@given(money=st.integers(0, 10**12), owed=st.integers(-10, 10**12), plan=PLANS)
def test_never_more_than_the_money_or_the_debt(
    money: int, owed: int, plan: RecoveryPlan | None
) -> None:
    for take in (recovered_of, recovered_at_payout):
        taken = take(money, owed_minor=owed, plan=plan, now=NOW + 45 * DAY)
        assert 0 <= taken <= min(money, max(0, owed))
