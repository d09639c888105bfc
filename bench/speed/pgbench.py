"""Runs pgbench and reads what it says."""

import asyncio
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from gosellr.core.postgres_binaries import clean_environment, find_binaries

_FAILED = re.compile(r"number of failed transactions: (\d+)")
_DONE = re.compile(r"number of transactions actually processed: (\d+)")
_RATE = re.compile(r"tps = ([\d.]+)")
# A statement is planned anew the first five times; afterwards its plan is kept if it is any good.
_PLANNED_ANEW = 6


class FloorError(RuntimeError):
    """pgbench isn't there, or a script of ours failed; the message has its words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What pgbench did."""

    transactions: int
    per_second: float
    steady: bool
    """Whether it was long enough to leave out what was planned anew."""


def program() -> str:
    """Where pgbench is: beside the PostgreSQL that the market runs on.

    Raises FloorError.
    """
    path = find_binaries().program("pgbench")
    if not os.access(path, os.X_OK):
        raise FloorError(f"{path} is missing: the floor can't be measured without pgbench")
    return path


async def play(
    dsn: str,
    script: Path,
    *,
    clients: int,
    definitions: Mapping[str, str | int],
    seconds: int | None = None,
    transactions: int | None = None,
) -> Played:
    """Let so many clients play, for a time or for so many transactions each.

    Raises FloorError.
    """
    command = [program(), "--no-vacuum", "--protocol=prepared", f"--client={clients}"]
    command += [f"--jobs={min(clients, 2)}"]
    command += [f"--transactions={transactions}"] if transactions else [f"--time={seconds or 1}"]
    command += [f"--define={name}={value}" for name, value in definitions.items()]
    with tempfile.TemporaryDirectory(prefix="gosellr-pgbench-") as folder:
        command += [f"--file={script}", "--log", f"--log-prefix={folder}/log"]
        said = await _run(command, dsn)
        lines = _lines_in(Path(folder))
    return parsed(said, lines)


def _lines_in(folder: Path) -> list[str]:
    return [
        line for path in folder.iterdir() for line in path.read_text(encoding="ascii").splitlines()
    ]


async def _run(command: Sequence[str], dsn: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *command,
        env=clean_environment() | login(dsn),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await process.communicate()
    if process.returncode:
        raise FloorError(f"pgbench ended with {process.returncode}: {complained.decode()[-2000:]}")
    return said.decode()


def login(dsn: str) -> dict[str, str]:
    """A URL as libpq's variables: a password has no place on a command line."""
    parts = urlsplit(dsn)
    asked = parse_qs(parts.query)
    return {
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGHOST": asked["host"][0],
        "PGPORT": asked["port"][0],
        "PGDATABASE": parts.path.lstrip("/"),
        "PGOPTIONS": "-c search_path=gosellr,public -c timezone=UTC",
    }


def parsed(said: str, log: Iterable[str]) -> Played:
    """pgbench's report, with the rate of its log where that is long enough to tell.

    Raises FloorError when a transaction failed or a figure is missing.
    """
    done, rate = _DONE.search(said), _RATE.search(said)
    failed = _FAILED.search(said)
    if done is None or rate is None or (failed and int(failed[1])):
        raise FloorError(f"pgbench didn't do what it should: {said[-1000:]}")
    steady = steady_rate(log)
    return Played(
        transactions=int(done[1]),
        per_second=steady or float(rate[1]),
        steady=steady is not None,
    )


def steady_rate(log: Iterable[str]) -> float | None:
    """Transactions per second while all clients were at work and had their plans.

    A line of the log is client, number, microseconds, script, and when it ended in seconds and
    microseconds.
    """
    ends: dict[str, list[float]] = {}
    for line in log:
        client, _, _, _, seconds, micros = line.split()[:6]
        ends.setdefault(client, []).append(int(seconds) + int(micros) / 1e6)
    if not ends or min(map(len, ends.values())) <= 2 * _PLANNED_ANEW:
        return None
    since = max(sorted(each)[_PLANNED_ANEW - 1] for each in ends.values())
    until = min(max(each) for each in ends.values())
    counted = sum(since < end <= until for each in ends.values() for end in each)
    return counted / (until - since) if until > since and counted else None
