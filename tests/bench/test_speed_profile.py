"""The milliseconds of an operation are divided so that they add up."""

import pytest

from bench.speed.profile import OwnTime, Whole, divided, profile_page, room_of, shares

PACKAGES = "/env/lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("file", "name", "room"),
    [
        ("/x/services/gosellr/queries/orders.py", "order_of", "gosellr/queries"),
        ("/x/services/gosellr/main.py", "build", "gosellr/main.py"),
        ("/x/gosellr/bench/speed/inside.py", "ask", "the measurement"),
        ("~", "<method 'bind_execute' of 'asyncpg.protocol.protocol.X' objects>", "the driver"),
        (f"{PACKAGES}/asyncpg/connection.py", "fetch", "the driver"),
        (f"{PACKAGES}/starlette/routing.py", "app", "starlette"),
        (f"{PACKAGES}/email_validator/syntax.py", "split", "email_validator"),
        ("~", "<method 'validate_python' of 'pydantic_core._pydantic_core.S'>", "pydantic_core"),
        ("/usr/lib/python3.11/asyncio/events.py", "_run", "asyncio"),
        ("/usr/lib/python3.11/json/encoder.py", "encode", "Python"),
    ],
)
def test_code_belongs_to_a_room(file: str, name: str, room: str) -> None:
    assert room_of(file, name) == room


OWN_TIMES = [
    OwnTime("/x/services/gosellr/utils/pricing.py", "quote", 3.0),
    OwnTime(f"{PACKAGES}/asyncpg/connection.py", "fetch", 1.0),
    OwnTime("~", "<method 'poll' of 'select.epoll' objects>", 96.0),
]


def test_waiting_is_no_work() -> None:
    assert shares(OWN_TIMES, lambda own: room_of(own.file, own.name)) == {
        "gosellr/utils": 0.75,
        "the driver": 0.25,
    }


def test_the_parts_add_up_to_the_clock() -> None:
    found = divided(
        Whole(clock_ms=10.0, python_ms=4.0, commit_ms=2.0),
        own_times=OWN_TIMES,
        statements=[{"sql": "SELECT a | b", "calls": 1, "milliseconds": 1.5}],
        requests={"order": 9.0},
    )
    names = ("python_ms", "driver_ms", "database_ms", "commit_ms", "other_waiting_ms")
    assert [found[name] for name in names] == [3.0, 1.0, 1.5, 2.0, 2.5]
    assert found["rooms_ms"] == {"gosellr/utils": 3.0}
    assert found["functions_ms"] == {"quote (gosellr/utils)": 3.0, "fetch (the driver)": 1.0}
    page = profile_page({"order": found | {"title": "an order"}})
    assert "## an order: 10.00 ms" in page
    assert "| commits | 2 | 20 % |" in page
    assert "| `SELECT a \\| b` | 1 | 1.5 |" in page
    assert "| request | ms |" not in page
