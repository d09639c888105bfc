"""How often somebody may do something."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Connection
from gosellr.core.rate_limit import RateLimit, Usage, window_at
from gosellr.queries import rate_limits


async def count(
    connection: Connection,
    *,
    subjects: Sequence[tuple[RateLimit, str]],
    now: datetime,
    weight: int = 1,
) -> list[Usage]:
    """Count an attempt of some weight against every limit, each with its subject.

    Runs in a transaction of its own, before the attempt: what fails must count as well.
    """
    windows = [window_at(limit, subject=subject, now=now) for limit, subject in subjects]
    return await rate_limits.count_hits(connection, windows, weight=weight)


async def forget_expired(connection: Connection, *, now: datetime, limit: int = 5000) -> None:
    """Delete windows that have passed, some at a time."""
    await rate_limits.forget_expired(connection, now=now, limit=limit)
