"""What the market's processes have used so far, as Linux counts it; nothing on other systems."""

import asyncio
import os
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_REST_WINDOW_SECONDS = 5.0
_REST_PATIENCE_SECONDS = 3_600.0
# Of one processor. A market that nobody asks looks for work ten times a second, and writes the
# letters of a crowd of orders at the pace of its post.
_REST_SHARE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Seconds of processor time by kind of process, and the largest web process's memory.

    That memory is the proportional set size: what processes share is divided among them.
    """

    web_seconds: float = 0.0
    worker_seconds: float = 0.0
    database_seconds: float = 0.0
    web_memory_mb: float = 0.0

    @classmethod
    def between(cls, before: "Usage", after: "Usage") -> "Usage":
        """What was used meanwhile."""
        return cls(
            web_seconds=after.web_seconds - before.web_seconds,
            worker_seconds=after.worker_seconds - before.worker_seconds,
            database_seconds=after.database_seconds - before.database_seconds,
            web_memory_mb=after.web_memory_mb,
        )


def usage_of(home: Path) -> Usage:
    """What the processes of the market in this folder have used, dead children included."""
    if not _PROC.is_dir():
        return Usage()
    tick = os.sysconf("SC_CLK_TCK")
    seconds = {"web": 0.0, "worker": 0.0, "database": 0.0}
    memory_mb = 0.0
    postmaster = _postmaster(home)
    for folder in _PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            environment = (folder / "environ").read_bytes() if "child_process" in command else b""
        except OSError:
            continue
        used = (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / tick
        if postmaster in (int(folder.name), int(fields[1])):
            seconds["database"] += used
        elif f"GOSELLR_HOME={home}\0".encode() in environment:
            kind = "web" if " web " in command else "worker"
            seconds[kind] += used
            if kind == "web":
                memory_mb = max(memory_mb, _pss_mb(folder))
    return Usage(
        web_seconds=seconds["web"],
        worker_seconds=seconds["worker"],
        database_seconds=seconds["database"],
        web_memory_mb=memory_mb,
    )


def pace(additions: int = 1_000_000) -> float:
    """Million additions a second by a bare loop: how fast this machine is just now.

    Virtual machines of one name differ by a factor of three, and from one hour to the next.
    """
    began, total = time.perf_counter(), 0
    for number in range(additions):
        total += number
    return additions / 1e6 / (time.perf_counter() - began)


async def at_rest(home: Path, *, window: float = _REST_WINDOW_SECONDS) -> bool:
    """Wait until the market's jobs and its database have next to nothing to do, twice in a row.

    Gives up after an hour, and says so by False.
    """
    began, quiet = time.monotonic(), 0
    before = usage_of(home)
    while quiet < 2:
        if time.monotonic() - began > _REST_PATIENCE_SECONDS:
            return False
        await asyncio.sleep(window)
        after = usage_of(home)
        used = Usage.between(before, after)
        is_quiet = used.worker_seconds + used.database_seconds < _REST_SHARE * window
        quiet = quiet + 1 if is_quiet else 0
        before = after
    return True


def _pss_mb(process: Path) -> float:
    try:
        lines = (process / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _postmaster(home: Path) -> int:
    try:
        return int((home / "pg" / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return -1
