"""Commands that script the sandbox of a market while it runs: what its bank does, and its cards."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from gosellr.cli_accounts import OpenDatabase
from gosellr.cli_books import in_market, print_rows
from gosellr.config import load_settings
from gosellr.core.db import Database
from gosellr.core.errors import DomainError
from gosellr.core.transact import ask
from gosellr.utils.money import InvalidAmount, parse_decimal, to_decimal_string

if TYPE_CHECKING:
    from gosellr.integrations.payments.sandbox import SandboxGateway
    from gosellr.models.order_values import Payment

T = TypeVar("T")


class Decision(StrEnum):
    """What a bank says of a chargeback in the end, from the market's side."""

    WON = "won"
    LOST = "lost"


def install(app: typer.Typer, *, open_database: OpenDatabase) -> None:
    """Add the commands; they write where the sandbox reads, so a running market hears of it."""
    sandbox = typer.Typer(
        help="Say what the sandbox's test bank does, also while the market runs.",
        no_args_is_help=True,
    )
    app.add_typer(sandbox, name="sandbox")

    @sandbox.command()
    def tokens() -> None:
        """List the test cards by their tokens, and the test accounts of sellers."""
        from gosellr.integrations.payments.sandbox_script import TOKENS  # noqa: PLC0415
        from gosellr.integrations.payouts.sandbox import ABOUT, TEST_ACCOUNTS  # noqa: PLC0415

        print_rows(("Card", "What it does"), [(one, does.about) for one, does in TOKENS.items()])
        typer.echo()
        accounts = [(account, ABOUT[does]) for account, does in TEST_ACCOUNTS.items()]
        print_rows(("A seller's account", "What it does"), accounts)

    _install_disputes(sandbox, open_database=open_database)


def _install_disputes(sandbox: typer.Typer, *, open_database: OpenDatabase) -> None:
    @sandbox.command()
    def dispute(
        order: Annotated[str, typer.Argument(help="The order's number, such as GS-10021.")],
        amount: Annotated[
            str | None, typer.Option(help="So much, such as 12.50; all that is left otherwise.")
        ] = None,
        fee: Annotated[str, typer.Option(help="What the bank asks for it.")] = "0",
        reason: Annotated[str, typer.Option(help="The bank's reason.")] = "fraudulent",
    ) -> None:
        """The buyer's bank takes money of a sandbox payment back; prints its reference."""

        async def open_it(db: Database, gateway: "SandboxGateway") -> str:
            payment = await _payment_of(db, order)
            minor = None if amount is None else _minor(amount, payment.currency)
            reference = await gateway.disputes.open(
                attempt_id=str(payment.id),
                amount_minor=minor,
                reason=reason,
                fee_minor=_minor(fee, payment.currency),
            )
            [one] = [
                one
                for one in await gateway.disputes_of(attempt_id=str(payment.id)) or ()
                if one.reference == reference
            ]
            taken = f"{to_decimal_string(one.amount_minor, one.currency)} {one.currency}"
            return f"{reference}\t{taken} of {order} taken back"

        typer.echo(_with_sandbox(open_database, "gosellr sandbox dispute", open_it))

    @sandbox.command()
    def decide(
        reference: Annotated[str, typer.Argument(help="As `dispute` printed it.")],
        decision: Annotated[Decision, typer.Argument(help="Who wins: the market, or not.")],
    ) -> None:
        """The bank decides a chargeback, once; prints how it stands."""

        async def decide_it(_: Database, gateway: "SandboxGateway") -> str:
            state = await gateway.disputes.decide(reference=reference, won=decision is Decision.WON)
            return f"{reference}\t{state}"

        typer.echo(_with_sandbox(open_database, "gosellr sandbox decide", decide_it))

    @sandbox.command()
    def reinstate(
        reference: Annotated[str, typer.Argument(help="As `dispute` printed it.")],
    ) -> None:
        """The bank gives back what it had won; prints how it stands."""

        async def reinstate_it(_: Database, gateway: "SandboxGateway") -> str:
            state = await gateway.disputes.reinstate(reference=reference)
            return f"{reference}\t{state}"

        typer.echo(_with_sandbox(open_database, "gosellr sandbox reinstate", reinstate_it))


def _with_sandbox(
    open_database: OpenDatabase,
    purpose: str,
    work: Callable[[Database, "SandboxGateway"], Awaitable[T]],
) -> T:
    """Do something with the market's sandbox; what can't be is said, and the exit status is 1."""
    from gosellr.integrations.payments.sandbox_disputes import NothingToDispute  # noqa: PLC0415
    from gosellr.integrations.sqlite_file import FileBusy  # noqa: PLC0415

    try:
        with _sandbox() as gateway:
            return in_market(open_database, purpose, lambda db: work(db, gateway))
    except DomainError as error:
        reason = error.detail
    except (NothingToDispute, InvalidAmount) as error:
        reason = str(error)
    except FileBusy:
        reason = "the sandbox's journal is held by another process: try again"
    typer.echo(f"  ✗ {reason}", err=True)
    raise typer.Exit(1)


@contextmanager
def _sandbox() -> Iterator["SandboxGateway"]:
    """The sandbox as this configuration has it, script of its reports and all."""
    from gosellr.core.clock import SystemClock  # noqa: PLC0415
    from gosellr.integrations.payments.sandbox import SandboxGateway  # noqa: PLC0415
    from gosellr.providers import build_gateways  # noqa: PLC0415

    gateway = build_gateways(load_settings(), SystemClock()).get(SandboxGateway.name)
    if not isinstance(gateway, SandboxGateway):
        raise DomainError("the sandbox isn't offered in this market")
    try:
        yield gateway
    finally:
        gateway.close()


async def _payment_of(db: Database, number: str) -> "Payment":
    """The newest attempt by the sandbox that took money for this order."""
    from gosellr.integrations.payments.sandbox import SandboxGateway  # noqa: PLC0415
    from gosellr.services import order_service  # noqa: PLC0415
    from gosellr.utils.permissions import Role  # noqa: PLC0415
    from gosellr.utils.viewer import Viewer  # noqa: PLC0415

    order = await ask(
        db,
        order_service.find_order_by_number,
        viewer=Viewer(roles=frozenset({Role.OPERATOR})),
        number=number,
    )
    paid = [
        one for one in order.payments if one.method == SandboxGateway.name and one.captured_minor
    ]
    if not paid:
        raise DomainError(f"the sandbox took no money for {number}")
    return paid[-1]


def _minor(text: str, currency: str) -> int:
    minor = parse_decimal(text, currency)
    if minor < 0:
        raise InvalidAmount(f"{text} is below zero")
    return minor
