"""The account PostgreSQL runs as: ourselves, or an unprivileged one when we are root."""

import os
import pwd
import subprocess
from pathlib import Path

from gosellr.core.startup_error import StartupError
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Account:
    """An operating system account that a root process hands PostgreSQL to."""

    name: str
    uid: int
    gid: int


def choose_account(data_folder: Path) -> Account | None:
    """The unprivileged account to run PostgreSQL as, or None when we aren't root ourselves.

    A data folder that exists already decides: its owner stays its owner.
    """
    if os.geteuid() != 0:
        return None
    if data_folder.exists() and data_folder.stat().st_uid != 0:
        status = data_folder.stat()
        try:
            name = pwd.getpwuid(status.st_uid).pw_name
        except KeyError:
            name = str(status.st_uid)
        return Account(name=name, uid=status.st_uid, gid=status.st_gid)
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise StartupError(
        "PostgreSQL refuses to run as root and there is no account to run it as.",
        remedy="Create one: useradd --system --no-create-home postgres",
    )


def can_reach(path: Path, account: Account) -> bool:
    """Whether the account may enter this folder, or run this file."""
    probe = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$0"', str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return probe.returncode == 0
