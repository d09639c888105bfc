"""What the demo remembers in the market's own database: what it made, and how far its story is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.jobs.story.notes import Note
from gosellr.services import past_service, setting_service
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.permissions import MemberRole, Role
from gosellr.utils.viewer import Viewer

_MARKET = "demo.market"
_STORY = "demo.story"
_HISTORY = "demo.history"
_AFFAIRS = "demo.affairs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What was made, by the names that the plan uses.

    `sellers` are (seller, owner) by handle, `variants` (variant, product) by SKU.
    """

    seed: int
    began_at: datetime
    orders: int
    buyer_ids: Sequence[UUID]
    sellers: Mapping[str, tuple[UUID, UUID]]
    variants: Mapping[str, tuple[UUID, UUID]]

    def owner_of(self, handle: str) -> Viewer:
        """Who owns a shop, acting for it."""
        seller_id, owner_id = self.sellers[handle]
        return Viewer(
            user_id=owner_id,
            roles=frozenset({Role.BUYER, Role.SELLER}),
            memberships={seller_id: MemberRole.OWNER},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many steps of the history were told, and how many orders there are among them."""

    steps: int
    steps_total: int
    orders: int
    orders_total: int

    @property
    def is_complete(self) -> bool:
        """Nothing is left to tell."""
        return self.steps >= self.steps_total


async def recall_market(connection: Connection) -> Market | None:
    """What was made here, if a demo was."""
    document = await setting_service.recall(connection, key=_MARKET)
    if document is None:
        return None
    return Market(
        seed=document["seed"],
        began_at=datetime.fromisoformat(document["began_at"]),
        orders=document["orders"],
        buyer_ids=[UUID(buyer_id) for buyer_id in document["buyer_ids"]],
        sellers=_pairs(document["sellers"]),
        variants=_pairs(document["variants"]),
    )


async def remember_market(connection: Connection, market: Market) -> None:
    """Keep what was made, and that its history is to be told."""
    await past_service.begin(connection)
    await setting_service.remember(
        connection,
        key=_MARKET,
        document={
            "seed": market.seed,
            "began_at": market.began_at.isoformat(),
            "orders": market.orders,
            "buyer_ids": [str(buyer_id) for buyer_id in market.buyer_ids],
            "sellers": _texts(market.sellers),
            "variants": _texts(market.variants),
        },
    )


async def recall_story(connection: Connection) -> Sequence[Note] | None:
    """The story that follows every cent, as it was written down; empty while it is played, and for
    ever where that was cut off. None where it never began."""
    document = await setting_service.recall(connection, key=_STORY)
    return None if document is None else document["notes"]


async def remember_story(connection: Connection, notes: Sequence[Note]) -> None:
    """Keep the story, or that it has begun while there are no notes of it."""
    await setting_service.remember(connection, key=_STORY, document={"notes": notes})


async def recall_progress(connection: Connection) -> Progress | None:
    """How far the history is; None before it began."""
    document = await setting_service.recall(connection, key=_HISTORY)
    return None if document is None else Progress(**document)


async def recall_affairs(connection: Connection) -> bool:
    """Whether the affairs of after the history are arranged."""
    return await setting_service.recall(connection, key=_AFFAIRS) is not None


async def remember_affairs(connection: Connection, *, now: datetime) -> None:
    """Keep that they are, and that nothing more is told."""
    await past_service.end(connection, now=now)
    await setting_service.remember(connection, key=_AFFAIRS, document={"arranged": True})


async def remember_progress(connection: Connection, progress: Progress) -> None:
    """Keep how far the history is."""
    document: dict[str, Any] = {
        "steps": progress.steps,
        "steps_total": progress.steps_total,
        "orders": progress.orders,
        "orders_total": progress.orders_total,
    }
    await setting_service.remember(connection, key=_HISTORY, document=document)


def _pairs(document: Mapping[str, Sequence[str]]) -> dict[str, tuple[UUID, UUID]]:
    return {key: (UUID(first), UUID(second)) for key, (first, second) in document.items()}


def _texts(pairs: Mapping[str, tuple[UUID, UUID]]) -> dict[str, list[str]]:
    return {key: [str(first), str(second)] for key, (first, second) in pairs.items()}
