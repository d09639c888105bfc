"""The operator's commands. `gosellr run` is the market; the others look at it or mend it."""

import contextlib
import os
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import unquote, urlsplit, urlunsplit

import typer

from gosellr import (
    __version__,
    cli_accounts,
    cli_books,
    cli_doctor,
    cli_sandbox,
    cli_simulate,
    cli_story,
)
from gosellr.cli_database import Logins, market_database, migrate_market, refusals
from gosellr.cli_market import run_market
from gosellr.config import Settings, load_settings
from gosellr.core.postgres_binaries import find_binaries
from gosellr.core.startup_card import StartupCard

app = typer.Typer(
    name="gosellr",
    help="GoSellr: a marketplace platform. Without settings it runs a market on this computer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.command()
def run(
    context: typer.Context,
    no_open: Annotated[bool, typer.Option("--no-open", help="Don't open a browser.")] = False,
) -> None:
    """Run the market: database, pages, API and jobs, until Ctrl C."""
    with refusals():
        settings = load_settings()
        try:
            card = StartupCard()
            run_market(settings, card=card, may_open=not no_open, doors=context.obj)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


@app.command()
def migrate() -> None:
    """Bring the database to this release's tables and grant the application its rights."""
    with refusals():
        settings = load_settings()
        with market_database(settings, purpose="gosellr migrate") as logins:
            changed = migrate_market(logins)
    typer.echo("Migrated." if changed else "Nothing to migrate.")


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
def _command_database(settings: Settings, purpose: str) -> Iterator[Logins]:
    with refusals(), market_database(settings, purpose=purpose) as logins:
        yield logins


cli_doctor.install(app)
cli_accounts.install(app, open_database=_command_database)
cli_books.install(app, open_database=_command_database)
cli_sandbox.install(app, open_database=_command_database)
cli_simulate.install(app, open_database=_command_database)
cli_story.install(app, open_database=_command_database)


def _without_password(url: str) -> tuple[str, str]:
    """The URL as it may stand in a process list, and the password that was in it."""
    parts = urlsplit(url)
    password = unquote(parts.password or "")
    login, _, host = parts.netloc.rpartition("@")
    bare = f"{login.split(':', 1)[0]}@{host}" if login else host
    return urlunsplit(parts._replace(netloc=bare)), password


if __name__ == "__main__":
    app()
