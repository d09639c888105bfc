"""Keeps a set of processes alive, and ends them in order.

A process that dies is started again, at once the first time and after a growing pause when it
keeps dying. SIGTERM, SIGINT or SIGHUP drains the groups one after the other; a second one
forces. Every child lives in a session of its own, so a Ctrl-C reaches only the supervisor.
"""

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType, TracebackType
from typing import Self

from gosellr.core.head_start import HeadStart
from gosellr.core.startup_error import StartupError
from gosellr.utils.lazy_dataclasses import dataclass

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_TICK_SECONDS = 0.5
_PAUSE_SECONDS_MAX = 30.0
_STEADY_SECONDS = 30.0  # A process that lived this long begins with a clean record again.
_DEATHS_BEFORE_READY_MAX = 3


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep alive. Groups are drained in ascending order of `stop_rank`.

    What `follows` is started when the others are ready, so that these are ready sooner. What has a
    `head_start` is that process at first, which gets the first descriptor, and one by its command
    afterwards.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    stop_rank: int
    descriptors: tuple[int, ...] = ()
    drain_seconds: float = 30.0
    follows: bool = False
    head_start: HeadStart | None = None


class Supervisor:
    """Runs programs until a signal says stop. Use it as a context manager: leaving it ends all.

    `keep_alive` is called about twice a second and after every death of a child: it brings back
    what the programs stand on (the database). `say` receives one line per event.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        keep_alive: Callable[[], None],
        say: Callable[[str], None],
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._keep_alive = keep_alive
        self._say = say
        self._stop_requests = 0
        self._is_ready = False

    def __enter__(self) -> Self:
        self._wake_reader, self._wake_writer = os.pipe()
        os.set_blocking(self._wake_reader, False)
        os.set_blocking(self._wake_writer, False)
        self._previous_wakeup = signal.set_wakeup_fd(self._wake_writer, warn_on_full_buffer=False)
        self._previous_handlers = {
            number: signal.signal(number, self._note_stop)
            for number in STOP_SIGNALS
            if is_heeded(number)
        }
        # Without a handler the kernel wouldn't wake us when a child dies.
        self._previous_handlers[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _ignore)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._drain()
        finally:
            for number, handler in self._previous_handlers.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(self._previous_wakeup)
            os.close(self._wake_reader)
            os.close(self._wake_writer)

    def start(self, *, is_ready: Callable[[], bool], timeout_seconds: float = 180) -> bool:
        """Start all and wait until `is_ready`, then start what follows; False when told to stop.

        Raises StartupError when a program keeps dying or nothing is ready in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while not self._stop_requests:
            self._tick()
            if is_ready():
                self._is_ready = True
                self._tick()
                return True
            for child in self._children:
                if child.deaths >= _DEATHS_BEFORE_READY_MAX:
                    raise StartupError(
                        f"The {child.program.name} process ends right after its start.",
                        remedy="Its last words stand above; then ask: gosellr doctor",
                    )
            if time.monotonic() > deadline:
                raise StartupError(
                    f"Nothing answers after {timeout_seconds:.0f} seconds.",
                    remedy="Ask what is wrong: gosellr doctor",
                )
            self._sleep(0.05)
        return False

    def run(self) -> None:
        """Keep everything alive until a signal says stop."""
        while not self._stop_requests:
            self._tick()
            self._sleep(_TICK_SECONDS)

    def _tick(self) -> None:
        self._keep_alive()
        for child in self._children:
            status = child.reap()
            if status is not None:
                self._say(f"The {child.program.name} process ended ({status}); starting it again.")
            may_start = self._is_ready or not child.program.follows
            if child.process is None and may_start and time.monotonic() >= child.due:
                child.spawn()

    def _sleep(self, seconds: float) -> None:
        select.select([self._wake_reader], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_reader, 4096)

    def _note_stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._stop_requests += 1

    def _drain(self) -> None:
        requests_before = max(self._stop_requests, 1)
        for rank in sorted({child.program.stop_rank for child in self._children}):
            group = [child for child in self._children if child.program.stop_rank == rank]
            for child in group:
                child.send(signal.SIGTERM)
            deadline = time.monotonic() + max(child.program.drain_seconds for child in group)
            while any(child.is_running() for child in group):
                if time.monotonic() > deadline or self._stop_requests > requests_before:
                    for child in group:
                        child.send(signal.SIGKILL)
                self._sleep(0.1)
            for child in group:
                child.reap()


class _Child:
    """One program and the process that runs it now, if any."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.deaths = 0
        self.due = 0.0
        self._started = 0.0

    def spawn(self) -> None:
        program = self.program
        self._started = time.monotonic()
        if program.head_start is not None:
            self.process = program.head_start.take(
                program.environment, descriptor=program.descriptors[0]
            )
        if self.process is None:
            self.process = subprocess.Popen(
                program.command,
                stdin=subprocess.PIPE,  # Its end tells the child that we are gone.
                env=dict(program.environment),
                pass_fds=program.descriptors,
                start_new_session=True,
            )

    def reap(self) -> str | None:
        """How the process ended, told once, or None while there is nothing to tell."""
        if self.process is None or self.is_running():
            return None
        code = self.process.returncode
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process = None
        now = time.monotonic()
        self.deaths = 1 if now - self._started > _STEADY_SECONDS else self.deaths + 1
        pause = 0.0 if self.deaths == 1 else 0.5 * 2.0 ** min(self.deaths - 2, 10)
        self.due = now + min(pause, _PAUSE_SECONDS_MAX)
        return f"killed by {signal.Signals(-code).name}" if code < 0 else f"status {code}"

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.is_running():
            self.process.send_signal(number)


def is_heeded(number: signal.Signals) -> bool:
    """Whether this signal ends what we do: under `nohup` a terminal that is closed doesn't."""
    return number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN


def _ignore(number: int, frame: FrameType | None) -> None:
    """Being called is all that is wanted: it wakes the supervisor."""
