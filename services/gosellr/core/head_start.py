"""A process that is begun before anybody knows what it will be told, so that it loads meanwhile.

What it is told comes by its standard input: an environment, and the socket it shall serve. Its end
means that there is nobody to begin for.
"""

import json
import os
import socket
import subprocess
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

_STANDARD_INPUT = 0
_CHUNK = 65_536


class HeadStart:
    """Such a process, until somebody takes it. Leaving the context ends one that nobody took."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str]) -> None:
        self._ours, theirs = socket.socketpair()
        with theirs:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(
                command, stdin=theirs.fileno(), env=dict(environment), start_new_session=True
            )

    def take(
        self, environment: Mapping[str, str], *, descriptor: int
    ) -> subprocess.Popen[bytes] | None:
        """Tell it what there is to tell and hand it over; None when it was taken or has ended.

        Its `stdin` is to be kept open for as long as it shall live, as a child's that was told
        everything at its beginning.
        """
        if self._process is None:
            return None
        told = json.dumps(dict(environment)).encode() + b"\n"
        try:
            sent = socket.send_fds(self._ours, [told], [descriptor])
            self._ours.sendall(told[sent:])
        except OSError:  # It has ended. Whoever begins another one will be told why.
            self._end()
            return None
        process, self._process = self._process, None
        process.stdin = self._ours.makefile("wb")
        self._ours.close()  # What `stdin` holds stays open.
        return process

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self._ours.close()
            process.kill()
            process.wait()


def await_word() -> int | None:
    """Take over the environment that `HeadStart.take` tells; the socket's descriptor.

    None where nobody tells anything any more.
    """
    told = b""
    descriptor: int | None = None
    with socket.socket(fileno=os.dup(_STANDARD_INPUT)) as theirs:
        while not told.endswith(b"\n"):
            chunk, descriptors, _, _ = socket.recv_fds(theirs, _CHUNK, 1)
            if not chunk:
                return None
            told += chunk
            descriptor = descriptors[0] if descriptors else descriptor
    os.environ.clear()
    os.environ.update(json.loads(told))
    return descriptor
