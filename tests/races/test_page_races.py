"""Forms sent by many hands at once: an impatient buyer, and two who want the last one."""

import asyncio

import httpx2
import pytest

from gosellr.core.transact import transact
from gosellr.resources import Resources
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.web.visitor import HTML, Visitor, put_in_bag, reach_payment


async def counts(live: Resources) -> tuple[int, int, int]:
    """Orders, captured payments, and held pieces."""
    async with live.db.connection() as connection:
        row = await connection.fetchrow(
            "SELECT (SELECT count(*) FROM orders) AS orders,"
            " (SELECT count(*) FROM payment WHERE status = 'captured') AS captured,"
            " (SELECT sum(reserved) FROM stock_level)::bigint AS held"
        )
    assert row is not None
    return tuple(row)


@pytest.mark.case(16)
async def test_case_16_ten_presses_of_the_button_are_one_order_and_one_receipt(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    await transact(live.db, make_product, seller=seller_id, title="Tea pot", stock=50)
    visitor = Visitor(live_client)
    await put_in_bag(visitor, "/p/tea-pot")
    await reach_payment(visitor)
    form = visitor.form("/checkout").values
    answers = await asyncio.gather(
        *(live_client.post("/checkout", data=form, headers=HTML) for _ in range(10))
    )
    assert {answer.status_code for answer in answers} == {303}
    assert {answer.headers["location"] for answer in answers} == {"/orders/GS-10001"}
    assert await counts(live) == (1, 1, 1)
    await visitor.go("/orders/GS-10001")
    assert visitor.page.status_code == 200


@pytest.mark.case(1)
async def test_case_1_the_last_one_is_sold_once_and_the_other_is_told(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    await transact(live.db, make_product, seller=seller_id, title="Tea pot", stock=1)
    forms, cookies = [], []
    for _ in range(2):
        live_client.cookies.clear()
        visitor = Visitor(live_client)
        await put_in_bag(visitor, "/p/tea-pot")
        await reach_payment(visitor)
        forms.append(visitor.form("/checkout").values)
        cookies.append("; ".join(f"{k}={v}" for k, v in live_client.cookies.items()))
    live_client.cookies.clear()
    answers = await asyncio.gather(
        *(
            live_client.post("/checkout", data=form, headers={**HTML, "Cookie": cookie})
            for form, cookie in zip(forms, cookies, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [303, 409]
    [loser] = [answer for answer in answers if answer.status_code == 409]
    assert "somebody else was a little faster" in loser.text
    assert await counts(live) == (1, 1, 1)
