"""A bank takes back what a gift card was paid with: a case in the same queue, for the market."""

from datetime import timedelta

import pytest

from gosellr.core.clock import ManualClock
from gosellr.core.db import Connection
from gosellr.core.errors import NotFound
from gosellr.core.transact import ask
from gosellr.flows import chargebacks, disputes
from gosellr.models.dispute_values import DisputeFolder
from gosellr.models.order_values import Order
from gosellr.queries import ledger
from gosellr.resources import Resources
from gosellr.services import dispute_questions
from gosellr.services.dispute_questions import DisputeFilters
from gosellr.services.dispute_steps import DisputeStepRefused
from gosellr.services.stored_value_tender import GiftCardRefused
from gosellr.utils.explanations import explain
from tests.factories.accounts import make_operator
from tests.factories.disputes import (
    bank_decides,
    cases_of,
    hand_in,
    hear,
    network,
    pass_deadline,
    take_back,
)
from tests.factories.gift_sales import buy_card, code_of, holder_of, offer_cards, purchase_of
from tests.factories.letters import open_room, to_whom, write
from tests.factories.payouts import an_operator, wrong_with
from tests.factories.sales import (
    NOW,
    balances,
    buy,
    make_buyer,
    make_commission,
    make_shop,
    read,
    refund,
)
from tests.factories.stored_value import by_card, credit_of, left_on


@pytest.fixture
async def order(resources: Resources, connection: Connection) -> Order:
    """A card over 50.00 that was bought, of which a bank wants the price back."""
    await offer_cards(resources)
    return await buy_card(resources, 5000)


async def the_case(resources: Resources, order: Order) -> DisputeFolder:
    [case] = await cases_of(resources, order)
    return case


