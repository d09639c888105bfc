"""Many buyers at once: nobody gets what isn't there, nobody pays twice."""

import asyncio
from collections import Counter

import httpx2
import pytest

from gosellr.core.transact import transact
from gosellr.resources import Resources
from gosellr.utils.catalogue import OptionAxis
from tests.factories.catalogue import make_product, make_shelf_seller, variant_draft
from tests.factories.orders import order_body, place

ROUNDS = 20
BUYERS = 100


async def facts(live: Resources) -> dict[str, int]:
    """Counts that have to agree with each other."""
    async with live.db.connection() as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM orders) AS orders,"
            " (SELECT count(*) FROM payment WHERE status = 'captured') AS captured,"
            " (SELECT count(*) FROM stock_reservation) AS holds,"
            " (SELECT COALESCE(sum(reserved), 0) FROM stock_level) AS reserved,"
            " (SELECT count(*) FROM ledger_transaction WHERE kind = 'sale') AS sales"
        )
    assert row is not None
    return dict(row)


@pytest.mark.case(1)
@pytest.mark.case(5)
async def test_case_1_case_5_one_unit_a_hundred_buyers(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    for number in range(1, ROUNDS + 1):
        product = await transact(live.db, make_product, seller=seller_id, stock=1)
        body = order_body((product.variant_id, 1))
        answers = await asyncio.gather(*(place(live_client, body) for _ in range(BUYERS)))
        codes = Counter(answer.json().get("code", "placed") for answer in answers)
        assert codes == {"placed": 1, "out_of_stock": BUYERS - 1}
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: BUYERS - 1}
        assert await facts(live) == dict.fromkeys(
            ("orders", "captured", "holds", "reserved", "sales"), number
        )


@pytest.mark.case(22)
async def test_case_22_one_key_twenty_times_at_once(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    product = await transact(live.db, make_product, seller=seller_id, stock=50)
    body = order_body((product.variant_id, 1))
    answers = await asyncio.gather(*(place(live_client, body, key="one") for _ in range(20)))
    placed = [answer for answer in answers if answer.status_code == 201]
    rest = [answer for answer in answers if answer.status_code != 201]
    assert placed
    assert len({answer.json()["id"] for answer in placed}) == 1
    assert {answer.json()["code"] for answer in rest} <= {"idempotency_in_progress"}
    assert await facts(live) == dict.fromkeys(
        ("orders", "captured", "holds", "reserved", "sales"), 1
    )


@pytest.mark.case(7)
async def test_case_7_the_same_goods_in_other_orders_of_lines(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    product = await transact(
        live.db,
        make_product,
        seller=seller_id,
        options=(OptionAxis("Colour", ("red", "blue")),),
        variants=[
            variant_draft(stock=200, options={"Colour": "red"}),
            variant_draft(stock=200, options={"Colour": "blue"}),
        ],
    )
    first, second = product.variant_ids
    bodies = [order_body((first, 1), (second, 1)), order_body((second, 1), (first, 1))]
    answers = await asyncio.gather(*(place(live_client, bodies[turn % 2]) for turn in range(100)))
    assert Counter(answer.status_code for answer in answers) == {201: 100}
    assert (await facts(live))["reserved"] == 200


@pytest.mark.case(15)
@pytest.mark.case(16)
async def test_case_15_case_16_paying_again_at_once_charges_once(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    product = await transact(live.db, make_product, seller=seller_id, stock=5)
    declined = await place(live_client, order_body((product.variant_id, 1), token="tok_declined"))
    order_id, token = declined.json()["order_id"], declined.json()["access_token"]
    answers = await asyncio.gather(
        *(
            live_client.post(
                f"/api/v1/orders/{order_id}/payments",
                json={"payment_method": "sandbox", "payment_token": "tok_ok"},
                headers={"Idempotency-Key": f"key-{turn % 5}", "X-Order-Token": token},
            )
            for turn in range(20)
        )
    )
    codes = Counter(answer.json().get("code", "paid") for answer in answers)
    assert set(codes) <= {
        "paid",
        "not_payable",
        "payment_in_progress",
        "idempotency_in_progress",
    }
    assert codes["paid"] >= 1
    assert (await facts(live))["captured"] == 1
