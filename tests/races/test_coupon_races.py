"""Many orders with one code at once: it is used as often as it may be, and not once more."""

import asyncio
from collections import Counter
from uuid import UUID

import httpx2
import pytest

from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.queries import coupons
from gosellr.resources import Resources
from tests.factories.catalogue import make_product, make_shelf_seller
from tests.factories.orders import order_body, place
from tests.factories.sales import make_buyer
from tests.factories.terms import make_coupon

BURST = 20

# Of each coupon: the counter, the uses that are held, and what was given away by them.
USES = """
SELECT coupon.used_count,
       (SELECT count(*) FROM coupon_redemption AS use
        WHERE use.coupon_id = coupon.id AND use.status <> 'released') AS uses,
       (SELECT COALESCE(sum(use.discount_minor), 0)::bigint FROM coupon_redemption AS use
        WHERE use.coupon_id = coupon.id) AS given_minor,
       (SELECT COALESCE(sum(personal.used_count), 0)::bigint FROM coupon_customer AS personal
        WHERE personal.coupon_id = coupon.id) AS personal
FROM coupon WHERE code = $1
"""


async def uses(live: Resources, code: str) -> tuple[int, ...]:
    async with live.db.connection() as connection:
        row = await connection.fetchrow(USES, code)
    assert row is not None
    return tuple(row)


async def orders(live: Resources) -> int:
    async with live.db.connection() as connection:
        count: int = await connection.fetchval("SELECT count(*) FROM orders")
    return count


@pytest.mark.case(47)
@pytest.mark.parametrize("limit", [1, 3])
async def test_case_47_a_code_is_used_no_more_often_than_it_may_be(
    live: Resources, live_client: httpx2.AsyncClient, limit: int
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    product = await transact(live.db, make_product, seller=seller_id, stock=100, price_minor=1000)
    code = await transact(live.db, make_coupon, limit_total=limit)
    answers = await asyncio.gather(
        *(
            place(
                live_client,
                order_body(
                    (product.variant_id, 1), coupons=[code], email=f"buyer-{number}@example.com"
                ),
            )
            for number in range(BURST)
        )
    )
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {201: limit, 409: BURST - limit}
    refusals = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert refusals <= {"coupon_used_up", "coupon_refused"}
    assert await uses(live, code) == (limit, limit, limit * 100, limit)
    assert await orders(live) == limit


@pytest.mark.case(48)
async def test_case_48_a_customer_uses_a_code_no_more_often_than_they_may(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    product = await transact(live.db, make_product, seller=seller_id, stock=100, price_minor=1000)
    code = await transact(live.db, make_coupon, limit_per_customer=2, limit_total=50)
    spellings = ("ada@example.com", "Ada@Example.com")
    answers = await asyncio.gather(
        *(
            place(
                live_client,
                order_body((product.variant_id, 1), coupons=[code], email=spellings[number % 2]),
            )
            for number in range(BURST)
        )
    )
    statuses = Counter(answer.status_code for answer in answers)
    assert statuses == {201: 2, 409: BURST - 2}
    assert await uses(live, code) == (2, 2, 200, 2)
    assert await orders(live) == 2
    other = await place(
        live_client, order_body((product.variant_id, 1), coupons=[code], email="bob@example.com")
    )
    assert other.status_code == 201
    assert await uses(live, code) == (3, 3, 300, 3)


async def test_an_account_and_a_guest_with_its_address_share_what_a_customer_may_use(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    product = await transact(live.db, make_product, seller=seller_id, stock=100, price_minor=1000)
    user = await transact(live.db, make_buyer)
    code = await transact(live.db, make_coupon, limit_per_customer=1)
    async with live.db.connection() as connection:
        coupon_id = await connection.fetchval("SELECT id FROM coupon WHERE code = $1", code)
    placed = [await place(live_client, order_body((product.variant_id, 1))) for _ in range(2)]
    order_ids = [UUID(answer.json()["id"]) for answer in placed]

    async def use(connection: Connection, order_id: UUID, key: str) -> set[UUID]:
        return await coupons.claim(
            connection, discounts={coupon_id: 100}, order_id=order_id, customer_key=key,
            now=live.clock.now(),
        )  # fmt: skip

    async with live.db.connection() as connection:
        first = connection.transaction()
        await first.start()
        assert await use(connection, order_ids[0], str(user.id)) == {coupon_id}
        second = asyncio.create_task(
            transact(live.db, use, order_id=order_ids[1], key=user.email.lower())
        )
        # The second one waits for the coupon's row, however long the first one takes.
        async with live.db.connection() as watching:
            for _ in range(1000):
                waits = "SELECT count(*) FROM pg_locks WHERE NOT granted"
                if await watching.fetchval(waits):
                    break
        await first.commit()
    assert await second == set()


async def test_codes_in_either_order_never_block_each_other(
    live: Resources, live_client: httpx2.AsyncClient
) -> None:
    seller_id = await transact(live.db, make_shelf_seller)
    product = await transact(live.db, make_product, seller=seller_id, stock=100, price_minor=1000)
    codes = [await transact(live.db, make_coupon) for _ in range(2)]
    answers = await asyncio.gather(
        *(
            place(
                live_client,
                order_body(
                    (product.variant_id, 1),
                    coupons=codes if number % 2 else codes[::-1],
                    email=f"buyer-{number}@example.com",
                ),
            )
            for number in range(BURST)
        )
    )
    assert Counter(answer.status_code for answer in answers) == {201: BURST}
    assert [await uses(live, code) for code in codes] == [
        (BURST, BURST, 10 * 100 + 10 * 90, BURST)
    ] * 2
