"""`gosellr audit` and `gosellr explain`, as an operator runs them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gosellr.cli import app
from gosellr.core.db import Database
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.services.ledger_service import book
from gosellr.utils.ledger import seller_pending
from tests.factories.ledger import BOOKED_AT, Sold

Command = Callable[..., Awaitable[Result]]


@pytest.fixture
def database(fresh_database: Callable[[str], str]) -> str:
    return fresh_database("audit commands")


@pytest.fixture
def gosellr(
    cluster: Cluster, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Run a command over the test's own database."""
    monkeypatch.setenv("GOSELLR_HOME", str(tmp_path))
    monkeypatch.setenv("GOSELLR_DATABASE_URL", cluster.dsn(database=database))
    monkeypatch.setenv("COLUMNS", "200")

    async def run(*arguments: str) -> Result:
        # The command has an event loop of its own.
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))

    return run


@pytest.fixture
async def sold(cluster: Cluster, database: str) -> Sold:
    """A sale in the books whose order and seller aren't in the market: broken in two ways."""
    db = await Database.connect(cluster.dsn(database=database), max_size=1)
    sold = Sold()
    await transact(db, book, bookings=[sold.sale()], now=BOOKED_AT)
    await db.close()
    return sold


async def test_an_audit_that_finds_nothing(gosellr: Command) -> None:
    result = await gosellr("audit")
    assert result.exit_code == 0, result.output
    assert result.output == "All 25 invariants hold.\n"


async def test_an_audit_that_finds_something_names_the_rows(gosellr: Command, sold: Sold) -> None:
    result = await gosellr("audit")
    assert result.exit_code == 1
    assert f"account seller_pending:{sold.seller_id}\tbelongs to no seller" in result.output
    assert "the books have 10800 EUR at sandbox, its payments 0" in result.output
    assert f"order {sold.order_id}" in result.output
    assert "invariants are broken." in result.output


async def test_an_account_explained(gosellr: Command, sold: Sold) -> None:
    result = await gosellr("explain", seller_pending(sold.seller_id))
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        f"Account seller_pending:{sold.seller_id}",
        "2026-03-02 09:00Z\tSale, held until release\tseller_pending\t\t108.00 EUR\t108.00",
    ]


async def test_what_nobody_knows(gosellr: Command) -> None:
    result = await gosellr("explain", "GS-99999")
    assert result.exit_code == 1
    assert "No order, seller or account is called GS-99999" in result.output
