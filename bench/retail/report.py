"""What came of a month: as a document for machines, and in short for people."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.replay.api import Tally
from bench.replay.compare import Comparison
from bench.replay.play import Failure
from bench.retail.plan import Rest, RetailPlan

_SHOWN_MAX = 20


@dataclass(slots=True, kw_only=True)
class RetailReport:
    """Everything that is known when the market has stopped.

    `is_confirmed` says whether `expected.json` agrees with the rows; None where there is none.
    """

    data: str
    month: str
    plan: RetailPlan
    is_confirmed: bool | None
    figures: tuple[Comparison, ...] = ()
    failures: list[Failure] = field(default_factory=list)
    audit_exit_code: int | None = None
    audit_words: str = ""
    durations: dict[str, float] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    @property
    def is_equal(self) -> bool:
        """Whether the market's net and that of the listed rest are the month's, to the penny."""
        return (
            self.is_confirmed is not False
            and bool(self.figures)
            and not any(figure.difference for figure in self.figures)
            and not self.failures
            and self.audit_exit_code == 0
        )


def rest_sums(rest: Sequence[Rest]) -> dict[str, dict[str, Any]]:
    """Rows, units and value of the rest, by kind."""
    rows: Counter[str] = Counter(one.kind.value for one in rest)
    units: Counter[str] = Counter()
    pence: dict[str, Decimal] = {}
    for one in rest:
        units[one.kind.value] += one.units
        pence[one.kind.value] = pence.get(one.kind.value, Decimal()) + one.value_pence
    return {
        kind: {"rows": count, "units": units[kind], "pence": plain(pence[kind])}
        for kind, count in rows.most_common()
    }


def plain(pence: Decimal) -> int | str:
    """A whole number where it is one, else its decimals as text."""
    is_whole = pence == pence.to_integral_value()
    return int(pence) if is_whole else format(pence.normalize(), "f")


def document(report: RetailReport) -> dict[str, Any]:
    """The whole report as JSON takes it."""
    plan = report.plan
    return {
        "equal": report.is_equal,
        "data": report.data,
        "month": report.month,
        "expected_json": report.is_confirmed,
        "orders": len(plan.plan.orders),
        "order_lines": sum(len(order.lines) for order in plan.plan.orders),
        "refunds": len(plan.refunds),
        "credit_lines_matched": dict(plan.matched),
        "unmatched": rest_sums(plan.rest),
        "figures": [{**asdict(one), "difference": one.difference} for one in report.figures],
        "failures": [asdict(failure) for failure in report.failures],
        "audit": {"exit_code": report.audit_exit_code, "words": report.audit_words},
        "seconds": {phase: round(seconds, 2) for phase, seconds in report.durations.items()},
        "requests": asdict(report.tally),
        "rest": [
            {
                "kind": one.kind.value,
                "invoice": one.invoice,
                "sku": one.sku,
                "units": one.units,
                "pence": plain(one.value_pence),
            }
            for one in plan.rest
        ],
    }


def print_plan(console: Console, report: RetailReport) -> None:
    """Count what will be played, and what won't."""
    plan = report.plan
    told = {None: "there is no expected.json", True: "expected.json agrees with the rows"}
    console.print(
        f"{report.month}: {len(plan.plan.orders):,} orders, {len(plan.refunds):,} refunds; "
        f"{told.get(report.is_confirmed, 'expected.json contradicts the rows')}."
    )
    table = Table(title="Credit lines that found their sale", title_justify="left")
    table.add_column("in")
    table.add_column("lines", justify="right")
    for how, count in Counter(plan.matched).most_common():
        table.add_row(how, f"{count:,}")
    console.print(table)
    table = Table(title="Not in the market, each row listed in the report", title_justify="left")
    for column in ("what", "rows", "units", "pence"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for kind, sums in rest_sums(plan.rest).items():
        table.add_row(kind, f"{sums['rows']:,}", f"{sums['units']:,}", str(sums["pence"]))
    console.print(table)


def print_summary(console: Console, report: RetailReport) -> None:
    """The outcome in short."""
    table = Table(title="Figures, amounts in pence", title_justify="left")
    for column in ("figure", "expected", "unexpressed", "actual", "difference"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for one in report.figures:
        numbers = (one.expected, one.unexpressed, one.actual, one.difference)
        style = "red" if one.difference else None
        table.add_row(one.name, *(f"{number:,}" for number in numbers), style=style)
    console.print(table)
    for failure in report.failures[:_SHOWN_MAX]:
        words = f"✗ {failure.order_id}: {failure.step}: {failure.problem}"
        console.print(words, style="red", markup=False)
    if report.audit_exit_code:
        console.print(f"✗ gosellr audit ended with {report.audit_exit_code}", style="red")
        console.print(report.audit_words.strip(), markup=False)
    console.print("  ".join(f"{phase} {value:.0f} s" for phase, value in report.durations.items()))
    console.print("[green]Equal to the penny." if report.is_equal else "[red]Not equal.")
