"""What a seller owes, and how much of its money goes to it: all of it, or what its plan says.

Whoever takes money for a debt holds what is available to the seller, and so reads the debt and the
plan as they are.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.core.pagination import Page, decode_cursor, encode_cursor
from gosellr.models.balance_values import KeptPlan, SellerDebt
from gosellr.models.events import Fact, FactType
from gosellr.queries import ledger, outbox, recoveries
from gosellr.services import ledger_service
from gosellr.services.seller_scope import require_in_seller, require_no_part
from gosellr.utils.lazy_dataclasses import dataclass, replace
from gosellr.utils.ledger import (
    Direction,
    Entry,
    account_kind,
    account_owner,
    seller_available,
    seller_receivable,
)
from gosellr.utils.permissions import Permission
from gosellr.utils.recovery import (
    InvalidPlan,
    PlanKind,
    RecoveryPlan,
    recovered_at_payout,
    recovered_of,
)
from gosellr.utils.viewer import Viewer


class NothingOwed(Conflict):
    """There is nothing to be paid back in this currency."""

    code = "nothing_owed"
    title = "This seller owes nothing in this currency"


@dataclass(slots=True, kw_only=True)
class Debt:
    """What a seller owes while its money is shared out; `taken_minor` is what went to it."""

    seller_id: UUID
    currency: str
    owed_minor: int
    plan: RecoveryPlan | None
    taken_minor: int = 0

    def take(self, money_minor: int, *, now: datetime) -> int:
        """How much of money that becomes available goes to the debt."""
        return self._count(
            recovered_of(money_minor, owed_minor=self.owed_minor, plan=self.plan, now=now)
        )

    def take_at_payout(self, available_minor: int, *, now: datetime) -> int:
        """How much of what is about to be paid out goes to the debt."""
        return self._count(
            recovered_at_payout(
                available_minor, owed_minor=self.owed_minor, plan=self.plan, now=now
            )
        )

    def _count(self, amount_minor: int) -> int:
        self.owed_minor -= amount_minor
        self.taken_minor += amount_minor
        if self.plan is not None:
            recovered_minor = self.plan.recovered_minor + amount_minor
            self.plan = replace(self.plan, recovered_minor=recovered_minor)
        return amount_minor


async def debts_of(
    connection: Connection, *, seller_ids: Sequence[UUID], currency: str
) -> dict[UUID, Debt]:
    """What sellers owe in a currency; the caller holds what is available to each of them."""
    owed = await ledger_service.balances(
        connection, accounts=[seller_receivable(one) for one in seller_ids]
    )
    minor = {one: max(0, owed.get((seller_receivable(one), currency), 0)) for one in seller_ids}
    plans = {}
    # Who owes nothing is the rule, and has no plan, or one that is over.
    if any((seller_receivable(one), currency) in owed for one in seller_ids):
        plans = await recoveries.running(connection, seller_ids=list(seller_ids), currency=currency)
    return {
        one: Debt(seller_id=one, currency=currency, owed_minor=minor[one], plan=plans.get(one))
        for one in seller_ids
    }


async def settle(connection: Connection, *, debts: Iterable[Debt], now: datetime) -> None:
    """Count under each plan what went to its debt; a plan ends when nothing is owed any more."""
    for debt in debts:
        if debt.plan is None:
            continue
        if debt.taken_minor and not await recoveries.count_recovered(
            connection, plan_id=debt.plan.id, amount_minor=debt.taken_minor
        ):
            raise RuntimeError(f"plan {debt.plan.id} ended under its seller's lock")
        if not debt.owed_minor:
            await end_settled(connection, seller_id=debt.seller_id, currency=debt.currency, now=now)


async def end_settled(
    connection: Connection, *, seller_id: UUID, currency: str, now: datetime
) -> None:
    """End a seller's plan, if there is one: nothing is owed any more."""
    await recoveries.end(
        connection, seller_id=seller_id, currency=currency, reason="settled", now=now
    )


async def end_settled_plans(
    connection: Connection, entries: Iterable[Entry], *, now: datetime
) -> None:
    """End the plans of sellers who owe nothing any more by these entries, which are booked: what
    they come to owe next was never agreed upon. The caller holds what is available to them."""
    for entry in entries:
        if entry.direction is not Direction.CREDIT:
            continue
        if account_kind(entry.account).name != "seller_receivable":
            continue
        seller_id = UUID(account_owner(entry.account) or "")
        owed_minor = await ledger_service.receivable_of(
            connection, seller_id=seller_id, currency=entry.currency
        )
        if owed_minor <= 0:
            await end_settled(connection, seller_id=seller_id, currency=entry.currency, now=now)


