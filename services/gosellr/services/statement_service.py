"""The books as people read them: an order's, a seller's balances and movements."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput, NotFound
from gosellr.core.pagination import Page, decode_cursor, encode_cursor
from gosellr.models.balance_values import ComingMoney, KeptPlan
from gosellr.models.payout_values import Payout, UpcomingRelease
from gosellr.queries import (
    histories,
    ledger,
    payout_settings,
    payouts,
    recoveries,
    releases,
    reserves,
)
from gosellr.queries.histories import EVERYTHING, MovementFilter
from gosellr.queries.ledger import BookedTransaction, Movement
from gosellr.services import ledger_service
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import (
    payout_in_transit,
    seller_available,
    seller_pending,
    seller_receivable,
    seller_reserve,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

__all__ = [
    "POTS",
    "BookedTransaction",
    "Movement",
    "MovementFilter",
    "SellerBalance",
    "accounts_page",
    "order_ledger",
    "pots_of",
    "require_seller",
    "seller_balances",
    "seller_movements",
]

ORDER_TRANSACTIONS_MAX: Final = 10_000
"""More than anybody books for one order; it keeps a broken one from filling the memory."""

LONGEST_DELIVERY: Final = timedelta(days=14)
"""Where a delivery option doesn't say how long it takes."""

POTS: Final = {
    "pending": seller_pending,
    "available": seller_available,
    "reserved": seller_reserve,
    "receivable": seller_receivable,
    "in_transit": payout_in_transit,
}
"""A seller's accounts by the names they have at the door."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SellerBalance:
    """What a seller has in one currency; `receivable_minor` is what it owes.

    `upcoming` says when what is pending becomes available; it leaves out nothing of it.
    `on_their_way` are the payouts that make up what is in transit, the newest hundred at most.
    `coming` are pending and reserved money by the day on which it is free, before debts, estimated
    where nothing is delivered yet; `plan` says how a debt is paid back.
    """

    currency: str
    pending_minor: int = 0
    available_minor: int = 0
    reserved_minor: int = 0
    receivable_minor: int = 0
    in_transit_minor: int = 0
    paid_out_minor: int = 0
    upcoming: tuple[UpcomingRelease, ...] = ()
    on_their_way: tuple[Payout, ...] = ()
    coming: tuple[ComingMoney, ...] = ()
    next_payout_at: datetime | None = None
    plan: KeptPlan | None = None


async def order_ledger(
    connection: Connection, *, order_id: UUID, at: datetime | None = None
) -> list[BookedTransaction]:
    """Every transaction of an order, as booked, or those booked by a moment. For operators: it
    shows all sellers' sides.

    Raises:
        NotFound: there is no such order.
        RuntimeError: it has more than `ORDER_TRANSACTIONS_MAX`.
    """
    if await ledger.find_order(connection, order_id=order_id) is None:
        raise NotFound
    found = await ledger.find_of_order(
        connection, order_id=order_id, at=at, limit=ORDER_TRANSACTIONS_MAX + 1
    )
    if len(found) > ORDER_TRANSACTIONS_MAX:
        # Half of a story would pass for the whole of it.
        raise RuntimeError(f"order {order_id} has more transactions than can be told")
    return found


async def seller_balances(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    policy: MarketPolicy,
    now: datetime,
) -> list[SellerBalance]:
    """What a seller has, in every currency it ever sold in.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
    """
    await require_seller(connection, viewer, seller_id, Permission.BALANCE_READ)
    pot_of = {account_of(seller_id): pot for pot, account_of in POTS.items()}
    held = await ledger_service.balances(connection, accounts=list(pot_of))
    by_currency: dict[str, dict[str, int]] = {}
    for (account, currency), minor in held.items():
        by_currency.setdefault(currency, {})[f"{pot_of[account]}_minor"] = minor
    paid = {
        one.currency: one.amount_minor
        for one in await payouts.paid_out(connection, seller_id=seller_id)
    }
    upcoming = await releases.upcoming(connection, seller_id=seller_id)
    on_their_way = await payouts.on_their_way(connection, seller_id=seller_id)
    coming = await reserves.coming(
        connection,
        seller_id=seller_id,
        release_after=policy.release_after,
        ship_within=policy.ship_within,
        delivery_at_most=LONGEST_DELIVERY,
        now=now,
    )
    settings = await payout_settings.find(connection, seller_id=seller_id)
    is_held = settings is None or settings.held_at is not None
    plans = {
        one.currency: one for one in await recoveries.of_seller(connection, seller_id=seller_id)
    }
    return [
        SellerBalance(
            currency=currency,
            paid_out_minor=paid.get(currency, 0),
            upcoming=tuple(one for one in upcoming if one.currency == currency),
            on_their_way=tuple(one for one in on_their_way if one.currency == currency),
            coming=tuple(one for one in coming if one.currency == currency),
            next_payout_at=None if is_held or settings is None else settings.next_due_at,
            plan=_with_debt(plans.get(currency), pots),
            **pots,
        )
        for currency, pots in sorted(by_currency.items())
    ]


def _with_debt(plan: KeptPlan | None, pots: Mapping[str, int]) -> KeptPlan | None:
    return None if plan is None else replace(plan, owed_minor=pots.get("receivable_minor", 0))


async def seller_movements(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    currency: str | None,
    pot: str | None,
    wanted: MovementFilter = EVERYTHING,
    cursor: str | None,
    limit: int,
) -> Page[Movement]:
    """What moved on a seller's accounts, newest first, with the balance after each.

    The balance is what the marketplace owes the seller, over all its accounts or in one `pot`.
    Without a currency, the first in which anything moved.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
        InvalidInput: the cursor isn't one of ours.
    """
    await require_seller(connection, viewer, seller_id, Permission.TRANSACTION_READ)
    return await accounts_page(
        connection,
        pots_of(seller_id, pot=pot),
        currency=currency,
        wanted=wanted,
        cursor=cursor,
        limit=limit,
    )


def pots_of(seller_id: UUID, *, pot: str | None = None) -> list[str]:
    """A seller's accounts, or the one by that name."""
    return [of(seller_id) for name, of in POTS.items() if pot in (None, name)]


