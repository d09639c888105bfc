"""What the clock starts: each calls one service or flow, and may run twice."""

from gosellr.core.transact import transact
from gosellr.flows import payments
from gosellr.resources import Resources
from gosellr.services import (
    idempotency_service,
    job_service,
    ledger_upkeep_service,
    rate_limit_service,
)


async def resume_payments(resources: Resources) -> None:
    """Ask the gateways after every attempt whose time has come."""
    await payments.resume_due(
        db=resources.db,
        gateways=resources.gateways,
        clock=resources.clock,
        policy=resources.policy,
    )


async def expire_holds(resources: Resources) -> None:
    """End the orders that were not paid in time."""
    await payments.expire_due(
        db=resources.db,
        gateways=resources.gateways,
        clock=resources.clock,
        policy=resources.policy,
    )


async def seal_ledger(resources: Resources) -> None:
    """Seal what the journal has settled, batch by batch."""
    now = resources.clock.now()
    while await transact(resources.db, ledger_upkeep_service.seal, now=now):
        pass


async def roll_up_ledger(resources: Resources) -> None:
    """Bring the rolled-up balances closer to now, batch by batch."""
    while await transact(resources.db, ledger_upkeep_service.roll_up):
        pass


async def sweep_idempotency_keys(resources: Resources) -> None:
    """Drop idempotency keys past their time."""
    await transact(resources.db, idempotency_service.forget_expired, now=resources.clock.now())


async def sweep_rate_windows(resources: Resources) -> None:
    """Drop counters of rate windows that have passed."""
    await transact(resources.db, rate_limit_service.forget_expired, now=resources.clock.now())


async def sweep_job_failures(resources: Resources) -> None:
    """Forget the failures of jobs that succeeded in the end."""
    await transact(resources.db, job_service.sweep_job_failures)
