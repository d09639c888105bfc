"""What the commands that play data through a market share: their options, and how they end."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rich.console import Console

from bench.replay.api import ApiRefusedError
from bench.replay.market import MarketError
from bench.replay.source import DataError


class Played(Protocol):
    """What came of it."""

    @property
    def is_equal(self) -> bool:
        """Whether the market says what the data says."""


R = TypeVar("R", bound=Played)


def add_options(parser: argparse.ArgumentParser, *, report: Path) -> None:
    """The options that each of them has; the report is written to `report` by default."""
    parser.add_argument(
        "--report",
        type=Path,
        default=report,
        help=f"where to write the JSON report (default: {report})",
    )
    parser.add_argument(
        "--workers", type=positive, default=8, help="orders under way at once (default: 8)"
    )
    parser.add_argument("--keep", action="store_true", help="keep the market's folder afterwards")


def positive(text: str) -> int:
    """A number from 1 on. Raises argparse's own error for anything else."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def run(
    replay: Callable[[Console], Awaitable[R]],
    *,
    report_path: Path,
    summarize: Callable[[Console, R], None],
    document: Callable[[R], dict[str, Any]],
) -> int:
    """Play, say what came of it, keep the report; gives the exit code: 0 means equal."""
    console = Console()

    async def played() -> R:
        return await replay(console)

    try:
        report = asyncio.run(played())
    except (DataError, MarketError, ApiRefusedError) as error:
        Console(stderr=True).print(f"✗ {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        return 130
    summarize(console, report)
    report_path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(report), indent=1, ensure_ascii=False)
    report_path.write_text(text + "\n", encoding="utf-8")
    console.print(f"Report: {report_path}")
    return 0 if report.is_equal else 1
