"""A bank gives the price of a gift card back that was lost: whose it is by what became of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.transact import ask, transact
from gosellr.flows import refunds
from gosellr.models.order_values import Order
from gosellr.models.reconciliation_values import NewMovement
from gosellr.resources import Resources
from gosellr.services import (
    explanation_service,
    reconciliation_service,
    replacement_card_service,
)
from gosellr.services.audit_service import audit
from gosellr.utils.explanations import explain
from gosellr.utils.reconciliation import MovementKind
from tests.factories.accounts import User
from tests.factories.captures import sandbox_of
from tests.factories.disputes import bank_decides, hear, network, take_back, told_as
from tests.factories.gift_sales import (
    buy_card,
    code_of,
    holder_of,
    offer_cards,
    purchase_of,
)
from tests.factories.gift_sales import take_back as take_card_back
from tests.factories.payouts import wrong_with
from tests.factories.sales import (
    Shop,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    refund,
)
from tests.factories.stored_value import by_bank, by_card, credit_of, pay_again


@pytest.fixture
async def giver(connection: Connection) -> User:
    return await make_buyer(connection)


@pytest.fixture
async def order(resources: Resources, connection: Connection, giver: User) -> Order:
    """A card over 50.00 that was bought."""
    await make_commission(connection, rate_bps=0, vat_bps=0)
    await offer_cards(resources)
    return await buy_card(resources, 5000, buyer=giver)


@pytest.fixture
async def shop(connection: Connection) -> Shop:
    return await make_shop(connection, price_minor=1000)


async def spend(resources: Resources, order: Order, giver: User, shop: Shop, units: int) -> Order:
    code = await code_of(resources, order, viewer=giver.viewer)
    return await buy(resources, (shop, units), tenders=(by_card(code),))


async def card_of(resources: Resources, order: Order) -> tuple[int, str]:
    """What is left on the card that was bought, and how it stands."""
    card = (await purchase_of(resources, order)).card
    assert card is not None
    return card.balance_minor, card.status_at(resources.clock.now())


async def lose(resources: Resources, order: Order, minor: int | None = None) -> str:
    reference = await take_back(resources, order, amount_minor=minor)
    await bank_decides(resources, order, reference, won=False)
    return reference


async def give(resources: Resources, order: Order, reference: str) -> None:
    await network(resources).disputes.reinstate(reference=reference)
    assert await hear(resources, order) == 1
    assert await hear(resources, order) == 0


async def let_returns(resources: Resources, token: str) -> None:
    """Let the gateway treat what is sent back from now on as it treats this token's."""
    await sandbox_of(resources)._file.write(
        lambda file: file.execute("UPDATE charge SET token = ?", (token,))
    )


async def booked(resources: Resources, order: Order) -> list[str]:
    """What was booked of it, in words."""
    told = await ask(resources.db, explanation_service.explain, subject=str(order.id), limit=50)
    return [
        explain(one.kind, one.entries)
        for one in told.transactions
        if one.kind == "chargeback_reinstated"
    ]


async def test_what_was_left_on_it_is_on_it_again(
    resources: Resources, connection: Connection, order: Order
) -> None:
    reference = await lose(resources, order)
    assert await card_of(resources, order) == (0, "frozen")
    assert await balances(connection) == {}
    await give(resources, order, reference)
    assert await card_of(resources, order) == (5000, "active")
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    assert (await purchase_of(resources, order)).lost_minor == 0
    assert await booked(resources, order) == [
        "The bank gave 50.00 EUR of the lost chargeback back: 50.00 EUR is on the gift card again."
    ]
    assert await wrong_with(connection, resources) == []


async def test_what_was_spent_is_the_markets_loss_no_more(
    resources: Resources, connection: Connection, order: Order, giver: User, shop: Shop
) -> None:
    await spend(resources, order, giver, shop, 1)
    reference = await lose(resources, order)
    assert (await balances(connection))["chargeback_loss"] == 1000
    await give(resources, order, reference)
    assert await card_of(resources, order) == (4000, "active")
    assert await balances(connection) == {
        "gateway_clearing": 5000, "gift_card": -4000, "seller_pending": -1000,
    }  # fmt: skip
    [told] = await booked(resources, order)
    assert told == (
        "The bank gave 50.00 EUR of the lost chargeback back: the marketplace's loss is 10.00 EUR"
        " smaller, 40.00 EUR is on the gift card again."
    )
    assert await wrong_with(connection, resources) == []


