"""What can be wrong with a file: each row says what to change, and none stops the others."""

from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import TestSeller, bearer, make_seller
from tests.factories.catalogue import make_category
from tests.factories.imports import HEADER, SMALL, Headers, counts, hand_in, imported


@pytest.fixture
async def seller(connection: Connection, clock: ManualClock) -> TestSeller:
    """An active seller."""
    return await make_seller(connection, now=clock.now())


@pytest.fixture
async def headers(resources: Resources, seller: TestSeller) -> Headers:
    """Calls as the seller's owner."""
    return await bearer(resources, seller.owner)


@pytest.fixture
async def lamps(connection: Connection) -> UUID:
    """A category that the files name."""
    return await make_category(connection, name="Lamps")


async def test_broken_rows_are_explained_and_stop_nothing(
    client: httpx2.AsyncClient, resources: Resources, headers: Headers, lamps: UUID
) -> None:
    def row(handle: str, *, title: str = "Lamp", sku: str = "", stock: str = "1",
            price: str = "1.00", kind: str = "Lamps") -> str:  # fmt: skip
        return f"{handle},{title},,{kind},true,Title,Default Title,{sku},{stock},{price},\r\n"

    file = HEADER + (
        row("a", price='"12,5O"')
        + row("b", stock="-3")
        + row("c", title="=cmd|calc")
        + row("d", sku="SAME")
        + row("e", sku="SAME")
        + row("f", title="T" * 201)
        + row("g", title="x\x00y")
        + "h,too,few\r\n"
        + row("i", kind="Unheard of")
        + row("a")
        + row("j", price="")
        + row("k", title="")
        + row("good")
    )
    done = await imported(client, resources, headers, file)
    assert done["status"] == "finished"
    found = [
        (error["row"], error["field"], error["code"], error["value"][:9])
        for error in done["errors"]["items"]
    ]
    assert found == [
        (2, "Variant Price", "price_form", "12,5O"),
        (3, "Variant Inventory Qty", "negative", "-3"),
        (4, "Title", "formula", "=cmd|calc"),
        (6, "Variant SKU", "sku_repeated", "SAME"),
        (7, "Title", "too_long", "T" * 9),
        (8, "Title", "letter_unknown", "x\ufffdy"),
        (9, "", "column_count", "h"),
        (10, "Type", "category_unknown", "Unheard o"),
        (11, "Handle", "key_repeated", "a"),
        (12, "Variant Price", "price_missing", ""),
        (13, "Title", "missing", ""),
    ]
    assert "O for 0" in done["errors"]["items"][0]["message"]
    assert counts(done) == (2, 0, 0, 11)
    assert done["processed_rows"] == done["total_rows"] == 13


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (SMALL.encode("utf-16"), "shopify", "UTF-16"),
        (SMALL.replace("Lamp,", "Lämp,").encode("cp1252"), "shopify", "Line 2 isn't UTF-8"),
        (b"PK\x03\x04rest", "gosellr", "workbook"),
        (b"a,b\n1,2\n", "shopify", "The header misses Handle"),
        (b"sku,price,prise\n", "gosellr", "There is no column prise"),
        (b"sku,price,sku\n", "gosellr", "twice"),
        (b"\n\n", "gosellr", "empty"),
        (b'[{"title": ', "json", "isn't JSON"),
        (b"{\n", "json", "neither a list"),
        (b"[]", "json", "no product"),
    ],
)
async def test_a_file_that_is_none_is_explained(
    client: httpx2.AsyncClient,
    resources: Resources,
    headers: Headers,
    content: bytes,
    kind: str,
    reason: str,
) -> None:
    done = await imported(client, resources, headers, content, kind=kind)
    assert (done["status"], done["processed_rows"]) == ("failed", 0)
    assert reason in done["failure_reason"]


@pytest.mark.case(68)
async def test_case_68_errors_are_read_page_by_page_and_as_a_harmless_table(
    client: httpx2.AsyncClient, resources: Resources, headers: Headers, lamps: UUID
) -> None:
    file = HEADER + "".join(f"h{n},=1+{n},,Lamps,true,,,,1,1,\n" for n in range(30))
    done = await imported(client, resources, headers, file)
    assert [error["row"] for error in done["errors"]["items"]] == list(range(2, 26))
    path = f"/api/v1/imports/{done['id']}/errors"
    rest = await client.get(path, params={"cursor": done["errors"]["next_cursor"]}, headers=headers)
    assert [error["row"] for error in rest.json()["items"]] == list(range(26, 32))
    assert rest.json()["next_cursor"] is None
    table = await client.get(path, headers={**headers, "Accept": "text/csv"})
    lines = table.text.split("\r\n")
    assert (lines[0], len(lines)) == ("row,field,code,message,value", 32)
    assert lines[1].endswith(",'=1+0")


async def test_an_empty_file_and_an_unknown_format_are_refused(
    client: httpx2.AsyncClient, headers: Headers
) -> None:
    empty = await hand_in(client, headers, b"")
    assert (empty.status_code, empty.json()["code"]) == (422, "import_file_refused")
    unknown = await hand_in(client, headers, SMALL, kind="google")
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "format")


async def test_a_suspended_seller_imports_nothing(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    clock: ManualClock,
    lamps: UUID,
) -> None:
    seller = await make_seller(connection, now=clock.now(), name="Gone", status="suspended")
    done = await imported(client, resources, await bearer(resources, seller.owner), SMALL)
    assert (done["status"], done["failure_reason"]) == ("failed", "The seller is suspended")
