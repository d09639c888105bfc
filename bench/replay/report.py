"""What came of a replay: as a document for machines, and in short for people."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.replay.api import Tally
from bench.replay.compare import Comparison
from bench.replay.figures import CrossCheck
from bench.replay.observe import Observed
from bench.replay.plan import CALLED_OFF, STATUS_OUTCOMES, Outcome, Plan
from bench.replay.play import Failure, Played

_SHOWN_MAX = 20
_SHOWN_GROUPS = ("status.", "payment_type_cents.", "tender_cents.", "gift_card_cents.")


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything that is known when the market has stopped."""

    data: str
    catalogue: str
    limit: int | None
    plan: Plan
    cross_check: CrossCheck
    data_figures: tuple[Comparison, ...] = ()
    book_figures: tuple[Comparison, ...] = ()
    observed: Observed = field(default_factory=Observed)
    played: Mapping[str, Played] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    price_moves: int = 0
    audit_exit_code: int | None = None
    audit_words: str = ""
    durations: dict[str, float] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    workers: int = 0

    @property
    def is_equal(self) -> bool:
        """Whether the market's outcome is the data's, to the centavo."""
        return (
            not self.cross_check.disagreements
            and bool(self.data_figures)
            and not any(figure.difference for figure in self.data_figures)
            and not any(figure.difference for figure in self.book_figures)
            and not self.failures
            and not self.observed.mismatches
            and self.price_moves == self.plan.price_moves
            and self.audit_exit_code == 0
        )

    @property
    def rates(self) -> dict[str, float]:
        """Orders per second of playing, and requests per second over all that used the API."""
        playing = self.durations.get("play", 0.0)
        calling = sum(
            seconds for phase, seconds in self.durations.items() if phase not in {"boot", "audit"}
        )
        return {
            "orders_per_second": round(len(self.played) / playing, 2) if playing else 0.0,
            "requests_per_second": round(self.tally.requests / calling, 2) if calling else 0.0,
        }


def status_map() -> dict[str, str]:
    """The map from the data's statuses to where an order ends here."""
    called_off = ", ".join(sorted(CALLED_OFF))
    return {status: outcome.value for status, outcome in STATUS_OUTCOMES.items()} | {
        called_off: Outcome.CANCELLED.value,
        f"{called_off}, never approved": Outcome.CANCELLED_UNPAID.value,
        f"{called_off}, handed to the carrier": Outcome.REFUNDED_SHIPPED.value,
        f"{called_off}, received": Outcome.REFUNDED_DELIVERED.value,
    }


def document(report: Report) -> dict[str, Any]:
    """The whole report as JSON takes it."""
    check = report.cross_check
    remarks: dict[str, list[dict[str, Any]]] = {}
    for remark in report.plan.remarks:
        row = {"order": remark.order_id, "detail": remark.detail}
        remarks.setdefault(remark.kind.value, []).append(row)
    return {
        "equal": report.is_equal,
        "data": report.data,
        "catalogue": report.catalogue,
        "limit": report.limit,
        "workers": report.workers,
        "expectation": expectation_words(check),
        "cross_check": {
            "figures_compared": check.compared,
            "disagreements": [
                {"figure": name, "expected_json": said, "rows": counted}
                for name, said, counted in check.disagreements
            ],
        },
        "status_map": status_map(),
        "figures": [_row(figure) for figure in report.data_figures],
        "books": [_row(figure) for figure in report.book_figures],
        "price_moves": {"expected": report.plan.price_moves, "actual": report.price_moves},
        "mismatches": report.observed.mismatches,
        "failures": [asdict(failure) for failure in report.failures],
        "unexpressed": {
            kind: {"count": len(rows), "orders": rows} for kind, rows in remarks.items()
        },
        "audit": {"exit_code": report.audit_exit_code, "words": report.audit_words},
        "stats": dict(report.observed.stats),
        "seconds": {phase: round(seconds, 2) for phase, seconds in report.durations.items()},
        "requests": asdict(report.tally),
        "rates": report.rates,
        "orders": {
            order.id: {
                "date": order.purchased_at.isoformat(),
                "order_id": report.played[order.id].order_id,
            }
            for order in report.plan.orders
            if order.id in report.played
        },
    }


