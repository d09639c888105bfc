"""Addresses, parameters, headers and methods that nobody uses by accident."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote

import httpx2
import pytest

from tests.api.attack import ROUTES, good, schema_of, send_json
from tests.api.contract.document import OPERATIONS
from tests.api.matrix.calls import CALLS
from tests.api.matrix.world import World

PAGED = sorted(
    name
    for name, operation in OPERATIONS.items()
    if any(each["name"] == "cursor" for each in operation["parameters"])
)
PARAMETRIZED = sorted(
    name
    for name, operation in OPERATIONS.items()
    if any(each["in"] == "query" for each in operation["parameters"])
)
WITH_IDS = sorted(name for name, operation in OPERATIONS.items() if "_id}" in operation["path"])
KEYED = sorted(
    name
    for name, operation in OPERATIONS.items()
    if any(each["name"] == "Idempotency-Key" for each in operation["parameters"])
    and "application/json" in operation.get("requestBody", {}).get("content", {})
)

_KEYS: tuple[object, ...] = (
    None, 1, -1, 2**63, 2**70, 1.5, True, "", "x", "2026", "2026-01-01", "2026-01-01T00:00:00",
    "2026-01-01T00:00:00+00:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
    "not a time", "\x00", "a\x00b", "x" * 600, "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44", "Infinity",
    [], {}, [1],
)  # fmt: skip


def _cursor(*keys: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(keys).encode()).decode().rstrip("=")


def hostile_cursors() -> Iterator[str]:
    """What looks like a cursor of ours and isn't."""
    yield from ("", "AAAA", "e30", "null", "%00", "💥", "a" * 1000, "W10", "[]", "=====", "-_-_")
    known = "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44"
    for key in _KEYS:
        yield _cursor(key)
        yield _cursor(key, known)
        yield _cursor("2026-01-01T00:00:00+00:00", key)
        yield _cursor(key, key, known)
        yield _cursor("price", key, known)
        yield _cursor(key, key, key, key)
    yield base64.urlsafe_b64encode(b"[" * 500).decode()


async def _ask(world: World, name: str, query: str) -> httpx2.Response:
    call = good(world, name)
    return await world.ask(call.method, f"{call.path}?{query}", headers=call.headers)


@pytest.mark.parametrize("name", PAGED)
async def test_cursor_of_nobodys_making_is_refused(world: World, name: str) -> None:
    refused = 0
    for cursor in hostile_cursors():
        response = await _ask(world, name, f"cursor={quote(cursor)}")
        assert response.status_code in (200, 422), f"{cursor}: {response.text[:300]}"
        refused += response.status_code == 422
    assert refused > 50


async def test_cursor_is_searched_with_nothing_but_values(world: World) -> None:
    """The body of the search takes one as well."""
    call = good(world, "search_products")
    for cursor in hostile_cursors():
        response = await send_json(world, call, {"query": "lamp", "cursor": cursor})
        assert response.status_code in (200, 422), f"{cursor}: {response.text[:300]}"


@pytest.mark.parametrize("name", PAGED)
async def test_page_is_never_longer_than_a_hundred(world: World, name: str) -> None:
    for limit in ("0", "-1", "101", "1.5", "x", "", str(2**63), "1e2", "١٠", "true", "0x10"):
        response = await _ask(world, name, f"limit={quote(limit)}")
        assert response.status_code == 422, f"{limit}: {response.text[:300]}"
    for limit in ("1", "100"):
        assert (await _ask(world, name, f"limit={limit}")).status_code == 200


@pytest.mark.parametrize("name", PARAMETRIZED)
async def test_hostile_parameters_never_break_anything(world: World, name: str) -> None:
    hostile = (
        "%00", "%ED%A0%80", "%FF%FE", "a%00b", "x" * 5000, "'%20OR%20'1'%3D'1", "%25%27_%5C",
        "-1", "99999999999999999999", "NaN", "%0D%0ASet-Cookie:%20a=b", "[]", "{}", "%E2%80%AE",
        "2026-13-45T99:99:99Z", "9999-12-31T23:59:59-14:00", "0000-00-00", "(", "%22", "%3A*%20%26",
    )  # fmt: skip
    for parameter in OPERATIONS[name]["parameters"]:
        if parameter["in"] != "query":
            continue
        for value in hostile:
            response = await _ask(world, name, f"{parameter['name']}={value}")
            where = f"{name} {parameter['name']}={value[:30]}: {response.text[:300]}"
            assert response.status_code < 500, where
        twice = await _ask(world, name, f"{parameter['name']}=a&{parameter['name']}=b")
        assert twice.status_code < 500


@pytest.mark.parametrize("name", sorted(OPERATIONS))
async def test_unknown_parameters_are_refused(world: World, name: str) -> None:
    call = good(world, name)
    if name in ("create_media", "create_import", "create_token"):
        return  # Their bodies aren't JSON: the matrix calls them.
    response = await world.ask(
        call.method,
        f"{call.path}?unheard_of=1",
        headers={"Idempotency-Key": "once", **call.headers},
        json=call.body,
    )
    assert response.status_code == 422, f"{response.status_code} {response.text[:300]}"
    assert [error["field"] for error in response.json()["errors"]] in (["unheard_of"], [""])


