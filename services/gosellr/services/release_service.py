"""The end of the hold: pending money pays the seller's debts, a part is kept back by rule, and the
rest is available."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.models.events import Fact, FactType
from gosellr.models.order_values import SellerOrder
from gosellr.queries import outbox, releases
from gosellr.queries.releases import DueSale
from gosellr.services import ledger_service, recovery_service, reserve_service
from gosellr.services.ledger_service import Booking
from gosellr.services.recovery_service import Debt
from gosellr.utils.ledger import seller_available, seller_reserve
from gosellr.utils.postings import ReleasePlan, plan_release, release

RELEASED_AT_ONCE = 200


async def due_sales(
    connection: Connection, *, now: datetime, limit: int = RELEASED_AT_ONCE
) -> list[UUID]:
    """Sales whose hold is over, oldest first."""
    return await releases.due(connection, now=now, limit=limit)


async def release_due(
    connection: Connection,
    *,
    now: datetime,
    limit: int = RELEASED_AT_ONCE,
    only: UUID | None = None,
) -> int:
    """Release the sales whose hold is over, oldest first, or one of them alone; gives how many.

    Any number of workers may do so at once: each sale is taken by one of them.
    """
    due = await releases.take_due(connection, now=now, limit=limit, only=only)
    await _release(connection, sales=due, now=now)
    return len(due)


async def release_parts(
    connection: Connection, *, parts: Sequence[SellerOrder], now: datetime
) -> None:
    """Release sales of an order that this transaction has locked: its buyer is content."""
    await _release(
        connection,
        sales=[
            DueSale(
                id=part.id,
                order_id=part.order_id,
                seller_id=part.seller_id,
                currency=part.currency,
                pending_minor=part.pending_minor,
            )
            for part in parts
            if part.released_at is None
        ],
        now=now,
    )


async def _release(connection: Connection, *, sales: Sequence[DueSale], now: datetime) -> None:
    if not sales:
        return
    moving = [sale for sale in sales if sale.pending_minor]
    rules = await reserve_service.rules_in_force(connection, now=now) if moving else []
    debts = await _debts(connection, moving, with_reserve=bool(rules))
    keeper = await reserve_service.keeper(
        connection, rules=rules, sale_ids=[sale.id for sale in moving], now=now
    )
    bookings = []
    for sale in moving:
        debt = debts[sale.seller_id, sale.currency]
        recovered_minor = debt.take(sale.pending_minor, now=now)
        plan = plan_release(
            pending_minor=sale.pending_minor,
            recovered_minor=recovered_minor,
            reserved_minor=keeper.keep(
                seller_order_id=sale.id, base_minor=sale.pending_minor - recovered_minor
            ),
        )
        bookings.append(_booking(sale, plan, now=now))
    await ledger_service.book(connection, bookings=bookings, now=now)
    await reserve_service.write_holds(connection, keeper)
    await recovery_service.settle(connection, debts=debts.values(), now=now)
    marked = await releases.mark_released(connection, ids=[sale.id for sale in sales], now=now)
    if marked != len(sales):
        raise RuntimeError(f"{marked} of {len(sales)} sales were still to be released")
    await outbox.append(
        connection,
        [
            Fact(
                FactType.SALE_RELEASED,
                sale.id,
                {"order_id": str(sale.order_id), "seller_id": str(sale.seller_id)},
            )
            for sale in sales
        ],
        now=now,
    )


async def _debts(
    connection: Connection, sales: Sequence[DueSale], *, with_reserve: bool
) -> dict[tuple[UUID, str], Debt]:
    """What each seller owes, kept from changing by the lock on what is available to them."""
    debts: dict[tuple[UUID, str], Debt] = {}
    for currency in sorted({sale.currency for sale in sales}):
        sellers = sorted({sale.seller_id for sale in sales if sale.currency == currency})
        accounts = [seller_available(one) for one in sellers]
        if with_reserve:
            accounts += [seller_reserve(one) for one in sellers]
        await ledger_service.locked_balances(connection, accounts=accounts, currency=currency)
        owed = await recovery_service.debts_of(connection, seller_ids=sellers, currency=currency)
        for one, debt in owed.items():
            debts[one, currency] = debt
    return debts


def _booking(sale: DueSale, plan: ReleasePlan, *, now: datetime) -> Booking:
    return Booking(
        draft=release(
            seller_order_id=sale.id,
            seller_id=sale.seller_id,
            currency=sale.currency,
            plan=plan,
        ),
        cause_type="seller_order",
        cause_id=sale.id,
        # A sale is released once.
        idempotency_key=str(sale.id),
        order_id=sale.order_id,
        actor="system",
        effective_at=now,
    )
