"""Debts that were written off, of which what had made them is undone: they are paid after all.

Whoever was paid for a sale, owed it when the sale was undone, and was let off, has been paid. Where
the sale stands again, paying once more would be paying twice.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.queries import recoveries
from gosellr.services import ledger_service
from gosellr.services.ledger_service import Booking
from gosellr.utils.balance_postings import write_off_recovered
from gosellr.utils.lazy_dataclasses import replace
from gosellr.utils.ledger import (
    Direction,
    Entry,
    TransactionDraft,
    account_kind,
    account_owner,
    seller_available,
)

# A seller, its part of the order, and a currency.
_Place = tuple[UUID, UUID | None, str]


async def book(
    connection: Connection, undoing: Booking, *, causes: Sequence[UUID], now: datetime
) -> None:
    """Book what undoes something of an order, and keep of what its sellers get by that as much as
    was written off of the debts that came of these `causes`: the refund, the case, the chargeback
    that is undone. What is still owed of those is paid before, and other debts only after that."""
    kept = await _kept(connection, undoing, causes=causes) if causes else {}
    undoing = replace(undoing, draft=_with_ready(undoing.draft, kept))
    [booked] = await ledger_service.book(connection, bookings=[undoing], now=now)
    if booked.existed:
        return
    for (seller_id, part_id, currency), amount_minor in kept.items():
        draft = write_off_recovered(
            seller_id=seller_id, seller_order_id=part_id, amount_minor=amount_minor,
            currency=currency,
        )  # fmt: skip
        recovery = replace(
            undoing,
            draft=draft,
            idempotency_key=f"{undoing.idempotency_key}/{seller_id}",
            facts={**undoing.facts, "debts_of": [str(cause) for cause in causes]},
            corrects_id=None,
        )
        await ledger_service.book(connection, bookings=[recovery], now=now)


async def _kept(
    connection: Connection, undoing: Booking, *, causes: Sequence[UUID]
) -> dict[_Place, int]:
    """What is kept of each seller, of all that it gets, whether that is paid or settles debts."""
    ready = _returned(undoing.draft, "seller_available")
    settled = _returned(undoing.draft, "seller_receivable")
    kept: dict[_Place, int] = {}
    if undoing.order_id is None:
        return kept
    places = sorted({*ready, *settled}, key=lambda place: (place[2], place[0]))
    for currency in sorted({currency for _, _, currency in places}):
        # Whoever holds these writes no debt off, and pays none, meanwhile.
        accounts = [seller_available(one[0]) for one in places if one[2] == currency]
        await ledger_service.locked_balances(connection, accounts=accounts, currency=currency)
    for place in places:
        written_off_minor, open_minor = await recoveries.let_off(
            connection, seller_id=place[0], currency=place[2], causes=causes,
            order_id=undoing.order_id,
        )  # fmt: skip
        ready_minor = ready.get(place, 0)
        beyond_minor = max(ready_minor, ready_minor + settled.get(place, 0) - open_minor)
        if min(written_off_minor, beyond_minor) > 0:
            kept[place] = min(written_off_minor, beyond_minor)
    return kept


def _with_ready(draft: TransactionDraft, kept: Mapping[_Place, int]) -> TransactionDraft:
    """The same where at least what is kept of each seller can be paid out: it settles no other
    debts."""
    ready = _returned(draft, "seller_available")
    missing = {place: minor - ready.get(place, 0) for place, minor in kept.items()}
    entries: list[Entry] = []
    for entry in draft.entries:
        place = _place_of(entry, "seller_receivable")
        moved_minor = 0
        if place is not None:
            moved_minor = min(entry.amount_minor, max(0, missing.get(place, 0)))
        if place is None or not moved_minor:
            entries.append(entry)
            continue
        missing[place] -= moved_minor
        if moved_minor < entry.amount_minor:
            entries.append(replace(entry, amount_minor=entry.amount_minor - moved_minor))
        entries.append(replace(entry, account=seller_available(place[0]), amount_minor=moved_minor))
    return replace(draft, entries=tuple(entries))


def _returned(draft: TransactionDraft, account: str) -> dict[_Place, int]:
    """What each seller gets by it at an account of this kind."""
    sums: dict[_Place, int] = {}
    for entry in draft.entries:
        place = _place_of(entry, account)
        if place is not None:
            sums[place] = sums.get(place, 0) + entry.amount_minor
    return sums


def _place_of(entry: Entry, account: str) -> _Place | None:
    """Whose it is, where it gives a seller something at an account of this kind."""
    if entry.direction is not Direction.CREDIT or account_kind(entry.account).name != account:
        return None
    return UUID(account_owner(entry.account) or ""), entry.seller_order_id, entry.currency
