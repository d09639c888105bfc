"""A month of invoices and credit notes: matched, or listed where nothing matches, to the penny."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.replay.plan import Listing
from bench.replay.source import DataError
from bench.retail.plan import LINES_MAX, SELLER, RestKind, RetailPlan, make_plan
from bench.retail.report import rest_sums
from bench.retail.source import read_month, read_net_pence, whole_pence
from tests.bench.retail_data import NET_PENCE, ROWS, write_invoices

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data" / "retail"
LAMP, CHEAP_LAMP, RUG, OTHER_RUG = (
    Listing(product_id, SELLER)
    for product_id in ("LAMP@255", "LAMP@210", "RUG B@2750", "RUG C@2750")
)


@pytest.fixture
def plan(tmp_path: Path) -> RetailPlan:
    return make_plan(read_month(write_invoices(tmp_path), "2020-05"))


def test_invoices_are_orders_with_equal_goods_in_one_line(plan: RetailPlan) -> None:
    assert {
        order.id: {line.listing: line.quantity for line in order.lines}
        for order in plan.plan.orders
    } == {
        "1001": {LAMP: 8, RUG: 1},
        "1002": {LAMP: 4},
        "1003": {CHEAP_LAMP: 3},
        "1004": {LAMP: 5},
        "1009": {OTHER_RUG: 3},
    }
    assert plan.plan.listings == {
        LAMP: (255, 17),
        RUG: (2750, 1),
        CHEAP_LAMP: (210, 3),
        OTHER_RUG: (2750, 3),
    }
    assert plan.sales_minor == 17 * 255 + 4 * 2750 + 3 * 210


def test_credits_take_the_latest_earlier_sale_first_and_never_more_than_is_left(
    plan: RetailPlan,
) -> None:
    assert [
        (refund.credit_note, refund.order_id, dict(refund.units), refund.amount_minor)
        for refund in plan.refunds
    ] == [
        ("C1010", "1002", {LAMP: 4}, 1020),
        ("C1010", "1001", {LAMP: 1, RUG: 1}, 255 + 2750),
        ("C1011", "1001", {LAMP: 7}, 7 * 255),
        ("C1015", "1003", {CHEAP_LAMP: 2}, 420),
        # The last lamp at the other price, and rugs for less and for more than they took.
        ("C1011", "1003", {}, 210),
        ("C1016", "1009", {}, 2 * 2000),
        ("C1017", "1009", {}, 2750),
    ]
    assert plan.matched == {
        "several earlier sales": 1,
        "the latest earlier sale": 2,
        "a part of its units": 1,
        "an earlier sale at another price, by its value": 2,
    }


def test_the_rest_is_listed_and_makes_up_the_month(plan: RetailPlan, tmp_path: Path) -> None:
    assert [(one.kind, one.invoice, one.units) for one in plan.rest] == [
        (RestKind.WRITTEN_OFF, "1005", -9),
        (RestKind.NO_PRICE, "1006", 1),
        (RestKind.NO_PRICE, "A1007", 1),
        (RestKind.TOO_FINE, "1008", 3),
        (RestKind.NOBODY, "C1013", -1),
        (RestKind.TOO_DEAR, "C1011", 0),
        (RestKind.TOO_DEAR, "C1017", 0),
        (RestKind.NO_UNITS, "C1011", -1),
        (RestKind.NO_UNITS, "C1012", -1),
        (RestKind.NO_SALE, "C1014", -1),
    ]
    sums = rest_sums(plan.rest)
    assert sums[RestKind.NO_PRICE] == {"rows": 2, "units": 2, "pence": -1106}
    assert sums[RestKind.TOO_FINE] == {"rows": 1, "units": 3, "pence": "0.3"}
    assert sums[RestKind.NO_UNITS] == {"rows": 2, "units": -2, "pence": -255 - 240}
    assert sums[RestKind.TOO_DEAR] == {"rows": 2, "units": 0, "pence": -45 - 250}
    net_pence = plan.sales_minor - plan.credits_minor + whole_pence(plan.rest_pence)
    assert net_pence == read_net_pence(tmp_path, "2020-05") == NET_PENCE


def test_a_long_invoice_becomes_several_orders(tmp_path: Path) -> None:
    rows = [
        ("1", f"S{number}", 1, "2020-05-01 08:00:00", "1.00", "17")
        for number in range(LINES_MAX + 1)
    ]
    rows.append(("1", "S0", 9_999, "2020-05-01 08:00:00", "1.00", "17"))
    rows.append(("1", "S0", 1, "2020-05-01 08:00:00", "1.00", "17"))
    rows.append(("1", "S1", 10_001, "2020-05-01 08:00:00", "1.00", "17"))
    plan = make_plan(read_month(write_invoices(tmp_path, rows), "2020-05"))
    assert [(order.id, len(order.lines)) for order in plan.plan.orders] == [
        ("1", LINES_MAX),
        ("1/2", 2),
    ]
    assert plan.plan.orders[0].lines[0].quantity == 10_000
    assert plan.sales_minor == 100 * (LINES_MAX + 1 + 10_000)
    assert [(one.kind, one.units) for one in plan.rest] == [(RestKind.TOO_MANY, 10_001)]


def test_what_cant_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"0 files \*\.csv\.gz"):
        read_month(tmp_path, "2020-05")
    write_invoices(tmp_path, net_pence=None)
    assert read_net_pence(tmp_path, "2020-05") is None
    with pytest.raises(DataError, match="no rows of 2019-01"):
        read_month(tmp_path, "2019-01")
    write_invoices(tmp_path)
    with pytest.raises(DataError, match="says nothing of 2020-06"):
        read_net_pence(tmp_path, "2020-06")
    write_invoices(tmp_path, [(*ROWS[0][:2], "six", *ROWS[0][3:])])
    with pytest.raises(DataError, match="can't be read"):
        read_month(tmp_path, "2020-05")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that PostgreSQL's own account can pass through when we run as root."""
    folder = Path(tempfile.mkdtemp(prefix="gosellr-retail-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_month_is_played_and_comes_out_equal(open_folder: Path) -> None:
    write_invoices(open_folder / "data")
    command = [sys.executable, "-m", "bench.retail", "--data", str(open_folder / "data")]
    finished = subprocess.run(
        [*command, "--month", "2020-05", "--report", str(open_folder / "report.json")],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(open_folder), "COLUMNS": "100"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    report = json.loads((open_folder / "report.json").read_text())
    assert report["equal"] is report["expected_json"] is True
    assert report["failures"] == []
    assert report["audit"]["exit_code"] == 0
    actual = {figure["name"]: figure["actual"] for figure in report["figures"]}
    assert actual == {
        "orders": 5,
        "sales_pence": 15965,
        "credits_pence": 13190,
        "net_pence": 2775,
        "seller_pence": 2775,
    }
    assert sorted(path.name for path in open_folder.iterdir()) == ["data", "report.json"]


@pytest.mark.skipif(
    not SHARED.exists(),
    reason="the recorded invoices aren't part of this repository; they lie beside it where known",
)
def test_a_recorded_month_agrees_with_its_own_net() -> None:
    rows = read_month(SHARED, "2010-12")
    plan = make_plan(rows)
    net_pence = plan.sales_minor - plan.credits_minor + whole_pence(plan.rest_pence)
    assert net_pence == read_net_pence(SHARED, "2010-12") == 74_895_702
    assert len(plan.plan.orders) > 1_500
    assert sum(plan.matched.values()) == 301