async def accounts_page(
    connection: Connection,
    accounts: Sequence[str],
    *,
    currency: str | None,
    wanted: MovementFilter,
    cursor: str | None,
    limit: int,
) -> Page[Movement]:
    """What moved on a few accounts, newest first, with what they held together after each.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    if currency is None:
        known = await ledger.turnovers(connection, accounts=accounts)
        currency = min((each.currency for each in known), default="")
    return await _page(connection, accounts, currency, wanted=wanted, cursor=cursor, limit=limit)


async def _page(
    connection: Connection,
    accounts: Sequence[str],
    currency: str,
    *,
    wanted: MovementFilter = EVERYTHING,
    cursor: str | None,
    limit: int,
) -> Page[Movement]:
    after = None if cursor is None else _position(cursor)
    if wanted == EVERYTHING:
        rows = await ledger.movements(
            connection, accounts=accounts, currency=currency, after=after, limit=limit + 1
        )
    else:
        rows = await histories.filtered(
            connection,
            accounts=accounts,
            currency=currency,
            wanted=wanted,
            after=after,
            limit=limit + 1,
        )
    items = rows[:limit]
    if len(rows) <= limit:
        return Page(items, None)
    last = items[-1]
    before_minor = last.balance_minor - last.change_minor
    return Page(items, encode_cursor(last.written_by, last.id, before_minor))


def _position(cursor: str) -> tuple[int, int, int]:
    written_by, entry_id, balance_minor = decode_cursor(cursor, kinds=(int, int, int))
    if not (0 <= written_by < 2**63 and 0 <= entry_id < 2**63 and abs(balance_minor) < 2**62):
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours")
    return written_by, entry_id, balance_minor


async def require_seller(
    connection: Connection, viewer: Viewer, seller_id: UUID, permission: Permission
) -> None:
    """Raise NotFound or NotAllowed where the seller isn't the viewer's to look at."""
    if not viewer.sees_everything:
        require_in_seller(viewer, seller_id=seller_id, permission=permission)
    elif not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound
