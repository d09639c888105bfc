"""The commands that ask a market or move its sandbox, as an operator runs them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gosellr.cli import app
from gosellr.config import Settings, load_settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Database
from gosellr.core.embedded_postgres import Cluster
from gosellr.core.transact import transact
from gosellr.integrations.payments.sandbox_script import TOKENS
from gosellr.integrations.payouts.sandbox import TEST_ACCOUNTS, Behaviour
from gosellr.jobs import upkeep
from gosellr.models.order_values import Order
from gosellr.resources import Resources, open_resources
from gosellr.services.audit_service import NAMES
from gosellr.services.basket_service import Tender
from gosellr.services.ledger_service import book
from gosellr.utils.ids import order_number
from gosellr.utils.ledger import seller_pending
from tests.factories.accounts import make_seller
from tests.factories.ledger import BOOKED_AT, Sold
from tests.factories.payouts import pay, set_account
from tests.factories.sales import buy, make_commission, make_shop, refund

Command = Callable[..., Awaitable[Result]]


@pytest.fixture
def database(fresh_database: Callable[[str], str]) -> str:
    return fresh_database("audit commands")


@pytest.fixture
def gosellr(
    cluster: Cluster, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """Run a command over the test's own database."""
    monkeypatch.setenv("GOSELLR_HOME", str(tmp_path))
    monkeypatch.setenv("GOSELLR_DATABASE_URL", cluster.dsn(database=database))
    monkeypatch.setenv("COLUMNS", "200")

    # A process reads its settings once; here each test is another market.
    load_settings.cache_clear()

    async def run(*arguments: str) -> Result:
        # The command has an event loop of its own.
        return await asyncio.to_thread(CliRunner().invoke, app, list(arguments))

    yield run
    load_settings.cache_clear()


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
    assert result.output == f"All {len(NAMES)} invariants hold.\n"


async def test_an_audit_says_how_long_each_invariant_took(gosellr: Command) -> None:
    result = await gosellr("audit", "--timings")
    assert result.exit_code == 0, result.output
    *rows, last = result.output.splitlines()
    assert last == f"All {len(NAMES)} invariants hold."
    told = [row.split("\t") for row in rows]
    assert [number for number, _, _ in told] == [str(number) for number in range(len(NAMES) + 1)]
    assert [took for _, _, took in told[1:3]] == ["with 4", "with 4"]
    assert all(int(took) >= 0 for _, _, took in (told[0], *told[3:]))
    assert told[2][1] == "the whole ledger sums to zero"


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


async def test_a_payout_explained(
    gosellr: Command, cluster: Cluster, database: str, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(database=database),
        secret_key="a secret of the test run, long enough to be taken",
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(BOOKED_AT)) as market:
        seller = await transact(market.db, make_seller, now=BOOKED_AT)
        await set_account(market, seller, Behaviour.DECLINE)
        sold = Sold(seller_id=seller.id)
        await transact(market.db, book, bookings=[sold.sale(), sold.release()], now=BOOKED_AT)
        payout = await pay(market, seller)
    result = await gosellr("explain", str(payout.id))
    assert result.exit_code == 0, result.output
    first, *rest = result.output.splitlines()
    number, name = payout.id.hex[-12:], seller.name
    told = f"Payout {number} of 108.00 EUR to {name} on {BOOKED_AT:%Y-%m-%d}"
    assert first == f"{told}: failed (account_closed)"
    assert [line.strip() for line in rest if "payout of" in line.lower()] == [
        "Payout of 108.00 EUR on its way to the seller.",
        "The payout of 108.00 EUR failed; the money can be paid out again.",
    ]
    assert rest[-2:] == ["Whose they are", f"    {seller.id}  {name}"]
    assert f"    debit          108.00 EUR  seller_available · {name}" in rest
    assert f"                   108.00 EUR  seller_available · {name}" not in rest
    assert str(seller.id) not in "".join(rest[:-1])
    result = await gosellr("explain", str(payout.id), "--at", "2026-03-02 08:59")
    assert result.output.splitlines() == [
        told,
        "As of 2026-03-02 08:59:59Z",
        "Nothing was booked by then.",
    ]
    result = await gosellr("explain", str(seller.id), "--at", "2026-03-02")
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert lines[:9] == [
        f"Seller {seller.name}, {seller.id}",
        "As of 2026-03-02 23:59:59Z",
        "",
        "108.00 EUR is what the marketplace owes, account by account",
        "0.00 EUR Held until release (pending)",
        "108.00 EUR Sale, held until release ×1",
        "-108.00 EUR The hold is over ×1",
        "108.00 EUR Ready to be paid out (available)",
        "108.00 EUR Released, ready to be paid out ×1",
    ]
    result = await gosellr("explain", str(seller.id), "--at", "noon")
    assert (result.exit_code, "--at noon is no moment" in result.output) == (2, True)


