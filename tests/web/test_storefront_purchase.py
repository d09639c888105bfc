"""Buying by plain forms, from the first look to the receipt."""

import asyncio
import re
from uuid import UUID

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import TestSeller, make_seller
from tests.factories.catalogue import NOW, MadeProduct, make_product, make_shelf_seller
from tests.factories.terms import make_coupon, make_delivery
from tests.web.visitor import ADDRESS, Visitor, put_in_bag, reach_payment

BALANCES = """
SELECT split_part(account, ':', 1) AS account, sum(
    CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END)::bigint AS net
FROM ledger_entry GROUP BY 1
"""


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def seller(connection: Connection) -> TestSeller:
    return await make_seller(connection, now=NOW, name="Kettle & Co")


@pytest.fixture
async def pot(connection: Connection, seller: TestSeller) -> MadeProduct:
    """€25.00, three left, sent for €4.90 or €9.90."""
    await make_delivery(connection, seller_id=seller.id, price_minor=490)
    await make_delivery(connection, seller_id=seller.id, price_minor=990, name="Express")
    return await make_product(
        connection, seller=seller.id, title="Tea pot", price_minor=2500, stock=3
    )


@pytest.fixture
async def lamp(connection: Connection) -> MadeProduct:
    """€10.00 from another shop, sent for €3.00."""
    other = await make_shelf_seller(connection, name="Lights")
    await make_delivery(connection, seller_id=other, price_minor=300)
    return await make_product(connection, seller=other, title="Lamp", price_minor=1000, stock=5)


async def reserved(connection: Connection, product: MadeProduct) -> int:
    held: int = await connection.fetchval(
        "SELECT reserved FROM stock_level WHERE variant_id = $1", product.variant_id
    )
    return held


async def count(connection: Connection, table: str) -> int:
    rows: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return rows


def delivery_of(visitor: Visitor, label: str) -> dict[str, str]:
    """The field and value of the way of delivery with this name."""
    found = re.search(rf'name="(delivery-[^"]+)" value="([^"]+)"[^>]*><span>{label}', visitor.text)
    assert found, visitor.text
    return {found[1]: found[2]}


