from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gosellr.utils.ranking import Purchase, normalise_query, similarity_threshold, trending_score

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEEK, DAY = timedelta(days=7), timedelta(days=1)


def score(*purchases: Purchase) -> float:
    return trending_score(purchases, now=NOW, window=WEEK, half_life=DAY)


def bought(buyer: str, days_ago: float, quantity: int = 1) -> Purchase:
    return Purchase(buyer, NOW - DAY * days_ago, quantity)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("  Café   CRÈME\n", "cafe creme"),
        ('"Desk lamp" -brass', '"desk lamp" -brass'),
        ("lamp\x00 brass\u202e", "lamp brass"),
        ("Чай ЧЁРНЫЙ", "чай чёрный"),
        ("が", "が"),
        ("\t \n", ""),
    ],
)
def test_normalise_query(text: str, query: str) -> None:
    assert normalise_query(text) == query


@given(text=st.text(), length=st.integers(1, 40))
def test_normalised_queries_are_short_stable_and_storable(text: str, length: int) -> None:
    query = normalise_query(text, max_length=length)
    assert len(query) <= length
    assert normalise_query(query, max_length=length) == query
    assert "\x00" not in query
    query.encode()


def trigrams(word: str) -> set[str]:
    padded = f"  {word} "
    return {padded[index : index + 3] for index in range(len(padded) - 2)}


def similarity(left: str, right: str) -> float:
    return len(trigrams(left) & trigrams(right)) / len(trigrams(left) | trigrams(right))


@given(
    word=st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=20),
    place=st.integers(0, 18),
)
def test_one_swap_of_neighbours_is_still_found(word: str, place: int) -> None:
    place %= len(word) - 1
    typo = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    threshold = similarity_threshold(word)
    assert threshold is not None
    # Repeated letters share trigrams, which is why the formula speaks of distinct ones.
    if len(trigrams(word)) == len(word) + 1:
        assert similarity(word, typo) >= threshold


def test_threshold_follows_the_longest_word() -> None:
    assert similarity_threshold("tea") is None
    assert similarity_threshold("") is None
    assert similarity_threshold("- !!!!!!") is None
    assert similarity_threshold("lamp") == 0.2
    assert similarity_threshold("a lantern") == pytest.approx(4 / 12)
    assert similarity_threshold("x" * 30) == 0.5


def test_trending_halves_with_each_half_life() -> None:
    assert score(bought("a", 0)) == 1.0
    assert score(bought("a", 1)) == 0.5
    assert score(bought("a", 0), bought("b", 1), bought("c", 2)) == 1.75
    assert score() == 0.0


def test_one_buyer_counts_once_by_the_latest_order() -> None:
    flood = [bought("a", hours / 24, quantity=100) for hours in range(24, 100)]
    assert score(*flood) == 0.5
    assert score(bought("a", 1), bought("b", 1)) > score(*flood)


def test_only_the_window_and_live_units_count() -> None:
    assert score(bought("a", 7)) == 0.0
    assert score(bought("a", -0.1)) == 0.0
    assert score(bought("a", 0, quantity=0)) == 0.0
    assert score(bought("a", 6.99)) > 0.0


purchases = st.lists(
    st.builds(bought, st.sampled_from("abcdef"), st.floats(0, 9), st.integers(0, 3)), max_size=20
)


@given(events=purchases, order=st.randoms(use_true_random=False))
def test_score_is_bounded_by_buyers_and_blind_to_order(events, order) -> None:
    shuffled = events * 2
    order.shuffle(shuffled)
    assert score(*shuffled) == score(*events)
    assert 0 <= score(*events) <= len({purchase.buyer_key for purchase in events})


@pytest.mark.parametrize("wrong", [{"window": timedelta()}, {"half_life": -DAY}])
def test_window_and_half_life_are_positive(wrong: dict) -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        trending_score([], **{"now": NOW, "window": WEEK, "half_life": DAY, **wrong})