async def test_a_part_of_it_is_as_if_the_rest_alone_had_been_taken(
    resources: Resources, connection: Connection, order: Order, giver: User, shop: Shop
) -> None:
    async def told(status: str, kept_minor: int = 0) -> bool:
        return await told_as(
            resources, order, "sdp_one", status, amount_minor=5000, kept_minor=kept_minor
        )

    await spend(resources, order, giver, shop, 3)
    assert await told("lost")
    lost = await balances(connection)
    assert lost == {"chargeback_loss": 3000, "seller_pending": -3000}
    for kept_minor, on_card, loss in ((4_001, 0, 2_001), (1_999, 1, 0), (0, 2000, 0)):
        assert await told("won", kept_minor)
        assert not await told("won", kept_minor)
        stands = "frozen" if loss else "active"
        assert await card_of(resources, order) == (on_card, stands)
        assert (await balances(connection)).get("chargeback_loss", 0) == loss
        assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == []
    # The bank takes all of it again.
    assert await told("lost")
    assert await balances(connection) == lost
    assert await card_of(resources, order) == (0, "frozen")
    assert (await booked(resources, order))[-1] == (
        "The bank took 50.00 EUR of the lost chargeback again: 20.00 EUR is off the gift card, the"
        " marketplace bears 30.00 EUR."
    )
    assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == []


async def test_what_had_made_the_loss_good_is_on_the_card_as_well(
    resources: Resources, connection: Connection, order: Order, giver: User, shop: Shop
) -> None:
    bought = await spend(resources, order, giver, shop, 4)
    reference = await lose(resources, order)
    await refund(resources, bought, shop, units=3)
    assert (await balances(connection))["chargeback_loss"] == 1000
    await give(resources, order, reference)
    assert await card_of(resources, order) == (4000, "active")
    assert "chargeback_loss" not in await balances(connection)
    assert await wrong_with(connection, resources) == []


async def test_of_a_card_that_was_stopped_it_goes_on_to_its_buyer(
    resources: Resources, connection: Connection, order: Order, giver: User, shop: Shop
) -> None:
    await spend(resources, order, giver, shop, 1)
    reference = await lose(resources, order)
    await connection.execute("UPDATE gift_card SET deactivated_at = now()")
    await give(resources, order, reference)
    assert (await card_of(resources, order))[0] == 0
    assert await credit_of(resources, giver) == {"EUR": 4000}
    assert "chargeback_loss" not in await balances(connection)
    assert await wrong_with(connection, resources) == []
    # It is theirs by now: taken again, the market bears it.
    assert await told_as(resources, order, reference, "lost", amount_minor=5000)
    assert (await balances(connection))["chargeback_loss"] == 5000
    assert await credit_of(resources, giver) == {"EUR": 4000}


async def test_of_a_card_that_was_taken_back_a_guest_gets_a_new_one(
    resources: Resources, connection: Connection, order: Order
) -> None:
    order = await buy_card(resources, 5000)
    reference = await lose(resources, order, 2000)
    assert await card_of(resources, order) == (3000, "active")
    assert (await take_card_back(resources, order)).amount_minor == 3000
    await give(resources, order, reference)
    [move] = await ask(
        resources.db, replacement_card_service.moves_of_order,
        viewer=holder_of(resources, order.id), order_id=order.id,
    )  # fmt: skip
    assert (move.amount_minor, move.to_user_id) == (2000, None)
    assert move.to_card_id is not None
    assert (await card_of(resources, order))[0] == 0
    assert await wrong_with(connection, resources) == []


async def test_one_that_ran_out_meanwhile_is_good_for_a_while(
    resources: Resources, connection: Connection, order: Order, clock: ManualClock
) -> None:
    reference = await lose(resources, order)
    await connection.execute(
        "UPDATE gift_card SET expires_at = $1", clock.now() - timedelta(days=1)
    )
    await give(resources, order, reference)
    assert await card_of(resources, order) == (5000, "active")
    card = (await purchase_of(resources, order)).card
    assert card is not None
    assert card.expires_at == clock.now() + timedelta(days=90)


