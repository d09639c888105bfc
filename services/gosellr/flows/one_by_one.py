"""Going through what is due: one that breaks is logged, and never stops the others."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from gosellr.core.db import Database
from gosellr.core.transact import transact
from gosellr.services import sweep_service
from gosellr.utils.lazy_dataclasses import dataclass

T = TypeVar("T")

_log = logging.getLogger("gosellr.flows")


class NoAnswer(RuntimeError):
    """The other side was silent, or can't be asked: it is asked again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep(Generic[T]):
    """What is due at a moment, of which each run takes the first few.

    `name` stands in the database, and the query behind `due` passes over what is put off under
    it; `item` names one of them there. `due` is asked once more after a run, since what stays due
    without having failed would be the first again.
    """

    name: str
    db: Database
    now: datetime
    due: Callable[[], Awaitable[Sequence[T]]]
    item: Callable[[T], str] = str

    async def run(self, work: Callable[[T], Awaitable[object]], *, story: str) -> int:
        """Do the work for each that is due; gives for how many it came to a true end.

        What fails, or stays due all the same, is put off, longer each time: what is due behind
        it has its turn, however many fail.
        """
        items = await self.due()
        done = await one_by_one(items, work, story=story)
        if items:
            await self._put_off(items)
        return done

    async def _put_off(self, tried: Sequence[T]) -> None:
        names = {self.item(one) for one in tried}
        stuck = names & {self.item(one) for one in await self.due()}
        if stuck:
            await transact(
                self.db, sweep_service.put_off, sweep=self.name, items=list(stuck), now=self.now
            )


async def one_by_one(
    items: Sequence[T], work: Callable[[T], Awaitable[object]], *, story: str
) -> int:
    """Do the work for each; gives for how many it came to a true end.

    What went wrong with one is a defect or an outage that concerns it alone.
    """
    done = 0
    for item in items:
        try:
            done += bool(await work(item))
        except NoAnswer as silence:
            # An outage out there, and no defect in here: nobody needs to know where it was met.
            _log.warning("%s failed for %s: %s", story, item, silence)
        except Exception:  # noqa: BLE001  (whatever it was, the others go on)
            _log.exception("%s failed for %s", story, item)
    return done
