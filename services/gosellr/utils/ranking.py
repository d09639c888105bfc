"""Search and trending: the same query for the same words, and popularity nobody can buy."""

import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import exp2, fsum

from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.slugs import fold_latin

COUNTED_HITS_MAX = 10_000
"""Of more hits than these nobody needs the number; facets count as many of them."""

RANKED_HITS_MAX = 4_000
"""As many are put in order of relevance where there are more than are counted."""

_SHORTEST_GUESSABLE_WORD = 4
_LOOSEST_SIMILARITY = 0.2
_STRICTEST_SIMILARITY = 0.5


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order of a product; `buyer_key` stays the same for a person over all their orders."""

    buyer_key: str
    ordered_at: datetime
    quantity: int


def normalise_query(text: str, *, max_length: int = 200) -> str:
    """Return a query in one spelling: lower case, Latin accents stripped, spaces collapsed.

    Control and format characters become spaces (PostgreSQL refuses NUL in a text). Operators
    such as quotes and minus stay, for `websearch_to_tsquery` understands them. Cut to length.
    """
    visible = "".join(
        " " if unicodedata.category(character)[0] == "C" else character for character in text
    )
    return " ".join(fold_latin(visible).split())[:max_length].rstrip()


def similarity_threshold(query: str) -> float | None:
    """Return the least trigram similarity that still is a typo of the query, or None.

    A word of n letters has n + 1 trigrams in pg_trgm, and swapping two neighbours, the costliest
    single slip, changes four of them: (n + 1 − 4) / (n + 1 + 4) remain in common. That is asked
    of the longest word, never less than 0.2 and never more than 0.5. A word under 4 letters
    has too few trigrams to tell a typo from another word: None, search it as it stands.
    """
    longest = max((sum(map(str.isalnum, word)) for word in query.split()), default=0)
    if longest < _SHORTEST_GUESSABLE_WORD:
        return None
    common = (longest - 3) / (longest + 5)
    return min(_STRICTEST_SIMILARITY, max(_LOOSEST_SIMILARITY, common))


def trending_score(
    purchases: Iterable[Purchase], *, now: datetime, window: timedelta, half_life: timedelta
) -> float:
    """Return one product's time-decayed number of distinct buyers inside the window.

    Each buyer counts once, by their latest order with now − window < ordered_at ≤ now, however
    often or much they bought, and weighs 0.5 ^ (age / half_life). The query that mirrors it is
    `sum(power(0.5, extract(epoch from :now - latest) / :half_life_seconds))` over
    `select product_id, buyer_key, max(ordered_at) as latest … group by product_id, buyer_key`,
    without lines of which no unit is left (quantity 0 after cancelling).
    Raises ValueError unless window and half-life are positive.
    """
    if min(window, half_life) <= timedelta():
        raise ValueError("window and half-life are longer than nothing")
    latest: dict[str, datetime] = {}
    for purchase in purchases:
        if purchase.quantity > 0 and now - window < purchase.ordered_at <= now:
            known = latest.get(purchase.buyer_key, purchase.ordered_at)
            latest[purchase.buyer_key] = max(known, purchase.ordered_at)
    # An exact sum, so that the order of the rows can't change the last digit.
    return fsum(exp2(-((now - ordered_at) / half_life)) for ordered_at in latest.values())
