"""Commands about the books: are they right, and what do they say."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from gosellr.cli_accounts import OpenDatabase
from gosellr.config import load_settings
from gosellr.core.db import Database
from gosellr.core.errors import DomainError
from gosellr.core.transact import ask
from gosellr.utils.explanations import explain as explain_transaction
from gosellr.utils.ids import order_number
from gosellr.utils.moments import InvalidMoment, end_of
from gosellr.utils.money import to_decimal_string
from gosellr.utils.statements import POT_WORDS, describe

if TYPE_CHECKING:
    from gosellr.services.audit_service import Finding
    from gosellr.services.explanation_service import BalanceMade, Explanation
    from gosellr.services.statement_service import BookedTransaction, Movement

T = TypeVar("T")

_EXPLAINED = 50
# So many connections ask an audit's questions: a small machine has no more processors.
_AT_ONCE = 2


def install(app: typer.Typer, *, open_database: OpenDatabase) -> None:
    """Add the commands; `open_database` gives the market's database, also while it runs."""

    @app.command()
    def audit(
        timings: Annotated[
            bool, typer.Option("--timings", help="Say how long each invariant took.")
        ] = False,
    ) -> None:
        """Check every invariant of the market; names the rows that break one, and exits with 1."""
        from gosellr.core.clock import SystemClock  # noqa: PLC0415
        from gosellr.jobs.audit import audit_and_remember  # noqa: PLC0415
        from gosellr.providers import build_gateways, build_payout_providers  # noqa: PLC0415
        from gosellr.services.audit_service import ANSWERED_WITH, NAMES  # noqa: PLC0415

        settings = load_settings()
        gateways = build_gateways(settings, SystemClock())
        providers = build_payout_providers(settings, SystemClock())
        watch = _Stopwatch()
        found = in_market(
            open_database,
            "gosellr audit",
            lambda db: audit_and_remember(
                db,
                gateways=gateways,
                payout_providers=providers,
                now=datetime.now(UTC),
                connections=_AT_ONCE,
                watch=watch,
                settled_within=timedelta(days=settings.settlement_days),
            ),
        )
        if timings:
            names = {0: "the journals of gateways and providers, read", **NAMES}
            print_rows(("#", "Must hold", "Milliseconds"), watch.rows(names, others=ANSWERED_WITH))
        if not found:
            typer.echo(f"All {len(NAMES)} invariants hold.")
            return
        _print_findings(found, of=len(NAMES))
        raise typer.Exit(1)

    _install_explain(app, open_database=open_database)


def _install_explain(app: typer.Typer, *, open_database: OpenDatabase) -> None:
    @app.command()
    def explain(
        subject: Annotated[
            str,
            typer.Argument(
                help="An order's number or id, a payout's or seller's id, or an account."
            ),
        ],
        limit: Annotated[
            int, typer.Option(min=1, max=10_000, help="How many movements at most.")
        ] = _EXPLAINED,
        at: Annotated[
            str | None,
            typer.Option(
                help="As it was by then: 2026-03-02, 2026-03-02T09:00 or with seconds; UTC where"
                " no zone is said. All of that day, minute or second counts."
            ),
        ] = None,
    ) -> None:
        """Tell in plain words what the books have on an order, a payout, a seller or an account."""
        from gosellr.services import explanation_service  # noqa: PLC0415

        try:
            moment = None if at is None else end_of(at)
        except InvalidMoment:
            typer.echo(f"  ✗ --at {at} is no moment such as 2026-03-02T09:00Z", err=True)
            raise typer.Exit(2) from None
        try:
            told = in_market(
                open_database,
                "gosellr explain",
                lambda db: ask(
                    db, explanation_service.explain, subject=subject, limit=limit, at=moment
                ),
            )
        except DomainError as error:
            typer.echo(f"  ✗ {error.detail}", err=True)
            raise typer.Exit(1) from None
        _print_explanation(told)


class _Stopwatch:
    """Adds up the milliseconds of each invariant's questions; some are asked at once."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    @contextlib.contextmanager
    def __call__(self, number: int) -> Iterator[None]:
        """Count what is asked within to an invariant."""
        began = time.perf_counter()
        yield
        self._seconds[number] = self._seconds.get(number, 0.0) + time.perf_counter() - began

    def rows(
        self, names: Mapping[int, str], *, others: Mapping[int, int]
    ) -> list[tuple[str, str, str]]:
        """A row per invariant; `others` says with which of them one is answered, without a
        question of its own."""
        return [(str(number), names[number], self._said(number, others)) for number in names]

    def _said(self, number: int, others: Mapping[int, int]) -> str:
        if number in others:
            return f"with {others[number]}"
        return f"{self._seconds[number] * 1000:.0f}"


def in_market(
    open_database: OpenDatabase, purpose: str, question: Callable[[Database], Awaitable[T]]
) -> T:
    """The answer to a question about the market's database, also while the market runs."""

    async def run(dsn: str) -> T:
        db = await Database.connect(dsn, max_size=_AT_ONCE)
        try:
            return await question(db)
        finally:
            await db.close()

    with open_database(load_settings(), purpose) as logins:
        return asyncio.run(run(logins.application))


