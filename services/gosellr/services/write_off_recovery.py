"""Debts that were written off, of which what had made them is undone: they are paid after all.

Whoever was paid for a sale, owed it when the sale was undone, and was let off, has been paid. Where
the sale stands again, paying once more would be paying twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import recoveries
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.utils.balance_postings import write_off_recovered
from gosellr.utils.ledger import Direction, account_kind, account_owner


async def book(
    connection: Connection, undoing: Booking, *, causes: Sequence[UUID], now: datetime
) -> None:
    """Book what undoes something of an order, and keep of what its sellers get by that as much as
    was written off of the debts that came of these `causes`: the refund, the case, the chargeback
    that is undone."""
    [booked] = await ledger_service.book(connection, bookings=[undoing], now=now)
    if booked.existed or undoing.order_id is None or not causes:
        return
    # What is available to these sellers is held by that, and so nobody writes a debt off meanwhile.
    for (seller_id, part_id, currency), returned_minor in _returned(undoing).items():
        written_off_minor = await recoveries.written_off_minor(
            connection, seller_id=seller_id, currency=currency, causes=causes,
            order_id=undoing.order_id,
        )  # fmt: skip
        amount_minor = min(returned_minor, written_off_minor)
        if amount_minor <= 0:
            continue
        draft = write_off_recovered(
            seller_id=seller_id, seller_order_id=part_id, amount_minor=amount_minor,
            currency=currency,
        )  # fmt: skip
        kept = replace(
            undoing,
            draft=draft,
            idempotency_key=f"{undoing.idempotency_key}/{seller_id}",
            facts={**undoing.facts, "debts_of": [str(cause) for cause in causes]},
            corrects_id=None,
        )
        await ledger_service.book(connection, bookings=[kept], now=now)


def _returned(undoing: Booking) -> dict[tuple[UUID, UUID | None, str], int]:
    """What became available by it, to each seller."""
    sums: dict[tuple[UUID, UUID | None, str], int] = {}
    for entry in undoing.draft.entries:
        if entry.direction is not Direction.CREDIT:
            continue
        if account_kind(entry.account).name != "seller_available":
            continue
        seller_id = UUID(account_owner(entry.account) or "")
        key = (seller_id, entry.seller_order_id, entry.currency)
        sums[key] = sums.get(key, 0) + entry.amount_minor
    return sums
