"""Questions about payouts: which there are, and what each of them claims."""

from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotFound
from gosellr.core.pagination import (
    Page,
    after_moment,
    decode_cursor,
    encode_cursor,
    page_by_moment,
)
from gosellr.models.payout_values import ClaimedEntry, Payout, PayoutTotal
from gosellr.queries import ledger, payouts
from gosellr.queries.ledger import BookedTransaction
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.payouts import PAYOUT_KINDS
from gosellr.utils.viewer import Viewer


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFilters:
    """Which payouts; None for any."""

    seller_id: UUID | None = None
    status: str | None = None
    currency: str | None = None
    batch_id: UUID | None = None


async def find_payout(connection: Connection, *, viewer: Viewer, payout_id: UUID) -> Payout:
    """A payout of a seller whose books the viewer may read.

    Raises:
        NotFound: there is none for them.
    """
    payout = await payouts.find(connection, viewer=viewer, payout_id=payout_id)
    if payout is None:
        raise NotFound
    return payout


async def list_payouts(
    connection: Connection,
    *,
    viewer: Viewer,
    filters: PayoutFilters,
    cursor: str | None,
    limit: int,
) -> Page[Payout]:
    """Payouts that the viewer may read, newest first.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    rows = await payouts.list_payouts(
        connection,
        viewer=viewer,
        seller_id=filters.seller_id,
        status=filters.status,
        currency=filters.currency,
        batch_id=filters.batch_id,
        after=after_moment(cursor),
        limit=limit + 1,
    )
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.created_at, one.id))


async def list_entries(
    connection: Connection, *, viewer: Viewer, payout_id: UUID, cursor: str | None, limit: int
) -> Page[ClaimedEntry]:
    """What a payout claims, in the order of booking: it sums to its amount.

    Raises:
        NotFound: there is no such payout for the viewer.
        InvalidInput: the cursor isn't one of ours.
    """
    await find_payout(connection, viewer=viewer, payout_id=payout_id)
    after = 0
    if cursor is not None:
        [after] = decode_cursor(cursor, kinds=(int,))
        if after < 0:
            raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    rows = await payouts.entries(connection, payout_id=payout_id, after=after, limit=limit + 1)
    items = rows[:limit]
    return Page(items, encode_cursor(items[-1].id) if len(rows) > limit else None)


async def payout_ledger(
    connection: Connection, *, payout_id: UUID, at: datetime | None = None
) -> list[BookedTransaction]:
    """Every transaction of a payout, as booked, or those booked by a moment. For operators.

    Raises:
        NotFound: there is no such payout.
    """
    if await payouts.load(connection, payout_id=payout_id) is None:
        raise NotFound
    return await ledger.find_of_key(
        connection,
        kinds=[kind.value for kind in PAYOUT_KINDS],
        idempotency_key=str(payout_id),
        at=at,
    )


async def batch_totals(connection: Connection, *, batch_id: UUID) -> list[PayoutTotal]:
    """What a batch has opened so far, by currency."""
    return await payouts.of_batch(connection, batch_id=batch_id)