def expectation_words(check: CrossCheck) -> str:
    """Where the expected figures come from."""
    if check.disagreements:
        return "the rows of the data, which expected.json contradicts"
    if check.compared:
        return "expected.json, confirmed by the rows of the data"
    if check.is_present:
        return "the rows of the data: expected.json speaks of the whole, and only a part is played"
    return "the rows of the data: there is no expected.json"


def print_map(console: Console) -> None:
    """Say where the data's statuses lead."""
    table = Table(title="Statuses: from the data to the market", title_justify="left")
    table.add_column("data")
    table.add_column("market")
    for status, outcome in status_map().items():
        table.add_row(status, outcome)
    console.print(table)


def print_remarks(console: Console, plan: Plan) -> None:
    """Count what isn't in the market as it is in the data."""
    counts = Counter(remark.kind.value for remark in plan.remarks)
    table = Table(title="Not as in the data, each listed in the report", title_justify="left")
    table.add_column("what")
    table.add_column("count", justify="right")
    for kind, count in counts.most_common():
        table.add_row(kind, f"{count:,}")
    console.print(table)


def print_summary(console: Console, report: Report) -> None:
    """The outcome in short: totals, whatever differs, and how fast it went."""
    console.print(f"Expected figures: {expectation_words(report.cross_check)}.")
    table = Table(title="Figures, amounts in centavos", title_justify="left")
    for column in ("figure", "expected", "unexpressed", "actual", "difference"):
        is_name = column == "figure"
        table.add_column(column, justify="left" if is_name else "right", overflow="fold")
    figures = [*report.data_figures, *report.book_figures]
    # Figures of single months and sellers stand in the report; here they show only when wrong.
    shown = [one for one in figures if one.difference or one.name.count(".") < 1]
    shown += [one for one in figures if one.name.startswith(_SHOWN_GROUPS)]
    for figure in list(dict.fromkeys(shown))[: 3 * _SHOWN_MAX]:
        numbers = (figure.expected, figure.unexpressed, figure.actual, figure.difference)
        style = "red" if figure.difference else None
        table.add_row(figure.name, *(f"{number:,}" for number in numbers), style=style)
    console.print(table)
    matching = sum(not one.difference for one in figures)
    console.print(f"{matching:,} of {len(figures):,} figures are equal.")
    problems = [f"{one.order_id}: {one.step}: {one.problem}" for one in report.failures]
    problems += report.observed.mismatches
    problems += [f"{name}: file {a}, rows {b}" for name, a, b in report.cross_check.disagreements]
    for problem in problems[:_SHOWN_MAX]:
        console.print(f"✗ {problem}", style="red", markup=False)
    if len(problems) > _SHOWN_MAX:
        console.print(f"… and {len(problems) - _SHOWN_MAX:,} more in the report", style="red")
    if report.audit_exit_code:
        console.print(f"✗ gosellr audit ended with {report.audit_exit_code}", style="red")
        console.print(report.audit_words.strip(), markup=False)
    seconds = "  ".join(f"{phase} {value:.0f} s" for phase, value in report.durations.items())
    console.print(f"{len(report.played):,} orders. {seconds}")
    rates = report.rates
    console.print(
        f"{rates['orders_per_second']:.1f} orders/s while playing, "
        f"{rates['requests_per_second']:.0f} requests/s, {report.tally.requests:,} requests."
    )
    verdict = "[green]Equal to the centavo." if report.is_equal else "[red]Not equal."
    console.print(verdict)


def _row(figure: Comparison) -> dict[str, Any]:
    return {**asdict(figure), "difference": figure.difference}
