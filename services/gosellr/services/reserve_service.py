"""The rolling reserve: what is kept back of each sale, given to buyers out of it, and released.

The reserve is one account of the seller; what of it stands for which sale, and until when, its
holds count. They change only while the account's balance is held.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, after_moment, page_by_moment
from gosellr.models.balance_values import ReserveHold
from gosellr.models.events import Fact, FactType
from gosellr.queries import ledger, outbox, reserve_rules, reserves
from gosellr.queries.reserves import DueHold
from gosellr.services import ledger_service, recovery_service
from gosellr.services.ledger_service import Booking
from gosellr.services.recovery_service import Debt
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.balance_postings import reserve_released
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import seller_available, seller_reserve
from gosellr.utils.permissions import Permission
from gosellr.utils.reserves import (
    RISK_WINDOW,
    ReserveRule,
    ReserveScope,
    SaleFacts,
    governing_rule,
    kept_back,
    taken_from,
)
from gosellr.utils.viewer import Viewer

RELEASED_AT_ONCE = 200


@dataclass(slots=True, kw_only=True)
class Keeper:
    """Decides sale by sale what is kept back, and remembers what the reserve holds by then."""

    rules: Sequence[ReserveRule]
    facts: Mapping[UUID, SaleFacts]
    held: dict[tuple[UUID, str], int]
    now: datetime
    holds: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, *, seller_order_id: UUID, base_minor: int) -> int:
        """How much of what is left of a sale after debts goes into the reserve."""
        sale = self.facts.get(seller_order_id)
        if sale is None:
            return 0
        rule = governing_rule(self.rules, sale, now=self.now)
        whose = sale.seller_id, sale.currency
        held_minor = self.held.get(whose, 0)
        reserved_minor = kept_back(
            rule, base_minor=base_minor, held_minor=held_minor, currency=sale.currency
        )
        if rule is not None and reserved_minor:
            self.held[whose] = held_minor + reserved_minor
            self.holds.append(
                {
                    "id": new_id(),
                    "seller_id": sale.seller_id,
                    "seller_order_id": seller_order_id,
                    "currency": sale.currency,
                    "amount_minor": reserved_minor,
                    "rule_id": rule.id,
                    "rule": _frozen(rule, base_minor=base_minor, currency=sale.currency),
                    "held_at": self.now,
                    "release_at": self.now + timedelta(days=rule.days),
                }
            )
        return reserved_minor


def _frozen(rule: ReserveRule, *, base_minor: int, currency: str) -> dict[str, Any]:
    """The rule as it decided about this sale."""
    return {
        "scope": rule.scope.value,
        "rate_bps": rule.rate_bps,
        "days": rule.days,
        "cap_minor": rule.caps.get(currency),
        "base_minor": base_minor,
    }


async def rules_in_force(connection: Connection, *, now: datetime) -> list[ReserveRule]:
    """The rules that may govern what is released now."""
    return await reserve_rules.in_force(connection, now=now)


async def keeper(
    connection: Connection,
    *,
    rules: Sequence[ReserveRule],
    sale_ids: Sequence[UUID],
    now: datetime,
) -> Keeper:
    """Whoever decides about these sales; the caller holds their sellers' reserves."""
    if not rules or not sale_ids:
        return Keeper(rules=(), facts={}, held={}, now=now)
    facts = await reserves.facts(
        connection,
        sale_ids=sale_ids,
        since=now - RISK_WINDOW,
        with_rates=any(rule.scope is ReserveScope.RISK for rule in rules),
    )
    held: dict[tuple[UUID, str], int] = {}
    for currency in sorted({one.currency for one in facts.values()}):
        sellers = sorted({one.seller_id for one in facts.values() if one.currency == currency})
        for seller_id, minor in (
            await reserves.held(connection, seller_ids=sellers, currency=currency)
        ).items():
            held[seller_id, currency] = minor
    return Keeper(rules=rules, facts=facts, held=held, now=now)


async def write_holds(connection: Connection, keeper: Keeper) -> None:
    """Write what was kept back."""
    if keeper.holds:
        await reserves.add(connection, holds=keeper.holds)


