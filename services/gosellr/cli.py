"""The operator's commands. `gosellr run` is the market; the others look at it or mend it."""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import typer

from gosellr import __version__, cli_accounts, cli_books, cli_story
from gosellr.cli_demo import HistoryWatch, fill_demo
from gosellr.config import Settings, SettingsError, load_settings
from gosellr.core.checkup import Finding, check_database, check_folder, check_python
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.listening import answers, bind_address
from gosellr.core.lock_file import LockHeldError, hold_lock
from gosellr.core.postgres_binaries import OLDEST_MAJOR, find_binaries
from gosellr.core.private_files import ensure_secret
from gosellr.core.startup_card import StartupCard, print_refusal
from gosellr.core.startup_error import StartupError, explained
from gosellr.core.supervisor import Program, Supervisor

OLDEST_PYTHON = (3, 11)
_APPLICATION = "gosellr.main:application"
_WORKER_MODULE = "gosellr.jobs.worker"
_TELLING = ("Filling three months of orders", "Three months of orders are in")
_SOURCE_ROOT = Path(__file__).resolve().parents[1]
_DATABASE_RETRY_SECONDS = 5.0

app = typer.Typer(
    name="gosellr",
    help="GoSellr: a marketplace platform. Without settings it runs a market on this computer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@dataclass(frozen=True, slots=True)
class Logins:
    """The two ways into the database: as the application, and as the owner of its tables."""

    application: str
    owner: str
    application_role: str | None
    """The role to grant rights to; None when one login is both."""


@app.command()
def run(
    no_open: Annotated[bool, typer.Option("--no-open", help="Don't open a browser.")] = False,
) -> None:
    """Run the market: database, pages, API and jobs, until Ctrl C."""
    with refusals():
        settings = load_settings()
        # Until the supervisor takes over, both signals unwind the start in the same way.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            _run_market(settings, card=StartupCard(), may_open=not no_open)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


@app.command()
def migrate() -> None:
    """Bring the database to this release's tables and grant the application its rights."""
    with refusals():
        settings = load_settings()
        with market_database(settings, purpose="gosellr migrate") as logins:
            changed = _migrate(logins)
    typer.echo("Migrated." if changed else "Nothing to migrate.")


@app.command()
def doctor() -> None:
    """Say what is wrong with this installation and how to mend it. Changes nothing."""
    findings = [check_python(oldest=OLDEST_PYTHON)]
    try:
        settings = load_settings()
    except SettingsError as error:
        findings += [Finding("Settings", problem, "Mend it") for problem in error.problems]
    else:
        findings.append(Finding("Settings", settings.env))
        findings += [check_folder(settings.home), _check_port(settings)]
        findings += _check_market_database(settings)
    for finding in findings:
        mark = "✓" if finding.is_well else "✗"
        typer.echo(f"  {mark} {finding.subject.ljust(12)} {finding.answer}")
        if not finding.is_well and finding.remedy != "Mend it":
            typer.echo(f"    {' ' * 12} {finding.remedy}")
    if not all(finding.is_well for finding in findings):
        raise typer.Exit(1)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def psql(context: typer.Context) -> None:
    """Open psql on the market's database; further arguments are psql's own."""
    with refusals():
        settings = load_settings()
        with market_database(settings, purpose="gosellr psql") as logins:
            url, password = _without_password(logins.owner)
            program = find_binaries().program("psql")
            environment = os.environ | {
                "PGPASSWORD": password,
                "PGOPTIONS": "-csearch_path=gosellr",
            }
            arguments = [program, url, *context.args]
            code = os.waitstatus_to_exitcode(
                os.waitpid(os.posix_spawn(program, arguments, environment), 0)[1]
            )
    raise typer.Exit(code)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"gosellr {__version__}")


@contextlib.contextmanager
def refusals() -> Iterator[None]:
    """Print what an operator can mend as a sentence and a remedy, and exit with status 1."""
    try:
        yield
    except SettingsError as error:
        typer.echo("These settings are wrong:", err=True)
        for problem in error.problems:
            typer.echo(f"  ✗ {problem}", err=True)
        raise typer.Exit(1) from None
    except StartupError as error:
        print_refusal(error)
        raise typer.Exit(1) from None


