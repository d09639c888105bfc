"""Orders on a shop's and the operator's pages, and units called off before they are paid for."""

from collections.abc import AsyncIterator

import pytest

from gosellr.core.db import Connection
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from tests.factories.accounts import User, make_operator, make_support
from tests.factories.applications import caller_of
from tests.factories.captures import at_shipment
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    read,
    ship,
)
from tests.web.people import (
    assert_sound,
    enter,
    leads_to_sign_in,
    open_page,
    post_without_token,
    statuses,
)
from tests.web.visitor import HTML, Visitor


@pytest.fixture
def market(resources: Resources) -> Resources:
    return at_shipment(resources)


@pytest.fixture
async def visitor(market: Resources) -> AsyncIterator[Visitor]:
    async with caller_of(market) as caller:
        yield Visitor(caller)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, of which 6.00 are commission with its tax."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


@pytest.fixture
async def olu(connection: Connection) -> User:
    return await make_operator(connection, now=NOW)


async def ordered(market: Resources, connection: Connection, *shops: Shop, units: int = 3) -> Order:
    return await buy(market, *((one, units) for one in shops), buyer=await make_buyer(connection))


def pages(order: Order, shop: Shop, base: str) -> tuple[str, str, str]:
    """The page of the order, of the form, and the name of its field."""
    part = part_of(order, shop)
    page = f"{base}/orders/{order_number(order.number)}"
    return page, f"{page}/parts/{part.id}/call-off", f"units-{part.lines[0].id}"


async def test_a_shop_sees_what_it_changes_and_calls_off_once(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop
) -> None:
    order = await ordered(market, connection, shop)
    page, form, units = pages(order, shop, f"/seller/{shop.seller.id}")
    await enter(visitor, market, shop.seller.owner)
    assert page in await open_page(visitor, f"/seller/{shop.seller.id}/orders")
    text = await open_page(visitor, page)
    assert f'href="{form}"' in text
    assert "Not paid for yet" in text
    for words in ("Commission", "−€15.00", "VAT on commission", "−€3.00", "You earn", "€132.00"):
        assert words in text, words
    assert "3 can be called off, of 3 ordered at €50.00" in await open_page(visitor, form)

    await visitor.send(f"{form}/preview", changes={units: "1", "reason": ""})
    assert visitor.page.status_code == 422
    assert_sound(visitor.text)
    assert 'id="reason-error"' in visitor.text
    for typed, words in (("4", "Only 3 can be called off"), ("x", "Write a number of units"),
                         ("0", "Say how many units are called off"),
                         ("3", "Cancel the seller order instead")):  # fmt: skip
        await visitor.send(f"{form}/preview", changes={units: typed, "reason": "one broke"})
        assert visitor.page.status_code in {409, 422}
        assert_sound(visitor.text)
        for told in (words, f'value="{typed}"', 'value="one broke"'):
            assert told in visitor.text, told
    await visitor.send(f"{form}/preview", changes={units: "1"})
    assert visitor.page.status_code == 200
    assert_sound(visitor.text)
    for words in (
        "1 called off, 2 left", "€150.00", "€100.00", "The buyer pays", "−€50.00",
        "−€6.00", "The shop earns", "−€44.00", "less of it is taken",
    ):  # fmt: skip
        assert words in visitor.text, words
    assert await read(market, order) == order

    sent = visitor.form(form).values if visitor.form(form).action == form else {}
    assert sent[units] == "1"
    await visitor.send(form)
    assert visitor.path == page
    for words in ("back on sale, and never charged", "1 called off before payment", "€100.00"):
        assert words in visitor.text, words
    again = await visitor.client.post(form, data=sent, headers=HTML)
    assert (again.status_code, again.headers["location"]) == (303, page)
    assert await connection.fetchval("SELECT count(*) FROM order_reduction") == 1
    other = await visitor.client.post(form, data={**sent, units: "2"}, headers=HTML)
    assert other.status_code == 422
    assert (await read(market, order)).total_minor == 10_000

    await ship(market, order, shop)
    text = await open_page(visitor, page)
    assert "Paid for" in text
    assert f'href="{form}"' not in text
    late = await visitor.client.post(
        f"{form}/preview", data={**sent, "key": "another"}, headers=HTML
    )
    assert late.status_code == 409
    assert "Ask for a refund of it instead" in late.text
    number = order_number(order.number)
    moves = await open_page(visitor, f"/seller/{shop.seller.id}/transactions")
    assert f'<a href="{page}">{number}</a>' in moves
    await enter(visitor, market, await make_operator(connection, now=NOW))
    text = await open_page(visitor, f"/operator/explain?subject={number}")
    told = f'seller_pending:{shop.seller.id}</code> <bdi class="small">{shop.seller.name}</bdi>'
    for words in (f'<a href="/operator/orders/{number}">The order</a>', told, "€88.00"):
        assert words in text, words
    text = await open_page(visitor, f"/operator/explain?subject={shop.seller.id}")
    assert f"<h1>{shop.seller.name}</h1>" in text
    assert await wrong_with(connection, market) == []


async def test_an_operator_sees_the_whole_order_and_a_shop_its_own_part(
    visitor: Visitor, market: Resources, connection: Connection, shop: Shop, olu: User
) -> None:
    other = await make_shop(connection, price_minor=2000)
    order = await ordered(market, connection, shop, other, units=2)
    page, form, units = pages(order, other, "/operator")
    await enter(visitor, market, olu)
    assert page in await open_page(visitor, "/operator/orders")
    number = order_number(order.number)
    assert page in await open_page(visitor, f"/operator/orders?q={number}")
    assert "Nothing matches" in await open_page(visitor, "/operator/orders?status=cancelled")
    text = await open_page(visitor, page)
    for words in (shop.seller.name, other.seller.name, order.email, "Test card", "€140.00",
                  "The shop earns",
                  f"/operator/explain?subject={number}"):  # fmt: skip
        assert words in text, words
    await open_page(visitor, form)
    await visitor.send(f"{form}/preview", changes={units: "1", "reason": "sold out"})
    await visitor.send(form)
    assert "1 called off before payment" in visitor.text
    assert (await read(market, order)).total_minor == 12_000

    await enter(visitor, market, shop.seller.owner)
    own, own_form, _ = pages(order, shop, f"/seller/{shop.seller.id}")
    text = await open_page(visitor, own)
    for hidden in (other.seller.name, order.email, "Test card", "€120.00"):
        assert hidden not in text, hidden
    # Whoever also bought it sees no more of it on the shop's page.
    bought = await buy(market, (shop, 1), (other, 1), buyer=shop.seller.owner)
    mixed = f"/seller/{shop.seller.id}/orders/{order_number(bought.number)}"
    text = await open_page(visitor, mixed)
    assert shop.seller.name in text
    for hidden in (other.seller.name, "Test card", "€70.00"):
        assert hidden not in text, hidden
    alien = f"{mixed}/parts/{part_of(bought, other).id}/call-off"
    assert await statuses(visitor, [alien]) == {404}
    theirs = f"{own}/parts/{part_of(order, other).id}/call-off"
    assert await statuses(visitor, [theirs, form.replace("/operator", f"/seller/{other.seller.id}")]
                          ) == {404}  # fmt: skip
    assert await statuses(visitor, [page, form, "/operator/orders"]) == {403}
    assert (await post_without_token(visitor, own_form)).status_code == 403
    assert await leads_to_sign_in(visitor, [own, own_form, page, form])
    await enter(visitor, market, await make_support(connection, now=NOW))
    assert f'href="{form}"' not in await open_page(visitor, page)
    assert await statuses(visitor, [form]) == {403}
