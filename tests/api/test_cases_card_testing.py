"""Card testing: whoever tries many cards is stopped before a gateway hears of them, everywhere."""

from collections import Counter
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from gosellr.config import Settings
from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.resources import Resources
from tests.factories.catalogue import MadeProduct, make_product, make_shelf_seller
from tests.factories.orders import order_body, place
from tests.factories.terms import make_delivery
from tests.web.visitor import Visitor, put_in_bag, reach_payment


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The test's settings, with limits."""
    return settings.model_copy(update={"rate_limits": True})


@pytest.fixture
async def lamp(connection: Connection) -> MadeProduct:
    seller_id = await make_shelf_seller(connection)
    await make_delivery(connection, seller_id=seller_id, price_minor=490)
    return await make_product(connection, seller=seller_id, price_minor=2500, stock=100)


async def charges(resources: Resources) -> int:
    sandbox: Any = resources.gateways["sandbox"]
    return len(await sandbox.journal())


def body(lamp: MadeProduct, *, token: str, number: int) -> dict[str, Any]:
    return order_body((lamp.variant_id, 1), token=token, email=f"{number}@example.com")


async def pay(
    client: httpx2.AsyncClient, declined: dict[str, Any], *, token: str, number: int
) -> httpx2.Response:
    """Try another card on an order."""
    return await client.post(
        f"/api/v1/orders/{declined['order_id']}/payments",
        json={"payment_method": "sandbox", "payment_token": token},
        headers={"Idempotency-Key": str(number), "X-Order-Token": declined["access_token"]},
    )


@pytest.mark.case(75)
async def test_case_75_ten_declined_cards_of_an_address_and_no_more(
    client: httpx2.AsyncClient, resources: Resources, clock: ManualClock, lamp: MadeProduct
) -> None:
    answers = [
        await place(client, body(lamp, token="tok_declined", number=number)) for number in range(15)
    ]
    assert [answer.status_code for answer in answers] == [402] * 10 + [429] * 5
    assert answers[-1].json()["code"] == "too_many_requests"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 600
    assert await charges(resources) == 10
    # Whoever was refused kept no stock either.
    clock.advance(timedelta(minutes=20))
    assert (await place(client, body(lamp, token="tok_ok", number=99))).status_code == 201


@pytest.mark.case(75)
async def test_case_75_thirty_orders_of_an_address_and_no_more(
    client: httpx2.AsyncClient, resources: Resources, connection: Connection, lamp: MadeProduct
) -> None:
    statuses = Counter[int]()
    for number in range(32):
        answer = await place(client, body(lamp, token="tok_ok", number=number))
        statuses[answer.status_code] += 1
    assert statuses == {201: 30, 429: 2}
    assert await charges(resources) == 30
    assert await connection.fetchval("SELECT sum(reserved) FROM stock_level") == 30


@pytest.mark.case(75)
async def test_case_75_one_order_takes_six_bad_cards_on_the_other_path(
    client: httpx2.AsyncClient, resources: Resources, lamp: MadeProduct
) -> None:
    declined = (await place(client, body(lamp, token="tok_declined", number=0))).json()
    statuses = [
        (await pay(client, declined, token="tok_declined", number=number)).status_code
        for number in range(8)
    ]
    assert statuses == [402] * 5 + [429] * 3
    assert await charges(resources) == 6


@pytest.mark.case(75)
async def test_case_75_a_card_in_parts_counts_each_part(
    client: httpx2.AsyncClient, resources: Resources, lamp: MadeProduct
) -> None:
    parts = [
        {
            "method": "sandbox",
            "token": "tok_declined",
            "amount": {"amount": 1000, "currency": "EUR"},
        },
        {"method": "sandbox", "token": "tok_declined"},
    ]
    statuses = []
    for number in range(7):
        request = body(lamp, token="", number=number) | {
            "payment_method": parts,
            "payment_token": None,
        }
        statuses.append((await place(client, request)).status_code)
    assert statuses == [402] * 5 + [429] * 2
    assert await charges(resources) == 10


@pytest.mark.case(75)
@pytest.mark.parametrize("who", ["card", "buyer"])
async def test_case_75_one_card_or_one_buyer_from_many_addresses(
    client: httpx2.AsyncClient, resources: Resources, lamp: MadeProduct, who: str
) -> None:
    transport: Any = client._transport
    statuses = []
    for number in range(12):
        transport.client = (f"203.0.113.{number}", 4711)
        token = "stolen" if who == "card" else f"stolen-{number}"
        request = body(lamp, token=token, number=number if who == "card" else 0)
        statuses.append((await place(client, request)).status_code)
    assert statuses == [402] * 10 + [429] * 2
    assert await charges(resources) == 10


@pytest.mark.case(75)
async def test_case_75_the_pages_count_together_with_the_api(
    client: httpx2.AsyncClient, resources: Resources, lamp: MadeProduct
) -> None:
    for number in range(9):
        await place(client, body(lamp, token="tok_declined", number=number))
    visitor = Visitor(client)
    await put_in_bag(visitor, "/p/lamp")
    await reach_payment(visitor)
    await visitor.send("/checkout", payment_method="sandbox", payment_token="tok_declined")
    assert visitor.path.endswith("/pay")
    assert await charges(resources) == 10
    await visitor.send(visitor.path, payment_method="sandbox", payment_token="tok_ok")
    assert visitor.page.status_code == 429
    assert await charges(resources) == 10


@pytest.mark.case(75)
async def test_case_75_asking_again_under_the_same_key_counts_once(
    client: httpx2.AsyncClient, lamp: MadeProduct
) -> None:
    request = body(lamp, token="tok_ok", number=0)
    for _ in range(40):
        assert (await place(client, request, key="once")).status_code == 201
    assert (await place(client, body(lamp, token="tok_ok", number=1))).status_code == 201
