"""The command: reads, plans, boots, plays, compares, reports. Exit code 0 means equal."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from bench.replay import command
from bench.replay import stage as staging
from bench.replay.api import Api, ApiRefusedError
from bench.replay.compare import compare
from bench.replay.figures import add_up, cross_check
from bench.replay.market import Market, empty_market
from bench.replay.observe import expected_books, observe
from bench.replay.plan import make_plan
from bench.replay.play import Player
from bench.replay.progress import Phases, bars, home
from bench.replay.report import (
    Report,
    document,
    print_map,
    print_remarks,
    print_summary,
)
from bench.replay.source import Catalogue, read_catalogue, read_orders
from bench.replay.stage import Stage

CURRENCY = "BRL"
REPORT = Path("data/replay-report.json")

MAPPING = """\
How the data maps onto the market
  sellers      one account each, which registers one seller over the API (approval: auto)
  listings     one per (product, seller), made by its seller, with as many pieces as are ordered;
               category from the translation, weight and size from the products file, no title
  prices       move by an update of the product before the order that shows another price; orders
               that share such a listing are placed one after the other, all others may overlap
  freight      per order and seller, the sum of its items; put into the sandbox carrier's file
               beforehand under the order's reference, and quoted from there, never sent as a price
  orders       in time order, as guests, in the one-call form, with reference and expected_total
  payments     split as in the data. A voucher is a gift card of exactly its value, issued over the
               API beforehand and spent beside the rest; cards, boletos and debits are charges at
               the sandbox gateway; instalments have no counterpart. Where payments differ from
               goods and freight (interest), the part with the most instalments is cut to fit; each
               such order is counted and listed. A voucher stays at the gateway where a gift card
               would pay an order that never was, or stands beside two other payments: listed
  statuses     created: stays unpaid; approved: paid; invoiced, processing: processing; shipped:
               a parcel per seller; delivered: delivered; canceled, unavailable: cancelled (unpaid
               where never approved). What was called off after it was sent is sent, then refunded
               in full, and listed
  reviews      the last one of a delivered order, posted for each of its lines; others are listed
  not placed   orders without goods, counted with all their figures and listed
  clock        the market lives now; the report's own table says order -> date of the data
  taxes        none, so that totals are the data's
  fees         the data knows none: the market takes 10 % of all goods, so that there is something
               to compare, and gives all of it back with a refund
  money        compared per tender (paid, refunded, left on gift cards), and per seller and month
               of the data (sales, fees, refunds, and the net that the ledger owes)

Without expected.json, or with --limit, the figures are those of the rows themselves; with it,
both are held against each other first. Exit codes: 0 equal, 1 different, 2 not played.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for."""

    data: Path
    catalogue: Path
    limit: int | None
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
        prog="python -m bench.replay",
        description=sys.modules["bench.replay"].__doc__,
        epilog=MAPPING,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of the order stream")
    parser.add_argument("--catalog", type=Path, required=True, help="the folder of the catalogue")
    parser.add_argument("--limit", type=command.positive, help="play only the first N orders")
    command.add_options(parser, report=REPORT)
    chosen = parser.parse_args(arguments)
    return Options(
        data=chosen.data,
        catalogue=chosen.catalog,
        limit=chosen.limit,
        report=chosen.report,
        workers=chosen.workers,
        keep=chosen.keep,
    )


async def _replay(options: Options, console: Console) -> Report:
    orders = read_orders(options.data, limit=options.limit)
    catalogue = read_catalogue(options.catalogue)
    expected = add_up(orders)
    plan = make_plan(orders)
    report = Report(
        data=str(options.data),
        catalogue=str(options.catalogue),
        limit=options.limit,
        plan=plan,
        cross_check=cross_check(options.data, expected, covers_all=options.limit is None),
        workers=options.workers,
    )
    print_map(console)
    print_remarks(console, plan)
    with home(console, keep=options.keep) as folder, bars(console) as shown:
        phases = Phases(shown, report.durations)
        with phases.phase("boot", "Starting an empty market"):
            market_life = contextlib.AsyncExitStack()
            market = await market_life.enter_async_context(empty_market(folder, currency=CURRENCY))
        async with market_life, Api(market.base_url, connections=options.workers) as api:
            report.tally = api.tally
            await _perform(report, market=market, api=api, catalogue=catalogue, phases=phases)
    report.data_figures = compare(
        expected=expected, unexpressed=plan.unexpressed, actual=report.observed.data
    )
    report.book_figures = compare(
        expected=expected_books(plan), unexpressed={}, actual=report.observed.books
    )
    return report


async def _perform(
    report: Report, *, market: Market, api: Api, catalogue: Catalogue, phases: Phases
) -> None:
    plan, workers = report.plan, report.workers
    with phases.phase("stage", "Registering sellers", total=len(plan.seller_ids)) as done:
        stage = Stage(operator=await staging.make_operator(api, market), currency=CURRENCY)
        await staging.open_delivery(api, stage)
        await staging.make_categories(api, stage, plan, catalogue)
        await staging.register_sellers(api, stage, plan, catalogue, workers=workers, done=done)
    with phases.phase("list", "Listing products", total=len(plan.listings)) as done:
        await staging.list_products(api, stage, plan, catalogue, workers=workers, done=done)
        await staging.load_quotes(market, stage, plan)
        await staging.set_commission(api, stage)
    cards = sum(len(order.gift_cards) for order in plan.orders)
    with phases.phase("cards", "Issuing gift cards", total=cards) as done:
        await staging.issue_gift_cards(api, stage, plan, workers=workers, done=done)
    with phases.phase("play", "Playing orders", total=len(plan.orders)) as done:
        player = Player(api=api, stage=stage, plan=plan, workers=workers, done=done)
        await player.play()
    report.played, report.failures = player.played, player.failures
    report.price_moves = player.price_moves
    with phases.phase("compare", "Reading it back", total=len(plan.orders)) as done:
        try:
            await observe(
                report.observed,
                api=api,
                stage=stage,
                plan=plan,
                played=player.played,
                workers=workers,
                done=done,
            )
        except ApiRefusedError as error:
            report.observed.mismatches.append(f"can't be read back: {error}")
    with phases.phase("audit", "Auditing the books"):
        report.audit_exit_code, report.audit_words = await market.command("audit")
