"""What has to be reached, and whether it was, from all over the report."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_GOODPUT_KEPT = 0.8


@dataclass(frozen=True, slots=True)
class Bar:
    """One thing to reach. `is_must` tells it from what is only aimed at."""

    words: str
    is_reached: bool
    is_must: bool = True


def bars(report: Mapping[str, Any]) -> list[Bar]:
    """All bars that something was measured for."""
    return [*_of_operations(report), *_of_ratios(report), *_of_processes(report), *_of_load(report)]


def verdict(report: Mapping[str, Any]) -> dict[str, Any]:
    """How many bars are reached, and which aren't."""
    found = bars(report)
    told: dict[str, Any] = {}
    for kind, is_must in (("must", True), ("aim", False)):
        of_kind = [bar for bar in found if bar.is_must is is_must]
        told[kind] = {
            "reached": sum(bar.is_reached for bar in of_kind),
            "of": len(of_kind),
            "missed": [bar.words for bar in of_kind if not bar.is_reached],
        }
    return told


def _of_operations(report: Mapping[str, Any]) -> Iterator[Bar]:
    for entry in report.get("product", {}).values():
        for kind in ("must", "aim"):
            reached = entry.get(f"{kind}_reached")
            if reached is not None:
                yield Bar(f"{entry['title']}: {entry[kind]:,}/s", reached, kind == "must")
        if entry.get("p95_reached") is not None:
            yield Bar(f"{entry['title']}: p95 < {entry['p95_bar_ms']:g} ms", entry["p95_reached"])


def _of_ratios(report: Mapping[str, Any]) -> Iterator[Bar]:
    for name, entry in report.get("ratios", {}).items():
        for kind in ("must", "aim"):
            reached = entry.get(f"{kind}_reached")
            if reached is not None:
                yield Bar(f"{name}: {100 * entry[kind]:.0f} %", reached, kind == "must")


def _of_processes(report: Mapping[str, Any]) -> Iterator[Bar]:
    words = {
        "idle_reached": "idle web process < 150 MB",
        "loaded_reached": "loaded web process < 250 MB",
        "ready_reached": "ready < 3 s",
    }
    processes = report.get("processes", {})
    for name, told in words.items():
        if processes.get(name) is not None:
            yield Bar(told, processes[name])


def _of_load(report: Mapping[str, Any]) -> Iterator[Bar]:
    overload = report.get("overload") or {}
    kept = overload.get("kept_of_peak")
    if kept is not None:
        yield Bar("goodput at the highest load: 80 % of its peak", kept >= _GOODPUT_KEPT)
        yield Bar("every acknowledged order is there", overload["lost"] == 0)
    for size in report.get("scaling") or []:
        where = f"{size['products']:,} products, {size['past_orders']:,} past orders"
        for kind in ("must", "aim"):
            for name, reached in size.get(f"{kind}_reached", {}).items():
                yield Bar(f"{name} with {where}", reached, kind == "must")
