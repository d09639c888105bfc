"""Paying by bank transfer and in cash on the pages, by plain forms."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.services import cash_terms_service
from tests.factories.accounts import TestSeller, make_operator, make_seller
from tests.factories.catalogue import NOW, make_product
from tests.factories.payouts import wrong_with
from tests.factories.transfers import doors, offline
from tests.web.people import enter
from tests.web.visitor import Visitor, put_in_bag, reach_payment


@pytest.fixture
def market(resources: Resources) -> Resources:
    return offline(resources)


@pytest.fixture
async def web(market: Resources) -> AsyncIterator[httpx2.AsyncClient]:
    async with doors(market) as caller:
        yield caller


@pytest.fixture
async def visitor(web: httpx2.AsyncClient, seller: TestSeller) -> Visitor:
    visitor = Visitor(web)
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    return visitor


@pytest.fixture
async def seller(connection: Connection) -> TestSeller:
    """Sells a pot for €25.00."""
    seller = await make_seller(connection, now=NOW, name="Kettle & Co")
    await make_product(connection, seller=seller.id, title="Tea pot", price_minor=2500, stock=3)
    return seller


async def test_the_page_says_where_to_pay_and_another_way_stays_open(
    visitor: Visitor, market: Resources, connection: Connection
) -> None:
    assert "Bank transfer" in visitor.text
    assert "Cash on delivery" not in visitor.text
    await visitor.send("/checkout", payment_method="bank_transfer")
    assert visitor.path.startswith("/orders/GS-"), visitor.text
    reference = await connection.fetchval("SELECT gateway_reference FROM payment")
    for words in (
        "Pay by bank transfer",
        "€25.00",
        "Market Halls Ltd",
        "DE89 3704 0044 0532 0130 00",
        "COBADEFF",
        f"{reference[:4]} {reference[4:8]} {reference[8:12]} {reference[12:]}",
        "Pay another way",
    ):
        assert words in visitor.text
    number = visitor.path.rpartition("/")[2]
    await visitor.go(f"/orders/{number}/pay")
    await visitor.send(f"/orders/{number}/pay", payment_method="sandbox", payment_token="tok_ok")
    assert "Paid with test card." in visitor.text
    assert "Pay by bank transfer" not in visitor.text
    assert await wrong_with(connection, market) == []


async def test_cash_is_offered_where_the_seller_takes_it(
    visitor: Visitor, market: Resources, connection: Connection, seller: TestSeller
) -> None:
    await transact(
        market.db,
        cash_terms_service.change_terms,
        viewer=seller.viewer,
        seller_id=seller.id,
        limits_minor={"EUR": 2500},
        now=market.clock.now(),
    )
    await visitor.go("/checkout")
    assert "Cash on delivery" in visitor.text
    await visitor.send("/checkout", payment_method="cash_on_delivery")
    assert visitor.path.startswith("/orders/GS-"), visitor.text
    for words in ("You pay in cash at the door", "€25.00", "Being packed"):
        assert words in visitor.text
    assert "Pay now" not in visitor.text
    assert await connection.fetchval("SELECT status FROM orders") == "processing"
    assert await wrong_with(connection, market) == []


async def test_the_chosen_way_to_pay_stays_chosen_when_the_form_comes_back(
    visitor: Visitor, connection: Connection
) -> None:
    await visitor.send("/checkout", payment_method="bank_transfer", gift_card_code="NOSUCHCARD")
    assert visitor.page.status_code == 422
    assert visitor.form("/checkout").values["payment_method"] == "bank_transfer"
    await visitor.send("/checkout", email="nobody")
    assert visitor.page.status_code == 422
    assert visitor.form("/checkout").values["payment_method"] == "bank_transfer"
    await visitor.send("/checkout", to="/checkout/delivery", email="ada@example.com")
    assert visitor.page.status_code == 200
    assert visitor.form("/checkout").values["payment_method"] == "bank_transfer"
    assert await connection.fetchval("SELECT count(*) FROM payment") == 0


async def test_a_gift_card_that_isn_t_one_is_told_where_an_order_is_paid_again(
    visitor: Visitor, connection: Connection
) -> None:
    await visitor.send("/checkout", payment_method="sandbox", payment_token="tok_declined")
    path = visitor.path
    assert path.endswith("/pay")
    await visitor.send(path, payment_method="bank_transfer", gift_card_code="NOSUCHCARD")
    assert visitor.page.status_code == 422
    assert 'id="gift_card_code-error"' in visitor.text
    assert visitor.form(path).values["payment_method"] == "bank_transfer"
    assert visitor.form(path).values["gift_card_code"] == "NOSUCHCARD"
    await visitor.send(path, gift_card_code="")
    assert "Pay by bank transfer" in visitor.text
    assert await connection.fetchval("SELECT count(*) FROM payment") == 2


async def test_only_who_can_be_asked_is_offered_to_be_asked(
    web: httpx2.AsyncClient, market: Resources, connection: Connection
) -> None:
    visitor = Visitor(web)
    await enter(visitor, market, await make_operator(connection, now=NOW))
    await visitor.go("/operator/reconciliation")
    assert "Fetch from sandbox" in visitor.text
    assert "Fetch from bank_transfer" not in visitor.text
    assert "Fetch from cash_on_delivery" not in visitor.text
