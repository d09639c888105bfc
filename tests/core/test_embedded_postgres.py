"""The launcher: a market's database comes up from whatever state a machine left it in."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.startup_error import StartupError


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short path that every account may enter, which pytest's own folders aren't."""
    path = Path(tempfile.mkdtemp(prefix="gosellr-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def running() -> Iterator[Cluster]:
    """One durable cluster, shared by the tests that leave it running and whole."""
    path = Path(tempfile.mkdtemp(prefix="gosellr-"))
    path.chmod(0o755)
    cluster = Cluster(path).start()
    yield cluster
    cluster.stop()
    shutil.rmtree(path, ignore_errors=True)


def ask(cluster: Cluster, query: str, *, role: str = "gosellr") -> object:
    with psycopg.connect(cluster.dsn(role=role), autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        row = cursor.fetchone() if cursor.description else None
    return row[0] if row else None


def test_it_keeps_every_promise_of_durability_by_default(running: Cluster) -> None:
    for setting in ("fsync", "synchronous_commit", "full_page_writes", "data_checksums"):
        assert ask(running, f"SHOW {setting}") == "on"
    assert ask(running, "SHOW listen_addresses") == ""
    assert ask(running, "SHOW server_encoding") == "UTF8"
    assert ask(running, "SELECT lower('ÄÖÉ')") == "äöé"


def test_passwords_are_readable_by_their_owner_only(running: Cluster) -> None:
    files = sorted(running.home.glob("*.password"))
    assert [file.name for file in files] == ["gosellr.password", "gosellr_app.password"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert running.data_folder.stat().st_mode & 0o777 == 0o700


def test_the_application_role_works_but_changes_no_tables(running: Cluster) -> None:
    assert ask(running, "SELECT current_user", role=APPLICATION_ROLE) == "gosellr_app"
    rights = "SELECT rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls FROM pg_roles"
    assert ask(running, f"{rights} WHERE rolname = 'gosellr_app'") is False
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(running, "CREATE TABLE public.mine (n int)", role=APPLICATION_ROLE)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(running, "CREATE SCHEMA mine", role=APPLICATION_ROLE)


def test_a_wrong_password_is_refused(running: Cluster) -> None:
    password = (running.home / "gosellr.password").read_text()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(running.dsn().replace(password, "guess"))


def test_the_server_never_runs_as_root(running: Cluster) -> None:
    pid = running.postmaster_pid()
    assert pid is not None
    assert Path(f"/proc/{pid}").stat().st_uid != 0


def test_another_starter_adopts_the_running_server(running: Cluster) -> None:
    other = Cluster(running.home).start()
    assert other.adopted
    assert other.postmaster_pid() == running.postmaster_pid()
    assert ask(other, "SELECT 1") == 1


def test_data_survives_a_stop_a_kill_and_a_recycled_process_number(folder: Path) -> None:
    cluster = Cluster(folder).start()
    ask(cluster, "CREATE TABLE kept AS SELECT 1 AS n")
    cluster.stop()
    assert not cluster.is_alive()
    assert not (cluster.data_folder / "postmaster.pid").exists()
    assert ask(cluster.start(), "SELECT sum(n) FROM kept") == 1

    ask(cluster, "INSERT INTO kept VALUES (2)")
    killed = cluster.postmaster_pid()
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    cluster.start()
    assert not cluster.adopted
    assert ask(cluster, "SELECT sum(n) FROM kept") == 3

    cluster.stop()
    # A machine that lost its power: the files are there, their number is somebody else's now.
    owner = cluster.data_folder.stat()
    pid_file = cluster.data_folder / "postmaster.pid"
    for lock_file in (pid_file, folder / "run" / ".s.PGSQL.5432.lock"):
        lock_file.write_text(f"{os.getpid()}\n{cluster.data_folder}\n0\n5432\n{folder}/run\n\n")
        os.chown(lock_file, owner.st_uid, owner.st_gid)
    assert not cluster.is_alive()
    cluster.start()
    assert ask(cluster, "SELECT sum(n) FROM kept") == 3
    cluster.stop()


def test_a_killed_creation_is_begun_again_and_starters_dont_race(folder: Path) -> None:
    (folder / "postgres.lock").touch()
    (folder / "pg.unfinished").mkdir()
    (folder / "pg.unfinished" / "PG_VERSION").write_text("18\n")
    starters = [Cluster(folder, throwaway=True) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda starter: starter.start(), starters))
    assert sorted(starter.adopted for starter in starters) == [False, True, True, True]
    assert len({starter.postmaster_pid() for starter in starters}) == 1
    assert not (folder / "pg.unfinished").exists()
    for starter in starters:
        starter.stop()
    assert not any(starter.is_alive() for starter in starters)


def test_a_throwaway_server_ends_with_the_process_that_started_it(folder: Path) -> None:
    program = (
        "import os, pathlib, sys; from gosellr.core.embedded_postgres import Cluster; "
        "cluster = Cluster(pathlib.Path(sys.argv[1]), throwaway=True).start(); "
        "print(cluster.postmaster_pid(), flush=True); os.kill(os.getpid(), 9)"
    )
    services = str(Path(__file__).parents[2] / "services")
    starter = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        env=os.environ | {"PYTHONPATH": services},
        capture_output=True,
        text=True,
        check=False,
    )
    assert starter.returncode == -signal.SIGKILL
    server = Path(f"/proc/{int(starter.stdout)}")
    while server.exists() or (folder / "pg").exists():  # The suite's timeout ends a failure.
        os.sched_yield()


def test_throwaway_settings_and_a_path_too_long_for_a_socket(folder: Path) -> None:
    deep = folder / ("deep" * 20)
    cluster = Cluster(deep, throwaway=True).start()
    assert ask(cluster, "SHOW fsync") == "off"
    assert ask(cluster, "SHOW full_page_writes") == "off"
    assert not (deep / "run").exists()
    cluster.stop()


def test_a_data_folder_of_another_version_is_explained(folder: Path) -> None:
    (folder / "postgres.lock").touch()
    (folder / "pg").mkdir()
    (folder / "pg" / "PG_VERSION").write_text("9\n")
    with pytest.raises(StartupError) as refusal:
        Cluster(folder).start()
    assert "made by PostgreSQL 9" in refusal.value.problem
    assert refusal.value.remedy.endswith("apt-get install postgresql-9")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts the server as somebody else")
def test_a_foreign_private_folder_is_neither_entered_nor_loosened(folder: Path) -> None:
    folder.chmod(0o700)
    (folder / "somebody's file").touch()
    with pytest.raises(StartupError, match="may not enter"):
        Cluster(folder).start()
    assert folder.stat().st_mode & 0o777 == 0o700
