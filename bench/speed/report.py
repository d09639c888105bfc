"""What was measured, as one document: the report for machines, and what the pages are made of."""

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import orjson

from bench.speed.charts import overload_chart, rates_chart, scaling_chart
from bench.speed.floor import Floor
from bench.speed.operations import Operation
from bench.speed.page import page
from bench.speed.recording import Recording
from bench.speed.rounds import Measured

Document = dict[str, Any]


def machine() -> Document:
    """What it was measured on."""
    model = ""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if "model name" in line), "")
        load = [round(one, 2) for one in os.getloadavg()]
    except OSError:
        load = []
    return {
        "processors": os.cpu_count(),
        "model": model,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": load,
    }


def product_figures(measured: Sequence[Measured], recordings: Mapping[str, Recording]) -> Document:
    """The operations by name, each with its figures at every number of connections."""
    found: Document = {}
    for one in measured:
        operation = one.operation
        entry = found.setdefault(operation.name, _bars(operation))
        figures = _figures(one)
        entry["by_connections"][str(one.connections)] = figures
        if "per_second" not in entry:  # The usual number of connections comes first.
            entry |= figures
        heard = recordings.get(operation.name)
        entry["statements"] = round(heard.statements, 2) if heard else None
        entry["round_trips"] = round(heard.round_trips, 2) if heard else None
    for entry in found.values():
        entry["must_reached"] = reached(entry["per_second"], entry["must"])
        entry["aim_reached"] = reached(entry["per_second"], entry["aim"])
        slowest = max(entry["request_p95_ms"].values(), default=None)
        entry["slowest_request_p95_ms"] = slowest
        entry["p95_reached"] = (
            None if entry["p95_bar_ms"] is None or not slowest else slowest < entry["p95_bar_ms"]
        )
    return found


def _bars(operation: Operation) -> Document:
    return {
        "title": operation.title,
        "must": operation.must,
        "aim": operation.aim,
        "p95_bar_ms": operation.p95_ms,
        "uncached": operation.uncached,
        "by_connections": {},
    }


def _figures(measured: Measured) -> Document:
    run = measured.run
    return {
        "connections": measured.connections,
        "per_second": round(run.per_second, 1),
        "rounds": [round(one.per_second, 1) for one in measured.runs],
        "p50_ms": round(run.quantile(0.5), 2),
        "p95_ms": round(run.quantile(0.95), 2),
        "p99_ms": round(run.quantile(0.99), 2),
        "request_p95_ms": {name: round(run.quantile(0.95, name), 2) for name in run.latencies},
        "web_cpu_ms": round(measured.milliseconds("web"), 3),
        "database_cpu_ms": round(measured.milliseconds("database"), 3),
        "worker_cpu_ms": round(measured.milliseconds("worker"), 3),
        "client_cpu_ms": round(1000 * measured.client_seconds / max(run.operations, 1), 3),
        "memory_mb": round(max((one.web_memory_mb for one in measured.usage), default=0.0), 1),
        "shed": run.shed,
        "mistakes": sum(run.mistakes.values()),
    }


def floor_figures(floors: Mapping[str, Sequence[Floor]]) -> Document:
    """The floors by name; rounds are joined by the time they took."""
    return {
        name: {
            "per_second": round(_harmonic([one.per_second for one in rounds]), 1),
            "with_tape_per_second": round(
                _harmonic([one.with_tape_per_second for one in rounds]), 1
            ),
            "rounds": [round(one.per_second, 1) for one in rounds],
            "operations": sum(one.operations for one in rounds),
            "covered": round(min(one.covered for one in rounds), 3),
            "steady": all(one.steady for one in rounds),
        }
        for name, rounds in floors.items()
    }


def _harmonic(rates: Sequence[float]) -> float:
    known = [one for one in rates if one > 0]
    return len(known) / sum(1 / one for one in known) if known else 0.0


def ratios(
    product: Mapping[str, Any], floor: Mapping[str, Any], operations: Sequence[Operation]
) -> Document:
    """The product beside its floor, and a hot product's orders beside those spread out."""
    found: Document = {}
    for operation in operations:
        if operation.name in product and operation.name in floor:
            shares = _shares(product[operation.name], floor[operation.name])
            found[operation.name] = _ratio(shares, operation.must_share, operation.aim_share)
    if "order" in product and "order in one function" in floor:
        shares = _shares(product["order"], floor["order in one function"])
        found["order of one function"] = _ratio(shares, None, None)
    if "hot" in product and "order" in product:
        hot = product["hot"]
        spread = product["order"]["by_connections"].get(str(hot["connections"]), product["order"])
        found["hot of spread out"] = _ratio(_shares(hot, spread), 0.6, 0.85)
    return found


def _ratio(shares: Sequence[float], must: float | None, aim: float | None) -> Document:
    inner = middle_half(shares)
    share = round(fmean(inner), 3) if inner else None
    return {
        "share": share,
        "between": [round(inner[0], 3), round(inner[-1], 3)] if inner else None,
        "must": must,
        "aim": aim,
        "must_reached": reached(share, must),
        "aim_reached": reached(share, aim),
    }


def _shares(one: Mapping[str, Any], of: Mapping[str, Any]) -> list[float]:
    # Each round beside its own, because machines change their speed from minute to minute.
    return [rate / whole for rate, whole in zip(one["rounds"], of["rounds"], strict=False) if whole]


def middle_half(values: Sequence[float]) -> list[float]:
    """All but the highest and the lowest quarter, in order; their mean is the interquartile mean.

    What disturbs the machine for a moment falls on one side of one round, and must not count. The
    median leaves out still more, and differs more from run to run.
    """
    ordered = sorted(values)
    cut = len(ordered) // 4
    return ordered[cut : len(ordered) - cut]


def reached(value: float | None, bar: float | None) -> bool | None:
    """Whether a bar is reached; None where there is none, or nothing was measured."""
    return None if value is None or bar is None else value >= bar


def processes(
    *, idle_mb: float, loaded_mb: float, ready_seconds: Sequence[float]
) -> dict[str, Any]:
    """Memory per web process as proportional set size, and the start with data in place."""
    ready = min(ready_seconds, default=None)
    return {
        "idle_mb": round(idle_mb, 1) if idle_mb else None,
        "idle_reached": idle_mb < 150 if idle_mb else None,
        "loaded_mb": round(loaded_mb, 1) if loaded_mb else None,
        "loaded_reached": loaded_mb < 250 if loaded_mb else None,
        "memory_is": "PSS of the larger of two web processes",
        "ready_seconds": round(ready, 2) if ready is not None else None,
        "ready_reached": ready < 3 if ready is not None else None,
    }


def write_report(folder: Path, report: Document) -> list[Path]:
    """`report.json`, `report.md` and the charts. A chart of what wasn't measured isn't drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    charts = {
        "rates.svg": rates_chart(report),
        "overload.svg": overload_chart(report),
        "scaling.svg": scaling_chart(report),
    }
    written = []
    for name, text in charts.items():
        path = folder / name
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text, encoding="utf-8")
            written.append(path)
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    (folder / "report.json").write_bytes(orjson.dumps(report, option=options) + b"\n")
    shown = [path.name for path in written]
    (folder / "report.md").write_text(page(report, charts=shown), encoding="utf-8")
    return [folder / "report.json", folder / "report.md", *written]
