"""Questions about other processes of this machine, on Linux and macOS."""

import os
import subprocess
from pathlib import Path


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def recorded_pid(lock_file: Path) -> int | None:
    """The process that a lock file names on its first line, dead or alive."""
    try:
        return int(lock_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def works_in(pid: int, folder: Path) -> bool:
    """Whether the process's working folder is this one: PostgreSQL's is its data folder."""
    proc = Path("/proc")
    if proc.is_dir():
        try:
            return (proc / str(pid) / "cwd").samefile(folder)
        except OSError:
            return False
    answer = subprocess.run(
        ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return "postgres" in answer.stdout and str(folder) in answer.stdout


def processes_in(folder: Path) -> list[int]:
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if works_in(int(entry.name), folder)
    ]


class Watchdog:
    """Ends a server and removes its folder when the process that posted the watchdog dies.

    A shell waits for the end of its input, which the kernel brings about with our death,
    however sudden. `dismiss` it before ending the server in an orderly way.
    """

    def __init__(self, pid: int, *, folder: Path) -> None:
        script = 'cat >/dev/null; kill -QUIT "$0" && rm -rf -- "$1"'
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", script, str(pid), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )

    def dismiss(self) -> None:
        """Call it off. Idempotent."""
        self._shell.kill()
        self._shell.communicate()