async def test_while_another_bank_decides_it_stays_where_that_one_finds_it(
    resources: Resources, connection: Connection, order: Order, giver: User
) -> None:
    first = await lose(resources, order, 2000)
    await connection.execute("UPDATE gift_card SET deactivated_at = now()")
    second = await take_back(resources, order)
    await give(resources, order, first)
    assert (await card_of(resources, order))[0] == 5000
    assert await credit_of(resources, giver) == {}
    await bank_decides(resources, order, second, won=False)
    # What that one leaves is the buyer's, as if it had been lost before.
    assert await balances(connection) == {"gateway_clearing": 2000, "store_credit": -2000}
    assert await credit_of(resources, giver) == {"EUR": 2000}
    assert await wrong_with(connection, resources) == []


async def test_the_providers_movement_of_it_waits_for_nobody(
    resources: Resources, connection: Connection, order: Order
) -> None:
    reference = await lose(resources, order)
    now = resources.clock.now()
    for number, minor in enumerate((-5000, 5000)):
        moved = NewMovement(
            reference=f"txn_{number}", kind=MovementKind.CHARGEBACK, currency="EUR",
            amount_minor=minor, related=reference, occurred_at=now,
        )  # fmt: skip
        imported = await transact(
            resources.db, reconciliation_service.import_movements, gateway="sandbox",
            source="document", movements=[moved], imported_by=None, now=now,
        )  # fmt: skip
        assert imported.waiting == number
    await give(resources, order, reference)
    await transact(resources.db, reconciliation_service.match_again, gateway="sandbox", now=now)
    statuses = await connection.fetch("SELECT status FROM provider_movement")
    assert [row["status"] for row in statuses] == ["matched", "matched"]
    assert await wrong_with(connection, resources) == []


async def test_it_goes_on_once_the_other_bank_has_decided_for_the_market(
    resources: Resources, connection: Connection, order: Order, giver: User
) -> None:
    first = await lose(resources, order, 2000)
    await connection.execute("UPDATE gift_card SET deactivated_at = now()")
    second = await take_back(resources, order)
    await give(resources, order, first)
    assert (await card_of(resources, order))[0] == 5000
    await bank_decides(resources, order, second, won=True)
    # Just what had come back: what was on the card when it was stopped stays there.
    assert (await card_of(resources, order))[0] == 3000
    assert await credit_of(resources, giver) == {"EUR": 2000}
    assert await balances(connection) == {
        "gateway_clearing": 5000, "gift_card": -3000, "store_credit": -2000,
    }  # fmt: skip
    assert await wrong_with(connection, resources) == []


async def test_what_a_bank_takes_of_a_payment_in_vain_is_none_of_the_price(
    resources: Resources, connection: Connection, giver: User, shop: Shop
) -> None:
    await offer_cards(resources)
    # Half of what was asked for was taken, and couldn't be sent back; then it was paid otherwise.
    order = await buy_card(resources, 5000, buyer=giver, tender=by_bank("tok_captures_half"))
    await let_returns(resources, "tok_refund_declined")
    assert await refunds.resume_returns(resources.refunds) == 1
    order = await pay_again(resources, order, by_bank(), viewer=giver.viewer)
    [in_vain] = [one for one in order.payments if order.pays_for_nothing(one.id)]
    [price] = [one for one in order.payments if not order.pays_for_nothing(one.id)]

    async def told(reference: str, status: str, minor: int, kept_minor: int = 0) -> bool:
        payment = in_vain if reference == "sdp_in_vain" else price
        return await told_as(
            resources, replace(order, payments=(payment,)), reference, status, amount_minor=minor,
            kept_minor=kept_minor,
        )  # fmt: skip

    async def is_sound() -> None:
        assert await audit(connection, now=resources.clock.now(), gateway_journals={}) == []

    assert await told("sdp_in_vain", "open", 2500)
    assert await card_of(resources, order) == (5000, "active")
    await is_sound()
    assert await told("sdp_in_vain", "lost", 2500)
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    await is_sound()
    assert await told("sdp_price", "lost", 2000)
    assert await card_of(resources, order) == (3000, "active")
    assert await balances(connection) == {"gateway_clearing": 3000, "gift_card": -3000}
    await is_sound()
    assert await told("sdp_price", "won", 2000)
    assert await card_of(resources, order) == (5000, "active")
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    await is_sound()
    # What is given back to a card whose price is lost makes that good, and no more.
    spent = await spend(resources, order, giver, shop, 2)
    assert await told("sdp_all", "lost", 5000)
    assert (await balances(connection))["chargeback_loss"] == 2000
    await refund(resources, spent, shop, units=2)
    kept = await balances(connection)
    assert "chargeback_loss" not in kept
    assert "store_credit" not in kept
    await is_sound()