async def test_a_guest_buys_from_two_shops_and_pays_once(
    visitor: Visitor, connection: Connection, pot: MadeProduct, lamp: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot", 2)
    assert "It is in your bag." in visitor.text
    await put_in_bag(visitor, "/p/lamp")
    assert "Parcel 1 from" in visitor.text
    assert "Parcel 2 from" in visitor.text
    await visitor.go("/checkout")
    assert "Pay €" not in visitor.text
    await visitor.send("/checkout", to="/checkout/address", **ADDRESS)
    assert visitor.path == "/checkout"
    assert "Pay €67.90" in visitor.text
    express = delivery_of(visitor, "Express")
    await visitor.send("/checkout", to="/checkout/delivery", changes=express)
    assert "Pay €72.90" in visitor.text
    await visitor.send("/checkout", payment_token="tok_ok")
    assert visitor.path.startswith("/orders/GS-")
    assert visitor.page.headers["cache-control"] == "no-store"
    for words in ("Thank you, Ada.", "2 shops are packing it now", "€72.90", "Paid with test card"):
        assert words in visitor.text
    assert "10115 Berlin" in visitor.text
    row = await connection.fetchrow("SELECT status, total_minor, email FROM orders")
    assert row is not None
    assert tuple(row) == ("paid", 7290, "ada@example.com")
    assert (await reserved(connection, pot), await reserved(connection, lamp)) == (2, 1)
    balances = {r["account"]: r["net"] for r in await connection.fetch(BALANCES)}
    assert balances == {"gateway_clearing": 7290, "seller_pending": -7290}
    scope: str = await connection.fetchval("SELECT scope FROM idempotency_key")
    assert scope.startswith("visitor:")
    assert visitor.client.cookies["visitor"] not in scope
    await visitor.go(visitor.path)
    assert "Thank you" not in visitor.text
    await visitor.go("/bag")
    assert "Your bag is empty" in visitor.text


async def test_an_order_is_nobody_else_s(
    visitor: Visitor, client: httpx2.AsyncClient, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.send("/checkout")
    path = visitor.path
    assert visitor.page.status_code == 200
    token = client.cookies["orders"].split(".")[1]
    client.cookies.clear()
    await visitor.go(path)
    assert visitor.page.status_code == 404
    # Nowhere but in words: a page's tokens may hold any three letters.
    for words in ("Ada Lovelace", "Ada.", "12 Analytical Row", "ada@example.com"):
        assert words not in visitor.text
    wrong = await visitor.go(f"{path}?token={'x' * 43}")
    assert wrong.status_code == 404
    shown = await visitor.go(f"{path}?token={token}")
    assert shown.status_code == 200
    assert str(shown.request.url) == f"http://market.test{path}"


@pytest.mark.case(16)
@pytest.mark.case(24)
async def test_case_16_and_case_24_the_same_form_ten_times_is_one_order(
    visitor: Visitor, client: httpx2.AsyncClient, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.go("/checkout")
    first = visitor.form("/checkout").values
    await visitor.go("/checkout")
    assert visitor.form("/checkout").values == first, "a page loaded again keeps its key"
    answers = await asyncio.gather(
        *(client.post("/checkout", data=first, headers={"Accept": "text/html"}) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    again = await client.post("/checkout", data=first, headers={"Accept": "text/html"})
    assert again.headers["location"] == answers[0].headers["location"]
    assert (await count(connection, "orders"), await count(connection, "payment")) == (1, 1)
    assert await reserved(connection, pot) == 1


async def test_a_declined_card_is_tried_again_on_the_same_order(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.send("/checkout", payment_token="tok_declined")
    assert visitor.path.endswith("/pay")
    for words in ("The payment was declined", "12 Analytical Row", "ada@example.com", "Pay €29.90"):
        assert words in visitor.text
    assert await reserved(connection, pot) == 1
    retry = visitor.path
    await visitor.go("/checkout")
    assert visitor.path == retry, "the way back to the bag leads to what is held"
    await visitor.send(retry, payment_token="tok_declined")
    assert visitor.path == retry
    await visitor.send(retry, payment_token="tok_ok")
    assert visitor.path == retry.removesuffix("/pay")
    assert "Thank you, Ada." in visitor.text
    assert await count(connection, "orders") == 1
    statuses = await connection.fetch("SELECT status FROM payment ORDER BY created_at, id")
    assert sorted(row["status"] for row in statuses) == ["captured", "declined", "declined"]
    assert await reserved(connection, pot) == 1
    await visitor.go(retry)
    assert visitor.path == retry.removesuffix("/pay"), "what is paid isn't paid twice"


async def test_a_price_that_rose_is_shown_and_asked_about_before_anything_is_charged(
    visitor: Visitor, connection: Connection, seller: TestSeller, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    assert "Pay €29.90" in visitor.text
    await connection.execute(
        "UPDATE variant_price SET amount_minor = 2700 WHERE variant_id = $1", pot.variant_id
    )
    await visitor.send("/checkout", payment_token="tok_ok")
    assert visitor.page.status_code == 409
    for words in ("<s>€25.00</s>", "€27.00", "Nothing is charged until you agree", "Pay €31.90"):
        assert words in visitor.text
    assert 'value="12 Analytical Row"' in visitor.text
    assert await count(connection, "orders") == 0
    await visitor.send("/checkout", payment_token="tok_ok")
    assert "Thank you, Ada." in visitor.text
    assert await connection.fetchval("SELECT total_minor FROM orders") == 3190


@pytest.mark.case(26)
async def test_case_26_a_bag_changed_in_another_window_is_not_bought_unseen(
    visitor: Visitor, client: httpx2.AsyncClient, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    seen = visitor.form("/checkout").values
    await put_in_bag(visitor, "/p/tea-pot")
    refused = await client.post("/checkout", data=seen, headers={"Accept": "text/html"})
    assert refused.status_code == 409
    assert "Your bag was changed in another window" in refused.text
    assert await count(connection, "orders") == 0


async def test_the_last_one_went_to_somebody_else(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot", 3)
    await reach_payment(visitor)
    await connection.execute(
        "UPDATE stock_level SET reserved = 3 WHERE variant_id = $1", pot.variant_id
    )
    await visitor.send("/checkout", payment_token="tok_ok")
    assert visitor.page.status_code == 409
    assert "somebody else was a little faster" in visitor.text
    assert "Change your bag" in visitor.text
    assert "Pay €" not in visitor.text
    assert await count(connection, "orders") == 0
    assert await count(connection, "payment") == 0


async def test_what_is_missing_is_told_and_what_was_typed_stays(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await visitor.go("/checkout")
    await visitor.send(
        "/checkout", to="/checkout/address", email="nobody", name="Ada", country="DE"
    )
    assert visitor.page.status_code == 422
    assert "To continue, change 3 things" in visitor.text
    for words in ('value="nobody"', 'value="Ada"', "Write the whole address, such as", "#line1"):
        assert words in visitor.text
    assert await connection.fetchval("SELECT shipping_address FROM cart") is None


@pytest.mark.parametrize("to", ["/checkout", "/checkout/delivery", "/checkout/address"])
async def test_the_chosen_delivery_stays_while_the_form_comes_back(
    visitor: Visitor, connection: Connection, pot: MadeProduct, to: str
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    express = delivery_of(visitor, "Express")
    await visitor.send("/checkout", to=to, changes=express, city="")
    assert visitor.page.status_code == 422
    assert express.items() <= visitor.form("/checkout").values.items()
    await visitor.send("/checkout", city="Berlin")
    assert "The total is another one than you saw" in visitor.text
    await visitor.send("/checkout")
    assert visitor.path.startswith("/orders/GS-")
    assert await connection.fetchval("SELECT total_minor FROM orders") == 3490


async def test_the_chosen_delivery_stays_when_the_bag_was_changed_elsewhere(
    visitor: Visitor, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    express, shown = delivery_of(visitor, "Express"), visitor.page
    await visitor.go("/bag")
    item = next(one for one in visitor.forms() if re.fullmatch(r"/bag/items/[^/]+", one.action))
    await visitor.send(item.action, quantity="2")
    visitor.page = shown
    await visitor.send("/checkout", changes=express)
    assert visitor.page.status_code == 409
    assert express.items() <= visitor.form("/checkout").values.items()


async def test_a_way_to_pay_that_is_gone_leaves_the_form(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.send("/checkout", payment_method="stripe", phone="0301234")
    assert visitor.page.status_code == 422
    assert "That way to pay isn&#39;t offered here" in visitor.text
    assert visitor.form("/checkout").values["phone"] == "0301234"
    assert await count(connection, "orders") == 0
    await visitor.send("/checkout", payment_token="tok_declined")
    retry = visitor.path
    await visitor.send(retry, payment_method="stripe", gift_card_code="0000")
    assert visitor.page.status_code == 422
    assert "That way to pay isn&#39;t offered here" in visitor.text
    assert visitor.form(retry).values["gift_card_code"] == "0000"
    await visitor.send(retry, gift_card_code="", payment_token="tok_ok")
    assert visitor.path == retry.removesuffix("/pay")


async def test_a_bank_that_asks_first_gets_its_answer(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.send("/checkout", payment_token="tok_requires_action")
    assert visitor.path.startswith("/sandbox/pay/")
    bank = visitor.path
    assert "€29.90" in visitor.text
    await visitor.send(bank, answer="approve")
    assert "Thank you, Ada." in visitor.text
    receipt = visitor.path
    assert await connection.fetchval("SELECT status FROM orders") == "paid"
    await visitor.go(bank)
    assert visitor.path == receipt, "an answered question isn't asked again"


async def test_a_bank_that_is_told_no_declines(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.send("/checkout", payment_token="tok_requires_action")
    await visitor.send(visitor.path, answer="decline")
    assert visitor.path.endswith("/pay")
    assert "The payment was declined" in visitor.text
    assert await reserved(connection, pot) == 1


async def test_a_slow_bank_is_waited_for(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.send("/checkout", payment_token="tok_timeout_then_ok")
    assert visitor.path.startswith("/orders/GS-")
    assert "We are waiting for your payment" in visitor.text
    assert '<noscript><meta http-equiv="refresh"' in visitor.text
    assert f'hx-get="{visitor.path}"' in visitor.text
    assert "Thank you" not in visitor.text


async def test_a_paid_order_is_cancelled_before_it_is_sent(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.send("/checkout")
    assert "Cancel and get €29.90 back" in visitor.text
    await visitor.send(visitor.path + "/cancel")
    assert "The order is cancelled" in visitor.text
    assert "−€29.90" in visitor.text
    assert "Sent back" in visitor.text
    assert await reserved(connection, pot) == 0


async def test_a_cancelled_order_says_when_its_refund_was_declined(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    await visitor.send("/checkout", payment_token="tok_refund_declined")
    order = visitor.path
    form = visitor.form(f"{order}/cancel")
    await visitor.send(f"{order}/cancel")
    assert "The provider declined to send the money back" in visitor.text
    assert "What was paid goes back the way it came" not in visitor.text
    # Sent once more it says the same.
    again = await visitor.client.post(form.action, data=form.values, follow_redirects=True)
    assert "The provider declined to send the money back" in again.text


async def test_a_coupon_is_taken_off_and_a_wrong_one_told(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    code = await make_coupon(connection, code="SPRING")
    await put_in_bag(visitor, "/p/tea-pot")
    await visitor.send("/bag/coupons", code="NOBODY")
    assert visitor.page.status_code == 422
    assert "We don&#39;t know this code" in visitor.text
    assert 'value="NOBODY"' in visitor.text
    await visitor.send("/bag/coupons", code=code.lower())
    assert "−€2.50" in visitor.text
    await visitor.send("/bag/coupons/remove")
    assert "−€2.50" not in visitor.text


async def test_the_bag_changes_by_its_forms(
    visitor: Visitor, connection: Connection, pot: MadeProduct
) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    item_id = UUID(visitor.form("/bag/items/").action.rpartition("/")[2])
    await visitor.send(f"/bag/items/{item_id}", quantity="3")
    assert await connection.fetchval("SELECT quantity FROM cart_item") == 3
    await visitor.send(f"/bag/items/{item_id}", quantity="9")
    assert visitor.page.status_code == 409
    assert "Only 3 of Tea pot are left" in visitor.text
    assert await connection.fetchval("SELECT quantity FROM cart_item") == 3
    await visitor.send(f"/bag/items/{item_id}/remove")
    assert "Your bag is empty" in visitor.text


async def test_signing_in_brings_the_bag_along(
    visitor: Visitor,
    connection: Connection,
    resources: Resources,
    client: httpx2.AsyncClient,
    pot: MadeProduct,
) -> None:
    await put_in_bag(visitor, "/p/tea-pot", 2)
    await visitor.go("/register?next=/bag")
    await visitor.send(
        "/register", name="Ada Lovelace", email="ada@example.com", password="a quiet green kettle"
    )
    assert visitor.path == "/bag"
    assert "Your account is made" in visitor.text
    assert "bag" not in client.cookies
    row = await connection.fetchrow(
        "SELECT sum(quantity) AS units FROM cart_item JOIN cart ON cart.id = cart_id"
        " WHERE user_id IS NOT NULL AND status = 'open'"
    )
    assert row is not None
    assert row["units"] == 2
    await reach_payment(visitor)
    await visitor.send("/checkout")
    assert "Thank you, Ada." in visitor.text
    number = visitor.path.rpartition("/")[2]
    assert "orders" not in client.cookies, "an account needs no key"
    await visitor.go("/orders")
    assert number in visitor.text
    await visitor.send("/sign-out")
    assert "You are signed out." in visitor.text
    await visitor.go(f"/orders/{number}")
    assert visitor.page.status_code == 404
    await visitor.go("/sign-in?next=//evil.example/")
    await visitor.send("/sign-in", email="ada@example.com", password="a quiet grey kettle")
    assert visitor.page.status_code == 422
    assert "isn&#39;t right" in visitor.text
    assert 'value="ada@example.com"' in visitor.text
    assert "grey kettle" not in visitor.text
    await visitor.send("/sign-in", password="a quiet green kettle")
    assert visitor.path == "/"
