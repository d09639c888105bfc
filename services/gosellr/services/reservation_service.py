"""Holding stock for orders. The one statement in `queries` decides; here its answer is judged."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict
from gosellr.queries import reservations
from gosellr.queries.reservations import Wanted


class OutOfStock(Conflict):
    """Somebody else was first. `extras` name the variants and what is left of each."""

    code = "out_of_stock"
    title = "Something is sold out"


async def hold(
    connection: Connection,
    *,
    order_id: UUID,
    wanted: Sequence[Wanted],
    expires_at: datetime | None,
    now: datetime,
) -> None:
    """Hold the units of an order until `expires_at`, all of them or none.

    Raises:
        OutOfStock: naming every variant that falls short. The transaction must end with it,
            which gives back what was held for the others.
    """
    held = await reservations.reserve(
        connection, order_id=order_id, wanted=wanted, expires_at=expires_at, now=now
    )
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
