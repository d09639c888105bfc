"""Documents through the doors: lists, files in each form, and who gets none of them."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.flows import documents
from gosellr.integrations.documents import renderer
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.utils.ids import order_number, seller_order_number
from tests.factories.accounts import bearer, make_operator
from tests.factories.orders import order_body, place
from tests.factories.sales import (
    Shop,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    ship,
)

V1 = "/api/v1"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=5_000)


@pytest.fixture
async def sold(connection: Connection, resources: Resources, shop: Shop) -> Order:
    order = await buy(resources, (shop, 2), buyer=await make_buyer(connection))
    await documents.issue_invoices(resources.documents, order_ids=[order.id])
    return order


async def owner(resources: Resources, shop: Shop) -> dict[str, str]:
    return await bearer(resources, shop.seller.owner)


async def test_an_invoice_in_every_form(
    client: httpx2.AsyncClient, resources: Resources, shop: Shop, sold: Order
) -> None:
    headers = await owner(resources, shop)
    listed = await client.get(f"{V1}/orders/{sold.id}/documents", headers=headers)
    [one] = listed.json()["items"]
    assert one["number"] == "INV-2026-00001"
    assert one["total"] == {"amount": 10_000, "currency": "EUR"}
    url = f"{V1}/orders/{sold.id}/documents/{one['id']}"
    whole = (await client.get(url, headers=headers)).json()
    assert whole["content"]["totals"]["payable"] == {"amount": 10_000, "currency": "EUR"}
    assert "minor" not in str(whole)
    pdf = await client.get(url, headers={**headers, "Accept": "application/pdf"})
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.headers["content-disposition"] == 'attachment; filename="INV-2026-00001.pdf"'
    assert pdf.headers["cache-control"] == "no-store"
    assert pdf.content.startswith(b"%PDF-")
    table = await client.get(f"{url}?format=csv", headers=headers)
    [row] = csv.DictReader(io.StringIO(table.text))
    assert (row["gross"], row["currency"], row["quantity"]) == ("100.00", "EUR", "2")
    book = await client.get(url, headers={**headers, "Accept": XLSX})
    assert book.headers["content-type"] == XLSX
    assert book.content.startswith(b"PK")
    german = await client.get(f"{url}?format=pdf&language=fr", headers=headers)
    assert german.content != pdf.content
    assert (await client.get(f"{url}?format=doc", headers=headers)).status_code == 422


async def test_a_guest_reads_the_invoice_with_the_order_s_key(
    client: httpx2.AsyncClient, resources: Resources, shop: Shop
) -> None:
    order = (await place(client, order_body((shop.product.variant_id, 1)))).json()
    await documents.issue_invoices(resources.documents, order_ids=[order["id"]])
    url = f"{V1}/orders/{order['id']}/documents"
    key = {"X-Order-Token": order["access_token"]}
    [one] = (await client.get(url, headers=key)).json()["items"]
    assert (await client.get(f"{url}/{one['id']}", headers=key)).status_code == 200
    for wrong in ({}, {"X-Order-Token": "another"}):
        assert (await client.get(url, headers=wrong)).status_code == 404
        assert (await client.get(f"{url}/{one['id']}", headers=wrong)).status_code == 404


async def test_a_document_answers_under_its_own_order_only(
    client: httpx2.AsyncClient, resources: Resources, shop: Shop, sold: Order
) -> None:
    other = await buy(resources, (shop, 1))
    headers = await owner(resources, shop)
    [one] = (await client.get(f"{V1}/orders/{sold.id}/documents", headers=headers)).json()["items"]
    wrong = await client.get(f"{V1}/orders/{other.id}/documents/{one['id']}", headers=headers)
    assert wrong.status_code == 404
    unknown = await client.get(f"{V1}/orders/{sold.id}/documents/{uuid4()}", headers=headers)
    assert unknown.status_code == 404


async def test_a_packing_slip_is_a_pdf_or_a_table(
    client: httpx2.AsyncClient, resources: Resources, shop: Shop, sold: Order
) -> None:
    shipment_id = await ship(resources, sold, shop)
    url = f"{V1}/orders/{sold.id}/shipments/{shipment_id}/packing-slip"
    headers = await owner(resources, shop)
    for wanted in ("", "?format=pdf"):
        answer = await client.get(f"{url}{wanted}", headers=headers)
        assert answer.content.startswith(b"%PDF-")
        assert "packing-slip-GS-" in answer.headers["content-disposition"]
    number = seller_order_number(order_number(sold.number), part_of(sold, shop).index)
    asked = await client.get(url, headers=headers | {"Accept": "text/csv"})
    assert asked.headers["content-type"] == "text/csv; charset=utf-8"
    assert (await client.get(f"{url}?format=csv", headers=headers)).content == asked.content
    head, *lines = list(csv.reader(io.StringIO(asked.content.decode("utf-8-sig"))))
    assert head == ["order_number", "sku", "title", "options", "quantity"]
    assert [(line[0], line[-1]) for line in lines] == [(number, "2")]
    book = await client.get(f"{url}?format=xlsx", headers=headers)
    assert book.content.startswith(b"PK")
    assert (await client.get(f"{url}?format=json", headers=headers)).status_code == 422


async def test_statements_before_and_after_the_month_is_closed(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    shop: Shop,
    clock: ManualClock,
) -> None:
    await make_commission(connection)
    await buy(resources, (shop, 1))
    url = f"{V1}/sellers/{shop.seller.id}/statements/2026-03"
    headers = await owner(resources, shop)
    preliminary = (await client.get(url, headers=headers)).json()
    assert (preliminary["id"], preliminary["number"]) == (None, None)
    assert preliminary["closing"] == {"amount": 4_400, "currency": "EUR"}
    draft = await client.get(f"{url}?format=pdf", headers=headers)
    assert draft.content.startswith(b"%PDF-")
    clock.advance(timedelta(days=40))
    headers = await owner(resources, shop)
    await documents.close_months(resources.documents)
    issued = (await client.get(url, headers=headers)).json()
    assert issued["number"] == "ST-2026-00001"
    assert issued["closing"] == preliminary["closing"]
    table = await client.get(f"{url}?format=csv", headers=headers)
    rows = {row["item"]: row["amount"] for row in csv.DictReader(io.StringIO(table.text))}
    assert rows["commission"] == "-5.00"
    listing = f"{V1}/sellers/{shop.seller.id}/documents"
    found = (await client.get(listing, headers=headers)).json()["items"]
    assert sorted(one["kind"] for one in found) == ["commission_invoice", "statement"]
    one = (await client.get(f"{listing}?limit=1", headers=headers)).json()
    two = (await client.get(f"{listing}?cursor={one['next_cursor']}", headers=headers)).json()
    assert one["items"] + two["items"] == found
    only = (await client.get(f"{listing}?kind=statement&period=2026-03", headers=headers)).json()
    assert [each["number"] for each in only["items"]] == ["ST-2026-00001"]
    for each in found:
        pdf = await client.get(f"{listing}/{each['id']}?format=pdf", headers=headers)
        assert pdf.content.startswith(b"%PDF-")
    assert (await client.get(url.replace("2026-03", "2026-13"), headers=headers)).status_code == 422


async def test_the_report_of_a_year_in_every_form(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources, sold: Order
) -> None:
    operator = await make_operator(connection, now=resources.clock.now())
    headers = await bearer(resources, operator)
    url = f"{V1}/reports/dac7/2026"
    report = (await client.get(url, headers=headers)).json()
    [seller] = report["sellers"]
    assert seller["quarters"][0] == {
        "quarter": 1,
        "consideration": {"amount": sold.total_minor, "currency": "EUR"},
        "activity_count": 1,
        "fees": {"amount": 0, "currency": "EUR"},
        "taxes": {"amount": 0, "currency": "EUR"},
    }
    table = await client.get(f"{url}?format=csv", headers=headers)
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["consideration"] for row in rows] == ["100.00", "0.00", "0.00", "0.00"]
    for form, start in (("pdf", b"%PDF-"), ("xlsx", b"PK")):
        made = await client.get(f"{url}?format={form}", headers=headers)
        assert made.content.startswith(start)


async def test_a_report_of_many_is_a_table_where_it_can_be_nothing_else(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    sold: Order,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    operator = await make_operator(connection, now=resources.clock.now())
    headers = await bearer(resources, operator)
    url = f"{V1}/reports/dac7/2026"
    # Five rows a seller on paper, four in a table.
    monkeypatch.setattr(renderer, "PAPER_ROWS_MAX", 4)
    monkeypatch.setattr(renderer, "WORKBOOK_ROWS_MAX", 3)
    for form, rows, most in (("pdf", 5, 4), ("xlsx", 4, 3)):
        refused = await client.get(f"{url}?format={form}", headers=headers)
        problem = refused.json()
        assert (refused.status_code, problem["code"]) == (422, "file_too_long")
        assert "Retry-After" not in refused.headers
        assert problem["detail"] == (
            f"{rows} rows are more than the {most} of such a file: as CSV it may have any number"
        )
        assert [(one["field"], one["code"]) for one in problem["errors"]] == [
            ("format", "too_many_rows")
        ]
    table = await client.get(f"{url}?format=csv", headers=headers)
    assert len(list(csv.DictReader(io.StringIO(table.text)))) == 4
