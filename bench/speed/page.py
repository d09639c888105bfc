"""The report as a page of Markdown, made of nothing but its document."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.speed.bars import verdict

_NONE = "–"
_CHART_TITLES = {
    "rates.svg": "Rates beside the bars to reach",
    "overload.svg": "Orders under overload",
    "scaling.svg": "Rates by the size of the market",
}
_HOW = """\
Two web processes and one job worker as in life, the client on the same machine, a closed loop:
each connection asks again when it has its answer. Every answer is judged; what is wrong or shed is
never counted as done. “Uncached” was measured with `GOSELLR_CACHE_MB=0`, everything else with the
market's own settings. The floor is the product's own statements, recorded while it did the
operation and played by pgbench with prepared statements on a copy of the same database, in turns
with the product and with as many clients; each order has ids and keys of its own and writes the
same rows. “In one function” is the same work as one call of the database, in one transaction. The
floor has no HTTP, no job worker and no gateway; it is steady when it was played long enough to
leave out what PostgreSQL planned anew. Processor time is the kernel's, by kind of process;
statements and round trips are those of one request, begins and commits being round trips only."""


def page(report: Mapping[str, Any], *, charts: Sequence[str] = ()) -> str:
    """The whole page. What wasn't measured is left out, or is a dash within a table."""
    parts = ["# Measured", _intro(report), _HOW]
    parts += [f"![{_CHART_TITLES.get(name, name)}]({name})" for name in charts]
    parts += [
        _section("Bars", _bars(report)),
        _section("Operations", _operations(report.get("product", {}))),
        _section("By number of connections", _connections(report.get("product", {}))),
        _section("The floor", _floor(report)),
        _section("Processes", _processes(report.get("processes", {}))),
        _section("Overload", _overload(report.get("overload") or {})),
        _section("By the size of the market", _scaling(report.get("scaling") or [])),
        _section("Books", _books(report.get("audit") or {})),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; None is a dash."""
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    lines += [f"| {' | '.join(_cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines) if len(lines) > 2 else ""


def _cell(value: object) -> str:
    if value is None:
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)


def percent(share: float | None) -> str | None:
    """A share in whole percent."""
    return None if share is None else f"{100 * share:.0f} %"


def _between(ends: Sequence[float] | None) -> str | None:
    return None if ends is None else f"{100 * ends[0]:.0f} to {100 * ends[1]:.0f} %"


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}" if text else ""


def _intro(report: Mapping[str, Any]) -> str:
    machine, settings = report.get("machine", {}), report.get("settings", {})
    database = report.get("database", {})
    load = ", ".join(map(str, machine.get("load_before", []))) or "unknown"
    words = f"{settings.get('products', 0):,} products"
    words += f", {settings.get('past_orders', 0):,} past orders"
    words += f"; {settings.get('seconds', 0):g} s per operation and round"
    words += f", {settings.get('rounds', 1)} rounds"
    words += f". {machine.get('processors', '?')} processors"
    words += f" ({machine.get('model') or 'unknown'}), Python {machine.get('python', '?')}"
    words += f", PostgreSQL {database.get('server_version', '?')}, load before {load}."
    if paces := machine.get("million_additions_per_second"):
        words += f" A bare loop of Python made {min(paces):g} to {max(paces):g} million additions a"
        words += " second between the rounds: rates compare where that is alike, ratios elsewhere."
    if database:
        words += f" fsync {database['fsync']}"
        words += f", synchronous_commit {database['synchronous_commit']}."
    return words


def _bars(report: Mapping[str, Any]) -> str:
    told = []
    for kind, one in verdict(report).items():
        if one["of"]:
            missed = "; ".join(one["missed"])
            told.append(
                f"{kind.title()}: {one['reached']} of {one['of']} reached."
                + (f" Not reached: {missed}." if missed else "")
            )
    return "\n\n".join(told)


def _operations(product: Mapping[str, Any]) -> str:
    columns = (
        "operation", "per second", "must", "reached", "aim", "reached", "p50 ms", "p95 ms",
        "p99 ms", "slowest request p95 ms", "below", "reached", "statements", "round trips",
        "web CPU ms", "database CPU ms", "worker CPU ms", "client CPU ms", "wrong", "shed",
    )  # fmt: skip
    names = (
        "title", "per_second", "must", "must_reached", "aim", "aim_reached", "p50_ms", "p95_ms",
        "p99_ms", "slowest_request_p95_ms", "p95_bar_ms", "p95_reached", "statements",
        "round_trips", "web_cpu_ms", "database_cpu_ms", "worker_cpu_ms", "client_cpu_ms",
        "mistakes", "shed",
    )  # fmt: skip
    return table(columns, ([one.get(name) for name in names] for one in product.values()))


def _connections(product: Mapping[str, Any]) -> str:
    numbers = sorted({int(one) for entry in product.values() for one in entry["by_connections"]})
    columns = ["operation"]
    for number in numbers:
        columns += [f"{number}: per second", f"{number}: p95 ms"]
    rows = []
    for entry in product.values():
        row: list[object] = [entry["title"]]
        for number in numbers:
            figures = entry["by_connections"].get(str(number), {})
            row += [figures.get("per_second"), figures.get("p95_ms")]
        rows.append(row)
    return table(columns, rows) if len(numbers) > 1 else ""


def _floor(report: Mapping[str, Any]) -> str:
    floor, ratios = report.get("floor", {}), report.get("ratios", {})
    first = table(
        ("floor", "per second", "rounds", "tape included", "of all operations played", "steady"),
        (
            (
                name,
                one["per_second"],
                ", ".join(f"{rate:,.0f}" for rate in one["rounds"]),
                one["with_tape_per_second"],
                percent(one["covered"]),
                one.get("steady"),
            )
            for name, one in floor.items()
        ),
    )
    second = table(
        ("product of floor", "share", "half of the rounds", "must", "reached", "aim", "reached"),
        (
            (
                name,
                percent(one["share"]),
                _between(one["between"]),
                percent(one["must"]),
                one["must_reached"],
                percent(one["aim"]),
                one["aim_reached"],
            )
            for name, one in ratios.items()
        ),
    )
    return "\n\n".join(part for part in (first, second) if part)


def _processes(processes: Mapping[str, Any]) -> str:
    if not processes:
        return ""
    said = processes.get("memory_is", "")
    return (
        table(
            ("", "measured", "below", "reached"),
            (
                ("MB per web process, idle", processes.get("idle_mb"), 150,
                 processes.get("idle_reached")),
                ("MB per web process, loaded", processes.get("loaded_mb"), 250,
                 processes.get("loaded_reached")),
                ("seconds until ready, data in place", processes.get("ready_seconds"), 3,
                 processes.get("ready_reached")),
            ),
        )
        + f"\n\nMemory: {said}."
    )  # fmt: skip


def _overload(overload: Mapping[str, Any]) -> str:
    if not overload:
        return ""
    columns = (
        "times saturation", "offered/s", "goodput/s", "of peak", "shed", "too late", "unsent",
        "wrong", "p50 ms accepted", "p95 ms accepted", "p95 ms shed",
    )  # fmt: skip
    peak = overload.get("peak_per_second") or 0
    rows = (
        (
            one["times_saturation"],
            one["offered_per_second"],
            one["goodput_per_second"],
            percent(one["goodput_per_second"] / peak if peak else None),
            one["shed"],
            one["too_late"],
            one["unsent"],
            one["mistakes"],
            one["accepted_p50_ms"],
            one["accepted_p95_ms"],
            one["shed_p95_ms"],
        )
        for one in overload.get("steps", ())
    )
    kept = overload.get("kept_of_peak")
    verdict = (
        f"At the highest load goodput was {percent(kept) or 'unknown'} of its peak"
        f" (80 % must be: {_cell(None if kept is None else kept >= 0.8)});"
        f" of {overload.get('acknowledged', 0):,} acknowledged orders"
        f" {overload.get('lost', 0):,} were lost."
    )
    return f"{table(columns, rows)}\n\n{verdict}"


def _scaling(sizes: Sequence[Mapping[str, Any]]) -> str:
    names = list(dict.fromkeys(name for one in sizes for name in one["per_second"]))
    columns = ["products", "past orders"]
    for name in names:
        columns += [f"{name}/s", "of the smallest", "CPU ms"]
    columns += ["at rest", "audit s"]
    rows = []
    for one in sizes:
        row: list[object] = [one["products"], one["past_orders"]]
        for name in names:
            share = percent(one.get("shares", {}).get(name))
            if one.get("must_reached", {}).get(name) is False:
                share = f"{share} **too little**"
            row += [one["per_second"].get(name), share, one.get("cpu_ms", {}).get(name)]
        row += [one.get("was_at_rest"), one.get("audit_seconds")]
        rows.append(row)
    told = "Markets are visited in turn, once their jobs are at rest; a share is the median of the"
    told += " visits. CPU is the processor time of web processes and PostgreSQL per operation: it"
    told += " tells what grew with the market where the machine was busy with something else."
    return f"{table(columns, rows)}\n\n{told}" if rows else ""


def _books(audit: Mapping[str, Any]) -> str:
    return f"{audit['said']}" if audit else ""