async def test_what_nobody_knows(gosellr: Command) -> None:
    result = await gosellr("explain", "GS-99999")
    assert result.exit_code == 1
    assert "No order, payout, seller or account is called GS-99999" in result.output


async def test_a_simulation_of_the_rules(
    gosellr: Command, cluster: Cluster, database: str, tmp_path: Path
) -> None:
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(database=database),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(BOOKED_AT)) as market:
        await transact(market.db, make_commission, rate_bps=1000, vat_bps=0)
        shop = await transact(market.db, make_shop, price_minor=5000)
        await buy(market, (shop, 2))
    rules = tmp_path / "rules.json"
    rules.write_text('{"add": [{"position": 1, "rate_bps": 250}]}')
    period = ("--from", "2026-03-01", "--to", "2026-04-01")
    result = await gosellr("simulate", *period, "--rules", str(rules))
    assert result.exit_code == 0, result.output
    name, *figures = result.output.splitlines()[0].split("\t")
    assert name.startswith("Shop ")
    assert figures == ["EUR", "10.00", "2.50", "-7.50", "0.00", "0.00", "1", "1"]
    assert result.output.splitlines()[1:] == [
        "\t".join(("All sellers", *figures)),
        "1 orders placed from 2026-03-01 until before 2026-04-01. Nothing was changed.",
    ]
    told = json.loads((await gosellr("simulate", *period, "--json")).output)
    assert told["totals"][0]["difference"] == {"amount": 0, "currency": "EUR"}
    # Last month, nothing was sold; and what can't be is said in a sentence.
    assert "0 orders placed" in (await gosellr("simulate")).output
    rules.write_text('{"add": [{"rate_bps": 10001}]}')
    for arguments, words in (
        (("--rules", str(rules)), "rules.add.0.rate_bps: Input should be"),
        (("--from", "soon"), "soon is no day such as 2026-02-01"),
        (("--from", "2026-03-02", "--to", "2026-03-02"), "It has to end after it begins"),
    ):
        refused = await gosellr("simulate", *arguments)
        assert refused.exit_code == 1
        assert f"✗ {words}" in refused.output


async def test_a_simulation_gives_commission_back_as_the_market_does(
    gosellr: Command,
    cluster: Cluster,
    database: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOSELLR_COMMISSION_ON_REFUNDS", "none")
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(database=database),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        demo=False,
    )
    async with open_resources(settings, clock=ManualClock(BOOKED_AT)) as market:
        await transact(market.db, make_commission, rate_bps=1000, vat_bps=0)
        shop = await transact(market.db, make_shop, price_minor=5000)
        await refund(market, await buy(market, (shop, 2)), shop, units=2)
    rules = tmp_path / "rules.json"
    rules.write_text('{"add": [{"position": 1, "rate_bps": 250}]}')
    period = ("--from", "2026-03-01", "--to", "2026-04-01", "--rules", str(rules))
    told = await gosellr("simulate", *period)
    assert told.output.splitlines()[0].split("\t")[1:5] == ["EUR", "10.00", "2.50", "-7.50"]
    other = await gosellr("simulate", *period, "--refunds", "full")
    assert other.output.splitlines()[0].split("\t")[1:5] == ["EUR", "10.00", "0.00", "-10.00"]


@pytest.fixture
async def market(
    cluster: Cluster, database: str, tmp_path: Path, gosellr: Command
) -> AsyncIterator[Resources]:
    """The market that the commands reach, at work."""
    assert gosellr
    settings = Settings(
        home=tmp_path,
        database_url=cluster.dsn(database=database),
        secret_key="a secret of the test run, long enough to be taken",
        rate_limits=False,
        demo=False,
    )
    async with open_resources(settings) as resources:
        yield resources


async def frozen(market: Resources, order: Order) -> list[tuple[str, int]]:
    """The chargebacks of an order, and what its payment lacks, as the market knows them."""
    async with market.db.connection() as connection:
        rows = await connection.fetch(
            "SELECT chargeback.status, payment.disputed_minor FROM chargeback"
            " JOIN payment ON payment.id = chargeback.payment_id"
            " WHERE payment.order_id = $1 ORDER BY chargeback.opened_at",
            order.id,
        )
    return [(row["status"], row["disputed_minor"]) for row in rows]


