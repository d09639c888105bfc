"""What one process holds: database, gateways, clock and keys, put together once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from gosellr.config import Settings
from gosellr.core.clock import Clock, SystemClock
from gosellr.core.db import Database
from gosellr.integrations.payments.port import PaymentGateway
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.migrations.run import current_revision, head_revision


@dataclass(frozen=True, slots=True)
class Resources:
    """The powers of a process. Doors reach for them; services never do."""

    settings: Settings
    db: Database
    clock: Clock
    gateways: Mapping[str, PaymentGateway]

    async def readiness(self) -> dict[str, str]:
        """What must work before traffic may come: each check says "ok" or what is wrong."""
        async with self.db.connection() as connection:
            revision = await current_revision(connection)
        return {
            "database": "ok",
            "migrations": "ok" if revision == head_revision() else f"at {revision}",
        }


def build_gateways(settings: Settings) -> dict[str, PaymentGateway]:
    """The payment gateways that this configuration offers, by name."""
    gateways: dict[str, PaymentGateway] = {}
    if settings.sandbox_enabled:
        gateways["sandbox"] = SandboxGateway(
            settings.home,
            production=settings.is_production,
            allowed_in_production=settings.allow_sandbox_in_production,
        )
    return gateways


@asynccontextmanager
async def open_resources(settings: Settings) -> AsyncIterator[Resources]:
    """Open everything a process needs, and close it again."""
    db = await Database.connect(settings.database_url, statement_cache=settings.statement_cache)
    try:
        yield Resources(
            settings=settings, db=db, clock=SystemClock(), gateways=build_gateways(settings)
        )
    finally:
        await db.close()
