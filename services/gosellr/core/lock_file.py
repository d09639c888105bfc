"""One holder at a time for a whole folder, across processes."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class LockHeldError(Exception):
    """Another live process holds the lock; `holder` is what it wrote about itself."""

    def __init__(self, path: Path, holder: str) -> None:
        super().__init__(f"{path} is held by {holder}")
        self.holder = holder


@contextlib.contextmanager
def hold_lock(path: Path, *, purpose: str) -> Iterator[None]:
    """Hold the lock while the block runs.

    The kernel drops it when the process dies, so a lock is never stale. Raises LockHeldError
    at once when somebody else has it.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise LockHeldError(path, file.read().strip() or "another process") from None
        file.truncate(0)
        file.write(f"process {os.getpid()} ({purpose})\n")
        file.flush()
        yield