@pytest.mark.parametrize("name", WITH_IDS)
async def test_what_is_no_id_finds_nothing(world: World, name: str) -> None:
    operation, call = OPERATIONS[name], good(world, name)
    for hostile in (
        "x", "1", "-1", "0", "%00", "..%2F..%2Fetc", "'", "null", "%ED%A0%80", "a" * 3000,
        "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "{0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44}", "99999999999999999999",
    ):  # fmt: skip
        path = operation["path"]
        for parameter in operation["parameters"]:
            path = path.replace(f"{{{parameter['name']}}}", hostile)
        response = await world.ask(
            call.method,
            path,
            headers={"Idempotency-Key": "once", **call.headers},
            json=call.body,
        )
        assert response.status_code in ({200} if name in EMPTY_LISTS else set()) | {
            400, 404, 405, 422,
        }, f"{hostile[:30]}: {response.status_code} {response.text[:300]}"  # fmt: skip


# Lists narrowed by an id are empty for one that stands for nothing.
EMPTY_LISTS = {"list_seller_products"}


@pytest.mark.parametrize("name", KEYED)
async def test_idempotency_key_is_bounded_and_plain(world: World, name: str) -> None:
    call = good(world, name)
    for key in ("x" * 256, "x" * 10_000, "a\tb", "\x7f", "é" * 200, " "):
        response = await world.ask(
            call.method,
            call.path,
            headers=[*call.headers.items(), (b"Idempotency-Key", key.encode())],
            json=call.body,
        )
        assert response.status_code < 500, f"{key[:10]!r}: {response.text[:300]}"
        if len(key) > 255:
            assert response.status_code in (400, 422), f"{len(key)}: {response.status_code}"


HOSTILE_HEADERS = (
    ("If-Match", '"' + "9" * 5000 + '"'),
    ("If-Match", "-1"),
    ("If-None-Match", "," * 8000),
    ("If-None-Match", "é"),
    ("Accept", "text/csv;q=é," * 500),
    ("Accept", "*/*" * 1000),
    ("Authorization", "Bearer"),
    ("Authorization", "Bearer " + "a." * 3000),
    ("Authorization", "Bearer é.ü.ö"),
    ("Authorization", "Basic YTpi"),
    ("X-Cart-Token", "x" * 8000),
    ("X-Order-Token", "\x7f"),
    ("X-Request-ID", "a b\tc{}"),
    ("X-Forwarded-For", "1.2.3.4, é"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Content-Length", "-5"),
    ("Range", "bytes=0-,9-1"),
    ("Accept-Language", "xx" * 5000),
    ("User-Agent", "\x01\x02"),
    ("Cookie", "session=%00; visitor=é"),
)


@pytest.mark.parametrize("header", HOSTILE_HEADERS, ids=range(len(HOSTILE_HEADERS)))
async def test_hostile_headers_never_break_anything(world: World, header: tuple[str, str]) -> None:
    name, value = header
    for operation in ("list_products", "get_product", "update_product", "list_seller_transactions"):
        call = good(world, operation)
        headers = [
            (key.encode(), word.encode()) for key, word in call.headers.items() if key != name
        ]
        response = await world.ask(
            call.method,
            call.path,
            headers=[*headers, (name.encode(), value.encode())],
            json=call.body,
        )
        assert response.status_code < 500, f"{operation}: {response.text[:300]}"
        assert "\n" not in response.headers["x-request-id"]
        assert response.headers["x-request-id"] != value


async def test_answer_to_a_hostile_request_id_carries_one_of_ours(world: World) -> None:
    for given in ("a b", "x" * 101, "a<b>", "a;b", 'a"b', "é"):
        response = await world.ask("GET", "/healthz", headers=[(b"X-Request-ID", given.encode())])
        assert len(response.headers["x-request-id"]) == 32
    kept = await world.ask("GET", "/healthz", headers={"X-Request-ID": "ours-1.2:3"})
    assert kept.headers["x-request-id"] == "ours-1.2:3"


def _covers(template: str, path: str) -> bool:
    """Whether a path is an address of this template, too."""
    words, template_words = path.split("/"), template.split("/")
    return len(words) == len(template_words) and all(
        mine.startswith("{") or mine == word
        for mine, word in zip(template_words, words, strict=True)
    )


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "OPTIONS", "FOO", "PATCH"])
async def test_methods_that_nobody_offers_are_refused(world: World, method: str) -> None:
    offered: dict[str, set[str]] = {}
    for route in ROUTES.values():
        offered.setdefault(OPERATIONS[route.name]["path"], set()).add(route.method)
    for path, methods in offered.items():
        if method in methods or "{reference}" in path:
            continue
        if any(method in offered[other] for other in offered if _covers(other, path)):
            continue  # Its last word is an id there.
        filled = path
        for part in path.split("/"):
            if part.startswith("{"):
                filled = filled.replace(part, "0198f4d2-6c1e-7a30-9d55-0f7c3b1a2e44")
        response = await world.ask(method, filled)
        assert response.status_code in (404, 405), f"{method} {path}: {response.status_code}"


async def test_every_operation_that_takes_a_key_is_known_here() -> None:
    assert {"create_order", "create_payment", "create_refund"} <= set(KEYED)
    assert all(CALLS[name] for name in KEYED)
    assert all(schema_of(name) for name in KEYED)
