"""A bank takes back what had paid for nothing: no seller's, and the market's only if it is back."""

from collections import Counter
from random import Random
from uuid import UUID

import pytest

from gosellr.core.db import Connection
from gosellr.core.errors import InvalidInput
from gosellr.core.transact import ask, transact
from gosellr.flows import refunds
from gosellr.models.order_values import Order
from gosellr.models.reconciliation_values import NewMovement
from gosellr.queries.payment_returns import ReturnCase
from gosellr.resources import Resources
from gosellr.services import (
    explanation_service,
    marketplace_service,
    provider_refund_service,
    reconciliation_service,
    stray_service,
)
from gosellr.services.provider_refund_service import ToldRefund
from gosellr.utils.explanations import explain
from gosellr.utils.reconciliation import MovementKind, Resolution
from tests.factories.captures import sandbox_of
from tests.factories.disputes import bank_decides, cases_of, hear, network, take_back, told_as
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    read,
    seller_owes,
)
from tests.factories.stored_value import by_bank, operator, pay_again

TAKEN = 5_000


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    await make_commission(connection, rate_bps=0, vat_bps=0)
    return await make_shop(connection, price_minor=10_000)


@pytest.fixture
async def order(resources: Resources, connection: Connection, shop: Shop) -> Order:
    """Half of what was asked for was taken, which pays for nothing."""
    buyer = await make_buyer(connection)
    order = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_bank("tok_captures_half"),))
    assert await balances(connection) == {"gateway_clearing": TAKEN, "suspense": -TAKEN}
    return order


async def let_returns(resources: Resources, token: str) -> None:
    """Let the gateway treat what is sent back from now on as it treats this token's."""
    await sandbox_of(resources)._file.write(
        lambda file: file.execute("UPDATE charge SET token = ?", (token,))
    )


async def refused(resources: Resources) -> None:
    """The gateway doesn't send it back."""
    await let_returns(resources, "tok_refund_declined")
    assert await refunds.resume_returns(resources.refunds) == 1


async def waiting(resources: Resources) -> list[ReturnCase]:
    return list(await ask(resources.db, stray_service.open_cases))


async def dealt_with(resources: Resources, case: ReturnCase) -> None:
    await transact(
        resources.db, stray_service.close_case, viewer=await operator(resources), return_id=case.id,
        note="Asked the provider", now=resources.clock.now(),
    )  # fmt: skip


async def test_what_could_not_be_sent_back_makes_it_good(
    resources: Resources, connection: Connection, shop: Shop, order: Order
) -> None:
    await refused(resources)
    [case] = await waiting(resources)
    reference = await take_back(resources, order)
    assert await balances(connection) == {"dispute_receivable": TAKEN, "suspense": -TAKEN}
    # It is no case of a seller's, and one of the market's.
    assert await cases_of(resources, order) == []
    [case] = await waiting(resources)
    assert (case.status, case.disputed_minor) == ("failed", TAKEN)
    assert (await read(resources, order)).payment_status == order.payment_status
    assert await wrong_with(connection, resources) == []
    await bank_decides(resources, order, reference, won=False)
    assert await balances(connection) == {}
    assert await seller_owes(connection, shop) == {}
    assert await hear(resources, order) == 0
    assert await wrong_with(connection, resources) == []
    # Nothing of it was ever sold, so nothing was refunded.
    stats = await ask(resources.db, marketplace_service.read_figures)
    assert [(one.gmv_minor, one.refunded_minor) for one in stats.money] == [(0, 0)]
    told = await ask(resources.db, explanation_service.explain, subject=str(order.id), limit=50)
    [lost] = [one for one in told.transactions if one.kind == "chargeback_lost"]
    assert explain(lost.kind, lost.entries) == (
        "The chargeback of 50.00 EUR is lost: 50.00 EUR had paid for nothing and waited to be sent"
        " back."
    )


async def test_what_had_gone_back_before_is_the_markets_loss(
    resources: Resources, connection: Connection, shop: Shop, order: Order
) -> None:
    assert await refunds.resume_returns(resources.refunds) == 1
    [case] = await waiting(resources)
    await dealt_with(resources, case)
    assert await waiting(resources) == []
    reference = await take_back(resources, order, fee_minor=1_500)
    # Somebody has to look at it once more.
    assert [(one.status, one.disputed_minor) for one in await waiting(resources)] == [
        ("succeeded", TAKEN)
    ]
    await bank_decides(resources, order, reference, won=False)
    assert await balances(connection) == {
        "chargeback_loss": TAKEN, "gateway_clearing": -TAKEN - 1_500, "gateway_fee": 1_500,
    }  # fmt: skip
    assert await seller_owes(connection, shop) == {}
    assert await wrong_with(connection, resources) == []


