"""Time as a resource: asked at the door, handed down as a value."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Says what time it is, in UTC."""

    def now(self) -> datetime:
        """The current moment, timezone-aware."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The current moment, timezone-aware."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told to: for history, simulation and tests."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._at

    def set(self, at: datetime) -> None:
        """Jump to a moment."""
        self._at = at

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self._at += by
