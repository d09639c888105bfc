"""What a run of payouts would do, by the same reckoning as the run itself; nothing is written."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from gosellr.core.db import Connection
from gosellr.core.errors import Conflict, NotAllowed
from gosellr.models.payout_values import PayoutTotal
from gosellr.queries import payout_settings, payouts
from gosellr.services import payout_opening, payout_terms, recovery_service
from gosellr.services.payout_opening import PayoutRequest
from gosellr.services.payout_terms import PayoutTerms
from gosellr.services.seller_scope import require_in_seller
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.ledger import seller_available
from gosellr.utils.payouts import PayoutPlan, plan_payout
from gosellr.utils.permissions import Permission
from gosellr.utils.policy import MarketPolicy
from gosellr.utils.viewer import Viewer

_PAGE: Final = 100
PAID: Final = "paid"
AWAITS_APPROVAL: Final = "awaits_approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What a run would do with a seller's money in one currency.

    `outcome` is `paid`, `awaits_approval`, or the code that says why it stays, and `why` the same
    in words. What is available is what would leave, what its debt takes, and what stays.
    """

    seller_id: UUID
    currency: str
    available_minor: int
    outcome: str
    why: str = ""
    recovered_minor: int = 0
    amount_minor: int = 0

    @property
    def left_minor(self) -> int:
        """What stays available."""
        return self.available_minor - self.recovered_minor - self.amount_minor

    @property
    def is_opened(self) -> bool:
        """Whether there would be a payout of it."""
        return self.outcome in {PAID, AWAITS_APPROVAL}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run would do now, seller by seller; with `more`, another run would be needed."""

    sellers: Sequence[Foreseen]
    more: bool

    def totals(self) -> list[PayoutTotal]:
        """What would be opened, in each currency, as the run tells it."""
        opened = [one for one in self.sellers if one.is_opened]
        return [
            PayoutTotal(
                currency,
                sum(one.currency == currency for one in opened),
                sum(one.amount_minor for one in opened if one.currency == currency),
            )
            for currency in sorted({one.currency for one in opened})
        ]


async def foresee(
    connection: Connection,
    *,
    viewer: Viewer,
    currency: str | None,
    sellers_max: int,
    policy: MarketPolicy,
    now: datetime,
) -> Forecast:
    """Say whom a run would pay what, and whose money would stay, and why. Locks nothing.

    Raises:
        NotAllowed: the viewer runs no market.
    """
    if not viewer.is_operator:
        raise NotAllowed
    seen: list[Foreseen] = []
    after, left = UUID(int=0), sellers_max
    while page := await payouts.payable(connection, after=after, currency=currency, limit=_PAGE):
        for seller_id in page:
            if not left:
                return Forecast(seen, more=True)
            found = await _of_seller(
                connection, seller_id=seller_id, currency=currency, policy=policy, now=now
            )
            seen += found
            left -= any(one.is_opened for one in found)
        after = page[-1]
    return Forecast(seen, more=False)


async def plans_of(
    connection: Connection,
    *,
    viewer: Viewer,
    seller_id: UUID,
    available: Mapping[str, int],
    policy: MarketPolicy,
    now: datetime,
) -> dict[str, PayoutPlan]:
    """What would become of what is available if it were paid out now, by currency: for what the
    seller owes, for the seller, and for the next payout. A currency that can't be paid isn't there.
    Locks nothing.

    Raises:
        NotFound, NotAllowed: the seller isn't the viewer's to look at.
    """
    if not viewer.sees_everything:
        require_in_seller(viewer, seller_id=seller_id, permission=Permission.BALANCE_READ)
    destination = await payout_settings.current_destination(connection, seller_id=seller_id)
    method = None if destination is None else destination.method
    plans = {}
    for currency, minor in available.items():
        try:
            step_minor = payout_terms.step_of(currency, method=method, policy=policy)
        except payout_terms.CurrencyNotPaid:
            continue
        debts = await recovery_service.debts_of(
            connection, seller_ids=[seller_id], currency=currency
        )
        due_minor = debts[seller_id].take_at_payout(minor, now=now)
        plans[currency] = plan_payout(
            available_minor=minor, receivable_minor=due_minor, step_minor=step_minor
        )
    return plans


async def _of_seller(
    connection: Connection,
    *,
    seller_id: UUID,
    currency: str | None,
    policy: MarketPolicy,
    now: datetime,
) -> list[Foreseen]:
    held = await payouts.held(connection, account=seller_available(seller_id))
    wanted = {code: minor for code, minor in held.items() if currency in {None, code}}
    try:
        terms = await payout_terms.see(connection, seller_id=seller_id, now=now)
    except Conflict as refusal:
        return [_stays(seller_id, code, minor, refusal) for code, minor in wanted.items()]
    return [
        await _in_currency(
            connection,
            PayoutRequest(seller_id=seller_id, currency=code, origin="batch"),
            available_minor=minor,
            terms=terms,
            policy=policy,
            now=now,
        )
        for code, minor in wanted.items()
    ]


async def _in_currency(
    connection: Connection,
    request: PayoutRequest,
    *,
    available_minor: int,
    terms: PayoutTerms,
    policy: MarketPolicy,
    now: datetime,
) -> Foreseen:
    seller_id, currency = request.seller_id, request.currency
    try:
        await payout_opening.check_open(connection, currency=currency, terms=terms, policy=policy)
        found = await payout_opening.reckon(
            connection,
            request,
            available_minor=available_minor,
            terms=terms,
            policy=policy,
            now=now,
        )
    except payout_opening.NOT_PAID as refusal:
        return _stays(seller_id, currency, available_minor, refusal)
    return Foreseen(
        seller_id=seller_id,
        currency=currency,
        available_minor=available_minor,
        outcome=AWAITS_APPROVAL if found.waits else PAID,
        recovered_minor=found.plan.recovered_minor,
        amount_minor=found.plan.amount_minor,
    )


def _stays(seller_id: UUID, currency: str, minor: int, refusal: Conflict) -> Foreseen:
    return Foreseen(
        seller_id=seller_id,
        currency=currency,
        available_minor=minor,
        outcome=refusal.code,
        why=refusal.detail,
    )
