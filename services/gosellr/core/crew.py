"""The web processes of a host: how busy each is, and which of them serves whoever comes next.

One process that does everything does it with less than two that do half of it each: what it needs
stays in the processor's caches, each of its turns does more, and more orders are written by one
statement. Two do more only where one fills its processor. So the first that has room serves whoever
comes, and one that is full hands some of its callers on.

How busy each is stands in a file that all have in their memory. A place in it is held by a lock,
which the kernel drops when its process dies.
"""

import fcntl
import mmap
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import structlog

from gosellr.core.shared_file import open_shared

PLACES = 64
# Of one processor. Beyond, whoever comes waits for about two others at each turn.
FULL = 0.8
# With less, a process takes in who is handed on without being filled by them.
ROOMY = 0.6
# Who hasn't told for as long is dead, or does something long.
_SILENT_SECONDS = 1.0
_NUMBERS_EACH = 2
_NUMBER_BYTES = 8

_log = structlog.get_logger("gosellr.crew")


class _Place(NamedTuple):
    number: int
    use: float


class Crew:
    """One process among those that serve the same address."""

    def __init__(
        self,
        memory: "mmap.mmap | bytearray",
        *,
        place: int,
        descriptor: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._memory = memory
        self._numbers = memoryview(memory).cast("d")
        self._place = place
        self._descriptor = descriptor
        self._clock = clock

    @classmethod
    def joined(cls, path: Path) -> "Crew":
        """Take the first free place in this file, which is made where it is missing.

        Where that can't be, the process serves whoever it can get, as if it were alone.
        """
        try:
            return _joined(path)
        except OSError as error:
            _log.warning("crew not joined", path=str(path), error=str(error))
            return cls.alone()

    @classmethod
    def alone(cls) -> "Crew":
        """A crew of one."""
        return cls(bytearray(_NUMBERS_EACH * _NUMBER_BYTES), place=0)

    def tell(self, use: float) -> None:
        """How much of one processor this process used of late: 0 to 1."""
        self._write(use, self._clock())

    def leave(self) -> None:
        """Count no more: nobody waits for this process to serve anybody."""
        self._write(0.0, 0.0)

    def is_next(self) -> bool:
        """Whether whoever comes now is this process's: it is the first that has room, or none has.

        One that hasn't told yet has room.
        """
        for place in self._others():
            if place.number > self._place:
                break
            if place.use < FULL:
                return False
        return self._use < FULL or all(place.use >= FULL for place in self._others())

    def is_relieved(self) -> bool:
        """Whether this process is full and another one has a lot of room."""
        return self._use >= FULL and any(place.use < ROOMY for place in self._others())

    def close(self) -> None:
        """Give the place back."""
        self.leave()
        self._numbers.release()
        if isinstance(self._memory, mmap.mmap):
            self._memory.close()
        if self._descriptor is not None:
            os.close(self._descriptor)

    @property
    def _use(self) -> float:
        return self._numbers[self._place * _NUMBERS_EACH]

    def _others(self) -> Iterator[_Place]:
        """The other processes that live, in the order of their places."""
        now = self._clock()
        for number in range(len(self._numbers) // _NUMBERS_EACH):
            use, told_at = self._numbers[number * _NUMBERS_EACH : (number + 1) * _NUMBERS_EACH]
            # What was told before the machine was started anew may lie in the future.
            if number != self._place and 0 <= now - told_at < _SILENT_SECONDS:
                yield _Place(number, use)

    def _write(self, use: float, told_at: float) -> None:
        # Each is one aligned store of eight bytes, which is seen whole or not at all.
        at = self._place * _NUMBERS_EACH
        self._numbers[at] = use
        self._numbers[at + 1] = told_at


def _joined(path: Path) -> Crew:
    size = PLACES * _NUMBERS_EACH * _NUMBER_BYTES
    descriptor = open_shared(path, size=size)
    try:
        place = _take_place(descriptor)
        crew = Crew(mmap.mmap(descriptor, size), place=place, descriptor=descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    crew.leave()
    return crew


def _take_place(descriptor: int) -> int:
    for place in range(PLACES):
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except BlockingIOError:
            continue
        except PermissionError:  # As some systems say it.
            continue
        return place
    raise OSError(f"all {PLACES} places are taken")
