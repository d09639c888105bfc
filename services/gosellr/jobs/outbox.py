"""The one table of what follows from what: a fact, and the reactions to it.

A reaction is told each fact at least once, the facts of one aggregate in their order; so it
may run twice, and whatever it does has to come out the same.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from gosellr.jobs import cards, documents, imports
from gosellr.models.events import FactType, RecordedFact
from gosellr.resources import Resources
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reaction:
    """What is done when something happened. `name` stands in the queue: never rename it."""

    name: str
    run: Callable[[Resources, RecordedFact], Awaitable[object]]

    @property
    def task(self) -> str:
        """What the queue calls it."""
        return f"reaction.{self.name}"


@dataclass(frozen=True, slots=True)
class Gathering:
    """A reaction that is told many facts at once, because one statement serves them all."""

    name: str
    run: Callable[[Resources, Sequence[RecordedFact]], Awaitable[object]]

    @property
    def task(self) -> str:
        """What the queue calls it."""
        return f"gathering.{self.name}"


Reactions = Mapping[FactType, Sequence[Reaction | Gathering]]

_CARDS_OF_VARIANTS = Gathering("refresh_cards_of_variants", cards.refresh_cards_of_variants)
_CARDS_OF_ORDERS = Gathering("refresh_cards_of_orders", cards.refresh_cards_of_orders)
_CARD_OF_REVIEW = Reaction("refresh_card_of_review", cards.refresh_card_of_review)
_CARDS_OF_SELLER = Reaction("refresh_cards_of_seller", cards.refresh_cards_of_seller)
_INVOICES = Gathering("issue_invoices", documents.issue_invoices)
_INVOICES_OF_CAPTURES = Gathering(
    "issue_invoices_of_captures", documents.issue_invoices_of_captures
)
_CREDIT_NOTE = Reaction("issue_credit_note", documents.issue_credit_note)
_PAID_AGAIN = Reaction("issue_paid_again", documents.issue_paid_again)
_IMPORT = Reaction("run_import", imports.run_import)

REACTIONS: Reactions = {
    FactType.IMPORT_REQUESTED: [_IMPORT],
    FactType.STOCK_CHANGED: [_CARDS_OF_VARIANTS],
    FactType.ORDER_PLACED: [_CARDS_OF_ORDERS],
    FactType.ORDER_PAID: [_INVOICES],
    FactType.SELLER_ORDER_CAPTURED: [_INVOICES_OF_CAPTURES],
    FactType.REFUND_SUCCEEDED: [_CREDIT_NOTE],
    FactType.CHARGEBACK_REINSTATED: [_PAID_AGAIN],
    FactType.CHARGEBACK_LOST: [_PAID_AGAIN],
    FactType.REVIEW_POSTED: [_CARD_OF_REVIEW],
    FactType.SELLER_APPROVED: [_CARDS_OF_SELLER],
    FactType.SELLER_SUSPENDED: [_CARDS_OF_SELLER],
    FactType.SELLER_REINSTATED: [_CARDS_OF_SELLER],
    FactType.SELLER_UPDATED: [_CARDS_OF_SELLER],
}


def tasks_by_fact(reactions: Reactions) -> dict[FactType, list[str]]:
    """The table as the relay needs it: names only."""
    return {fact: [reaction.task for reaction in listed] for fact, listed in reactions.items()}


def gathering_tasks(reactions: Reactions) -> frozenset[str]:
    """The tasks that are told all facts of a window by one job."""
    return frozenset(
        reaction.task
        for listed in reactions.values()
        for reaction in listed
        if isinstance(reaction, Gathering)
    )
