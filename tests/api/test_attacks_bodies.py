"""Bodies that nobody sends by accident: refused as they are, and never answered by a crash."""

import copy
import functools
import json
import operator
from typing import Any

import pytest

from tests.api.attack import (
    fields,
    good,
    json_bodies,
    objects,
    put,
    schema_of,
    send,
    send_json,
)
from tests.api.matrix.calls import CALLS
from tests.api.matrix.world import World

BODIES = json_bodies()
NUMBERS = (-1, 0, 1.5, "2", True, 2**31, 2**63, 1e21)
TEXTS = (
    "a\x00b",
    "\ud800",
    "x" * 100_000,
    "\u202egnp.exe",
    "'; DROP TABLE product; --",
    "{{7*7}}${7*7}<script>alert(1)</script>",
    "a\r\nSet-Cookie: a=b",
    "%s%n%d",
    "../../../etc/passwd",
    "🏴‍☠️" * 50,
)


WRONG_THINGS: tuple[Any, ...] = (
    [], {}, [[]], {"\x00": "\ud800"}, [None] * 3, {"a": {"b": {}}}, [{}] * 5000,
)  # fmt: skip


async def _columns(world: World) -> list[str]:
    rows = await world.connection.fetch(
        "SELECT DISTINCT column_name FROM information_schema.columns WHERE table_schema = 'gosellr'"
    )
    return [row["column_name"] for row in rows] + ["paid", "is_admin", "role", "__proto__"]


@pytest.mark.case(66)
@pytest.mark.parametrize("name", BODIES)
async def test_case_66_no_column_can_be_set_that_is_not_offered(world: World, name: str) -> None:
    columns = await _columns(world)
    assert len(columns) > 200
    call = good(world, name)
    for place, shape, body in objects(schema_of(name), call.body or {}):
        hostile = [column for column in columns if column not in shape["properties"]]
        changed = copy.deepcopy(body)
        target = functools.reduce(operator.getitem, place, changed)
        target |= dict.fromkeys(hostile, True)
        response = await send_json(world, call, changed)
        assert response.status_code == 422, f"{name} {place}: {response.text[:500]}"
        refused = {
            error["field"].rpartition(".")[2]
            for error in response.json()["errors"]
            if error["code"] == "extra_forbidden"
        }
        assert refused == set(hostile), f"{name} {place}: {set(hostile) - refused} got in"


def _fits(shape: dict[str, Any], value: Any) -> bool:
    """Whether a number is one that a field takes."""
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return bool(shape["minimum"] <= value <= shape["maximum"])


@pytest.mark.case(65)
@pytest.mark.parametrize("name", BODIES)
async def test_case_65_numbers_are_whole_and_bounded_and_never_coerced(
    world: World, name: str
) -> None:
    call = good(world, name)
    for place, shape, body in fields(schema_of(name), call.body):
        if shape.get("type") != "integer":
            continue
        for value in NUMBERS:
            response = await send_json(world, call, put(body, place, value))
            where = f"{name} {place}={value!r}: {response.status_code} {response.text[:300]}"
            assert response.status_code < 500, where
            if not _fits(shape, value):
                assert response.status_code == 422, where


@pytest.mark.parametrize("name", BODIES)
async def test_hostile_text_never_breaks_anything(world: World, name: str) -> None:
    call = good(world, name)
    for place, shape, body in fields(schema_of(name), call.body):
        if shape.get("type") != "string":
            continue
        for value in TEXTS:
            response = await send_json(world, call, put(body, place, value))
            where = f"{name} {place}={value[:20]!r}: {response.status_code} {response.text[:300]}"
            assert response.status_code < 500, where
            if len(value) > shape.get("maxLength", 50_000):
                assert response.status_code in (400, 422), where


@pytest.mark.parametrize("name", BODIES)
async def test_maps_and_lists_of_wrong_things_never_break_anything(world: World, name: str) -> None:
    call = good(world, name)
    for place, _, body in fields(schema_of(name), call.body):
        for value in WRONG_THINGS:
            response = await send_json(world, call, put(body, place, value))
            where = f"{name} {place}={str(value)[:40]}: {response.status_code}"
            assert response.status_code < 500, where + response.text[:300]


_BROKEN: tuple[bytes, ...] = (
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"\xff\xfe{}",
    b"[" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"quantity": NaN}',
    b'{"quantity": Infinity, "delta": -Infinity}',
    b'{"quantity": 1' + b"0" * 100_000 + b"}",
    b"{}" + b" " * 3_000_000,
)


@pytest.mark.parametrize("name", ["create_order", "create_product", "register_account"])
@pytest.mark.parametrize("content", _BROKEN, ids=range(len(_BROKEN)))
async def test_broken_bodies_are_refused(world: World, name: str, content: bytes) -> None:
    response = await send(world, good(world, name), content)
    assert response.status_code in (400, 413, 422), response.text[:300]
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 5_000


@pytest.mark.parametrize("name", ["create_order", "create_product", "register_account"])
async def test_body_beyond_every_bound_is_not_read(world: World, name: str) -> None:
    response = await send(world, good(world, name), b"{" + b" " * 5_000_000 + b"}")
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("name", BODIES)
async def test_only_json_is_taken_for_json(world: World, name: str) -> None:
    """A form of another site could send these content types without asking first."""
    call = good(world, name)
    content = json.dumps(call.body or {}).encode()
    for content_type in (
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain",
        "text/plain; charset=application/json",
        "application/xml",
        "",
    ):
        response = await send(world, call, content, content_type=content_type)
        assert response.status_code in (400, 415, 422), f"{content_type}: {response.text[:300]}"


async def test_key_that_stands_twice_is_refused_or_counts_once(world: World) -> None:
    """What one part of a system reads first, another might read last."""
    call = good(world, "update_cart_item", CALLS["update_cart_item"][0])
    response = await send(world, call, b'{"quantity": 1, "quantity": 9999999}')
    assert response.status_code in (400, 422)
