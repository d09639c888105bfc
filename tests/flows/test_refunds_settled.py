"""A refund of which nobody outside says clearly what became of it: a person does, and the order,
its cases and its next refunds go on."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotAllowed, NotFound
from gosellr.core.identity import new_id
from gosellr.flows import bank_transfers, refunds
from gosellr.integrations.payments.port import MovementResult, Outcome, RefundRequest
from gosellr.integrations.payments.sandbox import SandboxGateway
from gosellr.models.order_values import Order, Refund
from gosellr.resources import Resources
from gosellr.services.refund_answers import RefundSettled, RefundUnderWay
from gosellr.services.refund_goodwill import GoodwillUnderWay
from gosellr.utils.permissions import Role
from gosellr.utils.viewer import Viewer
from tests.factories.disputes import (
    OPERATOR,
    bank_decides,
    cases_of,
    delivered,
    network,
    take_back,
)
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
    seller_owes,
    ship,
)
from tests.factories.stored_value import by_bank
from tests.factories.transfers import BY_TRANSFER, arrive, offline, transfer_of
from tests.flows.test_cash_on_delivery import IN_CASH, collect, taking_cash

GONE, REFUSED = "tok_ok", "tok_refund_declined"
HOUR = timedelta(hours=1)


class AnswersOtherwise:
    """A gateway that says of every refund that another amount went back."""

    def __init__(self, gateway: SandboxGateway, amount_minor: int, currency: str) -> None:
        self._gateway = gateway
        self._told = (amount_minor, currency)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    async def refund(self, request: RefundRequest) -> MovementResult:
        return self._otherwise(await self._gateway.refund(request))

    async def lookup_refund(self, **asked: Any) -> MovementResult:
        return self._otherwise(await self._gateway.lookup_refund(**asked))

    def _otherwise(self, result: MovementResult) -> MovementResult:
        amount_minor, currency = self._told
        return replace(
            result, outcome=Outcome.ACCEPTED, amount_minor=amount_minor, currency=currency
        )


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection, rate_bps=0, vat_bps=0)
    return await make_shop(connection, price_minor=1000)


def answering(resources: Resources, amount_minor: int = 2900, currency: str = "EUR") -> Resources:
    odd: Any = AnswersOtherwise(network(resources), amount_minor, currency)
    return replace(resources, gateways={**resources.gateways, "sandbox": odd})


async def settle(
    market: Resources,
    order: Order,
    back: Refund,
    *,
    arrived: bool,
    viewer: Viewer | None = None,
) -> Refund:
    return await refunds.settle(
        market.refunds, viewer=viewer or an_operator(), order_id=order.id, refund_id=back.id,
        arrived=arrived, reason="The provider was asked on the phone",
    )  # fmt: skip


@pytest.mark.parametrize(("amount_minor", "currency"), [(2900, "EUR"), (3000, "USD")])
@pytest.mark.parametrize("arrived", [True, False])
async def test_a_gateway_that_answers_with_other_money(
    resources: Resources,
    connection: Connection,
    shop: Shop,
    clock: ManualClock,
    amount_minor: int,
    currency: str,
    arrived: bool,
) -> None:
    market = answering(resources, amount_minor, currency)
    tender = by_bank("tok_ok" if arrived else "tok_refund_declined")
    order = await delivered(
        market, (shop, 10), buyer=await make_buyer(connection), tenders=[tender]
    )
    back = await refund(market, order, shop, units=3)
    for _ in range(3):
        clock.advance(timedelta(minutes=19))
        await refunds.resume_refunds(market.refunds)
    assert (await read(market, order)).refunds[0].status == "unknown"
    # As long as its gateway may still say it clearly, nobody else does.
    with pytest.raises(RefundUnderWay):
        await settle(market, order, back, arrived=arrived)
    clock.advance(HOUR)
    settled = await settle(market, order, back, arrived=arrived)
    assert settled.status == ("succeeded" if arrived else "failed")
    left_minor = 7000 if arrived else 10_000
    assert await seller_owes(connection, shop) == {"pending": left_minor}
    assert await balances(connection) == {
        "gateway_clearing": left_minor, "seller_pending": -left_minor,
    }  # fmt: skip
    after = await read(market, order)
    assert after.payment_status == ("partially_refunded" if arrived else "paid")
    [said] = [one for one in after.events if one.kind == "refund_settled"]
    assert (said.actor, said.data["arrived"]) == ("operator", arrived)
    with pytest.raises(RefundSettled):
        await settle(market, order, back, arrived=not arrived)
    assert await wrong_with(connection, resources) == []


async def test_who_has_a_side_in_it_says_nothing(
    resources: Resources, connection: Connection, shop: Shop, clock: ManualClock
) -> None:
    market, buyer = answering(resources), await make_buyer(connection)
    order = await delivered(market, (shop, 10), buyer=buyer)
    back = await refund(market, order, shop, units=3)
    clock.advance(HOUR)
    roles = frozenset({Role.OPERATOR})
    sides = (shop.viewer, replace(shop.viewer, roles=roles), replace(buyer.viewer, roles=roles))
    for viewer in sides:
        with pytest.raises(NotAllowed):
            await settle(market, order, back, arrived=False, viewer=viewer)
    with pytest.raises(NotFound):
        await settle(market, order, replace(back, id=new_id()), arrived=False)
    assert (await read(market, order)).refunds[0].status == "unknown"


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_lost_chargeback_that_waited_goes_on(
    resources: Resources, connection: Connection, shop: Shop, clock: ManualClock, arrived: bool
) -> None:
    market = answering(resources)
    tender = by_bank("tok_ok" if arrived else "tok_refund_declined")
    order = await delivered(
        market, (shop, 10), buyer=await make_buyer(connection), tenders=[tender]
    )
    back = await refund(market, order, shop, units=3)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    clock.advance(HOUR)
    await settle(market, order, back, arrived=arrived)
    [case] = await cases_of(market, order)
    assert case.chargeback is not None
    assert (case.chargeback.status, case.dispute.status) == ("lost", "closed")
    assert await seller_owes(connection, shop) == {}
    assert (await balances(connection)).get("chargeback_loss", 0) == (3000 if arrived else 0)


async def test_cash_that_its_seller_never_handed_back(
    resources: Resources, connection: Connection
) -> None:
    await make_commission(connection, rate_bps=0, vat_bps=0)
    market = offline(resources)
    shop = await taking_cash(market, connection)
    order = await buy(market, (shop, 2), tenders=IN_CASH)
    await ship(market, order, shop)
    await collect(market, order, shop, 10_000)
    gift = await refund(
        market, order, shop, viewer=OPERATOR, amount_minor=3000, by_marketplace=True
    )
    assert gift.status == "pending"
    with pytest.raises(GoodwillUnderWay):
        await refund(market, order, shop, units=2)
    failed = await settle(market, order, gift, arrived=False)
    assert failed.status == "failed"
    assert (await refund(market, order, shop, units=2)).amount_minor == 10_000
    assert await wrong_with(connection, market) == []


async def test_a_transfer_by_hand_is_told_of_by_its_own_way(
    resources: Resources, connection: Connection, shop: Shop
) -> None:
    market = offline(resources)
    order = await buy(market, (shop, 10), tenders=BY_TRANSFER)
    await arrive(market, 10_000, text=transfer_of(order).gateway_reference or "")
    await ship(market, order, shop)
    gift = await refund(
        market, order, shop, viewer=OPERATOR, amount_minor=3000, by_marketplace=True
    )
    assert gift.status == "pending"
    # It holds up what would return it, and nothing else.
    with pytest.raises(GoodwillUnderWay):
        await refund(market, order, shop, units=10)
    assert (await refund(market, order, shop, units=7)).status == "pending"
    with pytest.raises(RefundUnderWay):
        await settle(market, order, gift, arrived=False)
    [(waiting,)] = await connection.fetch(
        "SELECT id FROM refund_part WHERE refund_id = $1", gift.id
    )
    await bank_transfers.mark_failed(market.transfers, hand_refund_id=waiting, reason="closed")
    assert (await refund(market, order, shop, units=3)).amount_minor == 3000
    assert await wrong_with(connection, market) == []