async def take(
    connection: Connection,
    *,
    seller_id: UUID,
    seller_order_id: UUID,
    currency: str,
    amount_minor: int,
) -> None:
    """A refund or a case took so much of what is kept back; the caller holds the reserve's
    balance."""
    holds = await reserves.of_seller(connection, seller_id=seller_id, currency=currency)
    amounts = taken_from(holds, amount_minor, seller_order_id=seller_order_id)
    if not await reserves.take(connection, amounts=amounts):
        raise RuntimeError(f"the reserve of seller {seller_id} moved under its lock")


async def give_back(
    connection: Connection,
    *,
    seller_id: UUID,
    seller_order_id: UUID,
    currency: str,
    amount_minor: int,
) -> None:
    """A refund that took so much of what was kept back failed, or a case gives it up: it is kept
    back again.

    Where the time is over, the next upkeep releases it.
    """
    amounts: dict[UUID, int] = {}
    left_minor = amount_minor
    for hold_id, taken_minor in await reserves.taken_of_seller(
        connection, seller_id=seller_id, currency=currency, seller_order_id=seller_order_id
    ):
        part_minor = min(left_minor, taken_minor)
        if part_minor:
            amounts[hold_id] = -part_minor
            left_minor -= part_minor
    if left_minor or not await reserves.take(connection, amounts=amounts):
        raise RuntimeError(f"the reserve of seller {seller_id} never gave {amount_minor}")


async def due_sellers(
    connection: Connection, *, now: datetime, limit: int
) -> list[tuple[UUID, str]]:
    """Sellers and currencies with a hold whose time is over."""
    return await reserves.due_sellers(connection, now=now, limit=limit)


async def release_due(
    connection: Connection,
    *,
    seller_id: UUID,
    currency: str,
    now: datetime,
    limit: int = RELEASED_AT_ONCE,
) -> int:
    """Release what was kept back of a seller long enough; gives of how many sales.

    Any number of workers may do so at once: whoever comes second finds nothing due.
    """
    await ledger_service.locked_balances(
        connection,
        accounts=[seller_available(seller_id), seller_reserve(seller_id)],
        currency=currency,
    )
    due = await reserves.take_due(
        connection, seller_id=seller_id, currency=currency, now=now, limit=limit
    )
    if not due:
        return 0
    debts = await recovery_service.debts_of(connection, seller_ids=[seller_id], currency=currency)
    debt = debts[seller_id]
    bookings = [_booking(one, debt, now=now) for one in due]
    await ledger_service.book(connection, bookings=bookings, now=now)
    marked = await reserves.mark_released(connection, holds=due)
    if marked != len(due):
        raise RuntimeError(f"{marked} of {len(due)} holds were still to be released")
    await recovery_service.settle(connection, debts=[debt], now=now)
    about = {"seller_id": str(seller_id)}
    await outbox.append(
        connection, [Fact(FactType.RESERVE_RELEASED, one.id, about) for one in due], now=now
    )
    return len(due)


def _booking(hold: DueHold, debt: Debt, *, now: datetime) -> Booking:
    recovered_minor = debt.take(hold.held_minor, now=now)
    draft = reserve_released(
        seller_id=debt.seller_id,
        seller_order_id=hold.seller_order_id,
        currency=debt.currency,
        recovered_minor=recovered_minor,
        available_minor=hold.held_minor - recovered_minor,
    )
    return Booking(
        draft=draft,
        cause_type="reserve_hold",
        cause_id=hold.id,
        # Once for each time that there was something to be released.
        idempotency_key=f"{hold.id}:{hold.release_count}",
        order_id=hold.order_id,
        actor="system",
        effective_at=now,
    )


async def held_by_rules(
    connection: Connection, *, viewer: Viewer, seller_id: UUID
) -> dict[str, int]:
    """What rules keep back of a seller's sales, by currency; the rest of its reserve is frozen by
    cases.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
    """
    if not viewer.sees_everything:
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.BALANCE_READ)
    return await reserves.held_by_rules(connection, seller_id=seller_id)


async def list_holds(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, cursor: str | None, limit: int
) -> Page[ReserveHold]:
    """What is kept back of a seller, by when it is free, and which rule decided it.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
        InvalidInput: the cursor isn't one of ours.
    """
    if not viewer.sees_everything:
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.BALANCE_READ)
    elif not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound
    rows = await reserves.list_holds(
        connection,
        seller_id=seller_id,
        after=after_moment(cursor),
        limit=limit + 1,
    )
    return page_by_moment(rows, limit=limit, key_of=lambda one: (one.release_at, one.id))
