"""What the callers know of the market they call, and how they judge what it says."""

import itertools
import secrets
from uuid import UUID

from bench.market_data import Catalogue, CatalogueVariant
from bench.speed.client import Answer, WrongAnswer

_SPREAD = 7_919


class Market:
    """What the callers know of the market they call."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        # Keys of one run never meet those of another on the same database.
        self.run = secrets.token_hex(4)
        self._numbers = itertools.count()

    def key(self) -> dict[str, str]:
        """A fresh idempotency key."""
        return {"Idempotency-Key": f"{self.run}-{next(self._numbers)}"}

    def pair(self, number: int) -> tuple[CatalogueVariant, CatalogueVariant]:
        """Two variants of two sellers, other ones for every number."""
        variants = self.catalogue.variants
        first = variants[number * _SPREAD % len(variants)]
        for step in itertools.count(1):
            second = variants[(number * _SPREAD + step * 104_729) % len(variants)]
            if second.seller_id != first.seller_id:
                return first, second
        raise AssertionError("unreachable")

    def product_id(self, number: int) -> UUID:
        """A product, other ones for every number."""
        ids = self.catalogue.product_ids
        return ids[number * _SPREAD % len(ids)]


def expect(answer: Answer, wanted: bool, what: str) -> None:
    """Judge an answer's content.

    Raises:
        WrongAnswer.
    """
    if not wanted:
        raise WrongAnswer(f"{what}: {answer.body[:300]!r}")
