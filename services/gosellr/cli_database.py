"""The way from a command to the market's database, and what is said when there is none."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import typer

from gosellr.config import Settings, SettingsError
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.lock_file import LockHeldError, hold_lock
from gosellr.core.startup_card import print_refusal
from gosellr.core.startup_error import StartupError, explained
from gosellr.utils.lazy_dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Logins:
    """The two ways into the database: as the application, and as the owner of its tables."""

    application: str
    owner: str
    application_role: str | None
    """The role to grant rights to; None when one login is both."""


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
        yield external_logins(settings)
        return
    cluster = Cluster(settings.home)
    with contextlib.ExitStack() as stack:
        stack.enter_context(explained(settings.home))
        make_home(settings.home)
        try:
            stack.enter_context(hold_lock(settings.home / "market.lock", purpose=purpose))
        except LockHeldError:
            pass
        else:
            if not cluster.is_alive():
                stack.callback(cluster.stop)
        cluster.start()
        yield embedded_logins(cluster)


def make_home(home: Path) -> None:
    """Make the market's folder where it isn't there yet.

    Raises StartupError where there can be none.
    """
    try:
        home.mkdir(mode=0o711, parents=True, exist_ok=True)
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise StartupError(
            f"{home} can't be a folder: {error.strerror}.",
            remedy="Choose another one: export GOSELLR_HOME=~/gosellr-data",
        ) from error


def external_logins(settings: Settings) -> Logins:
    """The logins that the settings name."""
    application = settings.database_url
    owner = settings.migration_database_url or application
    role = urlsplit(application).username
    is_same = role == urlsplit(owner).username
    return Logins(application, owner, None if is_same or role is None else unquote(role))


def embedded_logins(cluster: Cluster) -> Logins:
    """The logins into the market's own server."""
    return Logins(cluster.dsn(role=APPLICATION_ROLE), cluster.dsn(), APPLICATION_ROLE)


def migrate_market(logins: Logins) -> bool:
    """Bring the tables to this release, with the application's rights; whether any changed."""
    from gosellr.migrations.run import upgrade  # noqa: PLC0415

    return asyncio.run(upgrade(logins.owner, application_role=logins.application_role))
