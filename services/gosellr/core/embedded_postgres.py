"""A PostgreSQL of our own: created, started, adopted, mended and stopped without an operator.

Layout of the home folder:

    pg/                the data folder, owned by the account PostgreSQL runs as
    run/               the Unix socket (a folder below the temporary one when the path is long)
    postgres.log       what the server says
    *.password         one file per role, mode 0600
    postgres.lock      held while somebody starts or stops the server

The server listens on its Unix socket only and lives in a session of its own: a Ctrl-C reaches
the application first, which drains and then stops the database. When a starter is killed the
server stays, and the next starter adopts it; when the server is killed, `start` brings it back.
"""

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg

from gosellr.core.postgres_account import Account, can_reach, choose_account
from gosellr.core.postgres_binaries import (
    Binaries,
    binaries_for,
    clean_environment,
    find_binaries,
)
from gosellr.core.postgres_failures import start_failure
from gosellr.core.postgres_roles import ensure_database
from gosellr.core.postgres_settings import memory_mb, render_settings
from gosellr.core.private_files import write_private
from gosellr.core.processes import Watchdog, is_alive, processes_in, recorded_pid, works_in
from gosellr.core.startup_error import StartupError, explained

OWNER_ROLE = "gosellr"
"""Superuser of the embedded cluster; owns the schema and runs the migrations."""

APPLICATION_ROLE = "gosellr_app"
"""What the web and the workers log in as: no DDL, only the rights it was granted."""

DATABASE = "gosellr"

_PORT = 5432  # Names the socket file; no TCP port is opened.
_SOCKET_PATH_BYTES_MAX = 90  # The kernel allows 107 for folder + "/.s.PGSQL.5432.lock".
_LOG_BYTES_MAX = 10_000_000
_POLL_SECONDS = 0.02
_DYING_SECONDS = 5.0  # How long a killed server may still look alive.
_BUILTIN_LOCALE_SINCE_MAJOR = 17


