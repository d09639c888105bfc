"""Operators' hands on the books: what one prepares, another one approves or rejects.

Nothing is booked before the second person's word, and then everything in that transaction: what
holds is asked again under the locks of the balances it touches.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.balance_values import Adjustment
from gosellr.models.events import Fact, FactType
from gosellr.queries import adjustments, outbox
from gosellr.services import (
    adjustment_entries,
    idempotency_service,
    ledger_service,
    recovery_service,
)
from gosellr.services.idempotency_service import RequestKey
from gosellr.services.ledger_service import Booking
from gosellr.utils.balance_postings import adjustment, written_off
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import (
    Entry,
    TransactionDraft,
    seller_available,
)
from gosellr.utils.viewer import Viewer


class AdjustmentNotOpen(Conflict):
    """Somebody has decided about it before."""

    code = "adjustment_not_open"
    title = "This adjustment is decided already"


@dataclass(frozen=True, slots=True)
class Prepared:
    """An adjustment, and whether the same request had made it before."""

    value: Adjustment
    existed: bool


async def prepare(
    connection: Connection,
    *,
    viewer: Viewer,
    entries: Sequence[Mapping[str, Any]],
    reason: str,
    key: RequestKey,
    kept_for: timedelta,
    now: datetime,
) -> Prepared:
    """Write down balanced entries for somebody else to approve. Each has `account`, `direction`,
    `amount_minor` and `currency`.

    Raises:
        NotAllowed: the viewer runs no market, or acts for a seller that is touched.
        InvalidInput: the entries aren't such as may be booked.
        IdempotencyKeyReused.
    """
    draft = adjustment_entries.draft_of(entries)
    return await _prepare(
        connection, viewer=viewer, kind="entries", draft=draft, seller_id=None, reason=reason,
        key=key, kept_for=kept_for, now=now,
    )  # fmt: skip


async def prepare_write_off(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    amount_minor: int,
    currency: str,
    reason: str,
    key: RequestKey,
    kept_for: timedelta,
    now: datetime,
) -> Prepared:
    """Write down that a debt won't be paid, for somebody else to approve.

    Raises:
        NotFound: there is no such seller.
        NotAllowed: the viewer runs no market, or acts for the seller.
        InvalidInput: nothing is to be written off.
        MoreThanOwed: the seller owes less already now.
        IdempotencyKeyReused.
    """
    if amount_minor <= 0:
        raise InvalidInput.at("amount", "amount_zero", "Say how much is written off")
    if await adjustments.unknown_sellers(connection, seller_ids=[seller_id]):
        raise NotFound
    draft = written_off(seller_id=seller_id, amount_minor=amount_minor, currency=currency)
    earlier = await idempotency_service.find(connection, request=key)
    if earlier is None:
        await adjustment_entries.check_owed(connection, draft.entries)
    return await _prepare(
        connection, viewer=viewer, kind="write_off", draft=draft, seller_id=seller_id,
        reason=reason, key=key, kept_for=kept_for, now=now,
    )  # fmt: skip


async def _prepare(
    connection: Connection,
    *,
    viewer: Viewer,
    kind: str,
    draft: TransactionDraft,
    seller_id: UUID | None,
    reason: str,
    key: RequestKey,
    kept_for: timedelta,
    now: datetime,
) -> Prepared:
    user_id = _decider(viewer, draft.entries)
    adjustment_id = new_id()
    earlier = await idempotency_service.claim(
        connection, request=key, resource_id=str(adjustment_id), now=now, kept_for=kept_for
    )
    if earlier is not None:
        first = await find(connection, adjustment_id=UUID(earlier.resource_id or ""))
        return Prepared(first, existed=True)
    unknown = await adjustments.unknown_sellers(
        connection, seller_ids=sorted(adjustment_entries.sellers_of(draft.entries))
    )
    if unknown:
        raise InvalidInput.at("entries", "seller_unknown", f"There is no seller {unknown[0]}")
    await adjustments.add(
        connection,
        adjustment_id=adjustment_id,
        kind=kind,
        reason=reason,
        entries=[adjustment_entries.plain_of(entry) for entry in draft.entries],
        seller_id=seller_id,
        user_id=user_id,
        now=now,
    )
    await _tell(connection, FactType.ADJUSTMENT_PREPARED, adjustment_id, user_id, now=now)
    return Prepared(await find(connection, adjustment_id=adjustment_id), existed=False)


async def approve(
    connection: Connection, *, viewer: Viewer, adjustment_id: UUID, now: datetime
) -> Adjustment:
    """Book what somebody else prepared. Said again by the same person, it changes nothing.

    Raises:
        NotFound: there is no such adjustment.
        NotAllowed: it is the viewer's own, or touches a seller that the viewer acts for.
        AdjustmentNotOpen: it was decided before.
        MoreThanOwed, InsufficientBalance: there is less by now.
        TaxPaidByHand: it pays a tax return that an ordinary adjustment has paid meanwhile.
    """
    held = await _locked(connection, adjustment_id)
    if held.status == "approved" and held.decided_by == viewer.user_id:
        return held
    entries = [adjustment_entries.entry_of(one) for one in held.entries]
    user_id = _second(viewer, held, entries)
    await _hold_balances(connection, entries)
    await adjustment_entries.check_owed(connection, entries)
    await adjustment_entries.check_tax_payment(connection, entries, adjustment_id=held.id)
    transaction_id = await _book(connection, held, entries, user_id=user_id, now=now)
    await _decide(
        connection, held, status="approved", user_id=user_id, transaction_id=transaction_id, now=now
    )
    await recovery_service.end_settled_plans(connection, entries, now=now)
    await _tell(connection, FactType.ADJUSTMENT_APPROVED, adjustment_id, user_id, now=now)
    return await find(connection, adjustment_id=adjustment_id)


async def reject(
    connection: Connection, *, viewer: Viewer, adjustment_id: UUID, reason: str, now: datetime
) -> Adjustment:
    """Turn down what somebody else prepared; nothing is booked.

    Raises:
        NotFound: there is no such adjustment.
        NotAllowed: it is the viewer's own, or touches a seller that the viewer acts for.
        AdjustmentNotOpen: it was decided before.
    """
    held = await _locked(connection, adjustment_id)
    user_id = _second(viewer, held, [adjustment_entries.entry_of(one) for one in held.entries])
    await _decide(connection, held, status="rejected", user_id=user_id, note=reason, now=now)
    await _tell(connection, FactType.ADJUSTMENT_REJECTED, adjustment_id, user_id, now=now)
    return await find(connection, adjustment_id=adjustment_id)


async def find(connection: Connection, *, adjustment_id: UUID) -> Adjustment:
    """An adjustment as it stands. For operators. Raises `NotFound`."""
    found = await adjustments.find(connection, adjustment_id=adjustment_id)
    if found is None:
        raise NotFound
    return found


async def list_adjustments(
    connection: Connection,
    *,
    status: str | None,
    kind: str | None,
    cursor: str | None,
    limit: int,
) -> Page[Adjustment]:
    """Adjustments, newest first. For operators.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await adjustments.list_adjustments(
        connection,
        status=status,
        kind=kind,
        after=after_moment(cursor),
        limit=limit + 1,
    )
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.prepared_at, one.id))


