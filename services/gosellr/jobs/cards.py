"""Keeping the read model of the catalogue true to what it was made of."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from gosellr.core.transact import transact
from gosellr.models.catalogue_names import is_shown
from gosellr.models.events import FactType, RecordedFact
from gosellr.resources import Resources
from gosellr.services import card_service


async def refresh_cards_of_variants(resources: Resources, facts: Sequence[RecordedFact]) -> None:
    """Stock has moved: the facts are about variants."""
    await _refresh_availability(resources, {fact.data["product_id"] for fact in facts})


async def refresh_cards_of_orders(resources: Resources, facts: Sequence[RecordedFact]) -> None:
    """Something was ordered: perhaps the last of it."""
    await _refresh_availability(
        resources, {product_id for fact in facts for product_id in fact.data["product_ids"]}
    )


async def refresh_card_of_review(resources: Resources, fact: RecordedFact) -> None:
    """A product was reviewed: the fact names it."""
    await transact(
        resources.db,
        card_service.refresh_products,
        product_ids=[UUID(fact.data["product_id"])],
        now=resources.clock.now(),
    )


async def refresh_cards_of_seller(resources: Resources, fact: RecordedFact) -> None:
    """A seller's name or standing has changed."""
    if fact.type == FactType.SELLER_UPDATED and not is_shown(fact.data.get("fields", ("name",))):
        return
    await transact(resources.db, card_service.await_writers)
    await transact(
        resources.db,
        card_service.refresh_sellers,
        seller_ids=[fact.aggregate_id],
        now=resources.clock.now(),
    )


async def _refresh_availability(resources: Resources, told: Iterable[str]) -> None:
    misstated = await transact(
        resources.db,
        card_service.find_misstated,
        product_ids=sorted(UUID(product_id) for product_id in told),
    )
    if misstated:
        await transact(
            resources.db,
            card_service.refresh_availability,
            product_ids=misstated,
            now=resources.clock.now(),
        )