class Cluster:
    """One PostgreSQL cluster below one home folder.

    `start` is idempotent and safe to call from several processes at once: one starts the server,
    the others adopt it. `throwaway=True` trades durability for speed (tests only) and ends the
    server when the process that started it dies.
    """

    def __init__(self, home: Path, *, throwaway: bool = False) -> None:
        self.home = home.expanduser().absolute()
        self.data_folder = self.home / "pg"
        self.log_file = self.home / "postgres.log"
        self.throwaway = throwaway
        self.adopted = False
        self._socket_folder = _socket_folder_for(self.home)
        self._account: Account | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._watchdog: Watchdog | None = None

    def start(self, timeout_seconds: float = 120) -> "Cluster":
        """Make the server run, whatever state it was left in, and return when it accepts logins.

        Raises StartupError with a remedy: missing rights, full disk, a data folder of another
        version, a server that gave up, or no answer within `timeout_seconds` (a recovery after a
        crash of the machine can take its time).
        """
        with explained(self.home):
            self._prepare_home()
            with self._locked():
                deadline = time.monotonic() + timeout_seconds
                renew_password = not self._password_file(APPLICATION_ROLE).exists()
                self._bring_up(deadline)
                while not self._accepts_logins(deadline, renew_password=renew_password):
                    self._bring_up(deadline)
        return self

    def stop(self, timeout_seconds: float = 60) -> None:
        """Shut down cleanly: sessions are cut, everything is on disk. Idempotent."""
        if not self.home.exists():
            return
        with self._locked():
            for shutdown in (signal.SIGINT, signal.SIGQUIT):  # fast, then immediate
                pid = self.postmaster_pid()
                if pid is None:
                    break
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, shutdown)
                deadline = time.monotonic() + timeout_seconds
                while self.postmaster_pid() == pid and time.monotonic() < deadline:
                    time.sleep(_POLL_SECONDS)
            if self._process is not None:
                self._process.wait()
                self._process = None
            if self._watchdog is not None:
                self._watchdog.dismiss()
            if self._socket_folder.parent != self.home:
                with contextlib.suppress(OSError):
                    self._socket_folder.rmdir()

    def dsn(self, *, role: str = OWNER_ROLE, database: str = DATABASE) -> str:
        """A URL that asyncpg and psycopg both understand; it contains the role's password."""
        password = quote(self._password(role), safe="")
        folder = quote(str(self._socket_folder), safe="/")
        return f"postgresql://{role}:{password}@/{database}?host={folder}&port={_PORT}"

    def is_alive(self) -> bool:
        """Whether a server of this data folder exists (it may still be recovering)."""
        return self.postmaster_pid() is not None

    def postmaster_pid(self) -> int | None:
        """The live server process of this data folder, whoever started it."""
        if self._process is not None:
            self._process.poll()  # Reap a killed child, or its id would look alive.
        pid = recorded_pid(self.data_folder / "postmaster.pid")
        if pid is None or not is_alive(pid):
            return None
        return pid if works_in(pid, self.data_folder) else None

    def _bring_up(self, deadline: float) -> None:
        self.adopted = True
        while True:
            pid = self.postmaster_pid()
            if pid is None:
                self._initialise()
                self._clear_remains(deadline)
                pid = self._launch()
                self.adopted = False
            if self._wait_until_ready(pid, deadline):
                return

    def _prepare_home(self) -> None:
        self._account = choose_account(self.data_folder)
        created = not self.home.exists()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._account is not None:
            marks = [self.home / "market.lock", self.home / "postgres.lock"]
            ours = created or any(mark.exists() for mark in marks) or not any(self.home.iterdir())
            if ours and not can_reach(self.home, self._account):
                # Only passing through, only our own folder, never a parent.
                self.home.chmod(self.home.stat().st_mode | 0o011)
            if not can_reach(self.home, self._account):
                raise StartupError(
                    f"The account {self._account.name}, which PostgreSQL runs as, "
                    f"may not enter {self.home}.",
                    remedy="Choose another data folder: export GOSELLR_HOME=/var/lib/gosellr",
                )
        self._make_private_folder(self._socket_folder)

    def _make_private_folder(self, folder: Path) -> None:
        owner = self._account.uid if self._account else os.geteuid()
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            if self._account is not None:
                os.chown(folder, self._account.uid, self._account.gid)
        status = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or status.st_uid not in {owner, os.geteuid()}:
            raise StartupError(
                f"{folder} belongs to somebody else.", remedy=f"Remove it: rm -rf {folder}"
            )
        if status.st_uid != owner and self._account is not None:
            os.chown(folder, self._account.uid, self._account.gid)
        folder.chmod(0o700)

    def _binaries(self) -> Binaries:
        wanted = None
        with contextlib.suppress(FileNotFoundError, ValueError):
            wanted = int((self.data_folder / "PG_VERSION").read_text())
        found = find_binaries(wanted_major=wanted)
        return binaries_for(found, account=self._account, home=self.home)

    def _initialise(self) -> None:
        """Create the data folder; a killed attempt leaves nothing that looks finished."""
        if self.data_folder.exists():
            return
        binaries = self._binaries()
        unfinished = self.home / "pg.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._make_private_folder(unfinished)
        password_file = self._socket_folder / "initdb.password"
        password_file.unlink(missing_ok=True)
        write_private(password_file, self._password(OWNER_ROLE, create=True))
        if self._account is not None:
            os.chown(password_file, self._account.uid, self._account.gid)
        command = [binaries.program("initdb"), "--pgdata", str(unfinished)]
        command += ["--username", OWNER_ROLE, "--auth", "scram-sha-256", "--encoding", "UTF8"]
        command += ["--pwfile", str(password_file), "--data-checksums"]
        if binaries.major >= _BUILTIN_LOCALE_SINCE_MAJOR:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            command += ["--lc-collate=C", "--lc-ctype=C.UTF-8"]
        command += ["--no-sync"] if self.throwaway else []
        try:
            result = self._run(command)
        finally:
            password_file.unlink(missing_ok=True)
        if result.returncode != 0:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise start_failure(result.stdout, log_file=None, home=self.home)
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write("\ninclude_if_exists = 'gosellr.conf'\n")
        unfinished.rename(self.data_folder)

    def _launch(self) -> int:
        binaries = self._binaries()
        self._write_settings()
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_BYTES_MAX:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        command = [binaries.program("postgres"), "-D", str(self.data_folder)]
        for name, value in {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_folder),
            "unix_socket_permissions": "0700",
            "port": str(_PORT),
        }.items():
            command += ["-c", f"{name}={value}"]
        if self._process is not None:  # Killed a moment ago: reaped, or it stays a zombie.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        with self.log_file.open("ab") as log:
            self._log_start = log.tell()
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self.home,
                env=clean_environment(),
                user=self._account.uid if self._account else None,
                group=self._account.gid if self._account else None,
                extra_groups=[] if self._account else None,
            )
        if self._watchdog is not None:
            self._watchdog.dismiss()
        if self.throwaway:
            self._watchdog = Watchdog(self._process.pid, folder=self.data_folder)
        return self._process.pid

    def _write_settings(self) -> None:
        target = self.data_folder / "gosellr.conf"
        draft = self.data_folder / "gosellr.conf.new"
        text = render_settings(throwaway=self.throwaway, memory_mb=memory_mb())
        draft.write_text(text)
        if self._account is not None:
            os.chown(draft, self._account.uid, self._account.gid)
        draft.replace(target)

    def _wait_until_ready(self, pid: int, deadline: float) -> bool:
        """True when the server accepts logins, False when it went away and may be started."""
        pid_file = self.data_folder / "postmaster.pid"
        while True:
            lines: list[str] = []
            with contextlib.suppress(FileNotFoundError):
                lines = pid_file.read_text().splitlines()
            # Line 1 is the process, 5 the socket folder, 8 the state.
            if len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready":
                self._socket_folder = Path(lines[4])
                return True
            if self._process is not None and self._process.pid == pid:
                if self._process.poll() is not None:
                    if self.is_alive():  # Another server was quicker.
                        return False
                    raise start_failure(
                        self._log_since_launch(), log_file=self.log_file, home=self.home
                    )
            elif self.postmaster_pid() != pid:
                return False
            if time.monotonic() > deadline:
                raise StartupError(
                    f"PostgreSQL (process {pid}) is running but not ready yet.",
                    remedy=f"See what it is doing: tail {self.log_file}",
                )
            time.sleep(_POLL_SECONDS)

    def _clear_remains(self, deadline: float) -> None:
        """Wait for sessions of a killed server, and drop lock files that name somebody else.

        The killed server's number may be recycled, or a zombie's. When nobody bears it the pid
        file stays: PostgreSQL needs the shared memory key in it to prove that no old session
        still writes to the data folder.
        """
        patience = time.monotonic() + 2
        while (survivors := processes_in(self.data_folder)) and not self.is_alive():
            if time.monotonic() > patience:
                for survivor in survivors:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(survivor, signal.SIGQUIT)
            if time.monotonic() > min(deadline, patience + 10):
                raise StartupError(
                    "Sessions of a killed PostgreSQL won't end.",
                    remedy=f"End them: kill -9 {' '.join(map(str, survivors))}",
                )
            time.sleep(_POLL_SECONDS)
        socket_lock = self._socket_folder / f".s.PGSQL.{_PORT}.lock"
        for lock_file in (self.data_folder / "postmaster.pid", socket_lock):
            pid = recorded_pid(lock_file)
            if pid is not None and is_alive(pid) and not works_in(pid, self.data_folder):
                lock_file.unlink(missing_ok=True)

    def _accepts_logins(self, deadline: float, *, renew_password: bool) -> bool:
        """Create the database and the application's login if need be, which proves it works.

        False when the server was killed a moment ago: its pid file still called it ready.
        """
        password = self._password(APPLICATION_ROLE, create=True)
        retry_until = min(deadline, time.monotonic() + _DYING_SECONDS)
        while True:
            try:
                ensure_database(
                    self.dsn(database="postgres"),
                    database=DATABASE,
                    role=APPLICATION_ROLE,
                    password=password,
                    renew_password=renew_password,
                )
            except psycopg.OperationalError as error:
                if not self.is_alive():
                    return False
                if time.monotonic() > retry_until:
                    raise StartupError(
                        f"PostgreSQL runs but refuses us: {str(error).strip()}",
                        remedy=f"Read its log: tail -50 {self.log_file}",
                    ) from error
                time.sleep(_POLL_SECONDS)
            else:
                return True

    def _password_file(self, role: str) -> Path:
        return self.home / f"{role}.password"

    def _password(self, role: str, *, create: bool = False) -> str:
        path = self._password_file(role)
        if create and not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            raise StartupError(
                f"{path} is missing, so nobody can log in to the database.",
                remedy=f"Restore it from your backup of {self.home}",
            ) from None

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            start_new_session=True,
            cwd=self.home,
            env=clean_environment(),
            user=self._account.uid if self._account else None,
            group=self._account.gid if self._account else None,
            extra_groups=[] if self._account else None,
        )

    def _log_since_launch(self) -> str:
        with self.log_file.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the starter's lock; the kernel drops it with the process, so it can't be stale."""
        with (self.home / "postgres.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _socket_folder_for(home: Path) -> Path:
    folder = home / "run"
    if len(os.fsencode(folder)) <= _SOCKET_PATH_BYTES_MAX:
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"gosellr-{os.geteuid()}-{digest}"
