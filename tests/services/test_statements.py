"""The books as people read them, through the doors and in plain words."""

import csv
import io
from uuid import UUID, uuid4

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.resources import Resources
from gosellr.services.explanation_service import explain
from gosellr.utils.csv_text import csv_text, harmless
from gosellr.utils.ledger import seller_pending
from gosellr.utils.permissions import MemberRole
from gosellr.utils.postings import SellerSources
from gosellr.utils.statements import describe
from tests.conftest import START
from tests.factories.accounts import (
    TestSeller,
    add_member,
    bearer,
    make_operator,
    make_seller,
    make_support,
    make_user,
)
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.ledger import Sold, booked
from tests.factories.orders import order_body, place

V1 = "/api/v1"


@pytest.fixture
async def seller(connection: Connection) -> TestSeller:
    """One who sold for 108.00, had 98.00 released with 10.00 kept, and gave 54.00 back."""
    made = await make_seller(connection, now=START)
    sold = Sold(seller_id=made.id)
    await booked(connection, sold.sale())
    await booked(connection, sold.release(available_minor=9_800, reserved_minor=1_000))
    sources = SellerSources(available_minor=5_000, receivable_minor=400)
    await booked(connection, sold.refund(uuid4(), sources))
    return made


def money(amount: int) -> dict[str, object]:
    return {"amount": amount, "currency": "EUR"}


async def test_a_sellers_balance(
    client: httpx2.AsyncClient, resources: Resources, seller: TestSeller
) -> None:
    headers = await bearer(resources, seller.owner)
    answer = await client.get(f"{V1}/sellers/{seller.id}/balance", headers=headers)
    assert answer.json() == {
        "balances": [
            {
                "currency": "EUR",
                "pending": money(0),
                "available": money(4_800),
                "reserved": money(1_000),
                "receivable": money(400),
                "in_transit": money(0),
                "paid_out": money(0),
                "upcoming": [],
                "payouts_on_their_way": [],
                "coming": [],
                "next_payout_at": None,
                "recovery_plan": None,
            }
        ]
    }


async def test_movements_run_backwards_from_what_is_owed(
    client: httpx2.AsyncClient, resources: Resources, seller: TestSeller
) -> None:
    headers = await bearer(resources, seller.owner)
    answer = await client.get(f"{V1}/sellers/{seller.id}/transactions", headers=headers)
    items = answer.json()["items"]
    assert [
        (item["account"], item["amount"]["amount"], item["balance"]["amount"]) for item in items
    ] == [
        ("receivable", -400, 5_400),
        ("available", -5_000, 5_800),
        ("available", 9_800, 10_800),
        ("reserved", 1_000, 1_000),
        ("pending", -10_800, 0),
        ("pending", 10_800, 10_800),
    ]
    assert items[-1]["description"] == "Sale, held until release"
    assert answer.json()["next_cursor"] is None


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_pages_join_without_a_gap_and_keep_the_balance(
    client: httpx2.AsyncClient, resources: Resources, seller: TestSeller, limit: int
) -> None:
    headers = await bearer(resources, seller.owner)
    url = f"{V1}/sellers/{seller.id}/transactions"
    whole = (await client.get(url, headers=headers)).json()["items"]
    parts: list[dict[str, object]] = []
    cursor: str | None = None
    while True:
        query = {"limit": limit} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(url, headers=headers, params=query)).json()
        parts += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert parts == whole


async def test_one_pot_has_a_balance_of_its_own(
    client: httpx2.AsyncClient, resources: Resources, seller: TestSeller
) -> None:
    headers = await bearer(resources, seller.owner)
    url = f"{V1}/sellers/{seller.id}/transactions?account=available"
    items = (await client.get(url, headers=headers)).json()["items"]
    assert [item["balance"]["amount"] for item in items] == [4_800, 9_800]


async def test_movements_as_a_table(
    client: httpx2.AsyncClient, resources: Resources, seller: TestSeller
) -> None:
    headers = await bearer(resources, seller.owner) | {"Accept": "text/csv"}
    url = f"{V1}/sellers/{seller.id}/transactions"
    answer = await client.get(url, headers=headers)
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["amount"] for row in rows][:2] == ["-4.00", "-50.00"]
    assert rows[0]["balance"] == "54.00"
    assert rows[-1]["booked_at"] == "2026-03-02T09:00:00Z"
    part = await client.get(f"{url}?limit=2", headers=headers)
    rest = await client.get(url, headers=headers, params={"cursor": part.headers["x-next-cursor"]})
    assert part.text + rest.text.partition("\r\n")[2] == answer.text
    assert "x-next-cursor" not in rest.headers


@pytest.mark.parametrize("cursor", ["nonsense", "WzEsMl0", "Wy0xLDAsMF0", "WzEsMSw5ZTk5XQ"])
async def test_a_cursor_that_isnt_ours_is_refused(
    client: httpx2.AsyncClient, resources: Resources, seller: TestSeller, cursor: str
) -> None:
    headers = await bearer(resources, seller.owner)
    url = f"{V1}/sellers/{seller.id}/transactions?cursor={cursor}"
    assert (await client.get(url, headers=headers)).status_code == 422


