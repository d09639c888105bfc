"""Goodwill of the marketplace that its gateway doesn't answer: nothing returns it meanwhile."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask
from gosellr.flows import refunds
from gosellr.models.order_values import Order
from gosellr.resources import Resources
from gosellr.services import dispute_claims, refund_questions
from gosellr.services.refund_goodwill import GoodwillUnderWay
from gosellr.services.refund_plan import RefundRequest
from gosellr.utils.refunds import CommissionReversal
from tests.factories.disputes import (
    OPERATOR,
    accept,
    bank_decides,
    delivered,
    open_case,
    reread,
    take_back,
)
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    cancel,
    make_buyer,
    make_commission,
    make_shop,
    part_of,
    read,
    refund,
    seller_owes,
    ship,
)
from tests.factories.stored_value import by_bank, credit_of


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    """10.00 a piece, 10 % commission and its VAT."""
    await make_commission(connection)
    return await make_shop(connection, price_minor=1000)


async def given(resources: Resources, shop: Shop, order: Order) -> None:
    """The market gives 30.00, and its gateway doesn't say whether they arrive."""
    gift = await refund(
        resources, order, shop, viewer=OPERATOR, amount_minor=3000, by_marketplace=True
    )
    assert gift.status == "unknown"


async def answered(resources: Resources, clock: ManualClock) -> None:
    clock.advance(timedelta(minutes=1))
    assert await refunds.resume_refunds(resources.refunds) == 1


@pytest.mark.parametrize(
    ("token", "back"),
    [("tok_refund_timeout_then_declined", 10_000), ("tok_refund_timeout_then_ok", 7000)],
)
async def test_what_may_yet_be_refused_is_returned_by_no_refund(
    resources: Resources,
    connection: Connection,
    clock: ManualClock,
    shop: Shop,
    token: str,
    back: int,
) -> None:
    buyer = await make_buyer(connection)
    order = await buy(resources, (shop, 10), buyer=buyer, tenders=(by_bank(token),))
    await given(resources, shop, order)
    with pytest.raises(GoodwillUnderWay):
        await cancel(resources, order, viewer=shop.viewer)
    await ship(resources, order, shop)
    part = part_of(order, shop)
    request = RefundRequest(
        seller_order_id=part.id, reason="broken", items=((part.lines[0].id, 10),)
    )
    with pytest.raises(GoodwillUnderWay):
        await ask(
            resources.db, refund_questions.preview, viewer=shop.viewer, order_id=order.id,
            request=request, policy=resources.policy,
        )  # fmt: skip
    with pytest.raises(GoodwillUnderWay):
        await refund(resources, order, shop, units=10, to_store_credit=True)
    # What returns none of it is given as ever.
    some = await refund(resources, order, shop, units=5, to_store_credit=True)
    assert (some.amount_minor, some.effects["goodwill_returned_minor"]) == (5000, 0)
    await answered(resources, clock)
    rest = await refund(resources, order, shop, units=5, to_store_credit=True)
    returned = 10_000 - back
    assert rest.effects["goodwill_returned_minor"] == returned
    assert await credit_of(resources, buyer) == {"EUR": back}
    assert (await read(resources, order)).refunded_minor == 10_000
    # The market has what it earned of it, which is nothing, and the buyer all that they paid.
    assert await balances(connection) == {"gateway_clearing": back, "store_credit": -back}
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


async def test_a_case_is_decided_once_the_goodwill_is_answered(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    buyer = await make_buyer(connection)
    tender = by_bank("tok_refund_timeout_then_ok")
    order = await delivered(resources, (shop, 10), buyer=buyer, tenders=(tender,))
    await given(resources, shop, order)
    case = await open_case(resources, order, shop, viewer=buyer.viewer)
    assert (case.dispute.amount_minor, case.dispute.frozen_minor) == (7000, 8800)
    with pytest.raises(GoodwillUnderWay):
        await accept(resources, case, viewer=shop.viewer)
    assert (await reread(resources, case)).dispute.status == "awaiting_seller"
    await answered(resources, clock)
    decided = await accept(resources, case, viewer=shop.viewer)
    assert [one.amount_minor for one in decided.refunds] == [7000]
    await answered(resources, clock)
    assert await seller_owes(connection, shop) == {}
    assert await balances(connection) == {}
    assert await wrong_with(connection, resources) == []


async def test_a_bank_takes_what_may_yet_be_refused_from_no_seller_twice(
    resources: Resources, connection: Connection, clock: ManualClock, shop: Shop
) -> None:
    tender = by_bank("tok_refund_timeout_then_declined")
    order = await buy(resources, (shop, 10), tenders=(tender,))
    await ship(resources, order, shop)
    await given(resources, shop, order)
    reference = await take_back(resources, order, amount_minor=7000)
    await bank_decides(resources, order, reference, won=False)
    assert await seller_owes(connection, shop) == {"pending": 2640, "reserve": 6160}
    await answered(resources, clock)
    assert await seller_owes(connection, shop) == {"pending": 2640}
    assert "goodwill_cost" not in await balances(connection)
    assert await wrong_with(connection, resources) == []


async def test_a_bank_takes_nothing_of_lines_that_went_back_whole(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    """Books in which goodwill was returned that a gateway had refused know parts of which more is
    left than of their lines."""
    order = await buy(resources, (shop, 10))
    await ship(resources, order, shop)
    await refund(resources, order, shop, units=10)
    after = await read(resources, order)
    part = replace(part_of(after, shop), refunded_minor=7000)
    for amount_minor in (2000, 3000, 4000):
        assert dispute_claims.chargeback_claim(
            after, part, amount_minor=amount_minor, reversal=CommissionReversal.FULL
        ) is None  # fmt: skip
