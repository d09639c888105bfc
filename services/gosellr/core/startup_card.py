"""What a start prints: a line per step with its time, then where to go.

On a terminal the running step turns and progress is drawn; elsewhere it is plain lines.
"""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from gosellr.core.startup_error import StartupError

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
        self._finish(done, began, step.note)

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
        self._finish(done, began, "")

    def seconds(self) -> float:
        """How long the start has taken so far."""
        return time.monotonic() - self._began

    def _turning(self, text: str) -> contextlib.AbstractContextManager[object]:
        if self._console.is_terminal:
            return self._console.status(f"  {text}")
        return contextlib.nullcontext()

    def _finish(self, done: str, began: float, note: str) -> None:
        seconds = f"{time.monotonic() - began:.1f} s"
        self.line(f"  ✓ {done.ljust(_LABEL_WIDTH)} {seconds.rjust(7)}   {note}".rstrip())


def print_refusal(error: StartupError) -> None:
    """The sentence and the remedy, on standard error."""
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    console.print(f"✗ {error.problem}\n  {error.remedy}", soft_wrap=True)
