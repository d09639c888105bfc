"""The whole command on a tiny stream: a real market, real money rules, equal to the centavo."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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
        timeout=280,
        check=False,
    )


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account can pass through when we run as root; pytest closes
    its own folders to others whenever a run begins."""
    folder = Path(tempfile.mkdtemp(prefix="gosellr-replay-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_stream_is_played_and_comes_out_equal(open_folder: Path) -> None:
    write_stream(open_folder / "data")
    write_catalogue(open_folder / "catalog")
    finished = replay(open_folder)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads((open_folder / "report.json").read_text())
    assert report["equal"] is True
    assert report["mismatches"] == report["failures"] == []
    assert report["audit"]["exit_code"] == 0
    assert report["price_moves"] == {"expected": 2, "actual": 2}
    actual = {figure["name"]: figure["actual"] for figure in report["figures"] + report["books"]}
    assert actual["orders"] == actual["listed_orders"] == 8
    assert actual["total_cents"] == actual["payment_cents"] == 21364
    assert actual["captured_cents"] == 19059
    assert actual["refunded_cents"] == 11650
    assert actual["ledger_seller_cents.s1"] == 4310 - 350
    assert actual["seller_month_cents.s2.2021-03.net"] == 895 - 71
    # o1's voucher was spent; o5's, cancelled, is back on its card, beside what its boleto took.
    assert actual["tender_cents.gift_card.paid"] == 1000 + 400
    assert actual["tender_cents.gift_card.refunded"] == actual["gift_card_cents.left"] == 400
    assert actual["tender_cents.sandbox.refunded"] == 11_650 - 400
    # Nothing is left behind but the report and what was read.
    assert sorted(path.name for path in open_folder.iterdir()) == ["catalog", "data", "report.json"]


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