def _print_findings(found: Sequence["Finding"], *, of: int) -> None:
    rows = [
        (str(finding.number), finding.name, row.row, row.problem)
        for finding in found
        for row in finding.rows
    ]
    print_rows(("#", "Must hold", "Row", "Problem"), rows)
    broken = "; ".join(f"{one.number}, {one.name} ({one.rows[0].row})" for one in found)
    typer.echo(f"{len(found)} of {of} invariants are broken. Namely {broken}.")


def _print_explanation(told: "Explanation") -> None:
    typer.echo(told.title)
    if told.at is not None:
        typer.echo(f"As of {_to_the_second(told.at)}")
    for balance in told.balances:
        _print_balance(balance)
    for booked in told.transactions:
        _print_transaction(booked, told=told)
    if told.transactions:
        _print_where_it_is(told)
    if told.movements:
        if told.balances:
            typer.echo("\nThe latest movements")
        print_rows(
            ("Booked", "What", "Account", "Order", "Amount", "Balance"),
            [_movement_row(each) for each in told.movements],
        )
    if not told.transactions and not told.movements:
        typer.echo("Nothing is booked." if told.at is None else "Nothing was booked by then.")
    if told.transactions and told.names:
        typer.echo("\nWhose they are")
        for seller_id, name in sorted(told.names.items(), key=lambda one: one[1]):
            typer.echo(f"    {seller_id}  {name}")


def _account(account: str, *, told: "Explanation") -> str:
    """An account as people read it; one that is no seller's as the books have it."""
    name = told.owner_of(account)
    return f"{account.partition(':')[0]} · {name}" if name else account


def _to_the_second(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _print_balance(balance: "BalanceMade") -> None:
    """What a seller's accounts hold, and under each what made it."""
    currency = balance.currency
    total = to_decimal_string(balance.owed_minor, currency)
    typer.echo(f"\n{total.rjust(14)} {currency}  is what the marketplace owes, account by account")
    for pot in balance.pots:
        amount = to_decimal_string(pot.minor, currency).rjust(14)
        typer.echo(f"{amount} {currency}  {POT_WORDS[pot.pot]} ({pot.pot})")
        for part in pot.parts:
            words = describe(kind=part.kind, account=part.account, is_credit=part.is_credit)
            amount = to_decimal_string(part.change_minor, currency).rjust(22)
            typer.echo(f"{amount} {currency}  {words} ×{part.count}")


def _print_transaction(booked: "BookedTransaction", *, told: "Explanation") -> None:
    typer.echo(f"\n{booked.effective_at:%Y-%m-%d %H:%M}Z  {booked.kind}  {booked.id}")
    typer.echo(f"  {explain_transaction(booked.kind, booked.entries)}")
    for entry in booked.entries:
        amount = to_decimal_string(entry.amount_minor, entry.currency)
        side = entry.direction.value.ljust(6)
        typer.echo(
            f"    {side} {amount.rjust(14)} {entry.currency}  {_account(entry.account, told=told)}"
        )


def _print_where_it_is(told: "Explanation") -> None:
    """What each account holds of this order: every cent has one owner."""
    held: dict[tuple[str, str], int] = {}
    for booked in told.transactions:
        for entry in booked.entries:
            key = (entry.account, entry.currency)
            held[key] = held.get(key, 0) + entry.balance_change_minor
    typer.echo("\nWhere it is now" if told.at is None else "\nWhere it was then")
    for (account, currency), minor in held.items():
        if minor:
            amount = to_decimal_string(minor, currency).rjust(14)
            typer.echo(f"    {''.ljust(6)} {amount} {currency}  {_account(account, told=told)}")


def _movement_row(movement: "Movement") -> tuple[str, ...]:
    is_credit = movement.direction == "credit"
    return (
        f"{movement.booked_at:%Y-%m-%d %H:%M}Z",
        describe(kind=movement.kind, account=movement.account, is_credit=is_credit),
        movement.account.partition(":")[0],
        "" if movement.order_number is None else order_number(movement.order_number),
        f"{to_decimal_string(movement.change_minor, movement.currency)} {movement.currency}",
        to_decimal_string(movement.balance_minor, movement.currency),
    )


def print_rows(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A drawn table on a terminal; elsewhere a line per row, its cells parted by tabs."""
    console = Console(highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        for row in rows:
            typer.echo("\t".join(row))
        return
    table = Table(*header)
    for row in rows:
        table.add_row(*row)
    console.print(table)
