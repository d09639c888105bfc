"""The one table of work that the clock starts.

Each entry is queued by one worker of them all, and never runs twice at the same time.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from gosellr.jobs import audit, documents, letters, upkeep
from gosellr.resources import Resources
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that is done again and again. `name` stands in the queue: never rename it."""

    name: str
    every: timedelta
    run: Callable[[Resources], Awaitable[object]]

    @property
    def task(self) -> str:
        """What the queue calls it."""
        return f"periodic.{self.name}"


SCHEDULE: Sequence[Periodic] = (
    Periodic("resume_payments", timedelta(seconds=2), upkeep.resume_payments),
    Periodic("resume_captures", timedelta(seconds=5), upkeep.resume_captures),
    Periodic("watch_authorizations", timedelta(minutes=1), upkeep.watch_authorizations),
    Periodic("deliver_sandbox_reports", timedelta(seconds=1), upkeep.deliver_sandbox_reports),
    Periodic("apply_parked_reports", timedelta(seconds=30), upkeep.apply_parked_reports),
    Periodic("expire_holds", timedelta(seconds=5), upkeep.expire_holds),
    Periodic("resume_refunds", timedelta(seconds=5), upkeep.resume_refunds),
    Periodic("resume_returns", timedelta(seconds=5), upkeep.resume_returns),
    Periodic("resume_labels", timedelta(seconds=30), upkeep.resume_labels),
    Periodic("release_sales", timedelta(minutes=1), upkeep.release_sales),
    Periodic("release_reserves", timedelta(minutes=1), upkeep.release_reserves),
    Periodic("deliver_gift_cards", timedelta(seconds=30), upkeep.deliver_gift_cards),
    Periodic("release_gift_cards", timedelta(minutes=5), upkeep.release_gift_cards),
    Periodic("pay_scheduled", timedelta(minutes=1), upkeep.pay_scheduled),
    Periodic("resume_payouts", timedelta(seconds=5), upkeep.resume_payouts),
    Periodic("read_movements", timedelta(hours=1), upkeep.read_movements),
    Periodic("close_months", timedelta(hours=1), documents.close_months),
    Periodic("ask_tax_identities", timedelta(hours=6), upkeep.ask_tax_identities),
    Periodic("work_off_disputes", timedelta(seconds=30), upkeep.work_off_disputes),
    Periodic("send_dispute_evidence", timedelta(minutes=1), upkeep.send_dispute_evidence),
    Periodic("find_chargebacks", timedelta(hours=1), upkeep.find_chargebacks),
    Periodic("audit_nightly", timedelta(minutes=20), audit.audit_nightly),
    Periodic("roll_up_ledger", timedelta(seconds=5), upkeep.roll_up_ledger),
    Periodic("seal_ledger", timedelta(seconds=10), upkeep.seal_ledger),
    Periodic("refresh_popularity", timedelta(seconds=30), upkeep.refresh_popularity),
    Periodic("count_words", timedelta(hours=1), upkeep.count_words),
    Periodic("gather_stock", timedelta(minutes=1), upkeep.gather_stock),
    Periodic("sweep_idempotency_keys", timedelta(minutes=5), upkeep.sweep_idempotency_keys),
    Periodic("sweep_sessions", timedelta(hours=1), upkeep.sweep_sessions),
    Periodic("sweep_rate_windows", timedelta(minutes=1), upkeep.sweep_rate_windows),
    Periodic("sweep_job_failures", timedelta(hours=1), upkeep.sweep_job_failures),
    Periodic("write_letters", timedelta(seconds=5), letters.write_letters),
    Periodic("send_letters", timedelta(seconds=letters.SENDING_SECONDS), letters.send_letters),
    Periodic("remind_of_deadlines", timedelta(minutes=5), letters.remind_of_deadlines),
    Periodic("sweep_letters", timedelta(hours=1), letters.sweep_letters),
)


def intervals_by_task(schedule: Sequence[Periodic]) -> dict[str, timedelta]:
    """The table as the scheduler needs it: names and intervals only."""
    return {entry.task: entry.every for entry in schedule}
