"""Finished answers kept in the memory of a process, each until something it was made of changes.

What changes is told in two ways. Processes of this host change the generations they share, which
is seen at once. What others changed is heard of in a moment, by whoever watches for it: the
cache is open only for as long as the watch vouches for it, and forgets all when it stops.
"""

import time
from array import array
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from math import inf
from typing import TypeAlias

from gosellr.core.generations import SLOTS, Generations, slot_of
from gosellr.utils.lazy_dataclasses import dataclass

Key: TypeAlias = tuple[str, bytes]
Headers: TypeAlias = Sequence[tuple[bytes, bytes]]

# What Python needs for an entry beside its body, about.
_ENTRY_BYTES = 1_200
# One answer doesn't push out more than this part of all others.
_SHARE = 16


@dataclass(frozen=True, slots=True)
class Marks:
    """What an answer depends on, as it stood before the answer was made."""

    slots: tuple[int, ...]
    shared: tuple[int, ...]
    heard: tuple[int, ...]
    era: int


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """A finished answer: its body and tag, and the headers with and without the body."""

    body: bytes
    tag: bytes
    headers: Headers
    headers_unchanged: Headers


class _Entry:
    __slots__ = ("answer", "good_until", "marks", "size")

    def __init__(self, answer: KeptAnswer, marks: Marks, good_until: float, size: int) -> None:
        self.answer = answer
        self.marks = marks
        self.good_until = good_until
        self.size = size


class ByteCache:
    """Answers by their address, as many as fit; those asked for longest ago go first."""

    def __init__(self, generations: Generations, *, bytes_max: int) -> None:
        self._generations = generations
        self._bytes_max = bytes_max
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self._size = 0
        self._open_until = 0.0
        # Counts what was heard of from elsewhere. It is this process's own: were it shared, each
        # process that hears of one change would make all others miss once more.
        self._heard = array("Q", bytes(8 * SLOTS)) if bytes_max else array("Q")
        self._era = 0

    @property
    def is_wanted(self) -> bool:
        """Whether there is room for anything at all."""
        return self._bytes_max > 0

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._size

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, key: Key) -> KeptAnswer | None:
        """The answer that is kept for this address, if it is still good."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = time.monotonic()
        if now >= self._open_until:
            return None
        marks = entry.marks
        values, heard = self._generations.values, self._heard
        for slot, shared, known in zip(marks.slots, marks.shared, marks.heard, strict=True):
            if values[slot] != shared or heard[slot] != known:
                self._drop(key)
                return None
        if now >= entry.good_until:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return entry.answer

    def begin(self, names: Iterable[str]) -> Marks | None:
        """Note how these names stand now, before the database is asked; None while closed."""
        if time.monotonic() >= self._open_until:
            return None
        slots = tuple(map(slot_of, names))
        heard = self._heard
        return Marks(
            slots, self._generations.of(slots), tuple(heard[slot] for slot in slots), self._era
        )

    def keep(
        self, key: Key, answer: KeptAnswer, *, marks: Marks, seconds: float | None = None
    ) -> None:
        """Keep an answer that was made after `marks` were noted, for so long at most."""
        size = len(answer.body) + len(key[0]) + len(key[1]) + _ENTRY_BYTES
        if marks.era != self._era or size * _SHARE > self._bytes_max:
            return
        if key in self._entries:
            self._drop(key)
        good_until = inf if seconds is None else time.monotonic() + seconds
        self._entries[key] = _Entry(answer, marks, good_until, size)
        self._size += size
        while self._size > self._bytes_max:
            self._size -= self._entries.popitem(last=False)[1].size

    def hear(self, names: Iterable[str]) -> None:
        """Take note that these names changed elsewhere."""
        for name in names:
            self._heard[slot_of(name)] += 1

    def vouch(self, *, until: float) -> None:
        """Let answers be given up to this moment of the monotonic clock."""
        self._open_until = until if self.is_wanted else 0.0

    def clear(self) -> None:
        """Forget everything, and what is being made at this moment."""
        self._era += 1
        self._entries.clear()
        self._size = 0

    def shut(self) -> None:
        """Forget everything, and keep nothing until somebody vouches again."""
        self._open_until = 0.0
        self.clear()

    def _drop(self, key: Key) -> None:
        self._size -= self._entries.pop(key).size
