"""What waits for somebody who runs the market, and what the last audit said."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.models.events import Fact, FactType
from gosellr.queries import outbox, work_queues
from gosellr.queries.work_queues import WaitingWork
from gosellr.services import setting_service
from gosellr.utils.lazy_dataclasses import dataclass

__all__ = ["AuditResult", "WaitingWork", "last_audit", "remember_audit", "waiting"]

# A payout that failed longer ago was tried again, or its seller knows.
_FAILED_FOR: Final = timedelta(days=30)
_LAST_AUDIT: Final = "audit.last"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResult:
    """When the market was audited last, and what was wrong: how many rows, by invariant."""

    at: datetime
    findings: Mapping[str, int]


async def waiting(connection: Connection, *, now: datetime) -> list[WaitingWork]:
    """How much of each kind waits."""
    return await work_queues.waiting(connection, failed_since=now - _FAILED_FOR)


async def last_audit(connection: Connection) -> AuditResult | None:
    """What the last audit said; None where there never was one."""
    document = await setting_service.recall(connection, key=_LAST_AUDIT)
    if document is None:
        return None
    return AuditResult(
        at=datetime.fromisoformat(document["at"]),
        findings={str(name): int(rows) for name, rows in document["findings"].items()},
    )


async def remember_audit(
    connection: Connection, *, result: AuditResult, tells: bool = False
) -> None:
    """Keep what an audit said, in place of the one before.

    With `tells`, what was found is a fact as well, because nobody looks on.
    """
    document = {"at": result.at.isoformat(), "findings": dict(result.findings)}
    await setting_service.remember(connection, key=_LAST_AUDIT, document=document)
    if tells and result.findings:
        fact = Fact(FactType.AUDIT_FOUND, new_id(), document)
        await outbox.append(connection, [fact], now=result.at)
