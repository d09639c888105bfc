"""The measure of the search, by hand-made figures."""

from math import log2
from pathlib import Path

import pytest

from bench.search_quality.cli import main, read_judgments
from bench.search_quality.score import ndcg

RATINGS = {"a": 3, "b": 2, "c": 0}
BEST = 3 + 2 / log2(3)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["a", "b", "c"], 1.0),
        (["b", "a"], (2 + 3 / log2(3)) / BEST),
        (["unrated", "a"], 3 / log2(3) / BEST),
        (["c"], 0.0),
        ([], 0.0),
    ],
)
def test_ndcg(found: list[str], expected: float) -> None:
    assert ndcg(found, RATINGS) == pytest.approx(expected)


def test_only_the_first_ones_count() -> None:
    assert ndcg([*"xyz", "a"], {"a": 3}, depth=3) == 0.0


def test_where_nothing_is_worth_finding_there_is_no_score() -> None:
    assert ndcg(["a"], {"a": 0}) is None


def test_judgments_are_read_and_their_absence_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "judgments_dev.csv"
    file.write_text("query,product_id,rating\nlamp,a,3\nlamp,b,0\n", encoding="utf-8")
    assert read_judgments([file]) == {"lamp": {"a": 3, "b": 0}}
    assert main(["--data", str(tmp_path)]) == 0
    assert "Skipped" in capsys.readouterr().out
