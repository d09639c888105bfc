"""The report says what was measured, what was not, and whether a bar is reached."""

from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import orjson
import pytest

from bench.speed.bars import verdict
from bench.speed.charts import overload_chart, rates_chart, scaling_chart
from bench.speed.client import Run, quantile
from bench.speed.floor import Floor
from bench.speed.operations import OPERATIONS
from bench.speed.overload import Step, summary
from bench.speed.page import page, percent, table
from bench.speed.processes import Usage
from bench.speed.recording import Recording
from bench.speed.report import (
    floor_figures,
    middle_half,
    processes,
    product_figures,
    ratios,
    reached,
    write_report,
)
from bench.speed.rounds import Measured
from bench.speed.scaling import sizes, with_shares
from bench.speed.tape import Statement, Take

BY_NAME = {one.name: one for one in OPERATIONS}


def run(operations: int, *, seconds: float = 2.0, mistakes: int = 0, **took: list[float]) -> Run:
    return Run(
        operations=operations,
        seconds=seconds,
        latencies=took,
        mistakes=Counter({"500": mistakes} if mistakes else {}),
        shed=0,
    )


def measured(name: str, connections: int, *runs: Run) -> Measured:
    usage = [Usage(web_seconds=1.0, database_seconds=3.0, web_memory_mb=140.04) for _ in runs]
    return Measured(BY_NAME[name], connections, list(runs), usage)


def heard(name: str) -> Recording:
    statements = (Statement("BEGIN;"), Statement("SELECT 1"), Statement("COMMIT;"))
    return Recording(operation=name, since_ms=0, run="r", takes=[Take(statements, ((), (), ()))])


def report() -> dict[str, Any]:
    product = product_figures(
        [
            measured("order", 16, run(800, order=[0.010, 0.030]), run(800, order=[0.020, 0.040])),
            measured("order", 32, run(1000, order=[0.05])),
            measured("hot", 32, run(750, order=[0.06])),
            measured("checkout", 16, run(200, **{"1 bag": [0.01], "5 order": [0.07]})),
        ],
        {"order": heard("order")},
    )
    floor = floor_figures(
        {
            "order": [
                Floor(
                    name="order",
                    per_second=rate,
                    with_tape_per_second=rate / 2,
                    operations=100,
                    covered=1.0,
                    steady=True,
                )
                for rate in (900.0, 1800.0)
            ]
        }
    )
    return {
        "product": product,
        "floor": floor,
        "ratios": ratios(product, floor, OPERATIONS),
        "processes": processes(idle_mb=140.04, loaded_mb=260.0, ready_seconds=[4.0, 2.5]),
    }


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.5, 5), (0.9, 9), (0.95, 10), (0.99, 10), (1.0, 10)]
)
def test_a_quantile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert quantile(range(1, 11), share) == value
    assert quantile([], share) == 0.0


def test_rounds_are_one_measurement() -> None:
    order = report()["product"]["order"]
    assert order["per_second"] == 400.0
    assert order["rounds"] == [400.0, 400.0]
    assert (order["p50_ms"], order["p95_ms"]) == (20.0, 40.0)
    assert (order["web_cpu_ms"], order["database_cpu_ms"]) == (1.25, 3.75)
    assert (order["statements"], order["round_trips"]) == (1.0, 3.0)
    assert (order["must_reached"], order["aim_reached"]) == (True, False)
    assert order["by_connections"]["32"]["per_second"] == 500.0


def test_every_request_of_a_checkout_has_to_be_quick() -> None:
    checkout = report()["product"]["checkout"]
    assert checkout["slowest_request_p95_ms"] == 70.0
    assert checkout["p95_reached"] is False
    assert checkout["statements"] is None


def test_a_ratio_is_of_the_same_number_of_connections() -> None:
    found = report()["ratios"]
    assert report()["floor"]["order"]["per_second"] == 1200.0  # Half the time at each rate.
    assert found["order"]["share"] == 0.333
    assert (found["order"]["must"], found["order"]["must_reached"]) == (0.35, False)
    assert found["hot of spread out"] == {
        "share": 0.75,
        "between": [0.75, 0.75],
        "must": 0.6,
        "aim": 0.85,
        "must_reached": True,
        "aim_reached": False,
    }