@pytest.mark.parametrize("what", ["balance", "transactions"])
async def test_a_sellers_money_is_its_own(
    client: httpx2.AsyncClient,
    connection: Connection,
    resources: Resources,
    seller: TestSeller,
    what: str,
) -> None:
    url = f"{V1}/sellers/{seller.id}/{what}"
    stranger = await make_seller(connection, now=START, name="Other")
    finance = await add_member(connection, now=START, seller=seller, role=MemberRole.FINANCE)
    packer = await add_member(connection, now=START, seller=seller, role=MemberRole.FULFILMENT)
    expected = [
        (await make_operator(connection, now=START), 200),
        (await make_support(connection, now=START), 200),
        (seller.owner, 200),
        (finance, 200),
        (packer, 403),
        (stranger.owner, 404),
    ]
    for user, status in expected:
        answer = await client.get(url, headers=await bearer(resources, user))
        assert answer.status_code == status, (user.name, answer.text)
    buyer = await make_user(connection, now=START)
    answer = await client.get(url, headers=await bearer(resources, buyer))
    assert answer.status_code in (403, 404)
    assert (await client.get(url)).status_code == 401
    operator = await bearer(resources, expected[0][0])
    nobody = await client.get(f"{V1}/sellers/{uuid4()}/{what}", headers=operator)
    assert nobody.status_code == 404


async def _order(client: httpx2.AsyncClient, connection: Connection) -> tuple[UUID, str]:
    product = await make_product(
        connection, seller=await make_shelf_seller(connection), price_minor=2_500, stock=3
    )
    order = (await place(client, order_body((product.variant_id, 2)))).json()
    return UUID(order["id"]), str(order["number"])


async def test_the_ledger_of_an_order(
    client: httpx2.AsyncClient, connection: Connection, resources: Resources
) -> None:
    order_id, _ = await _order(client, connection)
    url = f"{V1}/orders/{order_id}/ledger"
    operator = await make_operator(connection, now=START)
    answer = await client.get(url, headers=await bearer(resources, operator))
    [sale] = answer.json()["transactions"]
    assert sale["kind"] == "sale"
    assert sale["cause"] == {"type": "order", "id": str(order_id)}
    assert [
        (entry["account"].partition(":")[0], entry["direction"], entry["amount"])
        for entry in sale["entries"]
    ] == [("gateway_clearing", "debit", 5_000), ("seller_pending", "credit", 5_000)]
    assert sale["explanation"] == (
        "Sale: the buyer paid 50.00 EUR. Of it 50.00 EUR is the sellers', held until release."
    )
    absent = await client.get(
        f"{V1}/orders/{uuid4()}/ledger", headers=await bearer(resources, operator)
    )
    assert absent.status_code == 404
    support = await make_support(connection, now=START)
    assert (await client.get(url, headers=await bearer(resources, support))).status_code == 403
    assert (await client.get(url)).status_code == 401


async def test_explain_finds_what_a_person_means(
    client: httpx2.AsyncClient, connection: Connection, seller: TestSeller
) -> None:
    order_id, number = await _order(client, connection)
    by_id = await explain(connection, subject=str(order_id), limit=9)
    assert by_id == await explain(connection, subject=number, limit=9)
    assert by_id == await explain(connection, subject=number.removeprefix("GS-"), limit=9)
    assert by_id.title == f"Order {number}"
    assert [booked.kind for booked in by_id.transactions] == ["sale"]
    whole = await explain(connection, subject=str(seller.id), limit=9)
    assert whole.movements[0].balance_minor == 5_400
    pending = await explain(connection, subject=seller_pending(seller.id), limit=9)
    assert [each.balance_minor for each in pending.movements] == [0, 10_800]
    for nothing in ("99999999", str(uuid4()), "no such thing", "9" * 30):
        with pytest.raises(NotFound):
            await explain(connection, subject=nothing, limit=9)


async def test_the_markets_numbers(client: httpx2.AsyncClient, connection: Connection) -> None:
    before = (await client.get(f"{V1}/marketplace/stats")).json()
    assert before["orders"] == 0
    assert before["gmv"] == []
    await _order(client, connection)
    stats = (await client.get(f"{V1}/marketplace/stats")).json()
    assert stats == {
        "orders": 1,
        "gmv": [money(5_000)],
        "commission": [money(0)],
        "sellers_active": before["sellers_active"] + 1,
        "products_active": before["products_active"] + 1,
        "refunded": [money(0)],
        "as_of": "2026-03-02T09:00:00Z",
    }


def test_a_table_runs_nothing() -> None:
    # Full-width signs begin one where the keyboard writes them.
    for sign in "＝＋－＠":
        assert harmless(f"{sign}1") == f"'{sign}1"
        assert harmless(f"\u3000{sign}1") == f"'\u3000{sign}1"
    cells = ["=1+1", "+1", "-1", "@x", "\t=1", "  =1", "a=b", ""]
    assert [harmless(cell) for cell in cells] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\t=1", "'  =1", "a=b", "",
    ]  # fmt: skip
    assert csv_text(["a", "b", "c"], [["=x", -1, None], ['say "x"', 2, "é"]]) == (
        'a,b,c\r\n\'=x,-1,\r\n"say ""x""",2,é\r\n'
    )


def test_what_has_no_words_of_its_own_is_named_as_it_is() -> None:
    assert describe(kind="bank_holiday", account="bank", is_credit=True) == "Bank holiday"
    assert describe(kind="refund_failed", account="seller_pending:1", is_credit=True) == (
        "Refund failed, back where it was"
    )