async def test_one_that_is_won_leaves_it_where_it_was(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await refused(resources)
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=True)
    assert await balances(connection) == {"gateway_clearing": TAKEN, "suspense": -TAKEN}
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("goes_back", [True, False])
async def test_what_is_on_its_way_back_is_waited_for(
    resources: Resources, connection: Connection, order: Order, goes_back: bool
) -> None:
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    assert await balances(connection) == {"dispute_receivable": TAKEN, "suspense": -TAKEN}
    if goes_back:
        assert await refunds.resume_returns(resources.refunds) == 1
    else:
        await refused(resources)
    assert await hear(resources, order) == 1
    lost = {"chargeback_loss": TAKEN, "gateway_clearing": -TAKEN} if goes_back else {}
    assert await balances(connection) == lost
    assert await hear(resources, order) == 0
    assert await wrong_with(connection, resources) == []


async def test_the_sale_that_was_paid_otherwise_is_left_alone(
    resources: Resources, connection: Connection, shop: Shop, order: Order
) -> None:
    await refused(resources)
    paid = await pay_again(resources, order, by_bank())
    assert await seller_owes(connection, shop) == {"pending": 10_000}
    reference = await take_back(resources, order)
    assert await seller_owes(connection, shop) == {"pending": 10_000}
    assert (await read(resources, paid)).payment_status == "paid"
    await bank_decides(resources, order, reference, won=False)
    assert await balances(connection) == {"gateway_clearing": 10_000, "seller_pending": -10_000}
    assert (await read(resources, paid)).refunded_minor == 0
    assert await wrong_with(connection, resources) == []


