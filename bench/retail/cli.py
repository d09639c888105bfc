"""The command: reads a month, plays its sales, then its credit notes, compares, audits."""

import argparse
import contextlib
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.replay import command
from bench.replay import stage as staging
from bench.replay.api import Api
from bench.replay.compare import Comparison, compare
from bench.replay.market import Market, empty_market
from bench.replay.observe import pages
from bench.replay.play import Player
from bench.replay.progress import Phases, bars, home
from bench.replay.source import Catalogue
from bench.replay.stage import Stage
from bench.retail.credit_notes import give_back
from bench.retail.plan import SELLER, RetailPlan, make_plan
from bench.retail.report import RetailReport, document, print_plan, print_summary
from bench.retail.source import read_month, read_net_pence, whole_pence

CURRENCY = "GBP"
COUNTRY = "GB"
REPORT = Path("data/retail-report.json")

MAPPING = """\
How the data maps onto the market
  seller       one, who sells everything
  listings     one per SKU and price: wholesale prices differ by buyer and day, none has to move
  invoices     one order each, as a guest's, paid at once through the sandbox gateway; one with more
               than 200 lines becomes several orders. The same SKU at the same price is one line
  credits      a refund by line and quantity for each order that a credit note touches. The note
               names no invoice: a line is matched to the latest earlier sale in the month of the
               same customer and SKU that has units left, then to the one before; those at the same
               price first. Of another price its value goes back as a free amount, at most what
               was paid
  the rest     what was never sold (no price, written off, finer than a penny) and credits that find
               no such sale. Each is listed with its value, counted and summed by reason
  delivery     free of charge: carriage is a line of the invoice here (POST, DOT)
  taxes, fees  none

The market's net and the value of the rest have to make the month's net in expected.json, or that of
the rows where there is none. Exit codes: 0 equal, 1 different, 2 not played.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for."""

    data: Path
    month: str
    report: Path
    workers: int
    keep: bool


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit code."""
    options = parse(arguments)
    return command.run(
        lambda console: _replay(options, console),
        report_path=options.report,
        summarize=print_summary,
        document=document,
    )


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.retail",
        description=sys.modules["bench.retail"].__doc__,
        epilog=MAPPING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of the invoices")
    parser.add_argument("--month", default="2010-12", help="which one to play (default: 2010-12)")
    command.add_options(parser, report=REPORT)
    chosen = parser.parse_args(arguments)
    return Options(
        data=chosen.data,
        month=chosen.month,
        report=chosen.report,
        workers=chosen.workers,
        keep=chosen.keep,
    )


async def _replay(options: Options, console: Console) -> RetailReport:
    rows = read_month(options.data, options.month)
    counted_pence = whole_pence(sum(row.value_pence for row in rows))  # type: ignore[arg-type]
    said_pence = read_net_pence(options.data, options.month)
    report = RetailReport(
        data=str(options.data),
        month=options.month,
        plan=make_plan(rows),
        is_confirmed=None if said_pence is None else said_pence == counted_pence,
    )
    print_plan(console, report)
    with home(console, keep=options.keep) as folder, bars(console) as shown:
        phases = Phases(shown, report.durations)
        with phases.phase("boot", "Starting an empty market"):
            market_life = contextlib.AsyncExitStack()
            market = await market_life.enter_async_context(empty_market(folder, currency=CURRENCY))
        async with market_life, Api(market.base_url, connections=options.workers) as api:
            report.tally = api.tally
            actual = await _perform(
                report, market=market, api=api, phases=phases, workers=options.workers
            )
    report.figures = _compared(
        report.plan,
        actual=actual,
        net_pence=counted_pence if said_pence is None else said_pence,
    )
    return report


async def _perform(
    report: RetailReport, *, market: Market, api: Api, phases: Phases, workers: int
) -> Counter[str]:
    plan = report.plan.plan
    # Of the goods nothing is known but their code.
    catalogue = Catalogue(products={}, sellers={}, category_names={})
    with phases.phase("list", "Listing products", total=len(plan.listings)) as done:
        stage = Stage(
            operator=await staging.make_operator(api, market), currency=CURRENCY, country=COUNTRY
        )
        await staging.make_categories(api, stage, plan, catalogue)
        await staging.register_sellers(api, stage, plan, catalogue, workers=1, done=lambda: None)
        await staging.list_products(api, stage, plan, catalogue, workers=workers, done=done)
    with phases.phase("play", "Playing invoices", total=len(plan.orders)) as done:
        player = Player(api=api, stage=stage, plan=plan, workers=workers, done=done)
        await player.play()
    report.failures += player.failures
    with phases.phase("credit", "Giving back", total=len(report.plan.refunds)) as done:
        report.failures += await give_back(
            report.plan, api=api, stage=stage, played=player.played, workers=workers, done=done
        )
    with phases.phase("compare", "Reading it back"):
        actual = await _observe(api, stage)
    with phases.phase("audit", "Auditing the books"):
        report.audit_exit_code, report.audit_words = await market.command("audit")
    return actual


async def _observe(api: Api, stage: Stage) -> Counter[str]:
    """What the orders say, and what the books owe the seller."""
    actual: Counter[str] = Counter()
    async for row in pages(api, "/orders/", account=stage.operator, params={"as": "operator"}):
        actual["orders"] += 1
        actual["sales_pence"] += row["total"]["amount"]
        actual["credits_pence"] += row["refunded_total"]["amount"]
    actual["net_pence"] = actual["sales_pence"] - actual["credits_pence"]
    balances = await api.get(f"/sellers/{stage.seller_ids[SELLER]}/balance", account=stage.operator)
    for balance in balances["balances"]:
        for pot in ("pending", "available", "reserved"):
            actual["seller_pence"] += balance[pot]["amount"]
    return actual


def _compared(plan: RetailPlan, *, actual: Counter[str], net_pence: int) -> tuple[Comparison, ...]:
    """Sales and credits as planned, the net as the data says, less the listed rest."""
    rest_pence = whole_pence(plan.rest_pence)
    return compare(
        expected={
            "orders": len(plan.plan.orders),
            "sales_pence": plan.sales_minor,
            "credits_pence": plan.credits_minor,
            "net_pence": net_pence,
            "seller_pence": net_pence,
        },
        unexpressed={"net_pence": rest_pence, "seller_pence": rest_pence},
        actual=actual,
    )
