"""One SQLite file that several processes write at once: the memory of the shipped twins.

A write is one short `BEGIN IMMEDIATE` transaction in WAL mode with `synchronous=NORMAL`. Measured
at about 15 µs it is cheaper than the 50–90 µs of a hop to a thread, so it runs on the caller's own
thread. Only a lock held by another process makes a caller wait, and it waits in the event loop,
never inside SQLite. A commit survives the death of every process; the last commits before a power
cut may be missing, but the file is never torn.
"""

import asyncio
import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Answer = TypeVar("Answer")
Work = Callable[[sqlite3.Connection], Answer]

_FIRST_PAUSE_SECONDS = 0.0005
_LONGEST_PAUSE_SECONDS = 0.01

# A connection inherited through fork may be neither used nor closed (closing could fold the WAL
# under the parent's feet), so such connections are kept here, untouched, until the process ends.
_inherited: list[sqlite3.Connection] = []


class FileBusy(TimeoutError):
    """Another process held the file for the whole time limit; nothing was written."""


class SqliteFile:
    """Opens `path` on first use, once per process, and applies `schema` (idempotent statements)."""

    def __init__(self, path: Path, *, schema: tuple[str, ...], timeout_seconds: float) -> None:
        self.path = path
        self._schema = schema
        self._timeout_seconds = timeout_seconds
        self._connection: sqlite3.Connection | None = None
        self._process_id = 0
        self._lock = threading.Lock()

    async def write(self, work: Work[Answer]) -> Answer:
        """Runs `work` in one write transaction; raises `FileBusy` when its turn never comes."""
        return await self._patiently(lambda: self._write_once(work))

    async def read(self, work: Work[Answer]) -> Answer:
        """Runs `work` outside a write transaction; readers don't wait for writers."""
        return await self._patiently(lambda: self._read_once(work))

    def write_now(self, work: Work[Answer]) -> Answer:
        """`write` for start-up, where no event loop runs yet: it blocks while it waits."""
        deadline = time.monotonic() + self._timeout_seconds
        while True:
            try:
                return self._write_once(work)
            except sqlite3.OperationalError as error:
                self._give_up(error, deadline)
            time.sleep(_LONGEST_PAUSE_SECONDS)

    def close(self) -> None:
        """Closes this process's connection; the next call would open a new one."""
        with self._lock:
            if self._connection is not None and self._process_id == os.getpid():
                self._connection.close()
            self._connection = None

    async def _patiently(self, once: Callable[[], Answer]) -> Answer:
        deadline = time.monotonic() + self._timeout_seconds
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return once()
            except sqlite3.OperationalError as error:
                self._give_up(error, deadline)
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(pause_seconds * 2, _LONGEST_PAUSE_SECONDS)

    def _give_up(self, error: sqlite3.OperationalError, deadline: float) -> None:
        """Raises what can't be mended by waiting; extended codes carry the plain one in 8 bits."""
        if error.sqlite_errorcode & 0xFF not in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            raise error
        if time.monotonic() >= deadline:
            raise FileBusy(str(self.path)) from error

    def _write_once(self, work: Work[Answer]) -> Answer:
        with self._lock:
            connection = self._connected()
            connection.execute("BEGIN IMMEDIATE")
            try:
                answer = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise
            return answer

    def _read_once(self, work: Work[Answer]) -> Answer:
        with self._lock:
            return work(self._connected())

    def _connected(self) -> sqlite3.Connection:
        if self._connection is not None and self._process_id == os.getpid():
            return self._connection
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None
        connection = self._open()
        self._connection, self._process_id = connection, os.getpid()
        return connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Born private: the -wal and -shm files take over the mode of the main file. One that is
        # there isn't opened here, for closing it again would drop all locks that this process has
        # on it by another connection: somebody else then takes the file for nobody's, throws its
        # -wal away, and what that connection writes from then on is lost.
        with contextlib.suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, timeout=0
        )
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("BEGIN IMMEDIATE")
            for statement in self._schema:
                connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection
