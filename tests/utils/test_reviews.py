from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.reviews import (
    RatingAggregate,
    ReviewRefusal,
    ReviewTextInvalid,
    checked_rating,
    clean_text,
    clean_title,
    review_refusal,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ratings = st.lists(st.integers(1, 5), max_size=50)


def aggregate_of(values: list[int]) -> RatingAggregate:
    aggregate = RatingAggregate()
    for value in values:
        aggregate = aggregate.added(value)
    return aggregate


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({}, None),
        ({"delivered_at": None}, ReviewRefusal.NOT_DELIVERED),
        ({"delivered_at": NOW + timedelta(seconds=1)}, ReviewRefusal.NOT_DELIVERED),
        ({"already_reviewed": True}, ReviewRefusal.ALREADY_REVIEWED),
        ({"delivered_at": NOW - timedelta(days=100)}, None),
        ({"delivered_at": NOW - timedelta(days=100, seconds=1)}, ReviewRefusal.WINDOW_CLOSED),
        ({"window_days": 0}, ReviewRefusal.WINDOW_CLOSED),
        ({"is_seller_member": True}, ReviewRefusal.OWN_PRODUCT),
    ],
)
def test_who_may_review(facts: dict, refusal: ReviewRefusal | None) -> None:
    known = {"delivered_at": NOW - timedelta(days=1), "already_reviewed": False, "now": NOW}
    assert review_refusal(**{**known, **facts}) is refusal


@given(values=ratings)
def test_average_is_the_exact_mean_rounded_half_up(values: list[int]) -> None:
    average = aggregate_of(values).average_hundredths()
    if not values:
        assert average is None
        return
    assert average is not None
    half = Fraction(1, 2)
    assert -half <= Fraction(sum(values) * 100, len(values)) - average < half


def test_average_rounds_half_up() -> None:
    assert RatingAggregate(count=8, total=33).average_hundredths() == 413
    assert RatingAggregate(count=3, total=13).average_hundredths() == 433


@given(values=ratings, old=st.integers(1, 5), new=st.integers(1, 5))
def test_aggregate_kept_in_steps_equals_the_recount(values, old, new) -> None:
    with_old = aggregate_of([*values, old])
    assert with_old.removed(old) == aggregate_of(values)
    assert with_old.changed(old=old, new=new) == aggregate_of([*values, new])


def test_what_was_not_in_it_can_not_be_taken_out() -> None:
    with pytest.raises(ValueError, match="contradict"):
        RatingAggregate().removed(5)
    with pytest.raises(ValueError, match="contradict"):
        aggregate_of([1, 1]).removed(2)


@pytest.mark.parametrize("rating", [0, 6, -1, True])
def test_a_rating_is_from_1_to_5(rating: int) -> None:
    with pytest.raises(ValueError, match="from 1 to 5"):
        checked_rating(rating)


def test_bayesian_score_prefers_many_good_ratings_to_one_perfect() -> None:
    perfect, proven = RatingAggregate(1, 5), RatingAggregate(200, 960)
    assert perfect.bayesian_hundredths() == 364
    assert proven.bayesian_hundredths() == 474
    assert RatingAggregate().bayesian_hundredths() == 350
    assert RatingAggregate().bayesian_hundredths(prior_mean_hundredths=420) == 420


@given(values=ratings, mean=st.integers(100, 500), weight=st.integers(1, 100))
def test_bayesian_score_lies_between_prior_and_average(values, mean, weight) -> None:
    aggregate = aggregate_of(values)
    average = aggregate.average_hundredths() or mean
    score = aggregate.bayesian_hundredths(prior_mean_hundredths=mean, prior_weight=weight)
    assert min(mean, average) <= score <= max(mean, average)
    better = aggregate.added(5).bayesian_hundredths(prior_mean_hundredths=mean, prior_weight=weight)
    assert better >= score


@pytest.mark.parametrize("wrong", [{"prior_weight": 0}, {"prior_mean_hundredths": 35}])
def test_impossible_priors_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="prior"):
        RatingAggregate().bayesian_hundredths(**wrong)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  Nice \t lamp  ", "Nice lamp"),
        ("One\r\n\r\n\r\n\r\nTwo\rThree", "One\n\nTwo\nThree"),
        ("evil\u202etxt\x00\x07", "eviltxt"),
        ("می\u200cخواهم 👩\u200d🔧", "می\u200cخواهم 👩\u200d🔧"),
        ("Cafe\u0301", "Café"),
        ("\n\n", ""),
    ],
)
def test_clean_text(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


@given(text=st.text())
def test_cleaning_is_stable(text: str) -> None:
    once = clean_text(text)
    assert clean_text(once) == once
    assert "\n\n\n" not in once


def test_lengths_are_counted_after_cleaning() -> None:
    with pytest.raises(ReviewTextInvalid) as short:
        clean_text("   ok \u202e  ", min_length=3)
    assert (short.value.code, short.value.limit) == ("too_short", 3)
    with pytest.raises(ReviewTextInvalid) as long:
        clean_text("x" * 11, max_length=10)
    assert (long.value.code, long.value.limit) == ("too_long", 10)
    assert clean_text("x    y", max_length=3) == "x y"


def test_a_title_is_one_line() -> None:
    assert clean_title(" Great\n\nlamp ") == "Great lamp"
    with pytest.raises(ReviewTextInvalid):
        clean_title("x" * 121)
