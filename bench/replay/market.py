"""An empty market of the tool's own: started as a child process, stopped at the end.

It keeps normal durable settings. Its folder, its port and every setting that bears on the outcome
are the tool's, whatever the environment says.
"""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx2

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "services" / "gosellr"
LOG_NAME = "replay-market.log"
_READY_SECONDS = 180.0
_STOP_SECONDS = 60.0
_LOG_LINES_SHOWN = 30


class MarketError(RuntimeError):
    """The market didn't start, or one of its commands failed; the message has its last words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A running market."""

    base_url: str
    home: Path
    environment: dict[str, str]

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return int(self.base_url.rsplit(":", 1)[1])

    async def command(self, *arguments: str, stdin: str = "") -> tuple[int, str]:
        """Run a `gosellr` command on this market: its exit code, and what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PACKAGE / "main.py"),
            *arguments,
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate(stdin.encode())
        return process.returncode or 0, said.decode(errors="replace")


@contextlib.asynccontextmanager
async def empty_market(
    home: Path,
    *,
    currency: str,
    workers: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> AsyncIterator[Market]:
    """Start a market in an empty folder, wait until it is ready, stop it afterwards.

    `workers` are its web processes, as many as the machine suggests where it is None. `settings`
    are further variables. A folder that holds a market already is started as it is.

    Raises MarketError.
    """
    refuse_shared_database()
    port = _free_port()
    environment = market_environment(home, port=port, currency=currency)
    environment |= settings or {}
    if workers is not None:
        environment["GOSELLR_WORKERS"] = str(workers)
    base_url = f"http://127.0.0.1:{port}"
    log = home / LOG_NAME
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(PACKAGE / "main.py"),
            "run",
            "--no-open",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            # A Ctrl-C is for the tool, which then stops the market in an orderly way.
            start_new_session=True,
        )
    try:
        await _wait_until_ready(process, base_url, log)
        yield Market(base_url=base_url, home=home, environment=environment)
    finally:
        await _stop(process)


def market_environment(home: Path, *, port: int, currency: str) -> dict[str, str]:
    """The environment of a market whose outcome depends on nothing but the stream."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("GOSELLR_")
    }
    return inherited | {
        "GOSELLR_ENV": "development",
        "GOSELLR_HOST": "127.0.0.1",
        "GOSELLR_PORT": str(port),
        "GOSELLR_HOME": str(home),
        "GOSELLR_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "GOSELLR_LOG_LEVEL": "warning",
        "GOSELLR_SECRET_KEY": secrets.token_urlsafe(48),
        "GOSELLR_DEMO": "0",
        "GOSELLR_RATE_LIMITS": "off",
        "GOSELLR_SELLER_APPROVAL": "auto",
        "GOSELLR_PRODUCT_REVIEW": "off",
        "GOSELLR_DEFAULT_CURRENCY": currency,
        "GOSELLR_TAX_INCLUDED": "1",
        # Orders that stay unpaid have to be there still when the books are compared.
        "GOSELLR_HOLD_MINUTES": "1440",
    }


def refuse_shared_database(settings_file: Path = PACKAGE / ".env") -> None:
    """Refuse to start where that file names a database: an empty variable wouldn't outdo it.

    Raises MarketError.
    """
    try:
        lines = settings_file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip().upper() == "GOSELLR_DATABASE_URL" and value.strip().strip("'\""):
            raise MarketError(
                f"{settings_file} names a database, and the orders would be played into it: "
                "take GOSELLR_DATABASE_URL out for the replay"
            )


async def _wait_until_ready(process: asyncio.subprocess.Process, base_url: str, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    async with httpx2.AsyncClient(base_url=base_url, timeout=5) as client:
        while time.monotonic() < deadline:
            if process.returncode is not None:
                raise MarketError(f"The market ended with {process.returncode}.\n{_tail(log)}")
            with contextlib.suppress(httpx2.TransportError):
                if (await client.get("/readyz")).is_success:
                    return
            await asyncio.sleep(0.2)
    raise MarketError(f"The market wasn't ready in {_READY_SECONDS:.0f} s.\n{_tail(log)}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-_LOG_LINES_SHOWN:])
