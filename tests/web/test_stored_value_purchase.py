"""Paying with gift cards and credit on the pages, by plain forms."""

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.accounts import make_seller
from tests.factories.catalogue import NOW, MadeProduct, make_product
from tests.factories.stored_value import held_for_orders, left_on, make_card
from tests.web.visitor import Visitor, put_in_bag, reach_payment


@pytest.fixture
def visitor(client: httpx2.AsyncClient) -> Visitor:
    return Visitor(client)


@pytest.fixture
async def pot(connection: Connection) -> MadeProduct:
    """€25.00."""
    seller = await make_seller(connection, now=NOW, name="Kettle & Co")
    return await make_product(
        connection, seller=seller.id, title="Tea pot", price_minor=2500, stock=3
    )


async def at_payment(visitor: Visitor) -> None:
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)


async def test_a_gift_card_pays_its_part_and_the_card_the_rest(
    visitor: Visitor, resources: Resources, connection: Connection, pot: MadeProduct
) -> None:
    card_id, code = await make_card(resources, 1000)
    await at_payment(visitor)
    await visitor.send("/checkout", gift_card_code=code.lower(), payment_token="tok_ok")
    assert visitor.path.startswith("/orders/GS-"), visitor.text
    for words in ("How you paid", "Gift card", "€10.00", "Test card", "€15.00"):
        assert words in visitor.text
    assert "Paid with gift card and test card." in visitor.text
    assert code not in visitor.text
    assert await left_on(resources, card_id) == 0


async def test_a_gift_card_that_pays_it_all_asks_no_bank(
    visitor: Visitor, resources: Resources, connection: Connection, pot: MadeProduct
) -> None:
    card_id, code = await make_card(resources, 9000)
    await at_payment(visitor)
    await visitor.send("/checkout", gift_card_code=code, payment_token="tok_declined")
    assert "Paid with gift card." in visitor.text
    assert await left_on(resources, card_id) == 6500


async def test_a_wrong_code_is_told_at_its_field_and_nothing_is_lost(
    visitor: Visitor, resources: Resources, connection: Connection, pot: MadeProduct
) -> None:
    await at_payment(visitor)
    await visitor.send("/checkout", gift_card_code="0000-0000-0000-0000", payment_token="tok_ok")
    assert visitor.page.status_code == 422
    assert 'id="gift_card_code-error"' in visitor.text
    form = visitor.form("/checkout")
    assert form.values["gift_card_code"] == "0000-0000-0000-0000"
    assert form.values["name"] == "Ada Lovelace"
    assert await connection.fetchval("SELECT count(*) FROM orders") == 0
    _, code = await make_card(resources, 1000)
    await visitor.send("/checkout", gift_card_code=code, payment_token="tok_ok")
    assert visitor.path.startswith("/orders/GS-")


async def test_after_a_declined_card_only_the_rest_is_asked_for(
    visitor: Visitor, resources: Resources, connection: Connection, pot: MadeProduct
) -> None:
    _, code = await make_card(resources, 1000)
    await at_payment(visitor)
    await visitor.send("/checkout", gift_card_code=code, payment_token="tok_declined")
    assert visitor.path.endswith("/pay")
    assert "Pay €15.00" in visitor.text
    assert "is set aside for this order" in visitor.text
    assert await held_for_orders(connection) == 1000
    await visitor.send(visitor.path, payment_token="tok_ok")
    assert "Paid with gift card and test card." in visitor.text
    assert await held_for_orders(connection) == 0
