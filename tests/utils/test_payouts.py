"""Payouts, reckoned: due on time, whole to the last unit, balanced whatever becomes of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils import ledger, payouts
from gosellr.utils.explanations import explain
from gosellr.utils.iban import InvalidIban, last_four, parse_iban
from gosellr.utils.ledger import Direction, Entry, TransactionDraft
from gosellr.utils.payouts import (
    LIVE,
    ON_ITS_WAY,
    InvalidSchedule,
    PayoutStatus,
    Schedule,
    ScheduleKind,
    check_again_at,
    claimed_minor,
    is_below_minimum,
    may_become,
    needs_approval,
    next_due,
    plan_payout,
)
from gosellr.utils.statements import describe

ANN, PAYOUT = UUID(int=1), UUID(int=2)
AVAILABLE, TRANSIT = ledger.seller_available(ANN), ledger.payout_in_transit(ANN)
CLEARING = ledger.gateway_clearing("sandbox")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CURRENCIES = st.sampled_from(["JPY", "USD", "KWD"])
AMOUNTS = st.integers(1, 10**15)
MOMENTS = st.integers(0, 8 * 366 * 86_400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
SCHEDULES = st.one_of(
    st.just(Schedule(ScheduleKind.DAILY)),
    st.builds(Schedule, st.just(ScheduleKind.WEEKLY), weekday=st.integers(1, 7)),
    st.builds(Schedule, st.just(ScheduleKind.MONTHLY), day_of_month=st.integers(1, 31)),
)


def entries(draft: TransactionDraft) -> list[tuple[str, str, int]]:
    return [(one.direction.value, one.account, one.amount_minor) for one in draft.entries]


def facts(amount_minor: int = 1500, currency: str = "EUR") -> dict[str, Any]:
    return {
        "payout_id": PAYOUT,
        "seller_id": ANN,
        "amount_minor": amount_minor,
        "currency": currency,
    }


def balances(*drafts: TransactionDraft) -> dict[str, int]:
    held: Counter[str] = Counter()
    for draft in drafts:
        for one in draft.entries:
            held[one.account] += one.balance_change_minor
    return {account: minor for account, minor in held.items() if minor}


def test_the_way_of_a_payout_to_the_entry() -> None:
    intent = payouts.payout_intent(**facts())
    assert entries(intent) == [("debit", AVAILABLE, 1500), ("credit", TRANSIT, 1500)]
    confirmed = payouts.payout_confirmed(**facts(), funding=CLEARING)
    assert entries(confirmed) == [("debit", TRANSIT, 1500), ("credit", CLEARING, 1500)]
    failed = payouts.payout_failed(intent.entries)
    assert entries(failed) == [("credit", AVAILABLE, 1500), ("debit", TRANSIT, 1500)]
    returned = payouts.payout_returned(**facts(), funding=CLEARING)
    assert entries(returned) == [("debit", CLEARING, 1500), ("credit", AVAILABLE, 1500)]
    for draft in (intent, confirmed, failed, returned):
        assert {one.payout_id for one in draft.entries} == {PAYOUT}
    kept = payouts.debt_recovered(seller_id=ANN, amount_minor=700, currency="EUR")
    assert entries(kept) == [
        ("debit", AVAILABLE, 700),
        ("credit", ledger.seller_receivable(ANN), 700),
    ]
    assert {one.payout_id for one in kept.entries} == {None}
    carried = payouts.payout_carried(seller_id=ANN, left_minor=3, currency="KWD")
    assert entries(carried) == [("debit", AVAILABLE, 3), ("credit", AVAILABLE, 3)]
    assert {one.payout_id for one in carried.entries} == {None}


def test_every_step_has_its_sentence() -> None:
    intent = payouts.payout_intent(**facts())
    told = [
        (payouts.debt_recovered(seller_id=ANN, amount_minor=700, currency="EUR"),
         "7.00 EUR that the seller owed was kept back before a payout."),
        (payouts.payout_carried(seller_id=ANN, left_minor=3, currency="KWD"),
         "0.003 KWD is less than the provider can send, and left for the next payout."),
        (intent, "Payout of 15.00 EUR on its way to the seller."),
        (payouts.payout_confirmed(**facts(), funding="bank"),
         "The payout of 15.00 EUR reached the seller."),
        (payouts.payout_failed(intent.entries),
         "The payout of 15.00 EUR failed; the money can be paid out again."),
        (payouts.payout_returned(**facts(), funding="bank"),
         "The seller's bank sent 15.00 EUR back; the money can be paid out again."),
    ]  # fmt: skip
    assert [explain(draft.kind, draft.entries) for draft, _ in told] == [words for _, words in told]
    assert tuple(draft.kind for draft, _ in told) == payouts.PAYOUT_KINDS
    for draft, _ in told:
        for one in draft.entries:
            if ledger.account_owner(one.account) == str(ANN):
                is_credit = one.direction is Direction.CREDIT
                said = describe(kind=draft.kind, account=one.account, is_credit=is_credit)
                assert said != draft.kind.replace("_", " ").capitalize()


@given(amount_minor=AMOUNTS, currency=CURRENCIES, gateway=st.sampled_from([None, "sandbox"]))
def test_whatever_becomes_of_it_no_unit_is_lost(
    amount_minor: int, currency: str, gateway: str | None
) -> None:
    own = facts(amount_minor, currency)
    funding = payouts.funding_account(gateway)
    intent = payouts.payout_intent(**own)
    paid = payouts.payout_confirmed(**own, funding=funding)
    assert balances(intent, payouts.payout_failed(intent.entries)) == {}
    assert balances(intent, paid) == {AVAILABLE: -amount_minor, funding: -amount_minor}
    assert balances(intent, paid, payouts.payout_returned(**own, funding=funding)) == {}
    assert {one.currency for one in (*intent.entries, *paid.entries)} == {currency}


@given(
    available_minor=st.integers(0, 10**15),
    receivable_minor=st.integers(-100, 10**15),
    step_minor=st.sampled_from([1, 10, 100]),
)
def test_a_debt_is_settled_before_anything_leaves(
    available_minor: int, receivable_minor: int, step_minor: int
) -> None:
    plan = plan_payout(
        available_minor=available_minor, receivable_minor=receivable_minor, step_minor=step_minor
    )
    assert plan.recovered_minor + plan.amount_minor + plan.left_minor == available_minor
    assert plan.recovered_minor == min(available_minor, max(0, receivable_minor))
    assert plan.amount_minor >= 0
    assert plan.amount_minor % step_minor == 0
    assert 0 <= plan.left_minor < step_minor


def test_what_is_available_is_never_negative() -> None:
    with pytest.raises(ValueError, match="never negative"):
        plan_payout(available_minor=-1, receivable_minor=0, step_minor=1)
    with pytest.raises(ValueError, match="one unit apart"):
        plan_payout(available_minor=1, receivable_minor=0, step_minor=0)


@given(
    currency=CURRENCIES,
    moves=st.lists(
        st.tuples(st.sampled_from(["earn", "give", "pay", "fail"]), st.integers(1, 1000)),
        max_size=30,
    ),
)
def test_claims_sum_to_what_was_available_in_any_history(
    currency: str, moves: list[tuple[str, int]]
) -> None:
    """Whatever is earned, given back, paid out and fails: what nobody claims is the balance."""
    unclaimed: list[Entry] = []
    live: list[tuple[int, list[Entry]]] = []

    def own(direction: Direction, minor: int) -> Entry:
        return Entry(AVAILABLE, direction, minor, currency)

    balance = 0
    for kind, minor in moves:
        if kind == "earn":
            unclaimed.append(own(Direction.CREDIT, minor))
            balance += minor
        elif kind == "give" and balance >= minor:
            unclaimed.append(own(Direction.DEBIT, minor))
            balance -= minor
        elif kind == "pay" and balance:
            amount = claimed_minor(unclaimed)
            assert amount == balance
            live.append((amount, unclaimed))
            unclaimed, balance = [], 0
        elif kind == "fail" and live:
            amount, freed = live.pop(minor % len(live))
            unclaimed += freed
            balance += amount
        assert claimed_minor(unclaimed) == balance


@given(schedule=SCHEDULES, after=MOMENTS)
def test_the_next_due_moment_is_the_first_that_fits(schedule: Schedule, after: datetime) -> None:
    due = next_due(schedule, after=after)
    assert due is not None
    assert due > after
    assert (due.hour, due.minute, due.tzinfo) == (0, 0, UTC)
    days = [after.date() + timedelta(days=n) for n in range(1, (due.date() - after.date()).days)]

    def fits(day: Any) -> bool:
        if schedule.kind is ScheduleKind.WEEKLY:
            return bool(day.isoweekday() == schedule.weekday)
        if schedule.kind is ScheduleKind.MONTHLY:
            last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
            return bool(day.day == min(schedule.day_of_month or 1, last.day))
        return True

    assert fits(due.date())
    assert not [day for day in days if fits(day)]


@pytest.mark.parametrize(
    ("schedule", "after", "due"),
    [
        (Schedule(ScheduleKind.DAILY), "2026-03-02T00:00:00", "2026-03-03"),
        (Schedule(ScheduleKind.WEEKLY, weekday=1), "2026-03-02T00:00:00", "2026-03-09"),
        (Schedule(ScheduleKind.WEEKLY, weekday=5), "2026-03-02T23:59:59", "2026-03-06"),
        (Schedule(ScheduleKind.MONTHLY, day_of_month=31), "2026-01-31T00:00:00", "2026-02-28"),
        (Schedule(ScheduleKind.MONTHLY, day_of_month=31), "2028-02-01T00:00:00", "2028-02-29"),
        (Schedule(ScheduleKind.MONTHLY, day_of_month=30), "2026-02-28T05:00:00", "2026-03-30"),
        (Schedule(ScheduleKind.MONTHLY, day_of_month=1), "2026-12-01T00:00:00", "2027-01-01"),
    ],
)
def test_due_moments(schedule: Schedule, after: str, due: str) -> None:
    found = next_due(schedule, after=datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found is not None
    assert found.date().isoformat() == due


def test_a_manual_schedule_is_never_due() -> None:
    assert next_due(Schedule(ScheduleKind.MANUAL), after=NOW) is None


@pytest.mark.parametrize(
    "wrong",
    [
        (ScheduleKind.WEEKLY, None, None),
        (ScheduleKind.WEEKLY, 8, None),
        (ScheduleKind.WEEKLY, 1, 1),
        (ScheduleKind.MONTHLY, None, 0),
        (ScheduleKind.MONTHLY, None, 32),
        (ScheduleKind.DAILY, 1, None),
        (ScheduleKind.MANUAL, None, 1),
    ],
)
def test_a_schedule_that_contradicts_itself_is_none(wrong: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidSchedule):
        Schedule(*wrong)


def reach(start: PayoutStatus) -> set[PayoutStatus]:
    found, found_before = {start}, set[PayoutStatus]()
    while found != found_before:
        found_before = set(found)
        found |= {to for to in PayoutStatus for one in found_before if may_become(one, to)}
    return found


def test_steps() -> None:
    assert reach(PayoutStatus.AWAITING_APPROVAL) == set(PayoutStatus)
    assert reach(PayoutStatus.PAID) == {PayoutStatus.PAID, PayoutStatus.FAILED}
    for end in (PayoutStatus.FAILED, PayoutStatus.CANCELLED):
        assert reach(end) == {end}
    assert not may_become(PayoutStatus.PENDING, PayoutStatus.CANCELLED)
    assert ON_ITS_WAY | {PayoutStatus.PAID} == LIVE


def delays(status: PayoutStatus, counts: Iterable[int]) -> list[float]:
    found = [check_again_at(status, check_count=count, now=NOW) for count in counts]
    return [(one - NOW).total_seconds() for one in found if one is not None]


def test_a_silent_provider_is_asked_less_and_less_often() -> None:
    assert delays(PayoutStatus.UNKNOWN, range(5)) == [5, 10, 20, 40, 80]
    assert delays(PayoutStatus.SENT, [1000]) == [900]
    for status in (PayoutStatus.AWAITING_APPROVAL, PayoutStatus.FAILED, PayoutStatus.CANCELLED):
        assert delays(status, [0]) == []


def test_what_was_paid_is_watched_for_five_days() -> None:
    looks, now = 0, NOW
    while (again := check_again_at(
        PayoutStatus.PAID, check_count=0, now=now, paid_at=NOW
    )) is not None:  # fmt: skip
        looks, now = looks + 1, again
    assert (looks, now - NOW) == (5, timedelta(days=5))


def test_minimums_and_limits_hold_for_their_currency_only() -> None:
    assert is_below_minimum(4999, "EUR", {"EUR": 5000})
    assert not is_below_minimum(5000, "EUR", {"EUR": 5000})
    assert not is_below_minimum(1, "JPY", {"EUR": 5000})
    assert needs_approval(5001, "EUR", {"EUR": 5000})
    assert not needs_approval(5000, "EUR", {"EUR": 5000})
    assert not needs_approval(10**12, "JPY", {"EUR": 5000})
    assert needs_approval(1, "JPY", {"JPY": 0})


def test_an_iban_is_read_as_people_type_it() -> None:
    plain = parse_iban(" de89 3704 0044 0532 0130 00")
    assert (plain, last_four(plain)) == ("DE89370400440532013000", "3000")
    assert parse_iban("GB82 WEST 1234 5698 7654 32") == "GB82WEST12345698765432"


@given(place=st.integers(2, 21), digit=st.integers(0, 9))
def test_a_mistyped_digit_is_noticed(place: int, digit: int) -> None:
    right = "DE89370400440532013000"
    wrong = right[:place] + str(digit) + right[place + 1 :]
    if wrong != right:
        with pytest.raises(InvalidIban):
            parse_iban(wrong)


@pytest.mark.parametrize("wrong", ["", "DE89", "89DE370400440532013000", "DE8937040044053201300Ä"])
def test_what_is_no_iban(wrong: str) -> None:
    with pytest.raises(InvalidIban):
        parse_iban(wrong)
