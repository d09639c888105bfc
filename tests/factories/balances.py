"""Rules, debts and operators' hands on the books, through the services themselves."""

from datetime import datetime
from typing import Any
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import reserves
from gosellr.models.balance_values import Adjustment, KeptPlan, ListedReserveRule
from gosellr.resources import Resources
from gosellr.services import adjustment_service, recovery_service, reserve_rule_service
from gosellr.utils.recovery import PlanKind
from gosellr.utils.reserves import ReserveScope
from gosellr.utils.viewer import Viewer
from tests.factories.payouts import an_operator
from tests.factories.sales import Shop, a_key


async def make_rule(resources: Resources, scope: str = "market", **more: Any) -> ListedReserveRule:
    """Keep a tenth back for thirty days, or what `more` says."""
    terms = {"scope": ReserveScope(scope), "rate_bps": 1000, "days": 30, **more}
    return await transact(
        resources.db,
        reserve_rule_service.create_rule,
        viewer=an_operator(),
        name="",
        terms=terms,
        now=resources.clock.now(),
    )


async def release_reserves(resources: Resources) -> int:
    """What the upkeep does."""
    return await reserves.release_due(db=resources.db, clock=resources.clock)


async def agree(
    resources: Resources,
    shop: Shop,
    *,
    starts_at: datetime | None = None,
    currency: str = "EUR",
    **terms: Any,
) -> KeptPlan:
    """Let a shop pay its debt back by a plan."""
    kind = PlanKind.SHARE if "share_bps" in terms else PlanKind.INSTALMENTS
    return await transact(
        resources.db,
        recovery_service.agree,
        viewer=an_operator(),
        seller_id=shop.seller.id,
        currency=currency,
        terms={"kind": kind, **terms},
        starts_at=starts_at,
        note="",
        now=resources.clock.now(),
    )


async def prepare(
    resources: Resources,
    *entries: tuple[str, str, int],
    viewer: Viewer | None = None,
    key: str | None = None,
    currency: str = "EUR",
) -> Adjustment:
    """Write down entries as (account, direction, amount)."""
    prepared = await transact(
        resources.db,
        adjustment_service.prepare,
        viewer=viewer or an_operator(),
        entries=[
            {"account": account, "direction": direction, "amount_minor": minor,
             "currency": currency}
            for account, direction, minor in entries
        ],
        reason="for a test",
        key=a_key(key),
        kept_for=resources.policy.idempotency_kept_for,
        now=resources.clock.now(),
    )  # fmt: skip
    return prepared.value


async def write_off(
    resources: Resources,
    shop: Shop,
    amount_minor: int,
    *,
    viewer: Viewer | None = None,
    currency: str = "EUR",
) -> Adjustment:
    """Write down that a debt won't be paid."""
    prepared = await transact(
        resources.db,
        adjustment_service.prepare_write_off,
        viewer=viewer or an_operator(),
        seller_id=shop.seller.id,
        amount_minor=amount_minor,
        currency=currency,
        reason="gone",
        key=a_key(),
        kept_for=resources.policy.idempotency_kept_for,
        now=resources.clock.now(),
    )
    return prepared.value


async def approve(
    resources: Resources, adjustment_id: UUID, *, viewer: Viewer | None = None
) -> Adjustment:
    """Let it be booked."""
    return await transact(
        resources.db,
        adjustment_service.approve,
        viewer=viewer or an_operator(),
        adjustment_id=adjustment_id,
        now=resources.clock.now(),
    )


async def holds(connection: Connection, shop: Shop) -> list[tuple[int, int, int]]:
    """What was kept back, taken and released of a shop, in the order of its sales."""
    rows = await connection.fetch(
        "SELECT amount_minor, taken_minor, released_minor FROM reserve_hold"
        " WHERE seller_id = $1 ORDER BY id",
        shop.seller.id,
    )
    return [tuple(row) for row in rows]
