"""A bank that decides once more: for the buyer, after it had decided for the sellers."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import transact
from gosellr.flows import chargebacks
from gosellr.models.dispute_values import ReportedChargeback
from gosellr.models.order_values import Order
from gosellr.models.reconciliation_values import ImportedStatement, NewMovement
from gosellr.resources import Resources
from gosellr.services import chargeback_service, reconciliation_service
from gosellr.utils.reconciliation import MovementKind
from tests.factories.accounts import User
from tests.factories.disputes import (
    bank_decides,
    cases_of,
    delivered,
    hear,
    network,
    take_back,
)
from tests.factories.gift_sales import buy_card, offer_cards, purchase_of
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    make_buyer,
    make_commission,
    make_shop,
    read,
    seller_owes,
)

FEE = 1500


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection, rate_bps=0, vat_bps=0)
    return await make_shop(connection, price_minor=1000)


@pytest.fixture
async def buyer(connection: Connection) -> User:
    return await make_buyer(connection)


async def won_first(resources: Resources, order: Order, *, amount_minor: int) -> str:
    """A chargeback that is told as won, and stands as lost at its network after that."""
    reference = await take_back(resources, order, fee_minor=FEE)
    told = ReportedChargeback(
        payment_id=order.payments[0].id, gateway="sandbox", gateway_reference=reference,
        amount_minor=amount_minor, currency="EUR", fee_minor=FEE, reason="fraudulent",
        status="won", evidence_due_at=None, opened_at=resources.clock.now(),
    )  # fmt: skip
    assert await transact(
        resources.db, chargeback_service.record, reported=told, policy=resources.policy,
        now=resources.clock.now(),
    )  # fmt: skip
    await bank_decides(resources, order, reference, won=False, heard=False)
    return reference


async def tell(
    resources: Resources, reference: str, name: str, amount_minor: int, fee_minor: int = 0
) -> ImportedStatement:
    """The provider says how the money of a chargeback moved."""
    movement = NewMovement(
        reference=name, related=reference, kind=MovementKind.CHARGEBACK, currency="EUR",
        amount_minor=amount_minor, fee_minor=fee_minor, occurred_at=resources.clock.now(),
    )  # fmt: skip
    return await transact(
        resources.db, reconciliation_service.import_movements, gateway="sandbox",
        source="document", movements=[movement], imported_by=None, now=resources.clock.now(),
    )  # fmt: skip


async def test_what_is_lost_after_it_was_won_is_its_sellers_loss(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await delivered(resources, (shop, 10), buyer=buyer)
    reference = await won_first(resources, order, amount_minor=10_000)
    assert await seller_owes(connection, shop) == {"pending": 10_000}
    # Also where no report of it comes.
    since = clock.now() - timedelta(days=1)
    assert await chargebacks.find_unheard(resources.refunds, since=since) == 1
    assert await seller_owes(connection, shop) == {}
    # Its fee is asked for once.
    assert await balances(connection) == {"gateway_clearing": -FEE, "gateway_fee": FEE}
    after = await read(resources, order)
    assert (after.payment_status, after.refunded_minor) == ("refunded", 10_000)
    told = [one.chargeback for one in await cases_of(resources, order)]
    assert [(one.gateway_reference, one.status) for one in told if one is not None] == [
        (reference, "won"), (f"{reference}/again", "lost"),
    ]  # fmt: skip
    for name, amount_minor, fee_minor in (
        ("mv_1", -10_000, FEE), ("mv_2", 10_000, 0), ("mv_3", -10_000, 0),
    ):  # fmt: skip
        taken = await tell(resources, reference, name, amount_minor, fee_minor)
        assert taken.waiting == 0, name
    assert await hear(resources, order) == 0
    assert await chargebacks.find_unheard(resources.refunds, since=since) == 0
    assert await wrong_with(connection, resources) == []


async def test_a_gift_card_whose_price_is_lost_after_it_was_won(
    resources: Resources, connection: Connection, clock: ManualClock
) -> None:
    await offer_cards(resources)
    order = await buy_card(resources, 5000)
    await won_first(resources, order, amount_minor=5000)
    assert await hear(resources, order) == 1
    card = (await purchase_of(resources, order)).card
    assert card is not None
    assert (card.status_at(clock.now()), card.balance_minor) == ("frozen", 0)
    assert await balances(connection) == {"gateway_clearing": -FEE, "gateway_fee": FEE}
    assert await wrong_with(connection, resources) == []


async def test_what_is_given_back_after_it_was_lost_is_whose_it_was(
    resources: Resources, connection: Connection, shop: Shop, buyer: User, clock: ManualClock
) -> None:
    order = await delivered(resources, (shop, 10), buyer=buyer)
    reference = await take_back(resources, order, fee_minor=FEE)
    await bank_decides(resources, order, reference, won=False)
    assert (await tell(resources, reference, "mv_1", -10_000, FEE)).waiting == 0
    assert (await tell(resources, reference, "mv_2", 10_000)).waiting == 1
    await network(resources).disputes.reinstate(reference=reference)
    # Also where no report of it comes, and once however often it is told.
    since = clock.now() - timedelta(days=1)
    assert await chargebacks.find_unheard(resources.refunds, since=since) == 1
    assert await chargebacks.find_unheard(resources.refunds, since=since) == 0
    assert await hear(resources, order) == 0
    assert await seller_owes(connection, shop) == {"available": 10_000}
    assert await balances(connection) == {
        "gateway_clearing": 10_000 - FEE, "gateway_fee": FEE, "seller_available": -10_000,
    }  # fmt: skip
    [case] = await cases_of(resources, order)
    assert case.chargeback is not None
    told = case.chargeback
    assert (told.status, told.reinstated_minor, told.reinstated_count) == ("lost", 10_000, 1)
    assert (await read(resources, order)).payments[0].disputed_minor == 0
    assert (await tell(resources, reference, "mv_1", -10_000, FEE)).waiting == 0
    waiting = await connection.fetchval(
        "SELECT count(*) FROM provider_movement WHERE status = 'unmatched'"
    )
    assert waiting == 0
    assert await wrong_with(connection, resources) == []


async def told_as(
    resources: Resources, order: Order, reference: str, status: str, *, kept_minor: int = 0
) -> bool:
    """The provider says how a chargeback stands."""
    told = ReportedChargeback(
        payment_id=order.payments[0].id, gateway="sandbox", gateway_reference=reference,
        amount_minor=12_000, currency="EUR", fee_minor=0, reason="fraudulent",
        status=status, evidence_due_at=None, opened_at=resources.clock.now(),
        kept_minor=kept_minor,
    )  # fmt: skip
    return await transact(
        resources.db, chargeback_service.record, reported=told, policy=resources.policy,
        now=resources.clock.now(),
    )  # fmt: skip


async def test_each_gets_back_what_the_loss_had_taken_and_gives_it_again(
    resources: Resources, connection: Connection, buyer: User
) -> None:
    await make_commission(connection)
    shops = [await make_shop(connection, price_minor=minor) for minor in (7_001, 4_999)]
    order = await delivered(resources, *((shop, 1) for shop in shops), buyer=buyer)
    reference = await take_back(resources, order)
    frozen = [await seller_owes(connection, shop) for shop in shops]
    held = await balances(connection)
    await bank_decides(resources, order, reference, won=False)
    assert await balances(connection) == {}
    await network(resources).disputes.reinstate(reference=reference)
    assert await told_as(resources, order, reference, "won")
    assert not await told_as(resources, order, reference, "won")
    got = [await seller_owes(connection, shop) for shop in shops]
    assert got == [{"available": one["reserve"]} for one in frozen]
    taken_minor = held.pop("dispute_receivable")
    back = {name: minor for name, minor in held.items() if not name.startswith("seller_")}
    back["gateway_clearing"] = taken_minor
    after = await balances(connection)
    assert {name: after[name] for name in back} == back
    assert await wrong_with(connection, resources) == []
    # In part: the rest stays taken, and the parts come to what came back.
    assert await told_as(resources, order, reference, "won", kept_minor=12_000 - 101)
    assert (await balances(connection))["gateway_clearing"] == 101
    owed = [await seller_owes(connection, shop) for shop in shops]
    # Of 101 the larger shop's share is 59, the other one's 42, less a tenth each for the market.
    assert [one["available"] - one["receivable"] for one in owed] == [52, 37]
