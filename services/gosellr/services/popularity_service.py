"""What is bought, on the cards: kept by what the feed tells, not by looking at all orders again.

Cards are dear to write, because they stand in many indexes, and in a busy market every purchase
changes some. So whoever has written many waits for as long as they are worth.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import locks, trending
from gosellr.queries.trending import Span
from gosellr.services.marketplace_service import DEFAULT_WINDOW, Window
from gosellr.utils.lazy_dataclasses import dataclass

# How far back orders count, and after which time a buyer weighs half.
WINDOWS: Mapping[Window, tuple[timedelta, timedelta]] = {
    "1d": (timedelta(days=1), timedelta(hours=6)),
    "7d": (timedelta(days=7), timedelta(days=2)),
    "30d": (timedelta(days=30), timedelta(days=7)),
}

FACTS_AT_ONCE = 200_000

# Counted in one transaction, which keeps these products from being changed meanwhile. How long one
# takes grows with what was ever sold of it, so the first are few, and what they took says how many
# are next.
FIRST_PORTION = 8
_PORTION_MAX = 200
_SECONDS_MIN, _SECONDS_MAX = 0.25, 1.0

# A card costs half a millisecond of a processor, and a product that was bought two hundred times
# two more, on a fast machine: about a fiftieth of the time is spent on them. Where they take longer
# the rest is longer, too, but for that reason no more than twenty minutes.
_REST_PER_PRODUCT = timedelta(milliseconds=100)
_REST_PER_SECOND = 40
_REST_MAX = timedelta(minutes=20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The products to be counted anew, by facts up to a number of the feed."""

    position: int
    product_ids: Sequence[UUID]


def next_portion(size: int, *, seconds: float) -> int:
    """How many products to count at once, after so many took so long."""
    if seconds > _SECONDS_MAX:
        return max(1, size // 4)
    return min(2 * size, _PORTION_MAX) if seconds < _SECONDS_MIN else size


async def find_change(connection: Connection, *, now: datetime) -> Change | None:
    """What was bought, called off or given back since the last look; None while that is too short
    a time ago for what was written then."""
    mark = await trending.mark(connection)
    if mark.due_at is not None and now < mark.due_at:
        return None
    lengths = [length for length, _ in WINDOWS.values()]
    spans = [(now - max(lengths), now)]  # The first look is at all that counts.
    if mark.looked_at is not None:
        spans = [(mark.looked_at - length, now - length) for length in lengths]
    position, product_ids = await trending.changed(
        connection, after=mark.position, facts=FACTS_AT_ONCE, spans=spans
    )
    return Change(position=position, product_ids=product_ids)


async def refresh(connection: Connection, *, product_ids: Sequence[UUID], now: datetime) -> None:
    """Count anew how often these products were bought lately and sold ever. Writes what differs."""
    await locks.listings(connection, product_ids=())
    spans = [
        Span(name=window, since=now - length, half_life_seconds=half_life.total_seconds())
        for window, (length, half_life) in WINDOWS.items()
    ]
    await trending.refresh(
        connection, product_ids=product_ids, spans=spans, on_cards=DEFAULT_WINDOW, until=now
    )


def rest_after(products: int, *, seconds: float) -> timedelta:
    """For how long to leave the cards alone, after so many took so long."""
    longest = max(products * _REST_PER_PRODUCT, timedelta(seconds=seconds * _REST_PER_SECOND))
    return min(longest, max(_REST_MAX, products * _REST_PER_PRODUCT))


async def remember(
    connection: Connection, *, change: Change, seconds: float, now: datetime
) -> None:
    """All products of the change are counted, which took so long: look for the next after a
    rest."""
    rest = rest_after(len(change.product_ids), seconds=seconds)
    await trending.move_mark(connection, position=change.position, looked_at=now, due_at=now + rest)
