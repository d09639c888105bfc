"""A process that is begun before all it needs is known, so that it loads its code meanwhile.

The rest of its environment comes as one line on its standard input, whose end means that there is
nobody to begin for.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self


class HeadStart:
    """Such a process, until somebody takes it. Leaving the context ends one that nobody took."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        descriptors: Sequence[int] = (),
    ) -> None:
        self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            env=dict(environment),
            pass_fds=descriptors,
            start_new_session=True,
        )

    def take(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes] | None:
        """Tell it its environment and hand it over; None when it was taken or has ended."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return None
        try:
            process.stdin.write(json.dumps(dict(environment)).encode() + b"\n")
            process.stdin.flush()
        except OSError:  # It has ended; a new one is begun, which will say why.
            _end(process)
            return None
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is not None:
            _end(process)


def await_environment() -> bool:
    """Take over the environment that `HeadStart.take` tells; False where nobody will."""
    line = sys.stdin.buffer.readline()
    if not line.endswith(b"\n"):
        return False
    os.environ.update(json.loads(line))
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    if process.stdin is not None:
        # What it was told and hasn't read goes nowhere.
        with contextlib.suppress(OSError):
            process.stdin.close()
