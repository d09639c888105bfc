"""Hearing what was changed elsewhere: the outbox is asked, several times a second.

The cache is vouched for until a second after a look began, so what was committed anywhere is
given out nowhere more than a second later: not even by a process whose watch has come to a halt.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from gosellr.core.byte_cache import ByteCache
from gosellr.core.db import Connection, Database
from gosellr.core.transact import ask
from gosellr.services import event_service

LOOK_SECONDS = 0.3
GOOD_SECONDS = 1.0
_PATIENCE_SECONDS = 5.0
_PAUSE_SECONDS = 1.0

_log = structlog.get_logger("gosellr.watch")


async def watch_catalogue(
    cache: ByteCache,
    *,
    connect: Callable[[], Awaitable[Database]],
    look_seconds: float = LOOK_SECONDS,
) -> None:
    """Tell the cache what others change, until cancelled.

    The connection is its own: were it to wait for one in a rush, the cache would shut when it is
    needed most. Whenever it is lost the cache forgets all, because nobody knows what was missed.
    """
    failures = 0
    while True:
        try:
            db = await connect()
            try:
                await ask(db, _look_on, cache=cache, look_seconds=look_seconds)
            finally:
                cache.shut()
                await db.close()
        except Exception as error:  # noqa: BLE001 - whatever it was, the watch goes on
            failures += 1
            _log.warning("catalogue not watched", failures=failures, error=repr(error))
        await asyncio.sleep(_PAUSE_SECONDS)


async def _look_on(connection: Connection, *, cache: ByteCache, look_seconds: float) -> None:
    """Look again and again over one connection, until it is lost."""
    snapshot: str | None = None
    while True:
        began = time.monotonic()
        async with asyncio.timeout(_PATIENCE_SECONDS):
            news = await event_service.catalogue_news(connection, since=snapshot)
        if news.names is None:
            cache.clear()
        else:
            cache.hear(news.names)
        snapshot = news.snapshot
        cache.vouch(until=began + GOOD_SECONDS)
        await asyncio.sleep(look_seconds)
