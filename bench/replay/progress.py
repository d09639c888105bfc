"""What somebody who waits sees of a replay: its phases as bars, and the market's own folder."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench.replay.market import LOG_NAME


class Phases:
    """Progress bars, and how long each phase took."""

    def __init__(self, shown: Progress, durations: dict[str, float]) -> None:
        self._shown = shown
        self._durations = durations

    @contextlib.contextmanager
    def phase(
        self, name: str, words: str, *, total: int | None = None
    ) -> Iterator[Callable[[], None]]:
        """Show a bar while it lasts; gives what moves the bar by one."""
        task = self._shown.add_task(words, total=total)
        started = time.monotonic()
        yield lambda: self._shown.advance(task)
        self._durations[name] = time.monotonic() - started
        if total is None:
            self._shown.update(task, total=1, completed=1)


def bars(console: Console) -> Progress:
    """Bars for a terminal."""
    return Progress(
        TextColumn("{task.description:<26}"),
        BarColumn(),
        TaskProgressColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )


@contextlib.contextmanager
def home(console: Console, *, keep: bool) -> Iterator[Path]:
    """A folder for the market, which the database's own account may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="gosellr-replay-"))
    folder.chmod(0o711)
    try:
        yield folder
    except BaseException:
        if not keep:
            with contextlib.suppress(OSError):
                words = (folder / LOG_NAME).read_text(encoding="utf-8", errors="replace")
                console.print(words[-2000:], markup=False)
        raise
    finally:
        if keep:
            console.print(f"The market's folder: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
