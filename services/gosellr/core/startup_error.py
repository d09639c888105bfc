"""The one kind of error an operator meets when the market can't start."""

import contextlib
import errno
from collections.abc import Iterator
from pathlib import Path


class StartupError(Exception):
    """Something on this machine stands in the way of a start.

    `problem` says in one sentence what is wrong, `remedy` is the exact command (or the one
    step) that mends it. Doors print both and exit with status 1, without a traceback.
    """

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy


@contextlib.contextmanager
def explained(home: Path) -> Iterator[None]:
    """Turn the operating system's refusals into sentences with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise disk_is_full(home) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise no_rights(Path(error.filename or home)) from error
        raise


def disk_is_full(home: Path) -> StartupError:
    return StartupError(
        f"The disk that holds {home} is full.",
        remedy=f"Make room and start again; see what is free: df -h {home}",
    )


def no_rights(path: Path) -> StartupError:
    return StartupError(
        f"This account has no right to use {path}.",
        remedy="Choose a folder of your own: export GOSELLR_HOME=~/gosellr-data",
    )