@contextlib.contextmanager
def market_database(settings: Settings, *, purpose: str) -> Iterator[Logins]:
    """The market's database for one command, also while the market runs.

    A running embedded server is used and left running; one that stands still is started for
    the command and stopped after it.
    """
    if settings.database_url:
        yield _external_logins(settings)
        return
    cluster = Cluster(settings.home)
    with contextlib.ExitStack() as stack:
        stack.enter_context(explained(settings.home))
        settings.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        try:
            stack.enter_context(hold_lock(settings.home / "market.lock", purpose=purpose))
        except LockHeldError:
            pass
        else:
            if not cluster.is_alive():
                stack.callback(cluster.stop)
        cluster.start()
        yield _embedded_logins(cluster)


def _external_logins(settings: Settings) -> Logins:
    application = settings.database_url
    owner = settings.migration_database_url or application
    role = urlsplit(application).username
    is_same = role == urlsplit(owner).username
    return Logins(application, owner, None if is_same or role is None else unquote(role))


def _embedded_logins(cluster: Cluster) -> Logins:
    return Logins(cluster.dsn(role=APPLICATION_ROLE), cluster.dsn(), APPLICATION_ROLE)


@contextlib.contextmanager
def _command_database(settings: Settings, purpose: str) -> Iterator[Logins]:
    with refusals(), market_database(settings, purpose=purpose) as logins:
        yield logins


cli_accounts.install(app, open_database=_command_database)
cli_books.install(app, open_database=_command_database)
cli_story.install(app)


def _migrate(logins: Logins) -> bool:
    from gosellr.migrations.run import upgrade  # noqa: PLC0415

    return asyncio.run(upgrade(logins.owner, application_role=logins.application_role))


# The life of a market


def _run_market(settings: Settings, *, card: StartupCard, may_open: bool) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(explained(settings.home))
        settings.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        _claim_home(stack, settings)
        listener = stack.enter_context(bind_address(settings.host, settings.port))
        card.line(f"GoSellr {__version__}" + ("  (demo market)" if settings.demo_enabled else ""))
        cluster: Cluster | None = None
        if settings.database_url:
            logins = _external_logins(settings)
        else:
            cluster = Cluster(settings.home)
            stack.callback(cluster.stop)
            with card.step("Starting the database", "Database started") as step:
                cluster.start()
                step.note = str(cluster.data_folder)
            logins = _embedded_logins(cluster)
        with card.step("Preparing the tables", "Tables ready"):
            _migrate(logins)
        if settings.demo_enabled and not (settings.home / "demo.json").exists():
            fill_demo(settings, dsn=logins.application, card=card)
        programs = _programs(settings, logins, descriptor=listener.fileno())
        watch = HistoryWatch(settings, stack.enter_context(card.background(*_TELLING)))
        keep_database = _keeper(cluster, card)

        def keep_alive() -> None:
            keep_database()
            watch.look(logins.application)

        with Supervisor(programs, keep_alive=keep_alive, say=card.line) as supervisor:
            with card.step("Opening the doors", "Doors open"):
                is_open = supervisor.start(
                    is_ready=lambda: answers(settings.host, settings.port, path="/healthz")
                )
            if is_open:
                _print_card(settings, card)
                watch.begin()
                _open_browser(settings, may_open=may_open)
                supervisor.run()
            card.line("Stopping: finishing what is under way. Ctrl C again forces it.")
            listener.close()
    card.line("Stopped.")


def _claim_home(stack: contextlib.ExitStack, settings: Settings) -> None:
    try:
        stack.enter_context(hold_lock(settings.home / "market.lock", purpose="gosellr run"))
    except LockHeldError as error:
        number = error.holder.removeprefix("process ").split(" ", 1)[0]
        raise StartupError(
            f"The data folder {settings.home} is in use by {error.holder}.",
            remedy=f"Stop it: kill {number}  (or choose another folder: export GOSELLR_HOME=…)",
        ) from None


def _keeper(cluster: Cluster | None, card: StartupCard) -> Callable[[], None]:
    """Brings the embedded server back whenever it is gone."""
    not_before = 0.0

    def keep_alive() -> None:
        nonlocal not_before
        if cluster is None or cluster.is_alive() or time.monotonic() < not_before:
            return
        card.line("The database stopped; starting it again.")
        try:
            cluster.start()
        except StartupError as error:
            not_before = time.monotonic() + _DATABASE_RETRY_SECONDS
            print_refusal(error)

    return keep_alive


