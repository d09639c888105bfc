"""Asking sellers who they are to the tax authorities, a batch at a time, whenever the clock says.

Each step is a transaction of its own: cut off anywhere, the next run goes on.
"""

from typing import Final

from gosellr.core.transact import ask, transact
from gosellr.flows.one_by_one import one_by_one
from gosellr.flows.payouts import PayoutPowers
from gosellr.services import tax_request_service
from gosellr.utils.tax_requests import RequestMode

_AT_ONCE: Final = 200
_BATCHES_MAX: Final = 50


async def ask_sellers(powers: PayoutPowers, *, mode: RequestMode) -> None:
    """Ask, remind, and withhold what is due; where the market withholds nothing (any more), let
    go what was withheld.

    A step follows the one before by days, so one run takes each seller one step further at most.
    """
    if mode is RequestMode.WITHHOLD:
        await _withhold(powers)
    else:
        await _stop(powers)
    if mode is RequestMode.OFF:
        return
    for step in (tax_request_service.remind, tax_request_service.ask):
        for _ in range(_BATCHES_MAX):
            told = await transact(
                powers.db,
                step,
                withholds=mode is RequestMode.WITHHOLD,
                limit=_AT_ONCE,
                now=powers.now(),
            )
            if told < _AT_ONCE:
                break


async def _withhold(powers: PayoutPowers) -> None:
    for _ in range(_BATCHES_MAX):
        due = await ask(
            powers.db, tax_request_service.due_to_withhold, limit=_AT_ONCE, now=powers.now()
        )
        done = await one_by_one(
            due,
            lambda seller_id: transact(
                powers.db, tax_request_service.withhold, seller_id=seller_id, now=powers.now()
            ),
            story="withholding payouts",
        )
        if len(due) < _AT_ONCE or not done:
            break


async def _stop(powers: PayoutPowers) -> None:
    for _ in range(_BATCHES_MAX):
        withheld = await ask(powers.db, tax_request_service.withheld, limit=_AT_ONCE)
        done = await one_by_one(
            withheld,
            lambda seller_id: transact(
                powers.db, tax_request_service.stop, seller_id=seller_id, now=powers.now()
            ),
            story="letting withheld payouts go",
        )
        if len(withheld) < _AT_ONCE or not done:
            break