def test_a_share_is_the_mean_of_the_middle_half_of_the_rounds() -> None:
    assert middle_half([9.0, 0.5, 0.1, 0.7, 0.4, 0.6, 0.3, 8.0]) == [0.4, 0.5, 0.6, 0.7]
    assert middle_half([0.3, 0.1, 0.2]) == [0.1, 0.2, 0.3]
    assert middle_half([]) == []
    product = {"order": {"rounds": [50.0, 60.0, 70.0, 10.0], "by_connections": {}}}
    floor = {"order": {"rounds": [100.0, 100.0, 100.0, 100.0]}}
    found = ratios(product, floor, OPERATIONS)["order"]
    assert (found["share"], found["between"]) == (0.55, [0.5, 0.6])
    assert (found["must_reached"], found["aim_reached"]) == (True, True)


def test_what_has_no_bar_or_no_value_is_neither_reached_nor_missed() -> None:
    assert reached(None, 1.0) is None
    assert reached(1.0, None) is None
    assert reached(1.0, 1.0) is True


def test_processes_are_held_against_their_bars() -> None:
    found = report()["processes"]
    assert (found["idle_mb"], found["idle_reached"]) == (140.0, True)
    assert (found["loaded_mb"], found["loaded_reached"]) == (260.0, False)
    assert (found["ready_seconds"], found["ready_reached"]) == (2.5, True)
    assert processes(idle_mb=0.0, loaded_mb=0.0, ready_seconds=[])["idle_reached"] is None


def step(times: float, accepted: int, shed: int) -> Step:
    return Step(times=times, offered=100 * times, seconds=2.0, accepted=accepted, shed=shed)


def test_goodput_at_the_highest_load_is_held_against_the_peak() -> None:
    found = summary(100.0, [[step(1, 200, 0), step(4, 170, 630)]], acknowledged=370, kept=370)
    assert (found["peak_per_second"], found["kept_of_peak"], found["lost"]) == (100.0, 0.85, 0)
    assert found["steps"][1]["shed"] == 630
    assert summary(100.0, [], acknowledged=0, kept=0)["kept_of_peak"] is None


def test_a_curve_that_was_walked_twice_is_one_curve() -> None:
    curves = [[step(1, 200, 0), step(4, 100, 300)], [step(1, 100, 10), step(4, 170, 630)]]
    found = summary(100.0, curves, acknowledged=570, kept=570)
    assert [one["goodput_per_second"] for one in found["steps"]] == [75.0, 67.5]
    assert [one["shed"] for one in found["steps"]] == [10, 930]
    assert (found["peak_per_second"], found["kept_of_peak"]) == (75.0, 0.9)


def test_a_larger_market_is_held_against_the_smallest() -> None:
    assert sizes(1_000_000) == [
        (10_000, 0),
        (100_000, 0),
        (1_000_000, 0),
        (10_000, 100_000),
        (10_000, 1_000_000),
    ]
    assert sizes(600) == [(600, 0)]
    found = with_shares(
        [
            {"products": 1, "past_orders": 0, "rounds": {"detail": [100.0, 50.0], "order": [0.0]}},
            {"products": 2, "past_orders": 0, "rounds": {"detail": [79.0, 38.0], "order": [5.0]}},
        ]
    )
    assert found[0]["shares"] == {"detail": 1.0}
    assert found[1]["shares"] == {"detail": 0.775}  # Each visit beside the other's of its round.
    assert found[1]["must_reached"] == {"detail": False}


def test_a_table_has_a_dash_for_what_is_missing() -> None:
    assert table(("a", "b"), [(None, True), (1234.5, False), (0.5, "x")]) == (
        "| a | b |\n|---|---|\n| – | yes |\n| 1,234 | **no** |\n| 0.5 | x |"
    )
    assert table(("a",), []) == ""
    assert percent(None) is None
    assert percent(0.345) == "34 %"


