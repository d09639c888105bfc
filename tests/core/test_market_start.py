"""`python main.py` in a process of its own: it serves, survives kills and stops cleanly."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

MAIN = Path(__file__).parents[2] / "services" / "gosellr" / "main.py"


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """A data folder and a port that nobody else has."""
    home = Path(tempfile.mkdtemp(prefix="gosellr-"))
    home.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("GOSELLR_", "PYTHON"))}
    yield inherited | {
        "GOSELLR_HOME": str(home),
        "GOSELLR_PORT": str(port),
        "GOSELLR_WORKERS": "1",
        "GOSELLR_DEMO": "0",
    }
    shutil.rmtree(home, ignore_errors=True)


def command(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, MAIN, *arguments],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def start(environment: dict[str, str], printed: Path) -> tuple["subprocess.Popen[bytes]", str]:
    """Start the market and wait for the last line of its card.

    It prints to a file: a pipe that nobody empties would block it sooner or later.
    """
    with printed.open("wb") as output:
        market = subprocess.Popen(
            [sys.executable, MAIN],
            env=environment,
            cwd=MAIN.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    while "  Stop: Ctrl C." not in printed.read_text():
        assert market.poll() is None, printed.read_text()
        time.sleep(0.02)
    return market, printed.read_text()


def is_ready(environment: dict[str, str]) -> bool:
    url = f"http://127.0.0.1:{environment['GOSELLR_PORT']}/readyz"
    try:
        with urllib.request.urlopen(url) as response:
            return bool(json.load(response)["checks"]["database"] == "ok")
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False  # Whoever had taken the call was on the way out.


def test_a_market_starts_survives_kills_and_stops_cleanly(environment: dict[str, str]) -> None:
    home = Path(environment["GOSELLR_HOME"])
    market, card = start(environment, home / "first.txt")
    try:
        assert "  ✓ Database started" in card
        assert f"http://localhost:{environment['GOSELLR_PORT']}/docs" in card
        assert is_ready(environment)

        second = command(environment)
        assert second.returncode == 1
        assert f"in use by process {market.pid} (gosellr run)" in second.stderr
        assert f"kill {market.pid}" in second.stderr
        assert command(environment, "doctor").returncode == 0
        assert "The market runs." in command(environment, "raise-epoch").stderr
        assert command(environment, "psql", "-Atc", "SELECT 6 * 7").stdout == "42\n"

        database = int((home / "pg" / "postmaster.pid").read_text().split("\n", 1)[0])
        os.kill(database, signal.SIGKILL)
        while not is_ready(environment):  # The suite's timeout ends a failure.
            time.sleep(0.02)

        market.kill()
        market.wait()
        market, card = start(environment, home / "second.txt")
        assert is_ready(environment)
        market.send_signal(signal.SIGTERM)
        market.wait()
    finally:
        market.kill()
        market.wait()
    assert market.returncode == 0
    assert (home / "second.txt").read_text().endswith("Stopped.\n")
    assert not (home / "pg" / "postmaster.pid").exists()

    # As a dump of a server that has been through a whole epoch would have it.
    ahead = f"UPDATE gosellr.outbox_cursor SET written_before = '{1 << 32}'"
    assert command(environment, "psql", "-Atc", ahead).stdout == "UPDATE 1\n"
    for said in ("The server goes on in epoch 2\n", "Nothing had to be done\n"):
        assert command(environment, "raise-epoch").stdout == said


def test_wrong_settings_and_a_taken_port_are_refused_in_a_sentence(
    environment: dict[str, str],
) -> None:
    wrong = command(environment | {"GOSELLR_PORT": "door"})
    assert wrong.returncode == 1
    assert wrong.stderr == (
        "These settings are wrong:\n"
        '  ✗ GOSELLR_PORT "door" is wrong: a whole number is wanted. Example: GOSELLR_PORT=4004\n'
    )
    with socket.create_server(("127.0.0.1", int(environment["GOSELLR_PORT"]))):
        taken = command(environment)
    assert taken.returncode == 1
    assert f"Port {environment['GOSELLR_PORT']} is taken by another program." in taken.stderr
    assert "Traceback" not in taken.stderr
    assert not (Path(environment["GOSELLR_HOME"]) / "pg").exists()
