"""Commands about people and keys: the first operator, and the keys that sign tokens."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Concatenate, ParamSpec, Protocol, TypeVar

import typer

from gosellr.config import Settings, load_settings
from gosellr.core.db import Connection, Database
from gosellr.core.errors import DomainError
from gosellr.core.transact import transact

P = ParamSpec("P")
T = TypeVar("T")


class Logins(Protocol):
    """The way into the market's database."""

    @property
    def application(self) -> str:
        """The URL of the application's login."""
        ...


OpenDatabase = Callable[[Settings, str], AbstractContextManager[Logins]]


def install(app: typer.Typer, *, open_database: OpenDatabase) -> None:
    """Add the commands; `open_database` gives the market's database, also while it runs."""
    app.add_typer(_key_commands(open_database), name="keys")
    app.add_typer(_operator_commands(open_database), name="operator")


def _key_commands(open_database: OpenDatabase) -> typer.Typer:
    keys = typer.Typer(help="The keys that sign access tokens.", no_args_is_help=True)

    @keys.command("list")
    def list_keys() -> None:
        """Show every key, the newest first."""
        from gosellr.services import key_service  # noqa: PLC0415

        for key in _in_market(open_database, key_service.list_keys):
            state = "revoked" if key.revoked_at else "retired" if key.retired_at else "signs"
            typer.echo(f"{key.kid}  {key.algorithm}  {key.created_at:%Y-%m-%d %H:%M}Z  {state}")

    @keys.command()
    def rotate() -> None:
        """Sign with a new key; tokens of the old one stay good until they expire."""
        from gosellr.core.tokens import new_key_pair  # noqa: PLC0415
        from gosellr.resources import open_vault  # noqa: PLC0415
        from gosellr.services import key_service  # noqa: PLC0415

        key = _in_market(
            open_database,
            key_service.rotate_signing_key,
            new=new_key_pair(),
            vault=open_vault(load_settings()),
            now=datetime.now(UTC),
        )
        typer.echo(f"{key.kid} signs from now on.")

    @keys.command()
    def revoke(kid: Annotated[str, typer.Argument(help="Its name, see `keys list`.")]) -> None:
        """Refuse every token that a key has signed, at once."""
        from gosellr.core.tokens import new_key_pair  # noqa: PLC0415
        from gosellr.resources import open_vault  # noqa: PLC0415
        from gosellr.services import key_service  # noqa: PLC0415

        _in_market(
            open_database,
            key_service.revoke_signing_key,
            kid=kid,
            spare=new_key_pair(),
            vault=open_vault(load_settings()),
            now=datetime.now(UTC),
        )
        typer.echo(f"{kid} is revoked; its tokens are refused from now on.")

    return keys


def _operator_commands(open_database: OpenDatabase) -> typer.Typer:
    operators = typer.Typer(help="The people who run the market.", no_args_is_help=True)

    @operators.callback()
    def about() -> None:
        """Keep `create` a command of its own while it is the only one."""

    @operators.command()
    def create(
        email: Annotated[str, typer.Option(help="The address to sign in with.", prompt=True)],
        name: Annotated[str, typer.Option(help="How others see them.")] = "Operator",
        password_file: Annotated[
            str, typer.Option(help="File that holds the password; - is standard input.")
        ] = "",
    ) -> None:
        """Make an operator; somebody who has an account already becomes one."""
        from gosellr.core.passwords import Passwords, check_new_password  # noqa: PLC0415
        from gosellr.services import account_service  # noqa: PLC0415

        password = _password(password_file)
        with _refusals():
            check_new_password(password, about=(email, name))
        with Passwords() as passwords:
            password_hash = asyncio.run(passwords.hash(password))
        _account, is_new = _in_market(
            open_database,
            account_service.create_operator,
            email=email,
            name=name,
            password_hash=password_hash,
            now=datetime.now(UTC),
        )
        typer.echo(f"{email} is {'an' if is_new else 'now an'} operator and may sign in.")

    return operators


def _password(file: str) -> str:
    if file == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if file:
        return Path(file).read_text().splitlines()[0]
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    return password


@contextmanager
def _refusals() -> Iterator[None]:
    """Say what a command was refused for in one line, and exit with status 1."""
    try:
        yield
    except DomainError as error:
        typer.echo(f"  ✗ {error.detail}", err=True)
        raise typer.Exit(1) from None


def _in_market(
    open_database: OpenDatabase,
    command: Callable[Concatenate[Connection, P], Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Run one service command in the market's database."""
    settings = load_settings()

    async def run(dsn: str) -> T:
        db = await Database.connect(dsn, max_size=1)
        try:
            return await transact(db, command, *args, **kwargs)
        finally:
            await db.close()

    with _refusals(), open_database(settings, "a gosellr command") as logins:
        return asyncio.run(run(logins.application))
