"""A buyer's own money on its pages: credit, gift cards, payments with filters and files."""

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.flows import documents
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.disputes import delivered
from tests.factories.sales import Shop, buy, make_buyer, make_shop, refund
from tests.factories.stored_value import by_bank, by_credit, grant_credit, make_card
from tests.web.people import enter, leads_to_sign_in, open_page, post_without_token, statuses
from tests.web.visitor import HTML, Visitor


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=5000)


async def test_credit_tells_what_it_was_spent_on(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    ada = await make_buyer(connection)
    await enter(visitor, resources, ada)
    assert "You have none." in await open_page(visitor, "/account")
    await grant_credit(resources, ada, 1200)
    order = await buy(resources, (shop, 1), buyer=ada, tenders=(by_credit(), by_bank()))
    text = await open_page(visitor, "/account")
    number = order_number(order.number)
    for words in (
        "Given by the marketplace",
        "€12.00",
        "−€12.00",
        "Set aside for an order",
        number,
    ):
        assert words in text, words
    assert "late parcel" not in text  # Why it was granted is the market's own business.


async def test_a_gift_card_says_what_is_left_to_who_knows_its_code(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await enter(visitor, resources, await make_buyer(connection))
    _, code = await make_card(resources, 2500)
    await open_page(visitor, "/account")
    await visitor.send("/account/gift-card", code="")
    assert visitor.page.status_code == 422
    await visitor.send("/account/gift-card", code="0000-0000-0000-0000")
    assert visitor.page.status_code == 422
    assert 'value="0000-0000-0000-0000"' in visitor.text
    assert "We don&#39;t know this code" in visitor.text
    await visitor.send("/account/gift-card", code=code.lower())
    assert visitor.page.status_code == 200
    assert "€25.00\N{NO-BREAK SPACE}EUR" in visitor.text
    assert visitor.page.headers["cache-control"] == "no-store"


async def test_payments_are_filtered_and_exported(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    ada = await make_buyer(connection)
    order = await delivered(resources, (shop, 2), buyer=ada)
    await refund(resources, order, shop, units=1)
    await documents.issue_invoices(resources.documents, order_ids=[order.id])
    await enter(visitor, resources, ada)
    text = await open_page(visitor, "/account/payments")
    for words in ("Payment", "Refund", "€100.00", "−€50.00", "test card", "€50.00"):
        assert words in text, words
    number = order_number(order.number)
    assert f'href="/orders/{number}"' in text
    text = await open_page(visitor, "/account/payments?kind=refund_confirmed&from=2026-03-01")
    assert "−€50.00" in text
    assert "€100.00" not in text
    assert "Nothing matches" in await open_page(visitor, "/account/payments?from=2027-01-01")
    text = await open_page(visitor, "/account/payments?from=soon", status=422)
    assert 'id="from-error"' in text
    assert 'value="soon"' in text
    text = await open_page(visitor, "/account/payments?to=9999-12-31", status=422)
    assert 'id="to-error"' in text
    file = await visitor.client.get("/account/payments?format=csv", headers=HTML)
    assert file.headers["content-disposition"] == 'attachment; filename="payments.csv"'
    # By that mark a spreadsheet knows in which signs it is written.
    assert file.content.startswith(b"\xef\xbb\xbfbooked_at,")
    lines = file.content.decode("utf-8-sig").splitlines()
    assert lines[0] == "booked_at,description,method,order_number,amount,paid,currency"
    assert lines[1].endswith(f"Refund,sandbox,{number},-50.00,50.00,EUR")
    assert lines[2].endswith(f"Payment,sandbox,{number},100.00,100.00,EUR")
    assert len(lines) == 3
    book = await visitor.client.get("/account/payments?format=xlsx", headers=HTML)
    assert book.content.startswith(b"PK")
    assert (
        await visitor.client.get("/account/payments?format=exe", headers=HTML)
    ).status_code == 422
    for form in ("csv", "xlsx"):
        typo = f"/account/payments?from=2026-13-01&format={form}"
        assert 'id="from-error"' in await open_page(visitor, typo, status=422)
    # The order's own page has the papers of it.
    text = await open_page(visitor, f"/orders/{number}")
    assert "Invoice INV-2026-00001" in text
    assert "Sent back" in text
    slip = await visitor.client.get(
        f"/orders/{number}/shipments/{(await parcel_of(connection))}/packing-slip", headers=HTML
    )
    assert slip.content.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("currency=ZZZ", "currency", "There is no such currency"),
        ("kind=bogus", "kind", "There is nothing of this kind: choose from the list"),
        ("from=2026-03-02&to=2026-03-01", "to", "This is before the day it begins on"),
    ],
)
async def test_a_filter_that_lets_through_what_nothing_can_be_is_told(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    shop: Shop,
    query: str,
    field: str,
    words: str,
) -> None:
    ada = await make_buyer(connection)
    await delivered(resources, (shop, 2), buyer=ada)
    for user, page in (
        (ada, "/account/payments"),
        (shop.seller.owner, f"/seller/{shop.seller.id}/transactions"),
    ):
        await enter(visitor, resources, user)
        for files in ("", "&format=csv", "&format=xlsx"):
            text = await open_page(visitor, f"{page}?{query}{files}", status=422)
            assert f'id="{field}-error"' in text
            assert words in text
        for name, value in (part.split("=") for part in query.split("&")):
            if name in ("from", "to"):
                assert visitor.form(page).values[name] == value


async def test_an_account_that_a_shop_doesn_t_have_is_no_filter(
    visitor: Visitor, resources: Resources, shop: Shop
) -> None:
    await enter(visitor, resources, shop.seller.owner)
    page = f"/seller/{shop.seller.id}/transactions?account=bogus"
    assert 'id="account-error"' in await open_page(visitor, page, status=422)


async def test_the_currency_that_is_shown_is_the_one_that_is_chosen(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    ada = await make_buyer(connection)
    await delivered(resources, (shop, 1), buyer=ada)
    await enter(visitor, resources, ada)
    page = "/account/payments"
    assert "€50.00" in await open_page(visitor, f"{page}?currency=eur")
    for code in ("usd", "USD"):
        text = await open_page(visitor, f"{page}?currency={code}")
        assert "€50.00" not in text
        assert "Nothing matches" in text
        assert visitor.form(page).values["currency"] == "USD"


async def parcel_of(connection: Connection) -> str:
    return str(await connection.fetchval("SELECT id FROM shipment"))


async def test_an_account_is_its_owner_s(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    ada = await make_buyer(connection)
    order = await delivered(resources, (shop, 1), buyer=ada)
    slip = f"/orders/{order_number(order.number)}/shipments/{await parcel_of(connection)}"
    assert await leads_to_sign_in(visitor, ["/account", "/account/payments", "/account/cases"])
    assert await statuses(visitor, [f"{slip}/packing-slip"]) == {404}
    await enter(visitor, resources, shop.seller.owner)
    # A shop has its own papers; this is the buyer's page.
    assert await statuses(visitor, [f"{slip}/packing-slip"]) == {404}
    assert "Nothing has moved yet" in await open_page(visitor, "/account/payments")
    assert (await post_without_token(visitor, "/account/gift-card")).status_code == 403
