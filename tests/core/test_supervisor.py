"""The supervisor: what dies comes back, what is told to stop stops in order."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gosellr.cli_database import make_home
from gosellr.core.head_start import HeadStart
from gosellr.core.startup_error import StartupError
from gosellr.core.supervisor import Program, Supervisor

# Writes a line when it starts and one when it is told to stop; "ready" only once it can be told.
CHILD = """
import signal, sys
def leave(*_):
    open(sys.argv[1], "a").write(sys.argv[2] + " stopped\\n")
    raise SystemExit(0)
signal.signal(signal.SIGTERM, leave)
open(sys.argv[1], "a").write(sys.argv[2] + " started\\n")
sys.stdin.read()
"""


def program(
    journal: Path, name: str, *, stop_rank: int, code: str = CHILD, follows: bool = False
) -> Program:
    command = (sys.executable, "-S", "-c", code, str(journal), name)
    return Program(name, command, dict(os.environ), stop_rank=stop_rank, follows=follows)


def lines(journal: Path) -> list[str]:
    return journal.read_text().splitlines() if journal.exists() else []


def test_a_killed_process_comes_back_and_groups_stop_in_order(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    said: list[str] = []
    programs = [program(journal, "worker", stop_rank=1), program(journal, "web", stop_rank=0)]
    checks = 0

    def keep_alive() -> None:
        nonlocal checks
        checks += 1

    with Supervisor(programs, keep_alive=keep_alive, say=said.append) as supervisor:
        assert supervisor.start(is_ready=lambda: len(lines(journal)) == 2)
        killed = next(child for child in supervisor._children if child.program.name == "web")
        assert killed.process is not None
        os.kill(killed.process.pid, signal.SIGKILL)
        assert supervisor.start(is_ready=lambda: len(lines(journal)) == 3)
        threading.Timer(0, os.kill, (os.getpid(), signal.SIGTERM)).start()
        supervisor.run()
    assert said == ["The web process ended (killed by SIGKILL); starting it again."]
    assert sorted(lines(journal)[:2]) == ["web started", "worker started"]
    assert lines(journal)[2:] == ["web started", "web stopped", "worker stopped"]
    assert checks > 0


def test_what_follows_is_started_when_the_others_are_ready(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    programs = [
        program(journal, "second web", stop_rank=0, follows=True),
        program(journal, "web", stop_rank=0),
    ]
    seen: list[list[str]] = []

    def is_ready() -> bool:
        seen.append(lines(journal))
        return bool(seen[-1])

    with Supervisor(programs, keep_alive=lambda: None, say=print) as supervisor:
        assert supervisor.start(is_ready=is_ready)
        assert all(child.process is not None for child in supervisor._children)
        assert supervisor.start(is_ready=lambda: len(lines(journal)) == 2)
    assert seen[-1] == ["web started"]
    assert lines(journal)[:2] == ["web started", "second web started"]


def test_a_process_that_cant_start_is_given_up(tmp_path: Path) -> None:
    broken = program(tmp_path / "journal", "web", stop_rank=0, code="raise SystemExit(3)")
    said: list[str] = []
    with (
        pytest.raises(StartupError, match="web process ends right after its start"),
        Supervisor([broken], keep_alive=lambda: None, say=said.append) as supervisor,
    ):
        supervisor.start(is_ready=lambda: False)
    assert said == ["The web process ended (status 3); starting it again."] * 3


def test_handlers_of_signals_are_given_back(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with Supervisor([], keep_alive=lambda: None, say=print):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before


# Says what it was told, and by which socket.
LATE = """
import os, socket, sys
from gosellr.core.head_start import await_word
open(sys.argv[1], "a").write("loaded\\n")
descriptor = await_word()
if descriptor is not None:
    with socket.socket(fileno=descriptor) as listener:
        words = f"{os.environ['WORD']} {os.environ.get('EARLY')} {listener.getsockname()[1]}"
    open(sys.argv[1], "a").write(f"told {words}\\n")
    sys.stdin.read()
