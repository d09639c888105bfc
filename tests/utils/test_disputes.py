from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.disputes import (
    ARGUED_STATUSES,
    DISPUTE_STATES,
    OPEN_STATUSES,
    DisputeAction,
    DisputeKind,
    DisputeOutcome,
    DisputeReason,
    DisputeStatus,
    DisputeTerms,
    NotThereYet,
    ReviewStep,
    TooEarly,
    TooLate,
    add_business_days,
    allowed_actions,
    award_of,
    check_window,
    due_at,
    evidence_due_at,
    outcome_of,
    review_step,
    silence_gives_buyer,
)
from gosellr.utils.states import Actor

S, A = DisputeStatus, DisputeAction
MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
FRIDAY = MONDAY + timedelta(days=4)
DAYS = timedelta(days=1)
TERMS = DisputeTerms()
MOMENTS = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@pytest.mark.parametrize(
    ("begins", "days", "ends"),
    [
        (MONDAY, 0, MONDAY),
        (MONDAY, 1, MONDAY + DAYS),
        (MONDAY, 4, FRIDAY),
        (MONDAY, 5, MONDAY + 7 * DAYS),
        (FRIDAY, 1, FRIDAY + 3 * DAYS),
        (FRIDAY + DAYS, 1, FRIDAY + 3 * DAYS),
        (FRIDAY + 2 * DAYS, 1, FRIDAY + 3 * DAYS),
        (FRIDAY, 3, FRIDAY + 5 * DAYS),
    ],
)
def test_weekends_are_no_business_days(begins: datetime, days: int, ends: datetime) -> None:
    assert add_business_days(begins, days) == ends


def test_holidays_are_no_business_days() -> None:
    christmas = datetime(2026, 12, 24, 12, 0, tzinfo=UTC)
    holidays = frozenset({date(2026, 12, 25), date(2026, 12, 28)})
    assert add_business_days(christmas, 1, holidays=holidays).date() == date(2026, 12, 29)
    assert add_business_days(christmas, 1).date() == date(2026, 12, 25)


def test_days_are_counted_in_utc() -> None:
    tokyo = datetime.fromisoformat("2026-03-07T08:00:00+09:00")  # Friday evening in UTC
    assert add_business_days(tokyo, 1) == datetime(2026, 3, 9, 23, 0, tzinfo=UTC)


@given(moment=MOMENTS, days=st.integers(1, 40))
def test_so_many_business_days_lie_between(moment: datetime, days: int) -> None:
    holidays = frozenset({(moment + timedelta(days=n)).date() for n in (2, 3, 11)})
    reached = add_business_days(moment, days, holidays=holidays)
    assert reached.time() == moment.time()
    between = [moment + timedelta(days=n) for n in range(1, (reached - moment).days + 1)]
    counted = [one for one in between if one.weekday() < 5 and one.date() not in holidays]
    assert len(counted) == days
    assert counted[-1] == reached


@pytest.mark.parametrize(("moment", "days"), [(datetime(2026, 3, 2), 1), (MONDAY, -1)])  # noqa: DTZ001
def test_what_is_no_deadline_is_refused(moment: datetime, days: int) -> None:
    with pytest.raises(ValueError, match="needs a moment"):
        add_business_days(moment, days)


def test_everybody_has_their_own_time() -> None:
    assert due_at(S.AWAITING_SELLER, now=MONDAY, terms=TERMS) == MONDAY + 3 * DAYS
    assert due_at(S.AWAITING_BUYER, now=FRIDAY, terms=TERMS) == FRIDAY + 5 * DAYS
    assert due_at(S.UNDER_REVIEW, now=MONDAY, terms=TERMS) == MONDAY + 7 * DAYS
    assert due_at(S.DECIDED, now=MONDAY, terms=TERMS) == MONDAY + 3 * DAYS
    assert [due_at(one, now=MONDAY, terms=TERMS) for one in (S.SETTLING, S.CLOSED)] == [None, None]


def test_evidence_is_wanted_before_the_bank_wants_it() -> None:
    assert evidence_due_at(now=MONDAY, bank_due_at=None, terms=TERMS) == MONDAY + 3 * DAYS
    later, sooner = MONDAY + 10 * DAYS, MONDAY + 3 * DAYS
    assert evidence_due_at(now=MONDAY, bank_due_at=later, terms=TERMS) == MONDAY + 3 * DAYS
    assert evidence_due_at(now=MONDAY, bank_due_at=sooner, terms=TERMS) == MONDAY + 2 * DAYS
    assert evidence_due_at(now=MONDAY, bank_due_at=MONDAY, terms=TERMS) == MONDAY


WINDOW = 30 * DAYS


def window(reason: DisputeReason, now: datetime, *, arrived: datetime | None) -> None:
    check_window(reason=reason, now=now, arrived_at=arrived, expected_by=FRIDAY, window=WINDOW)


def test_what_came_may_be_complained_of_for_a_month() -> None:
    for reason in DisputeReason:
        window(reason, MONDAY, arrived=MONDAY)
        window(reason, MONDAY + WINDOW, arrived=MONDAY)
        with pytest.raises(TooLate) as refusal:
            window(reason, MONDAY + WINDOW + timedelta(seconds=1), arrived=MONDAY)
        assert refusal.value.closed_at == MONDAY + WINDOW


def test_what_never_came_may_be_complained_of_once_it_is_late() -> None:
    with pytest.raises(TooEarly) as refusal:
        window(DisputeReason.NOT_DELIVERED, MONDAY, arrived=None)
    assert refusal.value.opens_at == FRIDAY
    window(DisputeReason.NOT_DELIVERED, FRIDAY, arrived=None)
    with pytest.raises(TooLate):
        window(DisputeReason.NOT_DELIVERED, FRIDAY + WINDOW + DAYS, arrived=None)
    with pytest.raises(NotThereYet):
        window(DisputeReason.DAMAGED, FRIDAY, arrived=None)


