"""How fast a queue moves: how long whoever comes now will wait, known before anybody has waited."""

import time
from collections.abc import Callable
from math import exp

# What happened longer ago than this counts little: about as long as anybody should wait. One
# departure never counts as slower, so that a queue that stood still is soon believed again.
_REMEMBERED_SECONDS = 0.5


class Pace:
    """The pace of one queue: departures by the seconds in which somebody stood in it.

    Both fade with time at the same rate (an exponentially weighted average), so that many who leave
    in one moment and none for a while after them make one even pace.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left = 0.0
        self._seconds = 0.0
        self._since = 0.0

    def begin(self) -> None:
        """Somebody comes to an empty queue: what went before is no time of waiting.

        A queue that has been empty for long has no pace.
        """
        now = self._clock()
        if now - self._since > _REMEMBERED_SECONDS:
            self._left = self._seconds = 0.0
        self._since = now

    def depart(self, number: int) -> None:
        """So many leave the queue because it is their turn."""
        now = self._clock()
        passed = now - self._since
        kept = exp(-passed / _REMEMBERED_SECONDS)
        self._left = self._left * kept + number
        self._seconds = self._seconds * kept + min(passed, _REMEMBERED_SECONDS)
        self._since = now

    def wait_of(self, length: int) -> float:
        """For how many seconds whoever comes behind so many will wait; 0 where nobody knows."""
        return length * self._seconds / self._left if self._left else 0.0
