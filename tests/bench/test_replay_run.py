"""The whole command on a tiny stream: a real market, real money rules, equal to the centavo."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.bench.replay_data import write_catalogue, write_stream

ROOT = Path(__file__).resolve().parents[2]


def replay(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.replay", "--report", str(folder / "report.json")]
    return subprocess.run(
        [
            *command,
            "--data",
            str(folder / "data"),
            "--catalog",
            str(folder / "catalog"),
            *arguments,
        ],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


def test_a_stream_is_played_and_comes_out_equal(tmp_path: Path) -> None:
    write_stream(tmp_path / "data")
    write_catalogue(tmp_path / "catalog")
    # The market's database runs under an account of its own, which has to get through here.
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    finished = replay(tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["equal"] is True
    assert report["mismatches"] == report["failures"] == []
    assert report["audit"]["exit_code"] == 0
    assert report["price_moves"] == {"expected": 2, "actual": 2}
    actual = {figure["name"]: figure["actual"] for figure in report["figures"] + report["books"]}
    assert actual["orders"] == actual["listed_orders"] == 8
    assert actual["total_cents"] == actual["payment_cents"] == 21364
    assert actual["captured_cents"] == 19059
    assert actual["refunded_cents"] == 11650
    assert actual["ledger_seller_cents.s1"] == 4310
    # Nothing is left behind but the report and what was read.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["catalog", "data", "report.json"]


def test_data_that_cant_be_read_is_refused_before_anything_starts(tmp_path: Path) -> None:
    write_catalogue(tmp_path / "catalog")
    (tmp_path / "data").mkdir()
    finished = replay(tmp_path)
    assert finished.returncode == 2
    assert "orders.csv.gz" in finished.stderr
    assert not (tmp_path / "report.json").exists()


def test_the_help_states_the_mapping() -> None:
    command = [sys.executable, "-m", "bench.replay", "--help"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for word in ("prices", "freight", "statuses", "reviews", "clock", "payments", "not placed"):
        assert f"\n  {word} " in said
