"""What pgbench says is believed only when every transaction went well."""

import pytest

from bench.speed.floor import net_rate
from bench.speed.pgbench import FloorError, login, parsed, steady_rate
from bench.speed.rows import difference, written

SAID = """\
number of transactions actually processed: 640/640
number of failed transactions: 0 (0.000%)
latency average = 48.031 ms
tps = 333.119 (without initial connection time)
"""


def log(clients: int, each: int, *, per_second: int) -> list[str]:
    """Every client's first six plays end within the first second, the others evenly."""
    lines = []
    for client in range(clients):
        for number in range(each):
            micros = 100_000 if number < 6 else 1_000_000 * (number - 5) // per_second
            seconds, micros = divmod(micros + 1_000_000, 1_000_000)
            lines.append(f"{client} {number} 1500 0 {seconds} {micros}")
    return lines


def test_the_report_counts_where_the_log_is_too_short() -> None:
    played = parsed(SAID, log(2, 12, per_second=10))
    assert (played.transactions, played.per_second, played.steady) == (640, 333.119, False)
    played = parsed(SAID, log(2, 46, per_second=10))
    assert (played.per_second, played.steady) == (pytest.approx(20.0), True)


def test_plays_that_were_planned_anew_are_not_counted() -> None:
    # Two clients with ten a second each, from the sixth on; the seventh ends at the same moment.
    assert steady_rate(log(2, 46, per_second=10)) == pytest.approx(20.0)


@pytest.mark.parametrize(
    "said", ["", SAID.replace("transactions: 0", "transactions: 3"), SAID.replace("tps", "fps")]
)
def test_a_failed_transaction_is_no_floor(said: str) -> None:
    with pytest.raises(FloorError):
        parsed(said, [])


def test_a_password_goes_into_the_environment() -> None:
    found = login("postgresql://me:p%2Fw@/market?host=/somewhere/run&port=5432")
    assert found["PGUSER"] == "me"
    assert found["PGPASSWORD"] == "p/w"
    assert found["PGHOST"] == "/somewhere/run"
    assert found["PGDATABASE"] == "market"


def test_the_tape_is_taken_off_unless_it_was_disturbed() -> None:
    assert net_rate(0.010, 0.002) == pytest.approx(125.0)
    assert net_rate(0.010, 0.006) == pytest.approx(100.0)


def test_the_floor_has_to_write_what_the_product_writes() -> None:
    product = written(
        {"orders": 5, "spare": 1}, {"orders": 7, "lines": 4, "spare": 1}, operations=2
    )
    assert product == {"orders": 1.0, "lines": 2.0}
    assert difference(product, {"orders": 1.0, "lines": 2.0}) is None
    assert difference(product, {"orders": 1.0}) == "lines: 0 rows and not 2"
    assert difference({"orders": 1.0, "buckets": 0.5}, {"orders": 1.0}) is None