def test_an_empty_report_is_a_page_without_sections() -> None:
    told = page({})
    assert told.startswith("# Measured\n")
    assert "##" not in told
    assert "None" not in told


def test_a_page_names_the_bars_that_are_missed() -> None:
    whole = report() | {
        "overload": summary(100.0, [[step(1, 200, 0), step(4, 80, 0)]], acknowledged=280, kept=279),
        "audit": {"exit_code": 0, "said": "All 25 invariants hold."},
        "machine": {"million_additions_per_second": [20.1, 7.5, 19.0]},
    }
    told = page(whole, charts=["rates.svg"])
    assert "made 7.5 to 20.1 million additions a second" in told
    assert "![Rates beside the bars to reach](rates.svg)" in told
    assert "goodput was 40 % of its peak (80 % must be: **no**)" in told
    assert "of 280 acknowledged orders 1 were lost" in told
    assert "| order | 33 % | 22 to 44 % | 35 % | **no** | 50 % | **no** |" in told
    assert "| full checkout in 6 requests | 100 | 150 | **no** |" in told
    assert told.endswith("## Books\n\nAll 25 invariants hold.\n")


def test_all_bars_are_counted_in_one_place() -> None:
    whole = report() | {
        "overload": summary(100.0, [[step(1, 200, 0), step(4, 80, 0)]], acknowledged=280, kept=280),
        "scaling": [{"products": 9, "past_orders": 0, "must_reached": {"list": True}}],
    }
    found = verdict(whole)
    assert found["must"] == {
        "reached": 6,
        "of": 11,
        "missed": [
            "full checkout in 6 requests: 150/s",
            "full checkout in 6 requests: p95 < 60 ms",
            "order: 35 %",
            "loaded web process < 250 MB",
            "goodput at the highest load: 80 % of its peak",
        ],
    }
    assert found["aim"]["missed"][0] == "complete order, one call, two sellers: 800/s"
    assert verdict({})["must"] == {"reached": 0, "of": 0, "missed": []}


def charts_of(document: dict[str, Any]) -> list[ET.Element]:
    drawn = [rates_chart(document), overload_chart(document), scaling_chart(document)]
    return [ET.fromstring(one) for one in drawn if one is not None]  # noqa: S314


def test_charts_are_pictures_with_words_in_them() -> None:
    sizes_measured = with_shares(
        [
            {"products": 10_000, "past_orders": 0, "rounds": {"detail & <list>": [100.0]}},
            {"products": 1_000_000, "past_orders": 0, "rounds": {"detail & <list>": [90.0]}},
        ]
    )
    document = report() | {
        "overload": summary(
            100.0, [[step(1, 200, 0), step(4, 0, 800)]], acknowledged=200, kept=200
        ),
        "scaling": sizes_measured,
    }
    drawn = charts_of(document)
    assert len(drawn) == 3
    words = ["".join(one.itertext()) for one in drawn]
    assert "full checkout in 6 requests" in words[0]
    assert "shed (503, come again)" in words[1]
    assert "detail & <list> 90" in words[2]
    assert "1M products" in words[2]
    for one in drawn:
        assert one.attrib["role"] == "img"
        assert "prefers-color-scheme: dark" in "".join(one.itertext())


def test_nothing_is_drawn_of_what_was_not_measured() -> None:
    assert charts_of({}) == []
    assert charts_of({"overload": None, "scaling": [], "product": {}}) == []


def test_a_report_leaves_no_picture_of_an_earlier_one(tmp_path: Path) -> None:
    (tmp_path / "overload.svg").write_text("old")
    written = write_report(tmp_path, report())
    assert sorted(one.name for one in written) == ["rates.svg", "report.json", "report.md"]
    assert sorted(one.name for one in tmp_path.iterdir()) == [one.name for one in sorted(written)]
    assert (
        orjson.loads((tmp_path / "report.json").read_bytes())["ratios"]["order"]["share"] == 0.333
    )
