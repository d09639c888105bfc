"""Imports at the door: a whole file becomes listings, twice the same changes nothing."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.queries import audit_words
from gosellr.queries.audit import find_offences
from gosellr.resources import Resources
from gosellr.services import product_service
from gosellr.utils.catalogue import AttributeRule
from gosellr.utils.import_gosellr import template
from gosellr.utils.permissions import MemberRole
from tests.factories.accounts import (
    TestSeller,
    add_member,
    bearer,
    make_operator,
    make_seller,
    make_support,
    make_user,
)
from tests.factories.catalogue import make_category
from tests.factories.imports import SMALL, Headers, counts, hand_in, imported

REAL_FILES = Path(__file__).parents[3] / "shared" / "data" / "products" / "shopify_csv"


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


async def _stock(connection: Connection, sku: str) -> int:
    units: int = await connection.fetchval(
        "SELECT sum(on_hand) FROM variant JOIN stock_level ON variant_id = variant.id"
        " WHERE sku = $1 AND archived_at IS NULL",
        sku,
    )
    return units


async def _rows(connection: Connection) -> list[Any]:
    """Everything an import may have written, but for itself."""
    return [
        await connection.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in ("product", "variant", "variant_price", "stock_level", "stock_movement")
    ]


async def test_a_file_becomes_listings(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    lamps: UUID,
) -> None:
    asked = await hand_in(client, headers, SMALL)
    waiting = asked.json()
    assert (asked.status_code, waiting["status"], waiting["total_rows"]) == (202, "waiting", None)
    assert (waiting["processed_rows"], waiting["currency"]) == (0, "EUR")
    done = await imported(client, resources, headers, SMALL)
    assert (done["status"], done["total_rows"], done["processed_rows"]) == ("finished", 4, 4)
    assert counts(done) == (2, 0, 0, 0)
    assert done["pictures_skipped"] == 3
    assert done["errors"] == {"items": [], "next_cursor": None}
    lamp = (await client.get("/api/v1/products/?q=lamp")).json()["items"]
    assert [(card["title"], card["price"]) for card in lamp] == [
        ("Lamp", {"amount": 1990, "currency": "EUR"})
    ]
    whole = (await client.get(f"/api/v1/products/{lamp[0]['id']}")).json()
    assert whole["description_html"] == "<p>Bright</p>"
    assert whole["category"]["id"] == str(lamps)
    shirt = await connection.fetchrow(
        "SELECT title, status, options FROM product WHERE source_key = 'shirt'"
    )
    assert tuple(shirt) == ("Shirt, linen", "draft", [{"name": "Size", "values": ["S", "M"]}])
    assert [await _stock(connection, sku) for sku in ("shirt-s", "shirt-m", "LAMP")] == [2, 0, 4]


async def test_the_same_file_twice_changes_nothing(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    lamps: UUID,
) -> None:
    await imported(client, resources, headers, SMALL)
    before = await _rows(connection)
    assert counts(await imported(client, resources, headers, SMALL)) == (0, 0, 2, 0)
    assert await _rows(connection) == before
    edited = SMALL.replace("35.50", "34.00")
    assert counts(await imported(client, resources, headers, edited)) == (0, 1, 1, 0)
    price = await connection.fetchval(
        "SELECT amount_minor FROM variant JOIN variant_price ON variant_id = id"
        " WHERE sku = 'shirt-m'"
    )
    assert price == 3400
    assert counts(await imported(client, resources, headers, edited)) == (0, 0, 2, 0)


async def test_stock_is_left_alone_unless_its_number_has_changed(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    lamps: UUID,
) -> None:
    await imported(client, resources, headers, SMALL)
    await connection.execute(
        "UPDATE stock_level SET on_hand = 1 FROM variant"
        " WHERE variant_id = variant.id AND sku = 'LAMP'"
    )
    dearer = SMALL.replace("19.90", "21.00")
    assert counts(await imported(client, resources, headers, dearer)) == (0, 1, 1, 0)
    assert await _stock(connection, "LAMP") == 1
    counted = dearer.replace(",LAMP,4,", ",LAMP,6,")
    assert counts(await imported(client, resources, headers, counted)) == (0, 1, 1, 0)
    assert await _stock(connection, "LAMP") == 6


async def test_stock_below_what_is_promised_is_an_error_of_its_row(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    lamps: UUID,
) -> None:
    await imported(client, resources, headers, SMALL)
    await connection.execute(
        "UPDATE stock_level SET reserved = 3 FROM variant"
        " WHERE variant_id = variant.id AND sku = 'LAMP'"
    )
    await connection.execute(
        "UPDATE stock_level SET on_hand = 9, reserved = 9 FROM variant"
        " WHERE variant_id = variant.id AND sku = 'shirt-m'"
    )
    short = SMALL.replace(",LAMP,4,19.90", ",LAMP,2,9.90").replace("M,,0,", "M,,8,")
    done = await imported(client, resources, headers, short)
    assert counts(done) == (0, 0, 0, 2)
    assert [
        (error["row"], error["field"], error["code"], error["value"])
        for error in done["errors"]["items"]
    ] == [
        (2, "Variant Inventory Qty", "stock_promised", "2"),
        (5, "Variant Inventory Qty", "stock_promised", "8"),
    ]
    # The whole product stays as it was, its price too.
    assert await _stock(connection, "LAMP") == 4
    assert await connection.fetchval("SELECT min(amount_minor) FROM variant_price") == 1990


async def test_a_variant_that_left_the_file_leaves_the_shelf(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    lamps: UUID,
) -> None:
    await imported(client, resources, headers, SMALL)
    without = "".join(line for line in SMALL.splitlines(keepends=True) if ",M,," not in line)
    assert counts(await imported(client, resources, headers, without)) == (0, 1, 1, 0)
    live = await connection.fetch("SELECT sku FROM variant WHERE archived_at IS NULL ORDER BY sku")
    assert [row["sku"] for row in live] == ["LAMP", "shirt-s"]


async def test_a_product_made_by_hand_is_known_by_its_sku(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    lamps: UUID,
) -> None:
    body = {
        "title": "Old lamp",
        "category_id": str(lamps),
        "variants": [{"sku": "LAMP", "price": {"amount": 1, "currency": "EUR"}, "stock": 4}],
    }
    made = await client.post("/api/v1/products/create", json=body, headers=headers)
    assert counts(await imported(client, resources, headers, SMALL)) == (1, 1, 0, 0)
    found = await client.get(f"/api/v1/products/{made.json()['id']}", headers=headers)
    assert (found.json()["title"], found.json()["status"]) == ("Lamp", "active")
    assert counts(await imported(client, resources, headers, SMALL)) == (0, 0, 2, 0)
    other = SMALL.replace("lamp,Lamp", "torch,Torch")
    done = await imported(client, resources, headers, other)
    assert (counts(done), done["errors"]["items"][0]["code"]) == ((0, 0, 1, 1), "sku_taken")


async def test_what_was_archived_stays_so(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    headers: Headers,
    lamps: UUID,
    clock: ManualClock,
) -> None:
    await imported(client, resources, headers, SMALL)
    lamp_id = await connection.fetchval("SELECT id FROM product WHERE source_key = 'lamp'")
    await product_service.archive_product(
        connection, viewer=seller.viewer, product_id=lamp_id, now=clock.now()
    )
    done = await imported(client, resources, headers, SMALL)
    assert (counts(done), done["errors"]["items"][0]["code"]) == (
        (0, 0, 1, 1),
        "product_archived",
    )


async def test_our_own_csv(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, headers: Headers
) -> None:
    answer = await client.get("/api/v1/imports/template", headers=headers)
    assert (answer.status_code, answer.text) == (200, template())
    assert answer.headers["content-type"].startswith("text/csv")
    clothing = await make_category(connection, name="Clothing")
    shirts = await make_category(
        connection,
        name="Shirts",
        parent_id=clothing,
        attributes=[
            AttributeRule(key="sleeves", label="Sleeves", type="number", required=True),
            AttributeRule(key="vegan", label="Vegan", type="boolean"),
        ],
    )
    lines = template().splitlines()
    more = [",attribute:sleeves,attribute:vegan", ",2,yes", ",,"]
    file = "\n".join(line + cells for line, cells in zip(lines, more, strict=True))
    done = await imported(client, resources, headers, file, kind="gosellr")
    assert (counts(done), done["errors"]["items"]) == ((1, 0, 0, 0), [])
    made = await connection.fetchrow(
        "SELECT category_id, attributes, status FROM product WHERE source_key = 'linen-shirt'"
    )
    assert tuple(made) == (shirts, {"sleeves": 2, "vegan": True}, "active")
    assert [await _stock(connection, sku) for sku in ("SHIRT-S", "SHIRT-M")] == [12, 7]
    wrong = file.replace(",2,yes", ",two,yes").replace("linen-shirt", "new").replace("SHIRT-", "N-")
    failed = await imported(client, resources, headers, wrong, kind="gosellr")
    assert failed["errors"]["items"] == [
        {
            "row": 2,
            "field": "attribute:sleeves",
            "code": "attribute_type",
            "message": "Sleeves must be a number",
            "value": "two",
        }
    ]


@pytest.mark.parametrize("as_lines", [False, True])
async def test_json(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    lamps: UUID,
    as_lines: bool,
) -> None:
    def product(number: int, **more: Any) -> dict[str, Any]:
        price = {"amount": 100 * number, "currency": "EUR"}
        return {
            "title": f"Lamp {number}",
            "category_id": str(lamps),
            "variants": [{"sku": f"L{number}", "price": price, "stock": number}],
            "status": "active",
            **more,
        }

    def file(products: list[dict[str, Any]]) -> str:
        if as_lines:
            return "\n".join(map(json.dumps, products))
        return json.dumps(products, indent=1)

    products = [product(1), product(2, handle="two"), product(3, titel="x")]
    done = await imported(client, resources, headers, file(products), kind="json")
    assert counts(done) == (2, 0, 0, 1)
    [error] = done["errors"]["items"]
    assert (error["field"], error["code"], error["value"]) == ("titel", "field_unknown", "x")
    text = file(products)
    # The object begins on the line above its title.
    assert error["row"] == (3 if as_lines else text.count("\n", 0, text.index("Lamp 3")))
    again = [product(1), product(2, handle="two", title="Second lamp")]
    done = await imported(client, resources, headers, file(again), kind="json")
    assert counts(done) == (0, 1, 1, 0)
    titles = await connection.fetch("SELECT title FROM product ORDER BY title")
    assert [row["title"] for row in titles] == ["Lamp 1", "Second lamp"]


async def test_a_key_asks_for_one_import(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers, lamps: UUID
) -> None:
    first = await hand_in(client, headers, SMALL, key="once")
    again = await hand_in(client, headers, SMALL, key="once")
    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    other = await hand_in(client, headers, SMALL + " ", key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await connection.fetchval("SELECT count(*) FROM import_run") == 1


async def test_the_files_own_category_and_the_one_sent_with_it(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, headers: Headers
) -> None:
    done = await imported(client, resources, headers, SMALL)
    assert counts(done) == (0, 0, 0, 2)
    assert "category_id" in done["errors"]["items"][0]["message"]
    other = await make_category(connection)
    done = await imported(client, resources, headers, SMALL, category_id=str(other))
    assert (counts(done), done["category_id"]) == ((2, 0, 0, 0), str(other))
    missing = await hand_in(
        client, headers, SMALL, category_id="018f0000-0000-7000-8000-000000000000"
    )
    assert (missing.status_code, missing.json()["errors"][0]["field"]) == (422, "category_id")


async def test_everybody_imports_for_their_own_sellers_only(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    headers: Headers,
    clock: ManualClock,
) -> None:
    now = clock.now()
    mine = (await hand_in(client, headers, SMALL)).json()
    other = await make_seller(connection, now=now, name="Red Chair")
    theirs = await bearer(resources, other.owner)
    for path in (f"/{mine['id']}", f"/{mine['id']}/errors"):
        assert (await client.get(f"/api/v1/imports{path}", headers=theirs)).status_code == 404
    assert (await client.get("/api/v1/imports", headers=theirs)).json()["items"] == []
    foreign = await hand_in(client, theirs, SMALL, seller_id=str(seller.id))
    assert foreign.status_code == 404
    looking = await add_member(connection, now=now, seller=seller, role=MemberRole.FULFILMENT)
    refused = await hand_in(client, await bearer(resources, looking), SMALL)
    assert refused.status_code == 403
    buyer = await bearer(resources, await make_user(connection, now=now))
    assert (await hand_in(client, buyer, SMALL)).status_code == 403
    assert (await hand_in(client, {}, SMALL)).status_code == 401
    support = await bearer(resources, await make_support(connection, now=now))
    seen = await client.get(f"/api/v1/imports/{mine['id']}", headers=support)
    assert seen.status_code == 200
    operator = await bearer(resources, await make_operator(connection, now=now))
    clock.advance(timedelta(seconds=1))
    assert (await hand_in(client, operator, SMALL)).status_code == 422
    for_seller = await hand_in(client, operator, SMALL, seller_id=str(seller.id))
    assert for_seller.status_code == 202
    nobody = await hand_in(client, operator, SMALL, seller_id=mine["id"])
    assert nobody.status_code == 404
    listed = await client.get("/api/v1/imports?limit=1", headers=headers)
    assert [run["id"] for run in listed.json()["items"]] == [for_seller.json()["id"]]
    older = await client.get(
        "/api/v1/imports", params={"cursor": listed.json()["next_cursor"]}, headers=headers
    )
    assert [run["id"] for run in older.json()["items"]] == [mine["id"]]


@pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="the real Shopify files aren't beside this checkout"
)
@pytest.mark.parametrize(
    ("name", "rows", "variants", "pictures"),
    [("apparel", 22, 22, 20), ("home-and-garden", 21, 21, 21), ("jewelery", 41, 23, 41)],
)
async def test_real_shopify_files_twice(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    headers: Headers,
    name: str,
    rows: int,
    variants: int,
    pictures: int,
) -> None:
    content = (REAL_FILES / f"{name}.csv").read_bytes()
    category = str(await make_category(connection))
    done = await imported(client, resources, headers, content, category_id=category)
    assert (counts(done), done["errors"]["items"]) == ((20, 0, 0, 0), [])
    assert (done["total_rows"], done["pictures_skipped"]) == (rows, pictures)
    assert await connection.fetchval("SELECT count(*) FROM variant") == variants
    before = await _rows(connection)
    again = await imported(client, resources, headers, content, category_id=category)
    assert counts(again) == (0, 0, 20, 0)
    assert await _rows(connection) == before


async def test_no_name_of_an_import_raises_an_alarm(
    client: httpx2.AsyncClient, connection: Connection, headers: Headers, lamps: object
) -> None:
    sent = await hand_in(client, headers, SMALL, name="4111 1111 1111 1111.csv")
    assert sent.status_code == 202
    assert await find_offences(connection, audit_words.NO_CARD_NUMBERS) == []