async def test_a_chargeback_of_a_running_market(gosellr: Command, market: Resources) -> None:
    shop = await transact(market.db, make_shop, price_minor=5000)
    order = await buy(market, (shop, 2))
    assert (order.payment_status, order.payments[0].captured_minor) == ("paid", 10_000)
    number = order_number(order.number)
    opened = await gosellr("sandbox", "dispute", number, "--amount", "60", "--fee", "15.00")
    assert opened.exit_code == 0, opened.output
    reference, told = opened.output.strip().split("\t")
    assert told == f"60.00 EUR of {number} taken back"
    await upkeep.deliver_sandbox_reports(market)
    assert await frozen(market, order) == [("open", 6_000)]
    # What is left is all that is taken when nothing is said.
    second = await gosellr("sandbox", "dispute", number)
    assert second.output.strip().endswith(f"40.00 EUR of {number} taken back")
    for _ in range(2):
        decided = await gosellr("sandbox", "decide", reference, "lost")
        assert (decided.exit_code, decided.output) == (0, f"{reference}\tlost\n")
    # Decided once: whoever says otherwise afterwards hears how it stands.
    again = await gosellr("sandbox", "decide", reference, "won")
    assert again.output == f"{reference}\tlost\n"
    await upkeep.deliver_sandbox_reports(market)
    assert await frozen(market, order) == [("lost", 10_000), ("open", 10_000)]
    assert (await gosellr("audit")).output == f"All {len(NAMES)} invariants hold.\n"


async def test_a_chargeback_whose_reports_are_lost_is_found_by_asking(
    gosellr: Command, market: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = await transact(market.db, make_shop, price_minor=5000)
    order = await buy(market, (shop, 2))
    monkeypatch.setenv("GOSELLR_SANDBOX_DROP_ONE_IN", "1")
    opened = await gosellr("sandbox", "dispute", order_number(order.number))
    reference = opened.output.split("\t")[0]
    for decided, found in (("", ("open", 10_000)), ("lost", ("lost", 10_000))):
        if decided:
            await gosellr("sandbox", "decide", reference, decided)
        before = await frozen(market, order)
        await upkeep.deliver_sandbox_reports(market)
        assert await frozen(market, order) == before
        await upkeep.find_chargebacks(market)
        assert await frozen(market, order) == [found]


async def test_what_the_sandbox_cannot_do(gosellr: Command, market: Resources) -> None:
    shop = await transact(market.db, make_shop, price_minor=5000)
    declined = await buy(
        market, (shop, 1), tenders=(Tender(method="sandbox", token="tok_declined"),)
    )
    paid = await buy(market, (shop, 1))
    number, unpaid = order_number(paid.number), order_number(declined.number)
    for arguments, words in (
        (("dispute", unpaid), f"the sandbox took no money for {unpaid}"),
        (("dispute", "GS-99999999"), "There is nothing"),
        (("dispute", number, "--amount", "50.01"), "5001 isn't what"),
        (("dispute", number, "--amount", "0"), "0 isn't what"),
        (("dispute", number, "--amount", "-5"), "-5 is below zero"),
        (("dispute", number, "--amount", "5.001"), "has more than the 2 decimals of EUR"),
        (("dispute", number, "--fee", "-1"), "-1 is below zero"),
        (("decide", "sdp_nobody", "won"), "there is no dispute sdp_nobody"),
    ):
        refused = await gosellr("sandbox", *arguments)
        assert refused.exit_code == 1, arguments
        assert "✗ " in refused.output
        assert words in refused.output, arguments
    assert await frozen(market, paid) == []
    assert (await gosellr("sandbox", "decide", "sdp_nobody", "maybe")).exit_code == 2


async def test_every_test_card_and_account_is_listed(gosellr: Command) -> None:
    told = (await gosellr("sandbox", "tokens")).output
    cards, accounts = told.split("\n\n")
    assert [line.split("\t")[0] for line in cards.splitlines()] == list(TOKENS)
    assert "tok_slow\tpays, and answers after three seconds" in cards.splitlines()
    assert [line.split("\t")[0] for line in accounts.splitlines()] == list(TEST_ACCOUNTS)


async def test_no_sandbox_no_commands(gosellr: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Settings, "sandbox_enabled", property(lambda _: False))
    refused = await gosellr("sandbox", "decide", "sdp_nobody", "won")
    assert refused.exit_code == 1
    assert "the sandbox isn't offered in this market" in refused.output
