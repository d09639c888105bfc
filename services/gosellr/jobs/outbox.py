"""The one table of what follows from what: a fact, and the reactions to it.

A reaction is told each fact at least once, the facts of one aggregate in their order; so it
may run twice, and whatever it does has to come out the same.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from gosellr.jobs import cards, imports
from gosellr.models.events import FactType, RecordedFact
from gosellr.resources import Resources


@dataclass(frozen=True, slots=True)
class Reaction:
    """What is done when something happened. `name` stands in the queue: never rename it."""

    name: str
    run: Callable[[Resources, RecordedFact], Awaitable[object]]

    @property
    def task(self) -> str:
        """What the queue calls it."""
        return f"reaction.{self.name}"


Reactions = Mapping[FactType, Sequence[Reaction]]

_CARD_OF_VARIANT = Reaction("refresh_card_of_variant", cards.refresh_card_of_variant)
_CARDS_OF_ORDER = Reaction("refresh_cards_of_order", cards.refresh_cards_of_order)
_CARD_OF_REVIEW = Reaction("refresh_card_of_review", cards.refresh_card_of_review)
_CARDS_OF_SELLER = Reaction("refresh_cards_of_seller", cards.refresh_cards_of_seller)
_IMPORT = Reaction("run_import", imports.run_import)

REACTIONS: Reactions = {
    FactType.IMPORT_REQUESTED: [_IMPORT],
    FactType.STOCK_CHANGED: [_CARD_OF_VARIANT],
    FactType.ORDER_PLACED: [_CARDS_OF_ORDER],
    FactType.REVIEW_POSTED: [_CARD_OF_REVIEW],
    FactType.SELLER_APPROVED: [_CARDS_OF_SELLER],
    FactType.SELLER_SUSPENDED: [_CARDS_OF_SELLER],
    FactType.SELLER_REINSTATED: [_CARDS_OF_SELLER],
    FactType.SELLER_UPDATED: [_CARDS_OF_SELLER],
}


def tasks_by_fact(reactions: Reactions) -> dict[FactType, list[str]]:
    """The table as the relay needs it: names only."""
    return {fact: [reaction.task for reaction in listed] for fact, listed in reactions.items()}
