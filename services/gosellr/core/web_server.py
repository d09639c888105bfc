"""uvicorn's server as one of a crew: whoever comes is let in by the process that serves next, and
one whose processor is full hands some of its callers on to another."""

import asyncio
import errno
import resource
import socket
import time
from math import ceil, exp
from typing import cast

import structlog
import uvicorn

from gosellr.core.crew import Crew
from gosellr.core.front_door import DOORKEEPER, Callers, Doorkeeper, FrontDoor

# So many are let in by one turn of the loop: a crowd soon, and nobody inside waits for long.
_AT_ONCE_MAX = 64
# As long as the process whose turn it is may take to let somebody in.
_GRACE_SECONDS = 0.02
# What was wrong with one visitor's connection before it was let in: the next one's may be well.
_ONES_OWN = frozenset(
    {
        errno.ECONNABORTED,
        errno.EPROTO,
        errno.ENOPROTOOPT,
        errno.EOPNOTSUPP,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
    }
)
# No descriptor is left for anybody new: somebody has to leave first.
_CROWDED_SECONDS = 0.5
# What callers ask for needs descriptors too: so many are left for it, or a quarter of a few.
_SPARED = 256
# What happened longer ago than this counts little for how busy a process is.
_REMEMBERED_SECONDS = 0.5
# What a look ten times a second adds to what is remembered of as long.
_NEW_SHARE = 1 - exp(-0.1 / _REMEMBERED_SECONDS)
# A full process hands on one of so many, and looks then what has come of it.
_HANDED_ON = 8
_TICKS_BETWEEN = 3

_log = structlog.get_logger("gosellr.web_server")


class Busyness:
    """How much of one processor the asking thread, which is that of the loop, used of late."""

    def __init__(self) -> None:
        self._used, self._at = time.thread_time(), time.monotonic()
        self._share = 0.0

    def share(self) -> float:
        """0 to 1, an exponentially weighted average."""
        used, at = time.thread_time(), time.monotonic()
        passed = at - self._at
        if passed > 0:
            kept = exp(-passed / _REMEMBERED_SECONDS)
            self._share = self._share * kept + (used - self._used) / passed * (1 - kept)
            self._used, self._at = used, at
        return self._share


def _callers_max() -> float:
    """How many may be let in by a process that leaves itself descriptors for what they ask for."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if most == resource.RLIM_INFINITY else most - min(_SPARED, most // 4)


class WebServer(uvicorn.Server):
    """Serves one listener, together with the other processes of its crew."""

    def __init__(
        self,
        config: uvicorn.Config,
        *,
        listener: socket.socket,
        crew: Crew,
        busyness: Busyness | None = None,
    ) -> None:
        super().__init__(config)
        self.callers = self.server_state = Callers()
        self._listener = listener
        self._crew = crew
        self._busyness = busyness or Busyness()
        self._welcomes: set[asyncio.Task[None]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._callers_max = _callers_max()
        self._rests = False
        self._waited_share = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002
        """See uvicorn. The listener is watched by ourselves."""
        await super().startup(sockets=[])
        if not self.should_exit:
            self._listener.setblocking(False)
            self._watch()

    async def on_tick(self, counter: int) -> bool:
        """See uvicorn: ten times a second."""
        self._waited_share += (self._is_waited_inside() - self._waited_share) * _NEW_SHARE
        use = max(self._busyness.share(), self._waited_share)
        self._crew.tell(1.0 if self._is_crowded else use)
        if counter % _TICKS_BETWEEN == 0:
            self.callers.to_hand_on = self._relief()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._crew.leave()
        self._look_away()
        self._listener.close()
        if self._welcomes:
            # Who isn't connected yet couldn't be told that we end, and we would wait for him.
            await asyncio.wait(self._welcomes)
        await super().shutdown(sockets)

    def _relief(self) -> int:
        # Whoever is alone fills any process.
        number = len(self.callers.connections)
        return ceil(number / _HANDED_ON) if number > 1 and self._crew.is_relieved() else 0

    def _is_waited_inside(self) -> bool:
        keeper = cast("Doorkeeper | None", self.lifespan.state.get(DOORKEEPER))
        return keeper is not None and keeper.is_waited_inside()

    @property
    def _is_crowded(self) -> bool:
        number = len(self.callers.connections) + len(self._welcomes)
        return self._rests or number >= self._callers_max

    def _watch(self) -> None:
        self._pause = None
        self._rests = False
        asyncio.get_running_loop().add_reader(self._listener, self._see)

    def _look_away(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        asyncio.get_running_loop().remove_reader(self._listener)

    def _see(self) -> None:
        """Somebody comes: let in by us, or by us too when nobody else did."""
        if self._crew.is_next():
            self._let_in()
            return
        self._look_away()
        self._pause = asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._see_again)

    def _see_again(self) -> None:
        self._watch()
        self._let_in()

    def _let_in(self) -> None:
        for _ in range(_AT_ONCE_MAX):
            if self._is_crowded:
                self._rest()
                return
            try:
                visitor, _address = self._listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno in _ONES_OWN:
                    continue
                _log.warning("nobody can be let in", error=str(error))
                self._rest()
                return
            welcome = asyncio.get_running_loop().create_task(self._welcome(visitor))
            self._welcomes.add(welcome)
            welcome.add_done_callback(self._welcomes.discard)

    def _rest(self) -> None:
        """Nobody new for a while. The others are told so, and take whoever comes."""
        self._rests = True
        self._crew.tell(1.0)
        self._look_away()
        self._pause = asyncio.get_running_loop().call_later(_CROWDED_SECONDS, self._watch)

    async def _welcome(self, visitor: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._connection, visitor)
        except OSError:  # He has gone again.
            visitor.close()

    def _connection(self) -> FrontDoor:
        return FrontDoor(self.config, self.callers, self.lifespan.state)