async def test_it_opens_a_case_that_waits_for_the_market(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    code = await code_of(resources, order)
    await buy(resources, (shop, 1), tenders=(by_card(code),))
    await take_back(resources, order)
    case = await the_case(resources, order)
    dispute = case.dispute
    assert (dispute.kind, dispute.status) == ("chargeback", "awaiting_seller")
    assert (dispute.seller_id, dispute.seller_order_id) == (None, None)
    assert (dispute.amount_minor, dispute.frozen_minor) == (5000, 0)
    assert dispute.due_at is not None
    assert (await read(resources, order)).payment_status == "disputed"
    # What wasn't spent is frozen on the card itself.
    purchase = await purchase_of(resources, order)
    assert purchase.card is not None
    assert (purchase.card.status_at(NOW), purchase.card.balance_minor) == ("frozen", 4000)
    with pytest.raises(GiftCardRefused):
        await buy(resources, (shop, 1), tenders=(by_card(code),))
    queue = await ask(
        resources.db,
        dispute_questions.list_cases,
        viewer=an_operator(),
        filters=DisputeFilters(waits_for_market=True),
        cursor=None,
        limit=10,
    )
    assert [one.dispute.id for one in queue.items] == [dispute.id]
    actions = dispute_questions.actions_of(an_operator(), dispute=dispute, is_buyer=False)
    assert [one.value for one in actions] == ["message", "answer", "evidence", "accept"]
    assert await wrong_with(connection, resources) == []


async def test_the_market_answers_the_bank_with_words_and_files(
    resources: Resources, connection: Connection, order: Order
) -> None:
    reference = await take_back(resources, order)
    case = await the_case(resources, order)
    await hand_in(resources, case, viewer=an_operator())
    await disputes.say(
        resources.disputes,
        viewer=an_operator(),
        dispute_id=case.dispute.id,
        body="The code was shown to the buyer",
        is_answer=True,
    )
    case = await the_case(resources, order)
    assert case.dispute.status == "awaiting_provider"
    assert [one.author for one in case.messages] == ["operator"]
    assert await chargebacks.send_due_evidence(resources.disputes) == 1
    [at_bank] = (
        await network(resources).disputes_of(
            attempt_id=str(order.payments[0].id), gateway_reference=None
        )
        or []
    )
    assert at_bank.reference == reference
    case = await the_case(resources, order)
    assert case.chargeback is not None
    assert case.chargeback.evidence_sent_at is not None
    with pytest.raises(DisputeStepRefused):
        await disputes.accept(resources.disputes, viewer=an_operator(), dispute_id=case.dispute.id)


async def test_won_the_card_is_good_again_and_the_case_closed(
    resources: Resources, connection: Connection, order: Order
) -> None:
    reference = await take_back(resources, order)
    before = await balances(connection)
    await bank_decides(resources, order, reference, won=True)
    dispute = (await the_case(resources, order)).dispute
    assert (dispute.status, dispute.outcome, dispute.award_minor) == ("closed", "for_seller", 0)
    card = (await purchase_of(resources, order)).card
    assert card is not None
    assert (card.status_at(NOW), card.balance_minor) == ("active", 5000)
    assert (await read(resources, order)).payment_status == "paid"
    assert before == {"dispute_receivable": 5000, "gift_card": -5000}
    assert await balances(connection) == {"gateway_clearing": 5000, "gift_card": -5000}
    assert await wrong_with(connection, resources) == []


async def test_lost_what_is_left_goes_and_the_case_says_so(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    await buy(resources, (shop, 1), tenders=(by_card(await code_of(resources, order)),))
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    dispute = (await the_case(resources, order)).dispute
    assert (dispute.status, dispute.outcome, dispute.award_minor) == ("closed", "for_buyer", 5000)
    purchase = await purchase_of(resources, order)
    assert purchase.lost_minor == 4000
    assert purchase.card_id is not None
    assert await left_on(resources, purchase.card_id) == 0
    assert await balances(connection) == {
        "chargeback_loss": 1000,
        "seller_pending": -880,
        "commission": -100,
        "tax_payable": -20,
    }
    assert await wrong_with(connection, resources) == []


async def test_silence_answers_the_bank_with_nothing(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await take_back(resources, order)
    case = await pass_deadline(resources, await the_case(resources, order))
    assert case.dispute.status == "awaiting_provider"
    # Nobody said anything, and that is what the bank is told.
    await chargebacks.send_due_evidence(resources.disputes)
    assert case.chargeback is not None
    assert await wrong_with(connection, resources) == []


async def test_it_is_nobody_elses_case(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await take_back(resources, order)
    case_id = (await the_case(resources, order)).dispute.id
    shop = await make_shop(connection)
    for viewer in (shop.viewer, holder_of(resources, order.id)):
        with pytest.raises(NotFound):
            await disputes.find(resources.disputes, viewer=viewer, dispute_id=case_id)
        with pytest.raises(NotFound):
            await disputes.say(
                resources.disputes,
                viewer=viewer,
                dispute_id=case_id,
                body="mine",
                is_answer=True,
            )


async def test_operators_hear_of_it_and_no_letter_is_unclear(
    resources: Resources, connection: Connection, clock: ManualClock, order: Order
) -> None:
    who = await make_operator(connection, now=NOW)
    await open_room(resources, connection)
    reference = await take_back(resources, order)
    clock.advance(timedelta(minutes=1))
    await write(resources, connection)
    assert ("chargeback_opened", who.email) in await to_whom(connection)
    await bank_decides(resources, order, reference, won=True)
    await hear(resources, order)
    await write(resources, connection)
    assert {kind for kind, _ in await to_whom(connection)} == {"chargeback_opened"}


@pytest.mark.parametrize("is_guest", [True, False])
async def test_what_comes_back_after_the_bank_has_won_makes_the_loss_good(
    resources: Resources, connection: Connection, order: Order, is_guest: bool
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    buyer = None if is_guest else await make_buyer(connection)
    code = await code_of(resources, order)
    bought = await buy(resources, (shop, 2), buyer=buyer, tenders=(by_card(code),))
    before = await buy(resources, (shop, 1), buyer=buyer, tenders=(by_card(code),))
    reference = await take_back(resources, order)
    # A day before the bank's word it lies on the frozen card, and goes with what was left.
    await refund(resources, before, shop, units=1)
    await bank_decides(resources, order, reference, won=False)
    assert (await balances(connection))["chargeback_loss"] == 2000
    for left_minor in (1000, 0):
        await refund(resources, bought, shop, units=1)
        assert (await balances(connection)).get("chargeback_loss", 0) == left_minor
    assert await balances(connection) == {}
    purchase = await purchase_of(resources, order)
    assert (purchase.lost_minor, purchase.amount_minor) == (5000, 5000)
    assert purchase.card is not None
    assert (purchase.card.status_at(NOW), purchase.card.balance_minor) == ("frozen", 0)
    assert await connection.fetchval("SELECT count(*) FROM stored_value_move") == 0
    [told, _] = await connection.fetch(
        "SELECT idempotency_key, order_id FROM ledger_transaction"
        " WHERE kind = 'chargeback_made_good' ORDER BY id"
    )
    assert told["order_id"] == order.id
    [booked] = await ledger.find_of_key(
        connection, kinds=["chargeback_made_good"], idempotency_key=told["idempotency_key"]
    )
    assert explain(booked.kind, booked.entries) == (
        "10.00 EUR came back to a gift card whose price a bank has taken back for good: "
        "the marketplace's loss is so much smaller."
    )
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("returned", [(3,), (1, 2), (1, 1, 1)])
async def test_what_is_more_than_the_bank_took_is_on_the_card(
    resources: Resources, connection: Connection, order: Order, returned: tuple[int, ...]
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    buyer = await make_buyer(connection)
    code = await code_of(resources, order)
    bought = await buy(resources, (shop, 4), buyer=buyer, tenders=(by_card(code),))
    reference = await take_back(resources, order, amount_minor=3000)
    await bank_decides(resources, order, reference, won=False)
    # 10.00 were left of the card, and made good a third of it.
    assert (await balances(connection))["chargeback_loss"] == 2000
    for units in returned:
        await refund(resources, bought, shop, units=units)
    assert (await balances(connection)).get("chargeback_loss", 0) == 0
    assert await card_of(resources, order) == (1000, "active")
    assert await credit_of(resources, buyer) == {}
    assert await wrong_with(connection, resources) == []


@pytest.mark.parametrize("returned", [(3,), (1, 2), (1, 1, 1)])
async def test_a_stopped_card_keeps_nothing_of_what_is_more_than_the_bank_took(
    resources: Resources, connection: Connection, order: Order, returned: tuple[int, ...]
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    buyer = await make_buyer(connection)
    code = await code_of(resources, order)
    bought = await buy(resources, (shop, 4), buyer=buyer, tenders=(by_card(code),))
    reference = await take_back(resources, order, amount_minor=3000)
    await bank_decides(resources, order, reference, won=False)
    await connection.execute("UPDATE gift_card SET deactivated_at = now()")
    for units in returned:
        await refund(resources, bought, shop, units=units)
    assert (await balances(connection)).get("chargeback_loss", 0) == 0
    assert (await card_of(resources, order))[0] == 0
    assert await credit_of(resources, buyer) == {"EUR": 1000}
    assert await wrong_with(connection, resources) == []


async def card_of(resources: Resources, order: Order) -> tuple[int, str]:
    """What is left on the card that was bought, and how it stands."""
    card = (await purchase_of(resources, order)).card
    assert card is not None
    return card.balance_minor, card.status_at(NOW)


async def test_what_no_bank_took_of_the_price_is_good_again(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    code = await code_of(resources, order)
    first = await take_back(resources, order, amount_minor=2000)
    second = await take_back(resources, order, amount_minor=1000)
    await bank_decides(resources, order, first, won=False)
    # Another bank still decides.
    assert await card_of(resources, order) == (3000, "frozen")
    assert await wrong_with(connection, resources) == []
    await bank_decides(resources, order, second, won=True)
    assert await card_of(resources, order) == (3000, "active")
    assert (await balances(connection)).get("chargeback_loss", 0) == 0
    bought = await buy(resources, (shop, 3), tenders=(by_card(code),))
    assert bought.status == "paid"
    # What comes back to a card that is good stays on it.
    await refund(resources, bought, shop, units=2)
    assert await card_of(resources, order) == (2000, "active")
    assert await connection.fetchval("SELECT count(*) FROM stored_value_move") == 0
    assert await wrong_with(connection, resources) == []


async def test_a_loss_that_is_made_good_later_ends_the_frost_and_a_price_lost_whole_never_does(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await make_commission(connection)
    shop = await make_shop(connection, price_minor=1000)
    code = await code_of(resources, order)
    bought = await buy(resources, (shop, 4), tenders=(by_card(code),))
    reference = await take_back(resources, order, amount_minor=3000)
    await bank_decides(resources, order, reference, won=False)
    await refund(resources, bought, shop, units=1)
    assert await card_of(resources, order) == (0, "frozen")
    assert (await balances(connection))["chargeback_loss"] == 1000
    await refund(resources, bought, shop, units=1)
    assert (await balances(connection)).get("chargeback_loss", 0) == 0
    await refund(resources, bought, shop, units=1)
    assert await card_of(resources, order) == (1000, "active")
    assert await wrong_with(connection, resources) == []
    # Now the rest of the price goes the same way.
    reference = await take_back(resources, order)
    await bank_decides(resources, order, reference, won=False)
    await refund(resources, bought, shop, units=1)
    assert await card_of(resources, order) == (0, "frozen")
    assert await wrong_with(connection, resources) == []


async def test_the_audit_finds_a_card_that_is_frozen_for_nothing_and_one_that_should_be(
    resources: Resources, connection: Connection, order: Order
) -> None:
    await connection.execute("UPDATE gift_card SET frozen_at = now()")
    [found] = await wrong_with(connection, resources)
    assert "is frozen, and no bank disputes what is left of its price" in str(found)
    await connection.execute("UPDATE gift_card SET frozen_at = NULL")
    reference = await take_back(resources, order)
    for state in ("open", "lost"):
        assert await connection.fetchval("SELECT status FROM chargeback") == state
        await connection.execute("UPDATE gift_card SET frozen_at = NULL")
        [found] = await wrong_with(connection, resources)
        assert "can be spent, and a bank disputes its price" in str(found)
        await connection.execute("UPDATE gift_card SET frozen_at = now()")
        await bank_decides(resources, order, reference, won=False)
