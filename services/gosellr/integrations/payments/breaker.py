"""A fuse before a provider that is down: whoever comes next learns so at once, without waiting."""

from datetime import datetime, timedelta

from gosellr.core.clock import Clock


class CircuitBreaker:
    """Opens after so many failures in a row, and lets one caller try again after a pause."""

    def __init__(
        self,
        clock: Clock,
        *,
        failures_max: int = 5,
        pause: timedelta = timedelta(seconds=10),
    ) -> None:
        self._clock = clock
        self._failures_max = failures_max
        self._pause = pause
        self._failures = 0
        self._open_until: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether whoever comes at this moment is sent away; asking lets nobody through."""
        return self._open_until is not None and self._clock.now() < self._open_until

    def lets_through(self) -> bool:
        """Whether this caller may go; who may after a pause keeps the others waiting."""
        if self._open_until is None:
            return True
        if self.is_open:
            return False
        self._open_until = self._clock.now() + self._pause
        return True

    def succeeded(self) -> None:
        """The provider answered, whatever it said."""
        self._failures = 0
        self._open_until = None

    def failed(self) -> bool:
        """It didn't; whether the fuse has blown by that."""
        self._failures += 1
        if self._failures < self._failures_max:
            return False
        self._open_until = self._clock.now() + self._pause
        return True