"""


def head_start(journal: Path) -> HeadStart:
    command = (sys.executable, "-c", LATE, str(journal))
    return HeadStart(command, environment=dict(os.environ) | {"WORD": "early", "EARLY": "yes"})


def until(journal: Path, count: int) -> list[str]:
    deadline = time.monotonic() + 30
    while len(lines(journal)) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    return lines(journal)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


def test_a_process_with_a_head_start_is_told_the_rest_once(
    tmp_path: Path, listener: socket.socket
) -> None:
    journal, second = tmp_path / "journal", tmp_path / "second"
    code = "import os, sys; open(sys.argv[1], 'a').write(os.environ['WORD']); sys.stdin.read()"
    with head_start(journal) as first:
        assert until(journal, 1) == ["loaded"]
        web = Program(
            "web",
            (sys.executable, "-S", "-c", code, str(second)),
            dict(os.environ) | {"WORD": "late"},
            stop_rank=0,
            descriptors=(listener.fileno(),),
            head_start=first,
        )
        said: list[str] = []
        with Supervisor([web], keep_alive=lambda: None, say=said.append) as supervisor:
            assert supervisor.start(is_ready=lambda: len(lines(journal)) == 2)
            assert lines(journal) == ["loaded", f"told late None {listener.getsockname()[1]}"]
            (child,) = supervisor._children
            assert child.process is not None
            os.kill(child.process.pid, signal.SIGKILL)
            # The next one is begun by the command.
            assert supervisor.start(is_ready=lambda: lines(second) == ["late"])
    assert said == ["The web process ended (killed by SIGKILL); starting it again."]


def test_much_is_told_in_pieces(tmp_path: Path, listener: socket.socket) -> None:
    journal = tmp_path / "journal"
    environment = dict(os.environ) | {"WORD": "late"}
    environment |= {f"MUCH_{number}": "x" * 100_000 for number in range(20)}
    with head_start(journal) as first:
        process = first.take(environment, descriptor=listener.fileno())
        assert process is not None
        assert until(journal, 2)[1].startswith("told late")
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()  # As when its parent has ended.
        assert process.wait(30) == 0


def test_a_head_start_that_nobody_takes_leaves_no_process(
    tmp_path: Path, listener: socket.socket
) -> None:
    journal = tmp_path / "journal"
    with head_start(journal) as first:
        process = first._process
        assert until(journal, 1) == ["loaded"]
    assert process is not None
    assert process.returncode == -signal.SIGKILL
    assert first.take({}, descriptor=listener.fileno()) is None


def test_a_head_start_whose_starter_was_killed_ends(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    first = head_start(journal)
    assert first._process is not None
    assert until(journal, 1) == ["loaded"]
    first._ours.close()
    assert first._process.wait(30) == 0
    assert lines(journal) == ["loaded"]


def test_a_head_start_that_ended_is_no_process(listener: socket.socket) -> None:
    command = (sys.executable, "-S", "-c", "raise SystemExit(3)")
    with HeadStart(command, environment=dict(os.environ)) as first:
        assert first._process is not None
        first._process.wait(30)
        assert first.take({"WORD": "late"}, descriptor=listener.fileno()) is None


def children_of(parent: int) -> list[str]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                found.append(folder.name)
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs Linux's list of processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_start_that_is_stopped_at_once_leaves_no_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    home = tmp_path / "home"
    environment = dict(os.environ) | {"GOSELLR_HOME": str(home), "GOSELLR_PORT": "0"}
    command = (sys.executable, "-c", "from gosellr.main import command; command(['run'])")
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as starter:
        deadline = time.monotonic() + 30
        while not (children := children_of(starter.pid)) and time.monotonic() < deadline:
            time.sleep(0.005)
        assert children
        starter.send_signal(number)
        said, _ = starter.communicate(timeout=60)
    assert starter.returncode == 130
    assert "Traceback" not in said
    # One that was caught while it was being made notices by itself that nobody is there.
    while any(Path(f"/proc/{one}").exists() for one in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{one}").exists() for one in children)


def test_a_folder_that_cannot_be_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="can't be a folder: Not a directory") as caught:
        make_home(tmp_path / "file" / "home")
    assert caught.value.remedy == "Choose another one: export GOSELLR_HOME=~/gosellr-data"
    with pytest.raises(StartupError, match="can't be a folder: File exists"):
        make_home(tmp_path / "file")
    make_home(tmp_path / "new" / "home")
    make_home(tmp_path / "new" / "home")


def test_a_terminal_that_is_closed_ends_nothing_under_nohup() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Supervisor([], keep_alive=lambda: None, say=print) as supervisor:
            os.kill(os.getpid(), signal.SIGHUP)
            assert supervisor.start(is_ready=lambda: True)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
