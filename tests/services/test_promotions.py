"""The uses of a coupon: taken with an order, final when it is paid, given back once."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from gosellr.core.db import Connection
from gosellr.core.identity import new_id
from gosellr.queries import market_terms
from gosellr.queries.market_terms import OfferedCoupon
from gosellr.services import promotion_service
from gosellr.services.promotion_service import CouponUsedUp
from tests.factories.accounts import make_user
from tests.factories.terms import make_coupon

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


async def make_order(connection: Connection) -> UUID:
    """As much of an order as a use of a coupon refers to."""
    order_id = new_id()
    await connection.execute(
        "INSERT INTO orders (id, number, email, currency, tax_included, subtotal_minor,"
        " discount_minor, shipping_minor, tax_minor, total_minor, shipping_address, placed_at)"
        " VALUES ($1, nextval('order_number'), 'ada@example.com', 'EUR', true, 0, 0, 0, 0, 0,"
        " '{}', $2)",
        order_id,
        NOW,
    )
    return order_id


async def offered(connection: Connection, *codes: str) -> list[OfferedCoupon]:
    found = await market_terms.load_coupons(connection, codes=codes, currency="EUR", now=NOW)
    return [found[code.lower()] for code in codes]


async def claim(
    connection: Connection, coupons: list[OfferedCoupon], *, customer: str = "ada@example.com"
) -> UUID:
    order_id = await make_order(connection)
    async with connection.transaction():
        await promotion_service.claim(
            connection,
            coupons=coupons,
            order_id=order_id,
            customer_key=customer,
            discounts={coupon.terms.code.upper(): 100 for coupon in coupons},
            now=NOW,
        )
    return order_id


async def counters(connection: Connection, code: str) -> tuple[int, int, list[tuple[str, int]]]:
    used, personal = await connection.fetchrow(  # type: ignore[misc]
        "SELECT used_count, (SELECT COALESCE(sum(used_count), 0)::int FROM coupon_customer"
        " WHERE coupon_id = coupon.id) FROM coupon WHERE code = $1",
        code,
    )
    rows = await connection.fetch(
        "SELECT use.status, use.discount_minor FROM coupon_redemption AS use"
        " JOIN coupon ON coupon.id = use.coupon_id WHERE code = $1 ORDER BY use.order_id",
        code,
    )
    return used, personal, [tuple(row) for row in rows]


async def test_a_use_is_held_then_final(connection: Connection) -> None:
    code = await make_coupon(connection, limit_total=1)
    order_id = await claim(connection, await offered(connection, code))
    assert await counters(connection, code) == (1, 1, [("held", 100)])
    assert await promotion_service.redeem(connection, order_id=order_id) == 1
    assert await promotion_service.release(connection, order_id=order_id) == 0
    assert await counters(connection, code) == (1, 1, [("redeemed", 100)])


@pytest.mark.case(11)
async def test_case_11_a_use_is_given_back_once(connection: Connection) -> None:
    codes = [await make_coupon(connection, limit_total=2) for _ in range(2)]
    coupons = await offered(connection, *codes)
    kept, dropped = await claim(connection, coupons), await claim(connection, coupons)
    assert await promotion_service.release(connection, order_id=dropped) == 2
    assert await promotion_service.release(connection, order_id=dropped) == 0
    assert await promotion_service.redeem(connection, order_id=dropped) == 0
    for code in codes:
        assert await counters(connection, code) == (1, 1, [("held", 100), ("released", 100)])
    assert await promotion_service.redeem(connection, order_id=kept) == 2
    await claim(connection, coupons)
    assert (await counters(connection, codes[0]))[:2] == (2, 2)


@pytest.mark.case(48)
async def test_case_48_all_coupons_of_an_order_or_none(connection: Connection) -> None:
    free = await make_coupon(connection)
    last = await make_coupon(connection, limit_total=1)
    personal = await make_coupon(connection, limit_per_customer=1)
    coupons = await offered(connection, free, last, personal)
    await claim(connection, coupons)
    before = [await counters(connection, code) for code in (free, last, personal)]
    with pytest.raises(CouponUsedUp) as error:
        await claim(connection, coupons)
    assert error.value.extras == {"coupons": [last, personal]}
    with pytest.raises(CouponUsedUp) as error:
        await claim(connection, coupons, customer="bob@example.com")
    assert error.value.extras == {"coupons": [last]}
    assert [await counters(connection, code) for code in (free, last, personal)] == before
    # Whoever has had theirs isn't offered it any more; others are.
    for customer, known in (("ada@example.com", False), ("bob@example.com", True)):
        found = await market_terms.load_coupons(
            connection, codes=[personal, last], currency="EUR", customer_key=customer, now=NOW
        )
        assert set(found) == ({personal.lower()} if known else set())


@pytest.mark.parametrize(
    ("user_id", "email", "key"),
    [
        (UUID(int=7), "Ada@Example.com", str(UUID(int=7))),
        (None, "Ada@Example.com", "ada@example.com"),
        (None, None, None),
    ],
)
def test_who_a_use_counts_for(user_id: UUID | None, email: str | None, key: str | None) -> None:
    assert promotion_service.customer_key(user_id=user_id, email=email) == key


@pytest.mark.parametrize("guest_first", [True, False])
async def test_an_account_and_its_address_are_one_customer(
    connection: Connection, guest_first: bool
) -> None:
    code = await make_coupon(connection, limit_per_customer=2)
    coupons = await offered(connection, code)
    account = await make_user(connection, now=NOW, email="Ada@Example.com")
    names = [str(account.id), "ada@example.com"]
    if guest_first:
        names.reverse()
    first, second = names
    dropped = await claim(connection, coupons, customer=first)
    await claim(connection, coupons, customer=second)
    for name in names:
        with pytest.raises(CouponUsedUp):
            await claim(connection, coupons, customer=name)
        assert not await market_terms.load_coupons(
            connection, codes=[code], currency="EUR", customer_key=name, now=NOW
        )
    # Another one's use counts for nobody else, and one that is given back counts no more.
    await claim(connection, coupons, customer="bob@example.com")
    assert await promotion_service.release(connection, order_id=dropped) == 1
    await claim(connection, coupons, customer=second)
    with pytest.raises(CouponUsedUp):
        await claim(connection, coupons, customer=first)
