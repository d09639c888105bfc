"""What was measured, written down for machines and for people."""

import argparse
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from bench.speed.client import Run
from bench.speed.operations import Operation
from bench.speed.processes import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One operation, and what it did and used."""

    operation: Operation
    run: Run
    connections: int
    usage: Usage
    memory_mb: float

    @property
    def web_ms(self) -> float:
        """Processor time of the web processes per operation, in milliseconds."""
        return 1000 * self.usage.web_seconds / max(self.run.operations, 1)

    @property
    def database_ms(self) -> float:
        """Processor time of PostgreSQL per operation, in milliseconds."""
        return 1000 * self.usage.database_seconds / max(self.run.operations, 1)

    def document(self) -> dict[str, Any]:
        """The figures by name."""
        return {
            "per_second": round(self.run.per_second, 1),
            "must": self.operation.must,
            "aim": self.operation.aim,
            "connections": self.connections,
            "p50_ms": round(self.run.quantile(0.5), 2),
            "p95_ms": round(self.run.quantile(0.95), 2),
            "p99_ms": round(self.run.quantile(0.99), 2),
            "web_cpu_ms": round(self.web_ms, 3),
            "database_cpu_ms": round(self.database_ms, 3),
            "worker_cpu_seconds": round(self.usage.worker_seconds, 2),
            "memory_mb": round(self.memory_mb),
            "shed": self.run.shed,
            "mistakes": sum(self.run.mistakes.values()),
        }


def write_report(
    folder: Path,
    measured: Sequence[Measured],
    *,
    options: argparse.Namespace,
    ready_seconds: float,
) -> None:
    """`report.json` and `report.md` in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    report = {
        "machine": {
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "system": platform.system(),
        },
        "products": options.products,
        "past_orders": options.orders,
        "seconds_per_operation": options.seconds,
        "ready_seconds": round(ready_seconds, 2),
        "product": {one.operation.name: one.document() for one in measured},
    }
    (folder / "report.json").write_bytes(
        orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    )
    (folder / "report.md").write_text(_page(measured, options=options), encoding="utf-8")


def _page(measured: Sequence[Measured], *, options: argparse.Namespace) -> str:
    size = f"{options.products:,} products, {options.orders:,} past orders"
    columns = (
        "operation", "per second", "must", "aim", "p50 ms", "p95 ms", "p99 ms", "web CPU ms",
        "database CPU ms",
    )  # fmt: skip
    lines = [
        "# Measured",
        "",
        f"{size}, two web processes and one job worker, the client on the same machine.",
        "",
        f"| {' | '.join(columns)} |",
        "|---" * len(columns) + "|",
    ]
    lines += [
        f"| {one.operation.title} | {one.run.per_second:,.0f} | {one.operation.must or ''}"
        f" | {one.operation.aim or ''} | {one.run.quantile(0.5):.1f}"
        f" | {one.run.quantile(0.95):.1f} | {one.run.quantile(0.99):.1f} | {one.web_ms:.2f}"
        f" | {one.database_ms:.2f} |"
        for one in measured
    ]
    return "\n".join(lines) + "\n"
