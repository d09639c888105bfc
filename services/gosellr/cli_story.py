"""The command that tells a story about money: the one of this computer's demo, or one that is
played in a market made for it."""

import asyncio
import shutil
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from gosellr.cli_accounts import OpenDatabase
from gosellr.cli_books import in_market
from gosellr.config import Settings, load_settings
from gosellr.core.embedded_postgres import APPLICATION_ROLE, Cluster
from gosellr.core.startup_card import print_refusal
from gosellr.core.startup_error import StartupError
from gosellr.core.transact import ask
from gosellr.utils.money import to_decimal_string

if TYPE_CHECKING:
    from gosellr.jobs.story import Ending
    from gosellr.jobs.story.notes import Note
    from gosellr.jobs.story.pen import Pen, Posting

_WIDTH = 100
PAPERS = "papers"
_CHECKOUT = Path(__file__).resolve().parents[2]


def install(app: typer.Typer, *, open_database: OpenDatabase) -> None:
    """Add the command; `open_database` gives the market's database, also while it runs."""

    @app.command()
    def story(
        keep: Annotated[
            Path | None,
            typer.Option(
                "--keep", metavar="FOLDER", help="Keep the market and its papers in a new folder."
            ),
        ] = None,
        apart: Annotated[
            bool, typer.Option("--apart", help="In a market of its own, even if a demo has one.")
        ] = False,
    ) -> None:
        """Follow every cent of a few orders from gift card to chargeback: those of the demo on this
        computer or, where there is none, of a market made for it; exits with 1 if two figures
        differ or an invariant is broken."""
        from gosellr.jobs.story.month import Differs  # noqa: PLC0415

        pen = TerminalPen()
        if not apart and keep is None and (notes := _of_the_demo(open_database)):
            _read_out(notes, pen=pen)
            return
        try:
            with _folder(keep) as folder:
                pen.say(
                    "A market is started for this story. Yours, if there is one, isn't touched."
                )
                ending = tell_in(folder, pen=pen, is_kept=keep is not None)
        except StartupError as error:
            print_refusal(error)
            raise typer.Exit(1) from None
        except Differs as difference:
            typer.echo(f"  ✗ Two figures differ. {difference}", err=True)
            raise typer.Exit(1) from None
        if keep is not None:
            typer.echo(f"\nKept in {keep}. Ask its books: GOSELLR_HOME={keep} {called()} explain …")
        if ending.findings:
            raise typer.Exit(1)


def called() -> str:
    """What somebody types to ask more: in an environment that `make` prepared, the checkout's own
    script, since that one puts no command in anybody's path."""
    return "./gosellr" if Path(sys.prefix) == _CHECKOUT / ".venv" else "gosellr"


def _of_the_demo(open_database: OpenDatabase) -> "Sequence[Note]":
    """What was played in the demo on this computer; nothing where there is none, or none yet."""
    from gosellr.jobs.demo import CARD  # noqa: PLC0415
    from gosellr.jobs.demo.state import recall_story  # noqa: PLC0415

    if not (load_settings().home / CARD).exists():
        return []
    found = in_market(open_database, "gosellr story", lambda db: ask(db, recall_story))
    return found or []


def _read_out(notes: "Sequence[Note]", *, pen: "Pen") -> None:
    from gosellr.jobs.story.notes import read_out  # noqa: PLC0415

    settings = load_settings()
    pen.say(
        f"This was played in the demo market in {settings.home}, before its history began. Its"
        f" orders are there to be looked at, at {settings.base_url} while it runs."
    )
    read_out(notes, pen=pen)
    pen.say(
        f"What its books say of it today: {called()} explain GS-10001, or any order or seller"
        f" above. Whether all of them are right: {called()} audit."
    )


def tell_in(folder: Path, *, pen: "Pen", is_kept: bool) -> "Ending":
    """Make a market in an empty folder and tell the story there; its database ends with it."""
    cluster = Cluster(folder, throwaway=not is_kept)
    cluster.start()
    try:
        return asyncio.run(_tell(cluster, pen=pen, is_kept=is_kept))
    finally:
        cluster.stop()


async def _tell(cluster: Cluster, *, pen: "Pen", is_kept: bool) -> "Ending":
    from gosellr.core.clock import ManualClock  # noqa: PLC0415
    from gosellr.core.passwords import PasswordCosts  # noqa: PLC0415
    from gosellr.jobs.story import BEGINS_AT, tell  # noqa: PLC0415
    from gosellr.migrations.run import upgrade  # noqa: PLC0415
    from gosellr.resources import open_resources  # noqa: PLC0415

    await upgrade(cluster.dsn(), application_role=APPLICATION_ROLE)
    papers = cluster.home / PAPERS if is_kept else None
    if papers is not None:
        papers.mkdir()
    clock = ManualClock(BEGINS_AT)
    # Nobody will ever sign in here: the passwords are drawn and forgotten.
    cheap = PasswordCosts(rounds=1, memory_kib=64, lanes=1)
    settings = _settings(cluster)
    async with open_resources(settings, password_costs=cheap, clock=clock) as resources:
        return await tell(resources, clock=clock, pen=pen, papers=papers)


def _settings(cluster: Cluster) -> Settings:
    """The defaults, whatever this computer's own market is told: the story is always the same."""
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in Settings.model_fields.items()
    }
    return Settings(
        **defaults
        | {
            "home": cluster.home,
            "database_url": cluster.dsn(role=APPLICATION_ROLE),
            "demo": False,
            "rate_limits": False,
            "sandbox_fee_bps": 140,
            "sandbox_fee_fixed": 25,
            "legal_name": "The Marketplace",
            "legal_address": "1 Market Street|1010 Vienna|Austria",
        }
    )


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is not None:
        if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
            raise StartupError(
                f"{keep} isn't empty.", remedy="Name a folder that doesn't exist yet."
            )
        yield keep
        return
    folder = Path(tempfile.mkdtemp(prefix="gosellr-story-"))
    # As root, PostgreSQL runs under another account and passes through.
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class TerminalPen:
    """Writes to standard output or a file: plain text, in colours on a terminal."""

    def __init__(self, file: IO[str] | None = None) -> None:
        if file is None and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")
        self._console = Console(
            file=file, highlight=False, markup=False, emoji=False, soft_wrap=True
        )

    def chapter(self, number: int, title: str) -> None:
        """A heading."""
        self._console.print(f"\n{number}. {title}", style="bold cyan")

    def say(self, text: str) -> None:
        """A paragraph."""
        self._console.print()
        self._console.print(textwrap.fill(text, _WIDTH))

    def post(self, posting: "Posting") -> None:
        """What was booked, in words and entry by entry."""
        told = textwrap.fill(
            posting.sentence, _WIDTH, initial_indent="  → ", subsequent_indent="    "
        )
        self._console.print(told, style="green")
        for line in posting.lines:
            amount = to_decimal_string(line.amount_minor, line.currency).rjust(10)
            self._console.print(
                f"      {line.side.ljust(6)} {amount} {line.currency}  {line.account}", style="dim"
            )

    def table(self, title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns, the first to the left and the others to the right."""
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        self._console.print(f"\n  {title}", style="bold")
        for row in (header, *rows):
            cells = [row[0].ljust(widths[0])]
            cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
            self._console.print("    " + "  ".join(cells).rstrip())
