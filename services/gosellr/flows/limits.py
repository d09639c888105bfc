"""Limits that every face of the market counts together: whoever knocks at two doors is one."""

from collections.abc import Sequence
from datetime import datetime

from gosellr.core.db import Database
from gosellr.core.errors import TooManyRequests
from gosellr.core.rate_limit import RateLimit, Usage
from gosellr.core.transact import transact
from gosellr.services import rate_limit_service

REGISTER_PER_ADDRESS = RateLimit("register", 20, 3600)
LOGIN_PER_ADDRESS = RateLimit("login", 60, 300)
LOGIN_PER_ACCOUNT = RateLimit("login-account", 10, 900)
# All of them together: a password costs a core for a quarter of a second.
LOGIN_ALTOGETHER = RateLimit("login-all", 600, 60)

EVERYBODY = "everybody"


async def count_knock(
    db: Database, *, subjects: Sequence[tuple[RateLimit, str]], now: datetime
) -> list[Usage]:
    """Count one attempt against each limit, with who or what it is counted for.

    Counting is a transaction of its own, before anything else is done, so that what fails counts.
    """
    return list(await transact(db, rate_limit_service.count, subjects=subjects, now=now))


def refuse_excess(usages: Sequence[Usage]) -> None:
    """Let pass unless a limit is exceeded.

    Raises:
        TooManyRequests: `Retry-After` says when that has passed.
    """
    exceeded = [usage.seconds_left for usage in usages if usage.is_exceeded]
    if exceeded:
        raise TooManyRequests(
            "Wait a little before you try this again", retry_after_seconds=max(exceeded)
        )