def _programs(settings: Settings, logins: Logins, *, descriptor: int) -> list[Program]:
    """One program per web process, and the job worker; what they need to know they are told."""
    secret = settings.secret_key or ensure_secret(settings.home / "secret.key")
    environment = os.environ | {
        "GOSELLR_HOME": str(settings.home),
        "GOSELLR_DATABASE_URL": logins.application,
        "GOSELLR_SECRET_KEY": secret,
        "PYTHONPATH": str(_SOURCE_ROOT),
        "PYTHONUNBUFFERED": "1",
    }
    environment.pop("GOSELLR_MIGRATION_DATABASE_URL", None)
    base = (sys.executable, "-P", "-m", "gosellr.core.child_process")
    programs = [
        Program(
            name="web" if settings.workers == 1 else f"web {number}",
            command=(*base, "web", _APPLICATION, str(descriptor)),
            environment=environment,
            stop_rank=0,
            descriptors=(descriptor,),
            # One process opens the doors; loading all at once would take it longer.
            follows=number > 1,
        )
        for number in range(1, settings.workers + 1)
    ]
    if importlib.util.find_spec(_WORKER_MODULE) is not None:
        command = (*base, "module", _WORKER_MODULE)
        programs.append(Program("job worker", command, environment, stop_rank=1, follows=True))
    return programs


# What is printed


def _print_card(settings: Settings, card: StartupCard) -> None:
    """Where to go. The demo's own doors stand in `demo.json`, which the demo writes."""
    card.line(f"Ready in {card.seconds():.1f} s")
    card.line()
    demo = _demo_card(settings)
    doors = demo.get("doors", [{"title": "Shop", "path": "/"}])
    width = len(settings.base_url) + max(len(door["path"]) for door in doors) + 10
    for door in doors:
        url = f"{settings.base_url}{door['path']}".ljust(width)
        who = f"{door.get('who', '').ljust(18)}{door.get('email', '')}"
        card.line(f"  {door['title'].ljust(12)}{url}{who}".rstrip())
    password = demo.get("password")
    note = f"password for all of them: {password}" if password else ""
    card.line(f"  {'API docs'.ljust(12)}{f'{settings.base_url}/docs'.ljust(width)}{note}".rstrip())
    if "one_click" in demo and settings.is_loopback:
        url = f"{settings.base_url}{demo['one_click']}".ljust(width)
        card.line(f"  {'One click'.ljust(12)}{url}no typing (this computer only)")
    card.line()
    empty = "  Empty market: GOSELLR_DEMO=0." if settings.demo_enabled else ""
    card.line(f"  Stop: Ctrl C.{empty}  Data: {settings.home}")


def _demo_card(settings: Settings) -> dict[str, Any]:
    if not settings.demo_enabled:
        return {}
    try:
        card: dict[str, Any] = json.loads((settings.home / "demo.json").read_text())
    except FileNotFoundError:
        return {}
    return card


def _open_browser(settings: Settings, *, may_open: bool) -> None:
    has_display = sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    is_remote = bool(os.environ.get("CI") or os.environ.get("SSH_CONNECTION"))
    if not (may_open and sys.stdout.isatty() and has_display) or is_remote:
        return
    if path := _demo_card(settings).get("one_click"):
        webbrowser.open(f"{settings.base_url}{path}")


# The doctor's questions


def _check_port(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    if answers(settings.host, settings.port, path="/healthz"):
        return Finding("Port", f"{where} answers")
    try:
        bind_address(settings.host, settings.port).close()
    except StartupError as error:
        return Finding("Port", error.problem, error.remedy)
    return Finding("Port", f"{where} is free")


def _check_market_database(settings: Settings) -> list[Finding]:
    from gosellr.migrations.revisions import head_revision  # noqa: PLC0415
    from gosellr.migrations.run import EXTENSIONS  # noqa: PLC0415

    try:
        if not settings.database_url and not (settings.home / "pg").exists():
            return [Finding("Database", f"PostgreSQL {find_binaries().version}, not created yet")]
        with market_database(settings, purpose="gosellr doctor") as logins:
            return asyncio.run(
                check_database(
                    logins.application,
                    oldest_version=OLDEST_MAJOR,
                    extensions=EXTENSIONS,
                    schema="gosellr",
                    head=head_revision(),
                )
            )
    except StartupError as error:
        return [Finding("Database", error.problem, error.remedy)]


def _without_password(url: str) -> tuple[str, str]:
    """The URL as it may stand in a process list, and the password that was in it."""
    parts = urlsplit(url)
    password = unquote(parts.password or "")
    login, _, host = parts.netloc.rpartition("@")
    bare = f"{login.split(':', 1)[0]}@{host}" if login else host
    return urlunsplit(parts._replace(netloc=bare)), password


if __name__ == "__main__":
    app()
