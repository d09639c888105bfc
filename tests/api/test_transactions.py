"""Histories of movements: a seller's, a buyer's, the operator's; filtered, paged and exported."""

import csv
import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.integrations.payouts.sandbox import Behaviour
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from tests.factories.accounts import User, bearer, make_operator, make_user
from tests.factories.payouts import earn, pay, set_account, set_schedule
from tests.factories.sales import Shop, buy, make_buyer, make_commission, make_shop, refund

V1 = "/api/v1"


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=5_000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


@pytest.fixture
async def sold(
    resources: Resources, clock: ManualClock, shop: Shop, buyer: User
) -> tuple[Order, Order]:
    """Two orders a week apart; one unit of the second went back."""
    one = await buy(resources, (shop, 1), buyer=buyer)
    clock.advance(timedelta(days=7))
    two = await buy(resources, (shop, 3), buyer=buyer)
    await refund(resources, two, shop, units=1)
    return one, two


async def all_pages(
    client: httpx2.AsyncClient, url: str, headers: dict[str, str], **query: Any
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        asked = {**query, **({"cursor": cursor} if cursor else {})}
        answer = await client.get(url, headers=headers, params=asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


async def test_a_buyer_s_payments_and_refunds_run_to_what_is_paid(
    client: httpx2.AsyncClient, resources: Resources, buyer: User, sold: tuple[Order, Order]
) -> None:
    headers = await bearer(resources, buyer)
    items = (await client.get(f"{V1}/me/transactions", headers=headers)).json()["items"]
    assert [
        (item["description"], item["amount"]["amount"], item["paid"]["amount"], item["method"])
        for item in items
    ] == [
        ("Refund", -5_000, 15_000, "sandbox"),
        ("Payment", 15_000, 20_000, "sandbox"),
        ("Payment", 5_000, 5_000, "sandbox"),
    ]
    assert items[0]["order_id"] == str(sold[1].id)
    assert await all_pages(client, f"{V1}/me/transactions", headers, limit=1) == items
    url = f"{V1}/me/transactions"
    of_one = await client.get(f"{url}?order_id={sold[0].id}", headers=headers)
    assert [item["paid"]["amount"] for item in of_one.json()["items"]] == [5_000]
    refunds = await client.get(f"{url}?kind=refund_confirmed", headers=headers)
    assert [item["amount"]["amount"] for item in refunds.json()["items"]] == [-5_000]
    late = await client.get(f"{url}?from=2026-03-05T00:00:00Z", headers=headers)
    assert [item["paid"]["amount"] for item in late.json()["items"]] == [15_000, 20_000]
    early = await client.get(f"{url}?to=2026-03-05T00:00:00Z", headers=headers)
    assert [item["paid"]["amount"] for item in early.json()["items"]] == [5_000]
    other = await client.get(f"{url}?currency=USD", headers=headers)
    assert other.json()["items"] == []


async def test_another_buyer_sees_nothing_and_a_guest_is_sent_away(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    sold: tuple[Order, Order],
) -> None:
    stranger = await make_user(connection, now=resources.clock.now(), name="Stranger")
    headers = await bearer(resources, stranger)
    url = f"{V1}/me/transactions?currency=EUR"
    assert (await client.get(url, headers=headers)).json()["items"] == []
    of_one = await client.get(f"{url}&order_id={sold[0].id}", headers=headers)
    assert of_one.json()["items"] == []
    assert (await client.get(url)).status_code == 401


async def test_filters_hide_movements_and_never_bend_the_balance(
    client: httpx2.AsyncClient, resources: Resources, shop: Shop, sold: tuple[Order, Order]
) -> None:
    headers = await bearer(resources, shop.seller.owner)
    url = f"{V1}/sellers/{shop.seller.id}/transactions"
    whole = await all_pages(client, url, headers)
    for query in (
        {"kind": "sale"},
        {"order_id": str(sold[1].id)},
        {"from": "2026-03-05T00:00:00Z"},
        {"to": "2026-03-05T00:00:00Z"},
        {"kind": "refund_intent", "from": "2026-03-05T00:00:00Z"},
    ):
        found = await all_pages(client, url, headers, **query)
        assert found == [item for item in whole if _fits(item, query)]
        assert 0 < len(found) < len(whole)
        assert await all_pages(client, url, headers, limit=1, **query) == found


def _fits(item: dict[str, Any], query: dict[str, str]) -> bool:
    return (
        query.get("kind") in (None, item["kind"])
        and query.get("order_id") in (None, item["order_id"])
        and item["booked_at"] >= query.get("from", "")
        and item["booked_at"] < query.get("to", "9")
    )


@pytest.mark.parametrize("query", ["kind=nonsense", "from=yesterday", "order_id=1", "what=1"])
async def test_what_cannot_be_filtered_by_is_refused(
    client: httpx2.AsyncClient, resources: Resources, shop: Shop, query: str
) -> None:
    headers = await bearer(resources, shop.seller.owner)
    url = f"{V1}/sellers/{shop.seller.id}/transactions?{query}"
    assert (await client.get(url, headers=headers)).status_code == 422


async def test_an_export_holds_all_there_is(
    client: httpx2.AsyncClient,
    resources: Resources,
    shop: Shop,
    sold: tuple[Order, Order],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gosellr.api.exports.EXPORTED_AT_ONCE", 1)
    headers = await bearer(resources, shop.seller.owner)
    url = f"{V1}/sellers/{shop.seller.id}/transactions"
    whole = await all_pages(client, url, headers)
    assert len(whole) == 3
    lines = await client.get(url, headers={**headers, "Accept": "application/x-ndjson"})
    assert [json.loads(line) for line in lines.text.splitlines()] == whole
    table = await client.get(url, headers={**headers, "Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["balance"] for row in rows] == ["150.00", "200.00", "50.00"]
    assert "x-next-cursor" not in table.headers
    xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    book = await client.get(url, headers={**headers, "Accept": xlsx})
    page = zipfile.ZipFile(io.BytesIO(book.content)).read("xl/worksheets/sheet1.xml").decode()
    assert page.count("<row ") == 4
    assert all(f"<v>{amount}</v>" in page for amount in ("150.00", "200.00", "50.00"))
    monkeypatch.setattr("gosellr.api.exports.WORKBOOK_ROWS_MAX", 2)
    refused = await client.get(url, headers={**headers, "Accept": xlsx})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["code"] == "too_many_rows"


async def test_the_operator_reads_the_journal_by_account_seller_and_order(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    shop: Shop,
    sold: tuple[Order, Order],
) -> None:
    headers = await bearer(resources, await make_operator(connection, now=resources.clock.now()))
    url = f"{V1}/transactions"
    clearing = await all_pages(client, url, headers, account="gateway_clearing:sandbox")
    assert [
        (item["kind"], item["change"]["amount"], item["balance"]["amount"])
        for item in clearing
        if item["kind"] != "provider_fee"
    ][-1] == ("sale", 5_000, 5_000)
    assert clearing[0]["balance"]["amount"] == sum(item["change"]["amount"] for item in clearing)
    own = await all_pages(client, url, headers, seller=str(shop.seller.id))
    seller = await bearer(resources, shop.seller.owner)
    told = await all_pages(client, f"{V1}/sellers/{shop.seller.id}/transactions", seller)
    assert [item["balance"] for item in own] == [item["balance"] for item in told]
    everything = await all_pages(client, url, headers, limit=2)
    assert len(everything) == await connection.fetchval("SELECT count(*) FROM ledger_entry")
    assert {item["balance"] for item in everything} == {None}
    of_order = await all_pages(client, url, headers, order_id=str(sold[0].id), limit=1)
    assert of_order == [item for item in everything if item["order_id"] == str(sold[0].id)]
    table = await client.get(url, headers={**headers, "Accept": "text/csv"})
    assert len(table.text.splitlines()) == len(everything) + 1


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("account=nothing", 422),
        (f"seller={UUID(int=7)}", 404),
        (f"account=commission&seller={UUID(int=7)}", 422),
        ("cursor=nonsense", 422),
        ("cursor=Wy0xXQ", 422),
    ],
)
async def test_the_journal_refuses_what_it_does_not_know(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    query: str,
    status: int,
) -> None:
    headers = await bearer(resources, await make_operator(connection, now=resources.clock.now()))
    assert (await client.get(f"{V1}/transactions?{query}", headers=headers)).status_code == status


async def test_a_balance_names_the_day_and_the_payout_on_its_way(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    shop: Shop,
) -> None:
    await make_commission(connection)
    await set_account(resources, shop, Behaviour.SLOW)
    await set_schedule(resources, shop, "manual")
    await earn(resources, shop)
    payout = await pay(resources, shop)
    await buy(resources, (shop, 2))
    headers = await bearer(resources, shop.seller.owner)
    answer = await client.get(f"{V1}/sellers/{shop.seller.id}/balance", headers=headers)
    [balance] = answer.json()["balances"]
    [on_its_way] = balance["payouts_on_their_way"]
    assert on_its_way["payout_id"] == str(payout.id)
    assert on_its_way["amount"] == balance["in_transit"] == {"amount": 4_400, "currency": "EUR"}
    assert balance["upcoming"] == [
        {"available_on": None, "amount": {"amount": 8_800, "currency": "EUR"}}
    ]
