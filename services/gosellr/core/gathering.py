"""Commands or questions of one kind that come at the same time, run together: while one statement
is under way, whoever comes waits for the next, which takes all of them.

A statement costs as much again for itself as for an order that it writes, and so does a commit.
Where one command comes at a time, it is run at once and alone, and nothing is waited for.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from typing import Generic, Protocol, TypeVar, cast

import asyncpg

from gosellr.core.pace import Pace
from gosellr.utils.lazy_dataclasses import dataclass

# One that has been under way for longer waits for somebody's lock: others begin beside it.
_LATE_SECONDS = 0.06
_SIDE_BY_SIDE_MAX = 3
# Whoever was answered in the same turn of the loop comes on within as many, and one more, in which
# the task begins. Where nobody else is about, turns cost nothing; where many are, one that didn't
# wait would take fewer along.
_TURNS_FOR_COMPANY = 2


class NotTogether(Exception):
    """A statement for several was refused, and nothing was written: each has to be run alone."""


class Command(Protocol):
    """What is run together with others: it writes, or only asks."""

    @property
    def shares_with_none(self) -> Collection[Hashable]:
        """What no other command of the same statement may have to do with."""


C = TypeVar("C", bound=Command)
R = TypeVar("R")


@dataclass(slots=True)
class _Place(Generic[C, R]):
    command: C
    answer: "asyncio.Future[R]"
    since: float


class Gathering(Generic[C, R]):
    """Those who wait for the next statement, and the statements under way."""

    def __init__(
        self, run: Callable[[Sequence[C]], Awaitable[Sequence[R]]], *, together_max: int
    ) -> None:
        self._run = run
        self._together_max = together_max
        self._waiting: deque[_Place[C, R]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()
        self._late: set[asyncio.Task[None]] = set()
        # How many are in the statements under way.
        self._inside = 0
        self._pace = Pace()

    async def join(self, command: C) -> R:
        """Have a command run with those who come in the meantime; gives what it gives.

        Raises what the command raises when it is run alone.
        """
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        if not (self._waiting or self._inside):
            self._pace.begin()
        self._waiting.append(_Place(command, answer, time.monotonic()))
        self._call()
        return await answer

    @property
    def length(self) -> int:
        """How many wait for a statement to begin."""
        return len(self._waiting)

    @property
    def waited(self) -> float:
        """For how many seconds the first of them has."""
        return time.monotonic() - self._waiting[0].since if self._waiting else 0.0

    @property
    def expected(self) -> float:
        """In how many seconds whoever comes now is likely to be answered, at the pace of late."""
        waiting = len(self._waiting) + self._inside
        return self._pace.wait_of(waiting) if waiting else 0.0

    def _call(self) -> None:
        """Begin the next one, unless one is under way."""
        is_full = len(self._under_way) >= _SIDE_BY_SIDE_MAX or self._under_way - self._late
        if self._waiting and not is_full:
            self._under_way.add(asyncio.create_task(self._answer_next()))

    async def _answer_next(self) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        late = asyncio.get_running_loop().call_later(_LATE_SECONDS, self._note_late, task)
        try:
            for _ in range(_TURNS_FOR_COMPANY):
                await asyncio.sleep(0)
            if taken := self._take():
                await self._answer(taken)
        finally:
            late.cancel()
            self._under_way.discard(task)
            self._late.discard(task)
            # From here, because whoever is told that a task has ended is told a turn later.
            self._call()

    def _note_late(self, task: "asyncio.Task[None]") -> None:
        self._late.add(task)
        self._call()

    def _take(self) -> list[_Place[C, R]]:
        """The next ones in their order, without any that must not be in one statement."""
        taken: list[_Place[C, R]] = []
        left: list[_Place[C, R]] = []
        met: set[Hashable] = set()
        while self._waiting and len(taken) < self._together_max:
            place = self._waiting.popleft()
            if place.answer.done():
                continue
            if met.isdisjoint(place.command.shares_with_none):
                met.update(place.command.shares_with_none)
                taken.append(place)
            else:
                left.append(place)
        self._waiting.extendleft(reversed(left))
        return taken

    async def _answer(self, taken: Sequence[_Place[C, R]]) -> None:
        """Run what was taken, and tell each who waits what came of it."""
        self._inside += len(taken)
        try:
            results = await self._run([place.command for place in taken])
            answered = list(zip(taken, results, strict=True))
        except BaseException as error:
            if len(taken) > 1 and _is_undone(error):
                await asyncio.gather(*(self._answer([place]) for place in taken))
                return
            for place in taken:
                _fail(place.answer, error)
            if not isinstance(error, Exception):
                raise
        else:
            for place, result in answered:
                if not place.answer.done():
                    place.answer.set_result(result)
        finally:
            self._inside -= len(taken)
            self._pace.depart(len(taken))


def _is_undone(error: BaseException) -> bool:
    """Whether it is certain that nothing was written."""
    return isinstance(error, NotTogether) or (
        isinstance(error, asyncpg.PostgresError)
        and not isinstance(error, asyncpg.PostgresConnectionError)
    )


def _fail(answer: "asyncio.Future[R]", error: BaseException) -> None:
    if answer.done():
        return
    if isinstance(error, asyncio.CancelledError):
        answer.cancel()
    else:
        answer.set_exception(error)
