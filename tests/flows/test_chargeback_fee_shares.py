"""What sellers bear of a chargeback's fee, when a refund that was refused changes who answers for
the chargeback: each is given back what it bore, and all of it together is the fee."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import refunds
from gosellr.models.order_values import Order
from gosellr.queries import chargebacks
from gosellr.resources import Resources
from gosellr.services import chargeback_fees, order_steps
from gosellr.services.audit_service import audit
from tests.factories.disputes import delivered, take_back
from tests.factories.sales import Shop, make_buyer, make_commission, make_shop, refund
from tests.factories.stored_value import by_bank

BORNE = """
SELECT entry.seller_order_id, sum(CASE entry.direction WHEN 'debit' THEN entry.amount_minor
                                       ELSE -entry.amount_minor END)::bigint AS borne
FROM ledger_entry AS entry JOIN ledger_transaction AS head ON head.id = entry.transaction_id
WHERE head.kind IN ('chargeback_opened', 'chargeback_fee')
  AND split_part(entry.account, ':', 1) IN ('seller_receivable', 'seller_available')
GROUP BY 1
"""


@pytest.fixture
def market(resources: Resources) -> Resources:
    settings = resources.settings.model_copy(update={"chargeback_fee_borne_by": "seller"})
    return replace(resources, settings=settings)


async def refusing(
    market: Resources, connection: Connection, clock: ManualClock, *, fee_minor: int
) -> tuple[Order, UUID, UUID]:
    """A chargeback of two sellers: all of the first one's was on its way back as it came, and that
    is refused then. Gives the parts of both."""
    await make_commission(connection, rate_bps=0, vat_bps=0)
    shops: list[Shop] = [await make_shop(connection, price_minor=1000) for _ in range(2)]
    order = await delivered(
        market, (shops[0], 3), (shops[1], 7), buyer=await make_buyer(connection),
        tenders=(by_bank("tok_refund_timeout_then_declined"),),
    )  # fmt: skip
    parts = {part.seller_id: part.id for part in order.parts}
    first, second = (parts[shop.seller.id] for shop in shops)
    assert (await refund(market, order, shops[0], units=3)).status == "unknown"
    await take_back(market, order, fee_minor=fee_minor)
    assert await borne(connection) == ({second: fee_minor} if fee_minor else {})
    clock.advance(timedelta(minutes=1))
    assert await refunds.resume_refunds(market.refunds) == 1
    return order, first, second


async def borne(connection: Connection) -> dict[UUID, int]:
    """What each part has borne of the fee by now, where it is anything."""
    rows = await connection.fetch(BORNE)
    return {row["seller_order_id"]: row["borne"] for row in rows if row["borne"]}


async def _fee_is(
    connection: Connection, *, order_id: UUID, fee_minor: int, market: Resources
) -> None:
    order = await order_steps.lock_and_load(connection, order_id=order_id)
    [known] = await chargebacks.open_of_order(connection, order_id=order_id)
    await chargeback_fees.bring_to(
        connection, order=order, chargeback=known, fee_minor=fee_minor, policy=market.policy,
        now=market.clock.now(),
    )  # fmt: skip


async def fee_is(market: Resources, order: Order, fee_minor: int) -> None:
    """The provider says what it asks for by now."""
    told: dict[str, Any] = {"order_id": order.id, "fee_minor": fee_minor, "market": market}
    await transact(market.db, _fee_is, **told)


async def test_a_fee_goes_back_to_who_bore_it(
    market: Resources, connection: Connection, clock: ManualClock
) -> None:
    order, first, second = await refusing(market, connection, clock, fee_minor=1001)
    # What it asks for more is shared as the chargeback is now.
    await fee_is(market, order, 2001)
    assert await borne(connection) == {first: 300, second: 1701}
    await fee_is(market, order, 0)
    assert await borne(connection) == {}
    found = await audit(connection, now=clock.now(), gateway_journals={}, provider_journals={})
    assert found == []


@pytest.mark.parametrize("seed", range(4))
async def test_however_it_changes_it_is_borne_to_the_cent_and_never_given_back_twice(
    market: Resources, connection: Connection, clock: ManualClock, seed: int
) -> None:
    drawn = Random(seed)
    fee_minor = drawn.choice([0, 1, 7, 1001])
    order, *_ = await refusing(market, connection, clock, fee_minor=fee_minor)
    for _ in range(6):
        before = await borne(connection)
        new_minor = drawn.choice([0, drawn.randrange(10), drawn.randrange(3000)])
        await fee_is(market, order, new_minor)
        after = await borne(connection)
        assert sum(after.values()) == new_minor
        assert all(one > 0 for one in after.values())
        if new_minor < fee_minor:
            assert all(after[part] <= before[part] for part in after)
        fee_minor = new_minor
    await fee_is(market, order, 0)
    assert await borne(connection) == {}
    found = await audit(connection, now=clock.now(), gateway_journals={}, provider_journals={})
    assert found == []


async def test_who_bore_it_gets_it_back_whatever_the_policy_says_by_then(
    market: Resources, resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    order, _, second = await refusing(market, connection, clock, fee_minor=1000)
    # Sellers bear no fees any more: what comes on top is the market's, and comes back to both.
    await fee_is(resources, order, 3000)
    assert await borne(connection) == {second: 1000}
    await fee_is(resources, order, 1500)
    assert await borne(connection) == {second: 500}
    await fee_is(resources, order, 0)
    assert await borne(connection) == {}