async def test_parts_of_it_and_what_comes_back_of_them(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await refused(resources)
    first = await take_back(resources, order, amount_minor=2_000)
    await bank_decides(resources, order, first, won=False)
    assert await balances(connection) == {"gateway_clearing": 3_000, "suspense": -3_000}
    [case] = await waiting(resources)
    await dealt_with(resources, case)
    await network(resources).disputes.reinstate(reference=first)
    await hear(resources, order)
    # It waits again, and somebody is told so.
    assert await balances(connection) == {"gateway_clearing": TAKEN, "suspense": -TAKEN}
    assert len(await waiting(resources)) == 1
    assert await wrong_with(connection, resources) == []
    second = await take_back(resources, order)
    await bank_decides(resources, order, second, won=False)
    assert await balances(connection) == {}
    assert await wrong_with(connection, resources) == []


async def sent_by_hand(
    resources: Resources,
    connection: Connection,
    case: ReturnCase,
    minor: int,
    *,
    is_named: bool,
    resolution: Resolution = Resolution.SUSPENSE,
    name: str = "txn_by_hand",
) -> UUID:
    """Somebody sends it back in the provider's own pages, whose movement another one finds, by our
    name or by the provider's own, and puts to the money that waits, or takes for something else;
    gives the movement."""
    now = resources.clock.now()
    moved = NewMovement(
        reference=name, kind=MovementKind.REFUND, currency="EUR", amount_minor=-minor,
        key=case.id if is_named else None, related=None if is_named else "re_by_hand",
        occurred_at=now,
    )  # fmt: skip
    if not is_named:
        told = ToldRefund(
            payment_id=case.payment_id, gateway="sandbox", gateway_reference="re_by_hand",
            amount_minor=minor, currency="EUR",
        )  # fmt: skip
        await transact(
            resources.db, provider_refund_service.wait, told=told, reason="It paid for nothing",
            now=now,
        )  # fmt: skip
    await transact(
        resources.db, reconciliation_service.import_movements, gateway="sandbox", source="document",
        movements=[moved], imported_by=None, now=now,
    )  # fmt: skip
    movement_id: UUID = await connection.fetchval(
        "SELECT id FROM provider_movement WHERE reference = $1", name
    )
    await taken_for(resources, movement_id, resolution)
    return movement_id


async def taken_for(resources: Resources, movement_id: UUID, resolution: Resolution) -> None:
    """A person says what a movement is."""
    await transact(
        resources.db, reconciliation_service.resolve, viewer=await operator(resources),
        movement_id=movement_id, resolution=resolution, note="Sent at the provider",
        policy=resources.policy, now=resources.clock.now(),
    )  # fmt: skip


async def taken_out(resources: Resources, movement_id: UUID, resolution: Resolution) -> None:
    """Another one says what it was that waited in suspense."""
    await transact(
        resources.db, reconciliation_service.clear_suspense, viewer=await operator(resources),
        movement_id=movement_id, resolution=resolution, now=resources.clock.now(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("by_hand_minor", "is_named"), [(TAKEN, True), (1_999, True), (TAKEN, False)]
)
async def test_what_somebody_sent_back_by_hand_waits_no_more(
    resources: Resources, connection: Connection, order: Order, by_hand_minor: int, is_named: bool
) -> None:
    await refused(resources)
    [case] = await waiting(resources)
    await sent_by_hand(resources, connection, case, by_hand_minor, is_named=is_named)
    left_minor = TAKEN - by_hand_minor
    assert (await balances(connection)).get("suspense", 0) == -left_minor
    # Nobody has to take it out of suspense once more.
    cleared = "SELECT cleared_as FROM provider_movement"
    assert await connection.fetchval(cleared) == "returned"
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    # It went back twice: that is the market's loss, and suspense never gives what isn't there.
    assert await balances(connection) == {
        "chargeback_loss": by_hand_minor, "gateway_clearing": -by_hand_minor,
    }  # fmt: skip
    assert await hear(resources, order) == 0


@pytest.mark.parametrize(
    ("resolution", "account"), [(Resolution.LOSS, "bad_debt"), (Resolution.FEE, "gateway_fee")]
)
@pytest.mark.parametrize("more_minor", [0, 2_000])
async def test_what_is_taken_for_something_else_is_what_waited_first(
    resources: Resources,
    connection: Connection,
    order: Order,
    resolution: Resolution,
    account: str,
    more_minor: int,
) -> None:
    await refused(resources)
    [case] = await waiting(resources)
    minor = TAKEN + more_minor
    await sent_by_hand(resources, connection, case, minor, is_named=True, resolution=resolution)
    more = {account: more_minor, "gateway_clearing": -more_minor} if more_minor else {}
    # Nobody is owed what is back, so nothing of it waits for ever.
    assert await balances(connection) == more
    told = await ask(resources.db, explanation_service.explain, subject=str(order.id), limit=50)
    [booked] = [one for one in told.transactions if one.kind == "reconciled"]
    if more_minor:
        assert explain(booked.kind, booked.entries).endswith(
            ", 50.00 EUR had paid for nothing and waited to be sent back."
        )
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    assert await balances(connection) == {
        **more, "chargeback_loss": TAKEN, "gateway_clearing": -minor,
    }  # fmt: skip


async def test_while_it_is_on_its_way_back_nobody_says_that_it_is_lost(
    resources: Resources, connection: Connection, order: Order
) -> None:
    case_id, payment_id = (
        await connection.fetch("SELECT id, payment_id FROM payment_return")
    )[0]  # fmt: skip
    case = ReturnCase(
        id=case_id, order_id=order.id, order_number=order.number, payment_id=payment_id,
        gateway="sandbox", currency="EUR", capture_id=None, asked_minor=10_000,
        captured_minor=TAKEN, disputed_minor=0, reason="", status="pending",
        opened_at=resources.clock.now(), closed_at=None, note=None,
    )  # fmt: skip
    with pytest.raises(InvalidInput, match="on its way back"):
        await sent_by_hand(
            resources, connection, case, TAKEN, is_named=True, resolution=Resolution.LOSS
        )
    movement_id = await connection.fetchval("SELECT id FROM provider_movement")
    await taken_for(resources, movement_id, Resolution.SUSPENSE)
    with pytest.raises(InvalidInput, match="on its way back"):
        await taken_out(resources, movement_id, Resolution.LOSS)
    await refused(resources)
    assert await balances(connection) == {}
    # It was what waited, whatever the second one calls it.
    await taken_out(resources, movement_id, Resolution.LOSS)
    assert await balances(connection) == {}
    assert await connection.fetchval("SELECT cleared_as FROM provider_movement") == "returned"


async def test_what_a_bank_had_taken_of_it_is_lost_and_the_rest_what_waited(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await refused(resources)
    [case] = await waiting(resources)
    reference = await take_back(resources, order, amount_minor=1_999)
    await bank_decides(resources, order, reference, won=False)
    movement_id = await sent_by_hand(resources, connection, case, TAKEN, is_named=True)
    assert await balances(connection) == {"gateway_clearing": -1_999, "suspense": 1_999}
    await taken_out(resources, movement_id, Resolution.LOSS)
    assert await balances(connection) == {"bad_debt": 1_999, "gateway_clearing": -1_999}


@pytest.mark.parametrize("resolution", [Resolution.SUSPENSE, Resolution.LOSS])
async def test_what_came_back_of_a_bank_is_sent_back_by_hand_once(
    resources: Resources, connection: Connection, order: Order, resolution: Resolution
) -> None:
    await refused(resources)
    first = await take_back(resources, order)
    await bank_decides(resources, order, first, won=False)
    await network(resources).disputes.reinstate(reference=first)
    await hear(resources, order)
    [case] = await waiting(resources)
    await sent_by_hand(resources, connection, case, TAKEN, is_named=True, resolution=resolution)
    assert await balances(connection) == {}
    cleared_as = "returned" if resolution is Resolution.SUSPENSE else None
    assert await connection.fetchval("SELECT cleared_as FROM provider_movement") == cleared_as
    # Whatever banks take of it after that went back twice, and suspense has nothing to give.
    second = await take_back(resources, order, amount_minor=3_000)
    await bank_decides(resources, order, second, won=False)
    assert await balances(connection) == {"chargeback_loss": 3_000, "gateway_clearing": -3_000}
    assert await told_as(resources, order, first, "lost", amount_minor=TAKEN)
    assert await balances(connection) == {"chargeback_loss": 8_000, "gateway_clearing": -8_000}
    assert await told_as(resources, order, first, "won", amount_minor=TAKEN)
    assert await told_as(resources, order, second, "won", amount_minor=3_000)
    assert await balances(connection) == {}


@pytest.mark.parametrize("resolution", [Resolution.LOSS, Resolution.FEE])
async def test_what_was_taken_for_a_loss_is_made_good_by_what_comes_back(
    resources: Resources, connection: Connection, order: Order, resolution: Resolution
) -> None:
    await refused(resources)
    [case] = await waiting(resources)
    reference = await take_back(resources, order, amount_minor=2_000)
    await bank_decides(resources, order, reference, won=False)
    # The bank has a part of it, and all of it is sent back by hand.
    await sent_by_hand(resources, connection, case, TAKEN, is_named=True, resolution=resolution)
    account = "bad_debt" if resolution is Resolution.LOSS else "gateway_fee"
    assert await balances(connection) == {account: 2_000, "gateway_clearing": -2_000}
    for kept_minor in (1_500, 0):
        assert await told_as(
            resources, order, reference, "won", amount_minor=2_000, kept_minor=kept_minor
        )
        left = {account: kept_minor, "gateway_clearing": -kept_minor} if kept_minor else {}
        # Nobody is owed what came back, since it is back already.
        assert await balances(connection) == left
    told = await ask(resources.db, explanation_service.explain, subject=str(order.id), limit=50)
    *_, booked = [one for one in told.transactions if one.kind == "suspense_cleared"]
    assert explain(booked.kind, booked.entries).startswith("15.00 EUR left suspense: 15.00 EUR ")
    assert await told_as(resources, order, reference, "lost", amount_minor=2_000)
    assert await balances(connection) == {"chargeback_loss": 2_000, "gateway_clearing": -2_000}


@pytest.mark.parametrize("seed", [0, 2, 5, 9])
async def test_banks_and_hands_in_any_order_leave_what_waits_and_what_was_lost(
    resources: Resources, connection: Connection, order: Order, seed: int
) -> None:
    chance = Random(seed)
    await refused(resources)
    [case] = await waiting(resources)
    amounts = {name: chance.choice((TAKEN, chance.randint(1, TAKEN))) for name in ("one", "two")}
    gone, lost, story = Counter[str](), set[str](), list[str]()
    for step in range(9):
        if chance.random() < 0.3:
            name, minor = "hand", chance.choice((TAKEN, chance.randint(1, TAKEN)))
            told = chance.choice((Resolution.LOSS, Resolution.FEE, Resolution.SUSPENSE))
            movement_id = await sent_by_hand(
                resources, connection, case, minor, is_named=True, resolution=told, name=str(step)
            )
            if told is Resolution.SUSPENSE and await connection.fetchval(
                "SELECT cleared_at IS NULL FROM provider_movement WHERE id = $1", movement_id
            ):
                await taken_out(resources, movement_id, Resolution.LOSS)
            gone[name] += minor
        else:
            name, told_lost = chance.choice(("one", "two")), chance.random() < 0.6
            kept = chance.choice((0, chance.randint(0, amounts[name]))) if name in lost else 0
            await told_as(
                resources, order, name, "lost" if told_lost else "won",
                amount_minor=amounts[name], kept_minor=0 if told_lost else kept,
            )  # fmt: skip
            lost |= {name} if told_lost else set()
            minor = gone[name] = amounts[name] if told_lost else kept
        story.append(f"{name} {minor}")
        held, more = await balances(connection), gone.total() - TAKEN
        costs = [held.pop(one, 0) for one in ("bad_debt", "gateway_fee", "chargeback_loss")]
        assert min(costs) >= 0, story
        assert sum(costs) == max(0, more), story
        assert held.get("suspense", 0) == min(0, more), story
        assert held.get("gateway_clearing", 0) == -more, story
