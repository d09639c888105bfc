"""Payouts of all who may be paid, opened by one person's word; the sweeper sends them."""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from gosellr.core.transact import ask, transact
from gosellr.flows.payouts import PayoutPowers, cut_off
from gosellr.models.payout_values import PayoutTotal
from gosellr.services import payout_questions, payout_service
from gosellr.services.idempotency_service import EarlierRequest, RequestKey
from gosellr.services.payout_opening import Opened, Skipped
from gosellr.utils.lazy_dataclasses import dataclass
from gosellr.utils.viewer import Viewer

_BATCH_PAGE = 100
BATCH_SELLERS_MAX = 1_000
BROKEN: Final = "payout_broken"
"""Why a seller is passed over whose money or settings contradict themselves: the log says how."""

_log = logging.getLogger("gosellr.flows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a batch opened, whom it passed over, and whether there are sellers left."""

    id: UUID
    totals: Sequence[PayoutTotal] = ()
    skipped: Sequence[Skipped] = ()
    more: bool = False


async def run_batch(
    powers: PayoutPowers,
    *,
    viewer: Viewer,
    currency: str | None,
    key: RequestKey,
    sellers_max: int = BATCH_SELLERS_MAX,
) -> Batch | EarlierRequest:
    """Pay every seller who may be paid, whatever their schedules; the sweeper sends.

    Asked again after it was cut off, it goes on: whoever was paid has nothing left to claim.

    Raises:
        IdempotencyInProgress, and what `payout_service.begin_batch` raises.
    """
    begun = await transact(
        powers.db,
        payout_service.begin_batch,
        viewer=viewer,
        key=key,
        policy=powers.policy,
        now=powers.now(),
    )
    if isinstance(begun, EarlierRequest):
        if begun.status is not None:
            return begun
        begun = cut_off(powers, begun)
    skipped, more = await _open_batch(
        powers, viewer=viewer, batch_id=begun, currency=currency, sellers_max=sellers_max
    )
    totals = await ask(powers.db, payout_questions.batch_totals, batch_id=begun)
    return Batch(id=begun, totals=totals, skipped=skipped, more=more)


async def _open_batch(
    powers: PayoutPowers,
    *,
    viewer: Viewer,
    batch_id: UUID,
    currency: str | None,
    sellers_max: int,
) -> tuple[list[Skipped], bool]:
    """Seller by seller, each in a transaction of its own; says whom it passed over, and whether
    there are more."""
    skipped: list[Skipped] = []
    after, left = UUID(int=0), sellers_max
    while page := await ask(
        powers.db,
        payout_service.payable_sellers,
        after=after,
        currency=currency,
        limit=_BATCH_PAGE,
    ):
        for seller_id in page:
            if not left:
                return skipped, True
            opened, passed = await _of_one(
                powers, viewer=viewer, seller_id=seller_id, batch_id=batch_id, currency=currency
            )
            skipped += passed
            # Who is passed over stays, and would keep those behind from ever being reached.
            left -= bool(opened)
        after = page[-1]
    return skipped, False


async def _of_one(
    powers: PayoutPowers,
    *,
    viewer: Viewer,
    seller_id: UUID,
    batch_id: UUID,
    currency: str | None,
) -> tuple[Sequence[Opened], Sequence[Skipped]]:
    """A seller's payouts, and what of it was passed over. What breaks with one concerns it alone:
    it is logged, and the others are paid."""
    try:
        return await transact(
            powers.db,
            payout_service.open_in_batch,
            viewer=viewer,
            seller_id=seller_id,
            batch_id=batch_id,
            currency=currency,
            policy=powers.policy,
            now=powers.now(),
        )
    except Exception:  # noqa: BLE001  (whatever it was, the others go on)
        _log.exception("paying a seller in a batch failed for %s", seller_id)
        return [], [Skipped(seller_id, currency, BROKEN)]
