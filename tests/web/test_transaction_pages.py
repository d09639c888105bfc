"""The operator's history of the market: what was booked, filtered, with balances, and as a file."""

import csv
import io
import zipfile
from datetime import timedelta

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.payouts import earn, pay, set_account
from tests.factories.sales import NOW, Shop, buy, make_commission, make_shop, refund
from tests.web.people import enter, leads_to_sign_in, open_page, statuses
from tests.web.visitor import HTML, Visitor

PAGE = "/operator/transactions"


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection)
    return await make_shop(connection, price_minor=5_000)


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


@pytest.fixture
async def sold(resources: Resources, clock: ManualClock, shop: Shop) -> tuple[Order, Order]:
    """Two orders a week apart; one unit of the second went back."""
    one = await buy(resources, (shop, 1))
    clock.advance(timedelta(days=7))
    two = await buy(resources, (shop, 3))
    await refund(resources, two, shop, units=1)
    return one, two


async def rows(visitor: Visitor, query: str) -> list[dict[str, str]]:
    answer = await visitor.client.get(f"{PAGE}?{query}&format=csv", headers=HTML)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="journal.csv"'
    return list(csv.DictReader(io.StringIO(answer.text)))


async def test_an_account_s_history_runs_to_its_balance(
    visitor: Visitor, resources: Resources, olu: User, sold: tuple[Order, Order]
) -> None:
    await enter(visitor, resources, olu)
    text = await open_page(visitor, f"{PAGE}?of=commission")
    assert [(one["change"], one["balance"], one["kind"]) for one in await rows(
        visitor, "of=commission"
    )] == [
        ("-5.00", "15.00", "refund_intent"),
        ("15.00", "20.00", "sale"),
        ("5.00", "5.00", "sale"),
    ]  # fmt: skip
    assert 'scope="col" class="num wide">Balance' in text
    for amount in ("\u2212€5.00", "€15.00", "€20.00"):
        assert amount in text
    number = order_number(sold[0].number)
    assert f'href="/operator/orders/{number}"' in text
    # Assets grow by debits: the balance is what the provider has of the market's.
    held = await rows(visitor, "of=gateway_clearing:sandbox")
    assert [(one["change"], one["balance"]) for one in held] == [
        ("-50.00", "150.00"), ("150.00", "200.00"), ("50.00", "50.00"),
    ]  # fmt: skip


async def test_a_shop_s_history_is_found_by_its_name_and_filtered(
    visitor: Visitor, resources: Resources, olu: User, shop: Shop, sold: tuple[Order, Order],
    connection: Connection,
) -> None:  # fmt: skip
    await enter(visitor, resources, olu)
    one, two = (order_number(order.number) for order in sold)
    by_id = await rows(visitor, f"of={shop.seller.id}")
    assert [(row["kind"], row["balance"]) for row in by_id] == [
        ("refund_intent", "132.00"), ("sale", "176.00"), ("sale", "44.00"),
    ]  # fmt: skip
    assert await rows(visitor, f"of={shop.seller.name}") == by_id
    assert await rows(visitor, f"of={shop.seller.id}&kind=sale") == by_id[1:]
    assert await rows(visitor, f"of={shop.seller.id}&order={one}") == by_id[2:]
    assert await rows(visitor, f"of={shop.seller.id}&order={two[3:]}") == by_id[:2]
    assert await rows(visitor, f"of={shop.seller.id}&to=2026-03-02") == by_id[2:]
    assert await rows(visitor, f"of={shop.seller.id}&from=2026-03-03") == by_id[:2]
    assert await rows(visitor, f"of={shop.seller.id}&currency=USD") == []
    text = await open_page(visitor, f"{PAGE}?of={shop.seller.name}&order={two[3:]}&kind=sale")
    assert f'value="{two}"' in text
    assert "\u2212€44.00" not in text
    assert "€132.00" in text
    assert f"seller_pending: {shop.seller.name}" in text
    # Whoever comes by a shop's id reads its address, and none of the numbers behind it.
    await open_page(visitor, f"{PAGE}?of={shop.seller.id}")
    assert visitor.form(PAGE).values["of"] == await connection.fetchval(
        "SELECT slug FROM seller WHERE id = $1", shop.seller.id
    )


async def test_all_of_the_journal_has_no_balance_and_pages(
    visitor: Visitor, resources: Resources, olu: User, connection: Connection,
    sold: tuple[Order, Order], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("gosellr.web.binding.histories.SHOWN", 3)
    await enter(visitor, resources, olu)
    text = await open_page(visitor, PAGE)
    assert ">Balance</th>" not in text
    every = await rows(visitor, "")
    assert len(every) == await connection.fetchval("SELECT count(*) FROM ledger_entry")
    assert {row["balance"] for row in every} == {""}
    pages = 1
    while 'rel="next"' in visitor.text:
        href = visitor.text.split('rel="next" href="')[1].split('"')[0]
        await open_page(visitor, href.replace("&amp;", "&"))
        pages += 1
    assert pages == -(-len(every) // 3)
    book = await visitor.client.get(f"{PAGE}?format=xlsx", headers=HTML)
    assert zipfile.is_zipfile(io.BytesIO(book.content))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("of=nobody", "of"),
        ("order=GS-99999", "order"),
        ("order=mine", "order"),
        ("kind=theft", "kind"),
        ("currency=ZZZ", "currency"),
        ("from=soon", "from"),
        ("from=2026-03-02&to=2026-03-01", "to"),
    ],
)
async def test_what_cannot_be_meant_is_said_at_its_field(
    visitor: Visitor, resources: Resources, olu: User, query: str, field: str
) -> None:
    await enter(visitor, resources, olu)
    text = await open_page(visitor, f"{PAGE}?{query}", status=422)
    assert f'id="{field}-error"' in text
    answer = await visitor.client.get(f"{PAGE}?{query}&format=csv", headers=HTML)
    assert answer.status_code == 422
    assert answer.headers["content-type"].startswith("text/html")


async def test_explanations_and_balances_lead_to_the_history(
    visitor: Visitor, resources: Resources, olu: User, shop: Shop
) -> None:
    await set_account(resources, shop)
    order = await earn(resources, shop)
    await pay(resources, shop)
    await enter(visitor, resources, olu)
    seller = f'href="{PAGE}?of={shop.seller.id}"'
    assert f'href="{PAGE}"' in await open_page(visitor, "/operator")
    assert seller in await open_page(visitor, f"/operator/explain?subject={shop.seller.id}")
    assert seller in await open_page(visitor, f"/operator/balances/{shop.seller.id}")
    text = await open_page(visitor, "/operator/explain?subject=commission")
    assert f'href="{PAGE}?of=commission"' in text
    number = order_number(order.number)
    text = await open_page(visitor, f"/operator/explain?subject={number}")
    assert f'href="{PAGE}?order={number}"' in text
    assert "Paid out" in await open_page(visitor, f"{PAGE}?of={shop.seller.id}")
    assert 'href="/operator/payouts/' in visitor.text


async def test_only_who_reads_the_books_reads_the_history(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    paths = [PAGE, f"{PAGE}?format=csv"]
    assert await leads_to_sign_in(visitor, paths)
    await enter(visitor, resources, shop.seller.owner)
    assert await statuses(visitor, paths) == {403}
    await enter(visitor, resources, await make_support(connection, now=NOW))
    assert await statuses(visitor, paths) == {403}