def _decider(viewer: Viewer, entries: Iterable[Entry]) -> UUID:
    """The operator, who has no part in a seller that is touched."""
    if not viewer.is_operator or viewer.user_id is None:
        raise NotAllowed
    if adjustment_entries.sellers_of(entries) & set(viewer.memberships):
        raise NotAllowed("Nobody adjusts the books of their own shop")
    return viewer.user_id


def _second(viewer: Viewer, held: Adjustment, entries: Iterable[Entry]) -> UUID:
    user_id = _decider(viewer, entries)
    if held.status != "prepared":
        raise AdjustmentNotOpen
    if held.prepared_by == user_id:
        raise NotAllowed("Somebody else has to decide about what you prepared")
    return user_id


async def _locked(connection: Connection, adjustment_id: UUID) -> Adjustment:
    held = await adjustments.lock(connection, adjustment_id=adjustment_id)
    if held is None:
        raise NotFound
    return held


async def _hold_balances(connection: Connection, entries: Sequence[Entry]) -> None:
    """Of every seller that is touched: a debt and what is available move under one lock."""
    for currency in sorted({entry.currency for entry in entries}):
        own = adjustment_entries.sellers_of(
            entry for entry in entries if entry.currency == currency
        )
        if own:
            await ledger_service.locked_balances(
                connection, accounts=[seller_available(one) for one in sorted(own)],
                currency=currency,
            )  # fmt: skip


async def _book(
    connection: Connection,
    held: Adjustment,
    entries: Sequence[Entry],
    *,
    user_id: UUID,
    now: datetime,
) -> UUID:
    draft = (
        adjustment(entries)
        if held.seller_id is None
        else written_off(
            seller_id=held.seller_id,
            amount_minor=entries[0].amount_minor,
            currency=entries[0].currency,
        )
    )
    booking = Booking(
        draft=draft,
        cause_type="adjustment",
        cause_id=held.id,
        # An adjustment is booked once.
        idempotency_key=str(held.id),
        actor=f"user:{user_id}",
        effective_at=now,
        facts={
            "reason": held.reason,
            "prepared_by": str(held.prepared_by),
            "approved_by": str(user_id),
        },
    )
    [booked] = await ledger_service.book(connection, bookings=[booking], now=now)
    return booked.transaction_id


async def _decide(
    connection: Connection,
    held: Adjustment,
    *,
    status: str,
    user_id: UUID,
    note: str | None = None,
    transaction_id: UUID | None = None,
    now: datetime,
) -> None:
    if not await adjustments.decide(
        connection,
        adjustment_id=held.id,
        status=status,
        user_id=user_id,
        note=note,
        transaction_id=transaction_id,
        now=now,
    ):
        raise RuntimeError(f"adjustment {held.id} was decided under its lock")


async def _tell(
    connection: Connection, kind: FactType, adjustment_id: UUID, user_id: UUID, *, now: datetime
) -> None:
    fact = Fact(kind, adjustment_id, {"by": str(user_id)})
    await outbox.append(connection, [fact], now=now)
