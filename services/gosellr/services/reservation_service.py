"""Holding stock for orders. The one statement in `queries` decides; here its answer is judged."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.queries import locks, reservations
from gosellr.queries.reservations import Wanted


class OutOfStock(Conflict):
    """Somebody else was first. `extras` name the variants and what is left of each."""

    code = "out_of_stock"
    title = "Something is sold out"


class StockCrowded(Exception):
    """No bucket had enough at once, and all of them together may.

    The transaction must end with it: taking all buckets while some are held already would make
    rivals wait for each other. The next one begins with all of them.
    """


async def hold(
    connection: Connection,
    *,
    order_id: UUID,
    wanted: Sequence[Wanted],
    expires_at: datetime | None,
    all_buckets: bool = False,
    now: datetime,
) -> Collection[UUID]:
    """Hold the units of an order until `expires_at`, all of them or none.

    Gives the variants that a rival had to be waited for. `all_buckets` waits for every
    rival, and so finds the last unit.

    Raises:
        OutOfStock: naming every variant that falls short. The transaction must end with it,
            which gives back what was held for the others.
        StockCrowded: try again, and take all buckets.
    """
    contended: set[UUID] = set()
    if all_buckets:
        variant_ids = [line.variant_id for line in wanted]
        contended.update(await locks.stock(connection, variant_ids=variant_ids))
    held = await reservations.reserve(
        connection,
        order_id=order_id,
        wanted=wanted,
        expires_at=expires_at,
        all_buckets=all_buckets,
        now=now,
    )
    if not all_buckets and any(line.crowded for line in held):
        raise StockCrowded
    short = [line for line in held if line.held < line.quantity]
    if short:
        raise OutOfStock(
            "Not enough is left of what you want to buy",
            extras={
                "variants": [
                    {"variant_id": line.variant_id, "wanted": line.quantity, "available": line.held}
                    for line in short
                ]
            },
        )
    contended.update(line.variant_id for line in held if line.contended)
    return contended


async def hold_longer(connection: Connection, *, order_id: UUID, until: datetime) -> None:
    """Hold what a locked order waits for until then, where that is later than it was."""
    await reservations.hold_longer(connection, order_id=order_id, until=until)
