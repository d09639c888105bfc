"""The command that asks what other commission rules would have earned."""

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gosellr.cli_accounts import OpenDatabase
from gosellr.cli_books import in_market, print_rows
from gosellr.config import load_settings
from gosellr.core.errors import DomainError
from gosellr.core.transact import ask
from gosellr.utils.money import to_decimal_string

if TYPE_CHECKING:
    from gosellr.services.commission_simulation import (
        SimulatedSums,
        Simulation,
        SimulationRequest,
    )

_HEADER = (
    "Seller",
    "Currency",
    "Booked",
    "Simulated",
    "Difference",
    "VAT booked",
    "VAT simulated",
    "Lines",
    "Touched",
)


class Refunds(StrEnum):
    """What of its commission the market gives back with a refund."""

    FULL = "full"
    NONE = "none"
    FULL_LESS_FIXED = "full_less_fixed"


def install(app: typer.Typer, *, open_database: OpenDatabase) -> None:
    """Add the command; `open_database` gives the market's database, also while it runs."""

    @app.command()
    def simulate(
        since: Annotated[
            str | None, typer.Option("--from", help="Placed on this day or later, as 2026-02-01.")
        ] = None,
        until: Annotated[str | None, typer.Option("--to", help="Placed before this day.")] = None,
        rules: Annotated[
            Path | None,
            typer.Option(
                exists=True, dir_okay=False, help='A JSON file of {"add", "change", "remove"}.'
            ),
        ] = None,
        refunds: Annotated[
            Refunds | None, typer.Option(help="Replay every refund under this policy.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Answer as the API does.")] = False,
    ) -> None:
        """Say what other commission rules would have earned last month. Changes nothing.

        Every paid order of the period is sold and refunded once more, in memory.
        """
        body = {
            "from": _midnight(since),
            "to": _midnight(until),
            "rules": None if rules is None else _read(rules),
            "commission_on_refunds": refunds,
        }
        request = _request({name: value for name, value in body.items() if value is not None})
        told = _answer(open_database, request)
        if as_json:
            from gosellr.api.answers import json_bytes  # noqa: PLC0415
            from gosellr.api.schemas.commission_simulation import (  # noqa: PLC0415
                simulation_document,
            )

            typer.echo(json_bytes(simulation_document(told)).decode())
        else:
            _print(told)


def _midnight(day: str | None) -> str | None:
    if day is None:
        return None
    try:
        return datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).isoformat()
    except ValueError:
        raise _refusal(f"{day} is no day such as 2026-02-01") from None


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refusal(f"{path} can't be read: {error}") from None


def _request(body: dict[str, Any]) -> "SimulationRequest":
    from pydantic import ValidationError  # noqa: PLC0415

    from gosellr.api.schemas.commission_simulation import SimulationIn  # noqa: PLC0415

    try:
        return SimulationIn.model_validate_json(json.dumps(body)).request(
            now=datetime.now(UTC), orders_max=None
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise _refusal(f"{where}: {first['msg']}") from None
    except DomainError as error:
        raise _refusal(error.detail) from None


def _answer(open_database: OpenDatabase, request: "SimulationRequest") -> "Simulation":
    from gosellr.services import commission_simulation  # noqa: PLC0415
    from gosellr.utils.refunds import CommissionReversal  # noqa: PLC0415

    settings = load_settings()
    try:
        return in_market(
            open_database,
            "gosellr simulate",
            lambda db: ask(
                db,
                commission_simulation.simulate,
                request=request,
                reversal=CommissionReversal(settings.commission_on_refunds),
            ),
        )
    except DomainError as error:
        raise _refusal(error.detail) from None


def _refusal(words: str) -> typer.Exit:
    typer.echo(f"  ✗ {words}", err=True)
    return typer.Exit(1)


def _print(told: "Simulation") -> None:
    rows = [_row(one.seller.name, one.sums) for one in told.sellers]
    rows += [_row("All sellers", sums) for sums in told.totals]
    if rows:
        print_rows(_HEADER, rows)
    if told.sellers_left_out:
        typer.echo(f"{told.sellers_left_out} more, with smaller differences, aren't shown.")
    typer.echo(
        f"{told.orders} orders placed from {told.since:%Y-%m-%d} until before"
        f" {told.until:%Y-%m-%d}. Nothing was changed."
    )


def _row(name: str, sums: "SimulatedSums") -> tuple[str, ...]:
    amounts = (
        sums.booked.commission_minor,
        sums.simulated.commission_minor,
        sums.difference.commission_minor,
        sums.booked.vat_minor,
        sums.simulated.vat_minor,
    )
    shown = (to_decimal_string(amount, sums.currency) for amount in amounts)
    return name, sums.currency, *shown, str(sums.lines), str(sums.lines_touched)
