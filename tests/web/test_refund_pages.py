"""Refunds on a shop's and the operator's pages: seen before they are sent, and sent once."""

from dataclasses import replace

import httpx2
import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.utils.ids import order_number
from gosellr.web.formats import format_money
from tests.conftest import caller_of
from tests.factories.accounts import bearer, make_operator, make_support
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    NOW,
    Shop,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    read,
    ship,
)
from tests.factories.stored_value import by_bank, by_card, make_card
from tests.factories.terms import make_delivery, make_tax
from tests.web.people import (
    assert_sound,
    enter,
    leads_to_sign_in,
    open_page,
    post_without_token,
    statuses,
)
from tests.web.visitor import HTML, Visitor

METHODS = {"sandbox": "Test card", "store_credit": "Store credit"}


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """50.00 a piece, of which 6.00 are commission with its tax."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=5000)


async def sold(market: Resources, connection: Connection, *shops: Shop, units: int = 3) -> Order:
    buyer = await make_buyer(connection)
    return await buy(market, *((one, units) for one in shops), buyer=buyer)


def pages(order: Order, shop: Shop, base: str) -> tuple[str, str, str]:
    """The page of the order, of the form, and the name of its field."""
    part = part_of(order, shop)
    page = f"{base}/orders/{order_number(order.number)}"
    return page, f"{page}/parts/{part.id}/refund", f"units-{part.lines[0].id}"


async def test_a_shop_sees_who_gives_what_and_refunds_once(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await sold(resources, connection, shop)
    page, form, units = pages(order, shop, f"/seller/{shop.seller.id}")
    await enter(visitor, resources, shop.seller.owner)
    assert f'href="{form}"' in await open_page(visitor, page)
    text = await open_page(visitor, form)
    assert "3 can go back, at €50.00 each" in text
    assert "Who bears it" not in text

    for changes, words in (
        ({units: "", "reason": "broken"}, "Say what goes back"),
        ({units: "x", "reason": "broken"}, "Write a number of units"),
        ({units: "1", "reason": ""}, "Say why"),
        ({units: "1", "amount": "3.00", "reason": "broken"}, "Either units and the delivery"),
        ({units: "", "amount": "3.001", "reason": "broken"}, "Write an amount in EUR"),
        ({units: "4", "amount": "", "reason": "broken"}, "No more than €150.00 is left"),
        ({units: "", "amount": "150.01", "reason": "broken"}, "No more than €150.00 is left"),
    ):
        await visitor.send(f"{form}/preview", changes=changes)
        assert visitor.page.status_code in {409, 422}, words
        assert_sound(visitor.text)
        assert words in visitor.text
    await visitor.send(f"{form}/preview", changes={units: "1", "amount": "", "reason": "broken"})
    assert visitor.page.status_code == 200
    assert_sound(visitor.text)
    for words in (
        "The buyer gets", "€50.00", "of what isn&#39;t available yet", "€44.00",
        "of its commission", "€5.00", "of the VAT on it", "€1.00",
        "1 unit hasn&#39;t left yet: it won&#39;t be sent any more and goes back on sale.",
    ):  # fmt: skip
        assert words in visitor.text, words
    assert await read(resources, order) == order

    sent = visitor.form(form).values
    assert (sent[units], sent["restock"]) == ("1", "1")
    await visitor.send(form)
    assert visitor.path == page
    for words in ("The refund is made", "1 refunded", "−€50.00", "broken"):
        assert words in visitor.text, words
    again = await visitor.client.post(form, data=sent, headers=HTML)
    assert again.status_code == 303
    assert again.headers["location"].startswith(page)
    other = await visitor.client.post(form, data={**sent, units: "2"}, headers=HTML)
    assert other.status_code == 422
    assert "You sent this form already" in other.text
    visitor.page = other
    assert visitor.form(form).values["key"] != sent["key"]
    after = await read(resources, order)
    assert (after.refunded_minor, len(after.refunds)) == (5000, 1)
    assert "2 can go back, at €50.00 each" in await open_page(visitor, form)
    assert await wrong_with(connection, resources) == []


async def test_an_operator_lets_the_marketplace_bear_it_or_gives_credit(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    order = await sold(resources, connection, shop, units=1)
    await ship(resources, order, shop)
    page, form, units = pages(order, shop, "/operator")
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    await open_page(visitor, form)
    await visitor.send(
        f"{form}/preview",
        changes={units: "1", "amount": "", "reason": "late", "borne_by": "marketplace"},
    )
    assert visitor.page.status_code == 422
    assert "The marketplace bears a free amount, not a line" in visitor.text
    await visitor.send(f"{form}/preview", changes={units: "", "amount": "7.50"})
    for words in ("The marketplace, as goodwill", "Test card", "€7.50"):
        assert words in visitor.text, words
    await visitor.send(form)
    assert visitor.path == page
    assert "The refund is made" in visitor.text
    assert (await read(resources, order)).refunded_minor == 750

    await open_page(visitor, form)
    await visitor.send(
        f"{form}/preview",
        changes={units: "1", "reason": "broken", "borne_by": "seller", "to": "store_credit"},
    )
    for words in ("Store credit", "Back to the marketplace: goodwill it gave before", "€42.50"):
        assert words in visitor.text, words
    await visitor.send(form)
    assert visitor.path == page
    text = await open_page(visitor, page)
    assert f'href="{form}"' not in text
    late = await visitor.client.get(form, headers=HTML)
    assert late.status_code == 200
    assert (await balances(connection))["store_credit"] == -4250
    assert await wrong_with(connection, resources) == []


async def test_a_refund_is_for_the_shop_and_for_who_runs_the_market(
    visitor: Visitor, resources: Resources, connection: Connection, shop: Shop
) -> None:
    other = await make_shop(connection, price_minor=900)
    order = await sold(resources, connection, shop, other, units=1)
    _, form, _ = pages(order, shop, f"/seller/{shop.seller.id}")
    _, desk, _ = pages(order, shop, "/operator")
    foreign = form.replace(str(part_of(order, shop).id), str(part_of(order, other).id))
    assert await leads_to_sign_in(visitor, [form, desk])
    await enter(visitor, resources, shop.seller.owner)
    assert await statuses(visitor, [form]) == {200}
    assert await statuses(visitor, [foreign]) == {404}
    assert await statuses(visitor, [desk]) == {403}
    assert (await post_without_token(visitor, form)).status_code == 403
    await enter(visitor, resources, other.seller.owner)
    assert await statuses(visitor, [form]) == {404}
    await enter(visitor, resources, await make_support(connection, now=NOW))
    assert await statuses(visitor, [desk]) == {403}
    assert not (await read(resources, order)).refunds


@pytest.mark.parametrize("restock", [True, False])
@pytest.mark.parametrize("to", ["original", "store_credit"])
async def test_page_and_api_name_the_same_of_a_refund(
    visitor: Visitor,
    resources: Resources,
    connection: Connection,
    shop: Shop,
    *,
    restock: bool,
    to: str,
) -> None:
    _, code = await make_card(resources, 4000)
    buyer = await make_buyer(connection)
    order = await buy(resources, (shop, 3), buyer=buyer, tenders=(by_card(code), by_bank()))
    part = part_of(order, shop)
    await ship(resources, order, shop, units=1)
    _, form, units = pages(order, shop, "/operator")
    operator = await make_operator(connection, now=NOW)
    asked = {"reason": "broken", "to": to}
    answer = await visitor.client.post(
        f"/api/v1/orders/{order.id}/refunds/preview",
        json={
            **asked,
            "seller_order_id": str(part.id),
            "items": [{"order_item_id": str(part.lines[0].id), "quantity": 3}],
            "restock": restock,
        },
        headers=await bearer(resources, operator),
    )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told["withdrawn"] == [
        {
            "order_item_id": str(part.lines[0].id),
            "quantity": 2,
            "then": "restocked" if restock else "written_off",
        }
    ]
    taken = {"original": "sandbox", "store_credit": "store_credit"}[to]
    assert [(one["method"], one["goes_to"], one["amount"]["amount"]) for one in told["ways"]] == [
        ("gift_card", "gift_card", 4000), ("sandbox", taken, 11_000),
    ]  # fmt: skip

    await enter(visitor, resources, operator)
    await open_page(visitor, form)
    await visitor.send(
        f"{form}/preview", changes={**asked, units: "3", "restock": "1" if restock else ""}
    )
    then = "go back on sale" if restock else "are written off"
    assert f"2 units haven&#39;t left yet: they won&#39;t be sent any more and {then}." in (
        visitor.text
    )
    shown = visitor.text.partition("The way it goes back")[2].partition("</dl>")[0]
    for one, name in zip(told["ways"], ("Gift card", METHODS[taken]), strict=True):
        amount = format_money(one["amount"]["amount"], "EUR")
        assert f"<dt>{name}</dt><dd>{amount}</dd>" in shown, name

    # A shop doesn't see how its buyer paid: on neither face.
    own = await visitor.client.post(
        f"/api/v1/orders/{order.id}/refunds/preview",
        json={
            "reason": "broken",
            "seller_order_id": str(part.id),
            "items": [{"order_item_id": str(part.lines[0].id), "quantity": 3}],
            "restock": restock,
        },
        headers=await bearer(resources, shop.seller.owner),
    )
    assert own.status_code == 200, own.text
    assert (own.json()["ways"], own.json()["withdrawn"]) == (None, told["withdrawn"])


async def test_what_it_does_names_the_tax_of_goods_and_delivery(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await make_tax(connection, rate_bps=2000)
    await make_tax(connection, rate_bps=1000, tax_class="shipping")
    await make_delivery(connection, price_minor=550)
    shop = await make_shop(connection, price_minor=12_000)
    order = await sold(resources, connection, shop, units=2)
    part = part_of(order, shop)
    _, form, units = pages(order, shop, f"/seller/{shop.seller.id}")
    await enter(visitor, resources, shop.seller.owner)
    await open_page(visitor, form)
    await visitor.send(f"{form}/preview", changes={units: "1", "shipping": "1", "reason": "broken"})
    assert_sound(visitor.text)
    shown = visitor.text.partition("The buyer gets")[2].partition("</dl>")[0]
    assert "€125.50" in shown
    assert "<dt>Tax in it, at 20 %</dt><dd>€20.00</dd>" in shown
    assert "<dt>Tax in it, at 10 %</dt><dd>€0.50</dd>" in shown

    headers = await bearer(resources, shop.seller.owner)
    asked = {
        "reason": "broken",
        "seller_order_id": str(part.id),
        "items": [{"order_item_id": str(part.lines[0].id), "quantity": 1}],
        "shipping": True,
    }
    path = f"/api/v1/orders/{order.id}/refunds"
    told = (await visitor.client.post(f"{path}/preview", json=asked, headers=headers)).json()
    assert told["lines"][0]["tax"] == {"amount": 2000, "currency": "EUR"}
    assert told["shipping"] == {"amount": 550, "currency": "EUR"}
    assert told["shipping_tax"] == {"amount": 50, "currency": "EUR"}
    keyed = {**headers, "Idempotency-Key": "r-1"}
    given = (await visitor.client.post(path, json=asked, headers=keyed)).json()
    assert given["shipping_tax"] == told["shipping_tax"]


async def test_one_rate_has_one_row_and_goodwill_of_the_marketplace_none(
    visitor: Visitor, resources: Resources, connection: Connection
) -> None:
    await make_tax(connection, rate_bps=2000)
    await make_tax(connection, rate_bps=2000, tax_class="shipping")
    await make_delivery(connection, price_minor=600)
    shop = await make_shop(connection, price_minor=12_000)
    order = await sold(resources, connection, shop, units=1)
    _, form, units = pages(order, shop, "/operator")
    await enter(visitor, resources, await make_operator(connection, now=NOW))
    await open_page(visitor, form)
    await visitor.send(f"{form}/preview", changes={units: "1", "shipping": "1", "reason": "broken"})
    assert "<dt>Tax in it, at 20 %</dt><dd>€21.00</dd>" in visitor.text
    assert visitor.text.count("Tax in it") == 1
    await visitor.send(
        f"{form}/preview",
        changes={units: "", "shipping": "", "amount": "7.50", "borne_by": "marketplace"},
    )
    assert "The marketplace, as goodwill" in visitor.text
    assert "Tax in it" not in visitor.text


async def test_what_it_does_names_the_fee_that_its_seller_bears(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    gateway = SandboxGateway(
        resources.settings.home, production=False, fee_bps=290, fee_fixed_minor=25, clock=clock
    )
    market = replace(
        resources,
        gateways={**resources.gateways, "sandbox": gateway},
        settings=resources.settings.model_copy(update={"refund_fee_borne_by": "seller"}),
    )
    order = await sold(market, connection, shop)
    assert order.payments[0].fee_minor == 460
    part = part_of(order, shop)
    _, form, units = pages(order, shop, f"/seller/{shop.seller.id}")
    async with caller_of(market) as client:
        visitor = Visitor(client)
        await enter(visitor, market, shop.seller.owner)
        await open_page(visitor, form)
        await visitor.send(f"{form}/preview", changes={units: "1", "reason": "broken"})
        shown = visitor.text.partition("Who gives it")[2].partition("</dl>")[0]
        assert "of what isn&#39;t available yet</dt><dd>€45.53</dd>" in shown
        assert "what the payment provider kept of the sale</dt><dd>−€1.53</dd>" in shown
        assert "<dt>Together</dt><dd>€50.00" in shown

        asked = {
            "reason": "broken",
            "seller_order_id": str(part.id),
            "items": [{"order_item_id": str(part.lines[0].id), "quantity": 1}],
        }
        path = f"/api/v1/orders/{order.id}/refunds"
        headers = await bearer(market, shop.seller.owner)
        told = (await client.post(f"{path}/preview", json=asked, headers=headers)).json()
        assert told["effects"]["provider_fee"] == {"amount": 153, "currency": "EUR"}
        assert told["effects"]["seller"]["pending"] == {"amount": 4_553, "currency": "EUR"}
        keyed = {**headers, "Idempotency-Key": "r-1"}
        given = (await client.post(path, json=asked, headers=keyed)).json()
        assert given["effects"] == told["effects"]
    assert await wrong_with(connection, market) == []
