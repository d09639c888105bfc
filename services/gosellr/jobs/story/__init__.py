"""A story that follows every cent: a few orders, and all that can happen to their money.

It is played by the flows and services that everybody else uses, in a market of its own or, by the
demo, in the demo's own past; what it tells is read from that market. Two figures that should be one
and aren't end it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gosellr.core.clock import ManualClock
from gosellr.jobs.story import books, month, opening, quarrels, sales
from gosellr.jobs.story.books import Division
from gosellr.jobs.story.pen import Pen
from gosellr.jobs.story.stage import Stage
from gosellr.resources import Resources
from gosellr.services.audit_service import Finding
from gosellr.services.statement_service import SellerBalance
from gosellr.utils.lazy_dataclasses import dataclass

BEGINS_AT: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How it ended: what sellers have by name, all accounts by kind, whose the money is."""

    balances: Mapping[str, SellerBalance]
    trial_balance: Mapping[str, int]
    divisions: Sequence[Division]
    findings: Sequence[Finding]


async def tell(
    resources: Resources, *, clock: ManualClock, pen: Pen, papers: Path | None = None
) -> Ending:
    """Tell it in an empty market that goes by `clock`. Its papers are written to `papers`.

    Raises:
        month.Differs: two figures aren't the same.
    """
    stage = Stage(resources, clock=clock, pen=pen)
    await opening.open_market(stage)
    return await play(stage, papers=papers)


async def play(stage: Stage, *, papers: Path | None = None) -> Ending:
    """Chapters 2 to 9, by the people and goods that are on the stage already.

    They take 28 to 30 days and the first day of the next month, and have to begin early enough in
    a month for that: the papers of one month are all that is looked at.

    Raises:
        month.Differs: two figures aren't the same.
    """
    await sales.one_order(stage)
    await sales.a_part_is_cancelled(stage)
    await sales.paid_out_and_refunded(stage)
    await quarrels.a_case(stage)
    await quarrels.a_chargeback(stage)
    await month.the_month_closes(stage, papers=papers)
    await month.reconciled(stage)
    await books.explained(stage)
    trial_balance = await books.trial_balance(stage)
    await stage.show_balances("What each seller has in the end", list(stage.shops.values()))
    divisions = await books.divided(stage)
    findings = await books.audited(stage)
    return Ending(
        balances={shop.name: await stage.balance(shop) for shop in stage.shops.values()},
        trial_balance=trial_balance,
        divisions=divisions,
        findings=findings,
    )
