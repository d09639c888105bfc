"""PostgreSQL's last words, told as a sentence with a remedy."""

import shutil
from pathlib import Path

from gosellr.core.startup_error import StartupError, disk_is_full, no_rights

_FREE_BYTES_MIN = 64_000_000  # Four segments of its log; with less it ends in various words.


def start_failure(output: str, *, log_file: Path | None, home: Path) -> StartupError:
    """What the server's last words mean for an operator."""
    is_full = shutil.disk_usage(home).free < _FREE_BYTES_MIN
    if is_full or "No space left on device" in output:
        return disk_is_full(home)
    if "wrong ownership" in output:
        return StartupError(
            f"{home / 'pg'} belongs to another account than the one PostgreSQL runs as.",
            remedy=f"Give it back: chown -R postgres: {home / 'pg'}",
        )
    if "Permission denied" in output:
        return no_rights(home / "pg")
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line or "error:" in line]
    reason = (telling or lines or ["it said nothing"])[-1]
    remedy = (
        f"Read its log: tail -50 {log_file}" if log_file else f"Check the folder: ls -la {home}"
    )
    return StartupError(f"PostgreSQL didn't start: {reason}.", remedy=remedy)
