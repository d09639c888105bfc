"""What a start prints: a line per step with its time, then where to go.

On a terminal the running step turns and progress is drawn; elsewhere it is plain lines.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn

from gosellr.core.startup_error import StartupError
from gosellr.utils.lazy_dataclasses import dataclass

_LABEL_WIDTH = 28

ReportProgress = Callable[[int, int, str], None]
"""Called with done, total and a word about what is being done."""


@dataclass(slots=True)
class Step:
    """A running step; its note is printed behind its time."""

    note: str = ""


class StartupCard:
    """Prints to standard output; the clock runs from its creation."""

    def __init__(self) -> None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")
        self._console = Console(highlight=False, markup=False, emoji=False)
        self._began = time.monotonic()

    def line(self, text: str = "") -> None:
        """One line as it is, never wrapped."""
        self._console.print(text, soft_wrap=True)
        self._console.file.flush()

    @contextlib.contextmanager
    def step(self, running: str, done: str) -> Iterator[Step]:
        """Show `running` while the block runs and `done` with its time afterwards."""
        step = Step()
        began = time.monotonic()
        with self._turning(running):
            yield step
        self.finish(done, began, step.note)

    @contextlib.contextmanager
    def progress(self, running: str, done: str) -> Iterator[ReportProgress]:
        """Like `step`, with a bar that the block moves by calling what it is given."""
        began = time.monotonic()
        columns = (TextColumn("  ▸ {task.description}"), BarColumn(24), TaskProgressColumn())
        bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=self._console)
        bar.disable = not self._console.is_terminal
        bar.live.transient = True
        with bar:
            task = bar.add_task(running.ljust(_LABEL_WIDTH), total=None, note="")

            def report(count: int, total: int, note: str) -> None:
                bar.update(task, completed=count, total=total, note=note)

            yield report
        self.finish(done, began, "")

    @contextlib.contextmanager
    def background(self, running: str, done: str) -> Iterator["BackgroundBar"]:
        """A bar below the card for work that goes on elsewhere; elsewhere it is a line a quarter.

        It may be left before the work is done; what it says last is then left out.
        """
        bar = BackgroundBar(self, self._console, running, done)
        try:
            yield bar
        finally:
            bar.close()

    def seconds(self) -> float:
        """How long the start has taken so far."""
        return time.monotonic() - self._began

    def _turning(self, text: str) -> contextlib.AbstractContextManager[object]:
        if self._console.is_terminal:
            return self._console.status(f"  {text}")
        return contextlib.nullcontext()

    def finish(self, done: str, began: float, note: str) -> None:
        """The line of something done that began at this monotonic time."""
        seconds = f"{time.monotonic() - began:.1f} s"
        self.line(f"  ✓ {done.ljust(_LABEL_WIDTH)} {seconds.rjust(7)}   {note}".rstrip())


class BackgroundBar:
    """Shows how far work is that somebody else does, from the first report on."""

    def __init__(self, card: StartupCard, console: Console, running: str, done: str) -> None:
        self._card = card
        self._running = running
        self._done = done
        self._began = 0.0
        self._quarters = 0
        columns = (TextColumn("  ▸ {task.description}"), BarColumn(24), TaskProgressColumn())
        self._bar = Progress(*columns, TextColumn("{task.fields[note]}"), console=console)
        self._bar.disable = not console.is_terminal
        self._bar.live.transient = True
        self._task: TaskID | None = None

    def report(self, count: int, total: int, note: str) -> None:
        """Show that so much of it is done."""
        if self._task is None:
            self._began = time.monotonic()
            self._task = self._bar.add_task(self._running.ljust(_LABEL_WIDTH), total=None, note="")
            self._bar.start()
        self._bar.update(self._task, completed=count, total=total, note=note)
        quarters = 4 * count // total
        if self._bar.disable and self._quarters < quarters < 4:
            self._card.line(f"  ▸ {self._running.ljust(_LABEL_WIDTH)} {25 * quarters:5} %   {note}")
        self._quarters = quarters

    def finish(self, note: str) -> None:
        """Say that it is done, with its time; nothing where it was done before anybody looked."""
        if self._task is not None:
            self.close()
            self._card.finish(self._done, self._began, note)

    def close(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._bar.stop()
            self._task = None


def print_refusal(error: StartupError) -> None:
    """The sentence and the remedy, on standard error."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    console.print(f"✗ {error.problem}\n  {error.remedy}", soft_wrap=True)
