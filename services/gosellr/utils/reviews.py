"""Who may review, what a review may say, and how ratings add up, in whole hundredths."""

import unicodedata
from datetime import datetime, timedelta
from enum import StrEnum

from gosellr.utils.lazy_dataclasses import dataclass

LOWEST_RATING = 1
HIGHEST_RATING = 5
WINDOW_DAYS = 100

# Invisible characters that join letters in Persian, Hindi and emoji; every other one is dropped,
# since overrides of the writing direction can make a text read differently than it is.
_JOINERS = frozenset("\u200c\u200d")


class ReviewRefusal(StrEnum):
    """Why a person may not review a product."""

    OWN_PRODUCT = "own_product"
    NOT_DELIVERED = "not_delivered"
    ALREADY_REVIEWED = "already_reviewed"
    WINDOW_CLOSED = "window_closed"


class ReviewTextInvalid(ValueError):
    """A review's text is too short or too long; `code` says which, `limit` is the bound."""

    def __init__(self, *, code: str, limit: int) -> None:
        super().__init__(f"{code}: the limit is {limit} characters")
        self.code = code
        self.limit = limit


@dataclass(frozen=True, slots=True)
class RatingAggregate:
    """The ratings of one product or seller, kept by adding and taking away."""

    count: int = 0
    total: int = 0

    def __post_init__(self) -> None:
        """Refuse sums which no set of ratings has."""
        if not self.count * LOWEST_RATING <= self.total <= self.count * HIGHEST_RATING:
            raise ValueError("total and count of ratings contradict each other")

    def added(self, rating: int) -> "RatingAggregate":
        """Return the aggregate with one more rating."""
        return RatingAggregate(self.count + 1, self.total + checked_rating(rating))

    def removed(self, rating: int) -> "RatingAggregate":
        """Return the aggregate without a rating that was in it."""
        return RatingAggregate(self.count - 1, self.total - checked_rating(rating))

    def changed(self, *, old: int, new: int) -> "RatingAggregate":
        """Return the aggregate after one review changed its rating."""
        return RatingAggregate(self.count, self.total - checked_rating(old) + checked_rating(new))

    def average_hundredths(self) -> int | None:
        """Return the mean rating in hundredths, half up (4.27 → 427); None without a rating."""
        return _divide_half_up(self.total * 100, self.count) if self.count else None

    def bayesian_hundredths(
        self, *, prior_mean_hundredths: int = 350, prior_weight: int = 10
    ) -> int:
        """Return the mean as if `prior_weight` ratings of the prior mean stood there before.

        So one five-star review doesn't outrank two hundred of 4.8. Hundredths, half up.
        Raises ValueError unless the weight is positive and the mean a possible rating.
        """
        if prior_weight < 1:
            raise ValueError("a prior weighs at least one rating")
        if not LOWEST_RATING * 100 <= prior_mean_hundredths <= HIGHEST_RATING * 100:
            raise ValueError("a prior mean lies between the lowest and the highest rating")
        weighted = prior_mean_hundredths * prior_weight + self.total * 100
        return _divide_half_up(weighted, prior_weight + self.count)


def checked_rating(rating: int) -> int:
    """Return the rating, or raise ValueError unless it is a whole number from 1 to 5."""
    if isinstance(rating, bool) or not LOWEST_RATING <= rating <= HIGHEST_RATING:
        raise ValueError("a rating is a whole number from 1 to 5")
    return rating


def review_refusal(
    *,
    delivered_at: datetime | None,
    already_reviewed: bool,
    now: datetime,
    is_seller_member: bool = False,
    window_days: int = WINDOW_DAYS,
) -> ReviewRefusal | None:
    """Return why the person may not review, or None when they may.

    `delivered_at` is the latest delivery of a line of theirs with this product, None without
    one. The window is open through its last instant.
    """
    if is_seller_member:
        return ReviewRefusal.OWN_PRODUCT
    if delivered_at is None or delivered_at > now:
        return ReviewRefusal.NOT_DELIVERED
    if already_reviewed:
        return ReviewRefusal.ALREADY_REVIEWED
    if now > delivered_at + timedelta(days=window_days):
        return ReviewRefusal.WINDOW_CLOSED
    return None


def clean_text(text: str, *, min_length: int = 0, max_length: int = 5000) -> str:
    """Return a review's text with its paragraphs kept and everything invisible removed.

    Runs of spaces become one, runs of empty lines become one. Lengths are counted afterwards,
    so padding doesn't help; raises ReviewTextInvalid outside of them.
    """
    composed = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    visible = "".join(
        character
        for character in composed
        if character in "\n\t" or character in _JOINERS or unicodedata.category(character)[0] != "C"
    )
    lines = [" ".join(line.split()) for line in visible.split("\n")]
    kept = [line for index, line in enumerate(lines) if line or (index and lines[index - 1])]
    cleaned = "\n".join(kept).strip()
    if len(cleaned) < min_length:
        raise ReviewTextInvalid(code="too_short", limit=min_length)
    if len(cleaned) > max_length:
        raise ReviewTextInvalid(code="too_long", limit=max_length)
    return cleaned


def clean_title(text: str, *, max_length: int = 120) -> str:
    """Return a review's title in one line, under the rules of `clean_text`."""
    return clean_text(" ".join(text.split()), max_length=max_length)


def _divide_half_up(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