async def agree(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    currency: str,
    terms: dict[str, Any],
    starts_at: datetime | None,
    note: str,
    now: datetime,
) -> KeptPlan:
    """Let a seller pay its debt back by a plan, in place of the one before.

    `terms` are `kind`, and `share_bps` or `instalment_minor` and `every_days`.

    Raises:
        NotFound, NotAllowed: there is no such seller, or the viewer runs no market or acts for it.
        InvalidInput: the terms contradict each other, or begin in the past.
        NothingOwed: there is no debt in this currency.
    """
    await _require_operator(connection, viewer, seller_id)
    if starts_at is not None and starts_at < now:
        raise InvalidInput.at("starts_at", "starts_in_the_past", "Instalments would be overdue")
    try:
        plan = RecoveryPlan(id=new_id(), starts_at=starts_at or now, **terms)
    except InvalidPlan as error:
        raise InvalidInput.at("kind", "plan_contradicts_itself", str(error)) from None
    await _hold(connection, seller_id, currency)
    if await ledger_service.receivable_of(connection, seller_id=seller_id, currency=currency) <= 0:
        raise NothingOwed
    await recoveries.end(
        connection, seller_id=seller_id, currency=currency, reason="replaced", now=now
    )
    await recoveries.add(
        connection,
        plan=plan,
        seller_id=seller_id,
        currency=currency,
        note=note,
        user_id=viewer.user_id,
        now=now,
    )
    await _tell(connection, plan.id, seller_id, currency, kind=plan.kind, now=now)
    kept = await recoveries.find(connection, plan_id=plan.id)
    if kept is None:
        raise RuntimeError(f"plan {plan.id} is gone")
    return await _with_debt(connection, kept)


async def end_plan(
    connection: Connection, *, viewer: Viewer, seller_id: UUID, currency: str, now: datetime
) -> None:
    """End a plan: from now on all that becomes available goes to the debt first.

    Raises:
        NotFound: there is no such seller, or no plan in force.
        NotAllowed: the viewer runs no market, or acts for the seller.
    """
    await _require_operator(connection, viewer, seller_id)
    await _hold(connection, seller_id, currency)
    running = await recoveries.running(connection, seller_ids=[seller_id], currency=currency)
    if not await recoveries.end(
        connection, seller_id=seller_id, currency=currency, reason="ended", now=now
    ):
        raise NotFound
    await _tell(connection, running[seller_id].id, seller_id, currency, kind=None, now=now)


async def plans_of(connection: Connection, *, viewer: Viewer, seller_id: UUID) -> list[KeptPlan]:
    """A seller's plans in force.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
    """
    if not viewer.sees_everything:
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.BALANCE_READ)
    elif not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound
    plans = await recoveries.of_seller(connection, seller_id=seller_id)
    return [await _with_debt(connection, one) for one in plans]


async def _with_debt(connection: Connection, kept: KeptPlan) -> KeptPlan:
    owed_minor = await ledger_service.receivable_of(
        connection, seller_id=kept.seller_id, currency=kept.currency
    )
    return replace(kept, owed_minor=owed_minor)


async def ageing_report(
    connection: Connection,
    *,
    seller_id: UUID | None,
    cursor: str | None,
    limit: int,
    now: datetime,
) -> Page[SellerDebt]:
    """What sellers owe, by the age of what made it. For operators.

    Raises:
        InvalidInput: the cursor isn't one of ours.
    """
    after = None if cursor is None else _position(cursor)
    rows = await recoveries.ageing(
        connection, now=now, seller_id=seller_id, after=after, limit=limit + 1
    )
    items = rows[:limit]
    if len(rows) <= limit:
        return Page(items, None)
    return Page(items, encode_cursor(str(items[-1].seller_id), items[-1].currency))


def _position(cursor: str) -> tuple[UUID, str]:
    seller_id, currency = decode_cursor(cursor, kinds=(str, str))
    try:
        return UUID(seller_id), currency
    except ValueError:
        raise InvalidInput.at("cursor", "cursor_unknown", "This cursor isn't one of ours") from None


async def _require_operator(connection: Connection, viewer: Viewer, seller_id: UUID) -> None:
    if not viewer.is_operator:
        raise NotAllowed
    require_no_part(viewer, seller_id=seller_id)
    if not await ledger.seller_exists(connection, seller_id=seller_id):
        raise NotFound


async def _hold(connection: Connection, seller_id: UUID, currency: str) -> None:
    await ledger_service.locked_balances(
        connection, accounts=[seller_available(seller_id)], currency=currency
    )


async def _tell(
    connection: Connection,
    plan_id: UUID,
    seller_id: UUID,
    currency: str,
    *,
    kind: PlanKind | None,
    now: datetime,
) -> None:
    about = {
        "seller_id": str(seller_id),
        "currency": currency,
        "kind": None if kind is None else kind.value,
    }
    await outbox.append(connection, [Fact(FactType.RECOVERY_PLAN_CHANGED, plan_id, about)], now=now)