def test_silence_speaks_against_who_was_asked() -> None:
    assert silence_gives_buyer(S.AWAITING_SELLER)
    assert not silence_gives_buyer(S.AWAITING_BUYER)
    for status in set(S) - {S.AWAITING_SELLER, S.AWAITING_BUYER}:
        with pytest.raises(ValueError, match="decides nothing"):
            silence_gives_buyer(status)


def may(status: S, actor: Actor, kind: DisputeKind = DisputeKind.BUYER) -> set[str]:
    return {one.value for one in allowed_actions(kind=kind, status=status, actor=actor)}


def test_who_may_do_what_when() -> None:
    talk = {"message", "evidence"}
    assert may(S.AWAITING_SELLER, Actor.SELLER) == talk | {"answer", "accept", "escalate"}
    assert may(S.AWAITING_SELLER, Actor.BUYER) == talk | {"accept"}
    assert may(S.AWAITING_BUYER, Actor.SELLER) == talk | {"accept"}
    assert may(S.AWAITING_BUYER, Actor.BUYER) == talk | {"accept", "escalate"}
    assert may(S.DECIDED, Actor.BUYER) == may(S.DECIDED, Actor.SELLER) == talk | {"escalate"}
    assert may(S.DECIDED, Actor.OPERATOR) == talk
    for status in (S.AWAITING_SELLER, S.AWAITING_BUYER, S.UNDER_REVIEW, S.APPEALED):
        assert may(status, Actor.OPERATOR) == talk | {"decide"}
    for actor in Actor:
        assert may(S.SETTLING, actor) == may(S.CLOSED, actor) == set()


def test_a_chargeback_is_between_the_seller_and_the_bank() -> None:
    of_bank = DisputeKind.CHARGEBACK
    for status in S:
        assert may(status, Actor.BUYER, of_bank) == set()
        assert "decide" not in may(status, Actor.OPERATOR, of_bank)
    assert "answer" in may(S.AWAITING_SELLER, Actor.SELLER, of_bank)
    assert may(S.AWAITING_PROVIDER, Actor.SELLER, of_bank) == {"message"}


def test_the_chargeback_of_a_card_s_price_is_the_market_s_to_answer() -> None:
    def may(actor: Actor, status: DisputeStatus = DisputeStatus.AWAITING_SELLER) -> set[str]:
        listed = allowed_actions(
            kind=DisputeKind.CHARGEBACK, status=status, actor=actor, is_of_card=True
        )
        return {one.value for one in listed}

    assert may(Actor.OPERATOR) == {"message", "answer", "evidence", "accept"}
    assert may(Actor.OPERATOR, DisputeStatus.AWAITING_PROVIDER) == {"message"}
    assert may(Actor.SELLER) == may(Actor.BUYER) == set()


def test_what_is_final_is_argued_no_more() -> None:
    for actor in (Actor.BUYER, Actor.SELLER):
        left = allowed_actions(
            kind=DisputeKind.BUYER, status=S.UNDER_REVIEW, actor=actor, is_final=True
        )
        assert left == (A.MESSAGE, A.EVIDENCE)
    assert A.DECIDE in allowed_actions(
        kind=DisputeKind.BUYER, status=S.UNDER_REVIEW, actor=Actor.OPERATOR, is_final=True
    )


def test_every_case_comes_to_an_end_and_none_begins_again() -> None:
    assert DISPUTE_STATES.terminal() == {S.CLOSED}
    reached = {S.AWAITING_SELLER}
    while more := {b for a, b in DISPUTE_STATES.table if a in reached} - reached:
        reached |= more
    assert reached == set(S)
    assert S.CLOSED not in OPEN_STATUSES
    assert S.SETTLING in OPEN_STATUSES - ARGUED_STATUSES
    # An appeal is heard once: nothing leads back before the decision but a refused refund.
    assert {b for a, b in DISPUTE_STATES.table if a is S.APPEALED} == {S.SETTLING, S.CLOSED}


@given(amount=st.integers(0, 10**12), bps=st.integers(0, 10_000))
def test_an_award_is_a_part_of_what_is_argued_about(amount: int, bps: int) -> None:
    award = award_of(amount, share_bps=bps)
    assert 0 <= award <= amount
    assert abs(award * 10_000 - amount * bps) <= 5_000


def test_an_award_says_how_it_ends() -> None:
    assert outcome_of(100, award_minor=100) is DisputeOutcome.FOR_BUYER
    assert outcome_of(100, award_minor=99) is DisputeOutcome.SPLIT
    assert outcome_of(100, award_minor=0) is DisputeOutcome.FOR_SELLER
    for award in (-1, 101):
        with pytest.raises(ValueError, match="isn't a part"):
            outcome_of(100, award_minor=award)
    with pytest.raises(ValueError, match="isn't a share"):
        award_of(100, share_bps=10_001)


@pytest.mark.parametrize(
    ("hours", "is_reminded", "is_overdue", "expected"),
    [
        (-25, False, False, None),
        (-24, False, False, ReviewStep.REMIND),
        (-24, True, False, None),
        (0, False, False, ReviewStep.ESCALATE),
        (0, True, False, ReviewStep.ESCALATE),
        (1, True, True, None),
    ],
)
def test_a_review_that_ends(
    hours: int, is_reminded: bool, is_overdue: bool, expected: ReviewStep | None
) -> None:
    due = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
    step = review_step(
        now=due + timedelta(hours=hours), due_at=due, is_reminded=is_reminded,
        is_overdue=is_overdue, terms=DisputeTerms(),
    )  # fmt: skip
    assert step is expected
