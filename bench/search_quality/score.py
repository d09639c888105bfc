"""Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002)."""

from collections.abc import Mapping, Sequence
from math import log2

DEPTH = 10


def ndcg(found: Sequence[str], ratings: Mapping[str, int], *, depth: int = DEPTH) -> float | None:
    """How close the order of what was found is to the best possible, from 0 to 1.

    A rating is the gain of its product, and what nobody rated gains nothing. None where no
    product is worth anything: there is no better or worse order then.
    """
    best = _gain(sorted(ratings.values(), reverse=True)[:depth])
    if best == 0:
        return None
    return _gain([ratings.get(product_id, 0) for product_id in found[:depth]]) / best


def _gain(ratings: Sequence[int]) -> float:
    return sum(rating / log2(place + 2) for place, rating in enumerate(ratings))
