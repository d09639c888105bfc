"""Generations: what tells every process of a host that something it keeps has changed.

A name stands for something that may change. Whoever keeps an answer made of it remembers the
name's generation, read before the answer was made; whoever changes it gives the name another
generation once that is committed. A kept answer is good while its generations are.

The generations are a file that all processes of the host have in their memory, so asking for one
is a read of eight bytes. Names share its slots by their hash: two that meet cost a needless
miss, never a stale answer.
"""

import mmap
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from secrets import randbits
from zlib import crc32

import structlog

from gosellr.core.shared_file import open_shared

SLOTS = 65_536
_BYTES = 8 * SLOTS

_log = structlog.get_logger("gosellr.generations")

_touched: ContextVar[set[str] | None] = ContextVar("touched", default=None)


def slot_of(name: str) -> int:
    """Where a name's generation stands: the same in every process, unlike Python's own hash."""
    return crc32(name.encode()) % SLOTS


def touch(names: Iterable[str]) -> None:
    """Note what the running command changes; it is told when the command has committed."""
    touched = _touched.get()
    if touched is not None:
        touched.update(names)


@contextmanager
def touching() -> Iterator[set[str]]:
    """Collect what is touched inside, apart from what was touched before."""
    touched: set[str] = set()
    token = _touched.set(touched)
    try:
        yield touched
    finally:
        _touched.reset(token)


class Generations:
    """The generations of one host, or of one process where they can't be shared."""

    def __init__(self, memory: "mmap.mmap | bytearray") -> None:
        self._memory = memory
        self.values = memoryview(memory).cast("Q")

    @classmethod
    def shared(cls, path: Path) -> "Generations":
        """Those in this file, which is made where it is missing.

        Where that can't be, changes reach the other processes of the host as they reach other
        hosts: a little later.
        """
        try:
            return cls(_map(path))
        except OSError as error:
            _log.warning("generations not shared", path=str(path), error=str(error))
            return cls.alone()

    @classmethod
    def alone(cls) -> "Generations":
        """Those of a process that shares them with nobody."""
        return cls(bytearray(_BYTES))

    def of(self, slots: Sequence[int]) -> tuple[int, ...]:
        """The generations in these slots."""
        values = self.values
        return tuple(values[slot] for slot in slots)

    def bump(self, names: Iterable[str]) -> None:
        """Give each name a generation that it never had.

        A random number and not the next one: nothing is read, so two processes at once can't
        both make three out of two, and the one aligned store of eight bytes is seen whole or not
        at all.
        """
        for name in names:
            self.values[slot_of(name)] = randbits(64)

    def close(self) -> None:
        """Let go of the file."""
        self.values.release()
        if isinstance(self._memory, mmap.mmap):
            self._memory.close()


def _map(path: Path) -> mmap.mmap:
    descriptor = open_shared(path, size=_BYTES)
    try:
        return mmap.mmap(descriptor, _BYTES)
    finally:
        os.close(descriptor)
